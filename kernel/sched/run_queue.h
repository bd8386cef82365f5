// The ready threads of one processor, by band.
//
// Bands share the processor by weight, so the lowest is never starved; realtime runs before all others as long as it
// does not take much more than its share. Within a band threads take turns.
//
// One thread may stand apart, as `next`: it runs as soon as the current one waits, on what is left of the slice
// (sched.c). For whatever else it stands at the end of its band.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "base/list.h"

struct thread;

struct run_queue {
    struct list bands[BAND_COUNT];
    uint32_t ready_mask;             // bit n: bands[n] is not empty
    uint32_t running_band;           // that pays for the current slice; BAND_COUNT when there is none
    uint64_t virtual_ns[BAND_COUNT]; // processor time used by the band, divided by its weight
    uint64_t reached_ns;             // the most that a band had used when the last thread gave the processor up
    struct thread *next;             // or null
};

void run_queue_init(struct run_queue *queue);

// Whether a pop gives null. Without the lock, a hint.
static inline bool run_queue_empty(const struct run_queue *queue) {
    return queue->ready_mask == 0 && queue->next == nullptr;
}

// Puts a thread at the tail (or head) of its effective band. A band that was empty resumes at the
// virtual time of the others, less a small credit, so that it neither hoards time nor waits long.
void run_queue_push(struct run_queue *queue, struct thread *thread);
void run_queue_push_front(struct run_queue *queue, struct thread *thread);

// Takes a thread out wherever it is. / Puts `next` to where it stands for all others.
void run_queue_remove(struct run_queue *queue, struct thread *thread);
void run_queue_settle_next(struct run_queue *queue);
static inline void run_queue_settle(struct run_queue *queue) {
    if (queue->next != nullptr) {
        run_queue_settle_next(queue);
    }
}

// Takes the next thread to run; null when none is ready.
struct thread *run_queue_pop(struct run_queue *queue);

// Takes out a thread that may run on one of these processors and that no processor has in its hands: the most
// urgent one among the first of each band; null when there is none.
struct thread *run_queue_steal(struct run_queue *queue, uint64_t cpu_bits);

// Whether the thread that run_queue_pop would give should run before one of `band`.
bool run_queue_should_preempt(const struct run_queue *queue, uint32_t band);

// Charges processor time to a band.
void run_queue_charge(struct run_queue *queue, uint32_t band, uint64_t used_ns);

// How long a thread of the band runs before another of it gets its turn.
uint64_t run_queue_slice_ns(uint32_t band);
