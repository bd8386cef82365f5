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
};

// The system call, with word 0 of the current thread. NOT_ALLOWED, BAD_ARGUMENT, OBJECT_DEAD, TIMED_OUT.
struct ring_entered ring_enter(struct ring *ring, uint64_t handle, uint64_t submit, uint64_t deadline_ns);

// Starts it. The owner, if `own`, is the current thread.
void ring_start(struct ring *ring, struct ring_request *request, bool own);

// A request's wait has ended; the outcome is in its registers. In place of sched_ready, so no lock is held.
void ring_complete(struct thread *thread);

// Lets the owner go on, if it should: with what is there, or, when it has to start requests itself, into ring_enter anew.
void ring_wake_owner(struct ring *ring);

// What completions leave to be done (starting requests that were held, signals, waking an owner) is done on the
// way out of the kernel, when the current thread is in no queue: ring_attend, on behalf of percpu.work WORK_RING.
void ring_defer(struct ring *ring);
void ring_attend(struct percpu *cpu);

// An idle processor looks at the ring that was given to it (percpu.polling), if one was; false when none is. / It has
// no ring any more: `next` is null when it can be given another, else RING_NO_POLLING.
#define RING_NO_POLLING ((struct ring *)1)
bool ring_poll(struct percpu *cpu, uint64_t now_ns);
void ring_poll_end(struct percpu *cpu, struct ring *next);
