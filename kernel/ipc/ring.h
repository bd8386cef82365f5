// Rings at work. ring.c takes entries, for the owner or a processor that polls; ring_start.c starts requests, and
// ring_complete.c ends them. The structure and the rules are in kernel/object/ring.h, the operations in abi/ring.h.
#pragma once

#include <stdint.h>

#include "kernel/object/ring.h"
#include "kernel/types.h"

struct percpu;

struct ring_entered {
    status_t status;
    enum : uint32_t {
        RING_ENTERED_OVER,  // with OK so many completions are there as word 0 says
        RING_ENTERED_WAITS, // the thread waits
        RING_ENTERED_AGAIN, // the same system call follows, after whatever else wants to run
    } how;
    struct thread *next; // RING_ENTERED_WAITS: who is to run, if somebody: it has a call of the ring's
};

// The system call, with word 0 of the current thread. NOT_ALLOWED, BAD_ARGUMENT, OBJECT_DEAD, TIMED_OUT.
struct ring_entered ring_enter(struct ring *ring, uint64_t handle, uint64_t submit, uint64_t deadline_ns);

// Starts it. The owner, if `own`, is the current thread.
void ring_start(struct ring *ring, struct ring_request *request, bool own);

// A request's wait has ended; the outcome is in its registers. In place of sched_ready, so no lock is held. What that
// leaves to be done (starting requests that were held, signals, waking an owner) is done on the way out of the kernel
// (ring_defer). / The same with what is left done now; as ring_attend_one.
static inline void ring_complete(struct thread *thread);
static inline struct thread *ring_complete_now(struct thread *thread);

// Its part of that: true when something is left to be done about the ring.
bool ring_settle(struct thread *thread);

// On behalf of percpu.work WORK_RING, when the current thread is in no queue. / For one ring: an owner whose wait has
// ended is returned, WAKING and the caller's. Null when it waits on.
void ring_defer(struct ring *ring);
void ring_attend(struct percpu *cpu);
struct thread *ring_attend_one(struct ring *ring);

// Takes the owner out of its wait, if it should go on: with what is there, or, when it has to start requests itself, into
// ring_enter anew. It is WAKING then. Null when it should not.
struct thread *ring_take_owner(struct ring *ring) REQUIRES(ring->lock);

// An idle processor looks at the ring that was given to it (percpu.polling), if one was; false when none is. / It has
// no ring any more: `next` is null when it can be given another, else RING_NO_POLLING.
#define RING_NO_POLLING ((struct ring *)1)
bool ring_poll(struct percpu *cpu, uint64_t now_ns);
void ring_poll_end(struct percpu *cpu, struct ring *next);

static inline void ring_complete(struct thread *thread) {
    if (ring_settle(thread)) {
        ring_defer(ring_request_of(thread)->ring);
    }
}

static inline struct thread *ring_complete_now(struct thread *thread) {
    return ring_settle(thread) ? ring_attend_one(ring_request_of(thread)->ring) : nullptr;
}
