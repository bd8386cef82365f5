// Deadlines of one processor, soonest first.
//
// What has slack waits for the interrupt that the soonest deadline makes: at that moment everything fires that may,
// up to the first that may not. What is passed by because it stands behind that one is due no sooner, and is
// taken along then, so no further interrupt comes of it.
#pragma once

#include <stdint.h>

#include "base/rbtree.h"

struct timer_node {
    struct rb_node node;
    uint64_t earliest_ns; // it may fire from here on ...
    uint64_t deadline_ns; // ... and is due here
    bool armed;
    // Called from timer_queue_expire, with the node no longer armed. Interrupts are off.
    void (*expired)(struct timer_node *timer);
};

struct timer_queue {
    struct rb_tree tree;
};

void timer_queue_init(struct timer_queue *queue);

// Arms an unarmed timer: to fire at its deadline, or between two moments, whenever the processor is interrupted anyway.
void timer_arm(struct timer_queue *queue, struct timer_node *timer, uint64_t deadline_ns);
void timer_arm_between(struct timer_queue *queue, struct timer_node *timer, uint64_t earliest_ns, uint64_t deadline_ns);

// Disarms; nothing when it is not armed.
void timer_disarm(struct timer_queue *queue, struct timer_node *timer);

// The soonest deadline, UINT64_MAX when there is none.
uint64_t timer_queue_next(const struct timer_queue *queue);

// Fires what is due at `now_ns`, at most `limit` of them (each entry into the kernel is bounded; what
// is left makes timer_queue_next lie in the past, so the local timer fires again at once).
void timer_queue_expire(struct timer_queue *queue, uint64_t now_ns, uint32_t limit);
