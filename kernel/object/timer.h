// timer: signals bits of a notification at a moment, and perhaps again at every period after it.
//
// A timer that is set is armed in the queue of the processor that set it, or on which it fired last. Between the
// moment and the moment plus slack it fires when that processor is interrupted anyway. The times of a periodic one
// are multiples of its period from its deadline on, so it does not drift; those that pass before it can fire are
// counted, not made up for, and it fires at most once in TIMER_LEAST_PERIOD_NS.
//
// Lock: `lock`, before that of the timer queue. It is released before the notification is signalled. An expiry that
// was on its way when the timer was set anew, cancelled or destroyed finds, under the lock, that it is stale.
#pragma once

#include "kernel/lock.h"
#include "kernel/object/object.h"
#include "kernel/sched/timer_queue.h"

struct notification;

constexpr uint64_t TIMER_LEAST_PERIOD_NS = 50'000;
constexpr uint64_t TIMER_MAX_NS = 1ull << 62; // of each time given, so that no sum overflows

struct timer {
    struct object object;
    struct spinlock lock;
    struct notification *notification GUARDED_BY(lock); // referenced; null when it is not set
    uint64_t bits GUARDED_BY(lock);
    uint64_t next_ns GUARDED_BY(lock);
    uint64_t period_ns GUARDED_BY(lock); // 0: once
    uint64_t slack_ns GUARDED_BY(lock);
    uint64_t fired GUARDED_BY(lock), missed GUARDED_BY(lock); // since it was set
    struct timer_node node; // armed exactly when the timer is set and no expiry is on its way
};

// A new timer is not set.
void timer_init(struct object *object);
bool timer_destroy_step(struct object *object);
