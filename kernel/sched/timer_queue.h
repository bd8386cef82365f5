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
    cpu_id_t cpu; // in whose queue it was last armed
    // Called with the node no longer armed, and `firing` in that queue. Interrupts are off.
    void (*expired)(struct timer_node *timer);
};

struct timer_queue {
    struct rb_tree tree;
    struct timer_node *firing; // atomic: taken out because it is due, until its `expired` has returned
    uint64_t rest_until_ns;    // nothing is due before: so many deadlines passed that programs must have a turn
};

constexpr uint64_t TIMER_REST_NS = 100'000;

void timer_queue_init(struct timer_queue *queue);

// Arms an unarmed timer: to fire at its deadline, or between two moments, whenever the processor is interrupted anyway.
void timer_arm(struct timer_queue *queue, struct timer_node *timer, uint64_t deadline_ns);
void timer_arm_between(struct timer_queue *queue, struct timer_node *timer, uint64_t earliest_ns, uint64_t deadline_ns);

// Disarms; nothing when it is not armed.
void timer_disarm(struct timer_queue *queue, struct timer_node *timer);

// The soonest deadline, UINT64_MAX when there is none.
uint64_t timer_queue_next(const struct timer_queue *queue);

// Takes out a deadline that may fire at `now_ns`: it is `firing` from then until the next call. Null when there is none,
// or the caller has had `enough`: then the rest wait for TIMER_REST_NS. Always called until it gives null.
struct timer_node *timer_queue_take_due(struct timer_queue *queue, uint64_t now_ns, bool enough);

// Whether the timer is firing. Any processor, no lock.
static inline bool timer_is_firing(const struct timer_queue *queue, const struct timer_node *timer)
{
    return __atomic_load_n(&queue->firing, __ATOMIC_ACQUIRE) == timer;
}
