// Deadlines of one processor, soonest first.
//
// What has slack waits for the interrupt that the soonest deadline makes: at that moment everything fires that may,
// up to the first that may not. What is passed by because it stands behind that one is due no sooner, and is
// taken along then, so no further interrupt comes of it.
#pragma once

#include <stdint.h>

#include "base/rbtree.h"
#include "kernel/types.h"

struct timer_node {
    struct rb_node node;
    uint64_t earliest_ns; // it may fire from here on ...
    uint64_t deadline_ns; // ... and is due here
    bool armed;
    bool firing;  // atomic: taken out because it is due; until `expired` has returned (sched.c)
    cpu_id_t cpu; // in whose queue it was last armed
    // Called with the node no longer armed. Interrupts are off.
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

// Takes out the soonest deadline that is due at `now_ns`: it is `firing` then. Null when none is.
struct timer_node *timer_queue_take_due(struct timer_queue *queue, uint64_t now_ns);
