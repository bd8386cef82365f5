// Rings at work: taking entries, starting requests, completing them.
#pragma once

#include <stdint.h>

#include "kernel/object/ring.h"
#include "kernel/types.h"

struct percpu;

// What becomes of ring_enter when it has not failed.
enum ring_entered : uint8_t {
    RING_ENTERED_DONE,  // *available completions are there
    RING_ENTERED_AGAIN, // there is more to take or to start: the same again with *submit, after what else wants to run
    RING_ENTERED_WAITS, // the thread waits
};

// The system call. `*submit`: the most entries to take; what is left of that comes out. The handle is kept for a wait
// that has to begin again. NOT_ALLOWED, BAD_ARGUMENT, OBJECT_DEAD, TIMED_OUT.
status_t ring_enter(struct ring *ring, uint64_t handle, uint64_t *submit, uint64_t min_complete,
                    uint64_t deadline_ns, enum ring_entered *entered, uint64_t *available);

// A request's wait has ended; the outcome is in its registers. In place of sched_ready, so no lock is held.
void ring_complete(struct thread *thread);

// Adds a completion, for which there is room: entries are taken only while there is.
void ring_add_completion(struct ring *ring, const struct ring_completion *completion) REQUIRES(ring->lock);

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
