// Deadlines of one processor, soonest first.
#pragma once

#include <stdint.h>

#include "base/rbtree.h"

struct timer_node {
    struct rb_node node;
    uint64_t deadline_ns;
    bool armed;
    // Called from timer_queue_expire, with the node no longer armed. Interrupts are off.
    void (*expired)(struct timer_node *timer);
};

struct timer_queue {
    struct rb_tree tree;
};

void timer_queue_init(struct timer_queue *queue);

// Arms an unarmed timer.
void timer_arm(struct timer_queue *queue, struct timer_node *timer, uint64_t deadline_ns);

// Disarms; nothing when it is not armed.
void timer_disarm(struct timer_queue *queue, struct timer_node *timer);

// The soonest deadline, UINT64_MAX when there is none.
uint64_t timer_queue_next(const struct timer_queue *queue);

// Fires what is due at `now_ns`, at most `limit` of them (each entry into the kernel is bounded; what
// is left makes timer_queue_next lie in the past, so the local timer fires again at once).
void timer_queue_expire(struct timer_queue *queue, uint64_t now_ns, uint32_t limit);
