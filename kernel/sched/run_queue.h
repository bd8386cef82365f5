// The ready threads of one processor, by band.
//
// Bands share the processor by weight, so the lowest is never starved; realtime runs before all others as long as it
// does not take much more than its share. Within a band threads take turns.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "base/list.h"

struct thread;

struct run_queue {
    struct list bands[BAND_COUNT];
    uint32_t ready_mask;             // bit n: bands[n] is not empty
    uint32_t running_band;           // of the thread taken last; BAND_COUNT when there was none
    uint64_t virtual_ns[BAND_COUNT]; // processor time used by the band, divided by its weight
    uint64_t reached_ns;             // the most that a band had used when it gave the processor up
    struct list throttled;           // threads whose account has used its time up: ready, and in no band,
    uint64_t replenish_ns;           // until then; UINT64_MAX when there are none
};

void run_queue_init(struct run_queue *queue);

// Puts a thread at the tail (or head) of its effective band. A band that was empty resumes at the
// virtual time of the others, less a small credit, so that it neither hoards time nor waits long.
void run_queue_push(struct run_queue *queue, struct thread *thread);
void run_queue_push_front(struct run_queue *queue, struct thread *thread);

// Takes a thread out wherever it is.
void run_queue_remove(struct run_queue *queue, struct thread *thread);

// Sets aside a thread that has just been taken, until that time. / Puts those that were set aside back: to be called
// when replenish_ns has come. Some of them, when there are many; then it is due again at once.
void run_queue_throttle(struct run_queue *queue, struct thread *thread, uint64_t until_ns);
void run_queue_replenish(struct run_queue *queue, uint64_t now_ns);

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
