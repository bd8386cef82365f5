// notification: 64 bits that can be set from anywhere, interrupts included, and waited for.
//
// The bits are atomic. Waiters queue first-in first-out; the first takes all bits. A bound notification
// has no waiters: its bits go to the receivers of the endpoint.
#pragma once

#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/object/object.h"

struct endpoint;
struct thread;

struct notification {
    struct object object;
    uint64_t bits; // atomic; set with the lock; none while there are waiters
    struct spinlock lock;
    struct list waiters GUARDED_BY(lock);
    struct endpoint *bound GUARDED_BY(lock); // referenced
};

// Sets bits and hands them over if someone waits. Any context; never blocks.
void notification_signal(struct notification *notification, uint64_t bits);

// Whether a poll finds nothing. The answer may be old.
static inline bool notification_is_empty(const struct notification *notification) NO_THREAD_SAFETY_ANALYSIS {
    return __atomic_load_n(&notification->bits, __ATOMIC_RELAXED) == 0 && notification->bound == nullptr;
}

// Takes all bits that are set; or queues the thread, and *bits is 0. TIMED_OUT with DEADLINE_POLL and no bit set;
// BAD_STATE when the notification is bound to an endpoint.
status_t notification_take(struct notification *notification, struct thread *thread, uint64_t deadline_ns,
                           uint64_t *bits);

// Takes a WAITING thread out of the queue: it is WAKING then. False when it is not there (any more).
bool notification_take_waiter(struct notification *notification, struct thread *thread);

void notification_init(struct object *object);
bool notification_destroy_step(struct object *object);
