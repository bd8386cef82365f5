// ring: a thread's invocations that overlap. The object and its parts; what the entries do is in kernel/ipc/ring.c.
//
// An entry that was taken is a *request*: a struct thread that never runs (THREAD_REQUEST), with the owner's
// process and band, and a buffer of the ring for its message page. So every wait, deadline, cancellation and death
// of kernel/ipc works on it unchanged; where a thread would be made ready, a request is completed (sched_ready).
// All requests are made, and paid for, with the ring: nothing can fail for memory later. There is one more than may be
// in flight: what must wait does not take the last free one, so what is over at once always finds it.
//
// A request is in one phase:
//   FREE        on the free list
//   HELD        in `held`: waits for an earlier entry, or its time. As a thread it is WAITING on the ring
//   STARTABLE   in `startable`: what it was held for has happened, and any processor may start it; or in `local`: only
//               the owner can, whose address space or processor it needs
//   ACTIVE      started: in the hands of whoever starts it, or in a wait of kernel/ipc
//   UNANSWERED  a RECV, completed: its `thread.caller` may be answered by RETURN
//
// Who takes or starts entries makes it RING_BUSY: the owner in ring_enter, or any processor that completed a request that
// others were held for. The kernel trusts nothing in the shared memory (abi/ring.h): it reads each entry and index
// once, and writes completions where its own indices say. An entry is taken only while there is room for its
// completion, so none is ever lost or kept back.
//
// The ring ends when its last handle is closed or its owner ends: requests are then ended in bounded steps, and
// the reference is given up that the ring holds to itself until then.
// Lock: `lock`, after endpoint and notification locks, before run queues. Nothing is called with it held.
#pragma once

#include <stdint.h>

#include "abi/ring.h"
#include "base/container.h"
#include "base/list.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"
#include "kernel/object/thread.h"

struct notification;
struct vmo;

enum ring_phase : uint8_t {
    REQUEST_FREE,
    REQUEST_HELD,
    REQUEST_STARTABLE,
    REQUEST_ACTIVE,
    REQUEST_UNANSWERED,
};

// What a HELD request waits for.
enum ring_waits : uint8_t {
    WAITS_LINK = 1,    // the entry before it
    WAITS_EARLIER = 2, // the entry that `entry.target` names
};

struct ring_request {
    struct thread thread;    // `regs` hold words and outcome: before the start, why it is to fail; `link` is for held,
                             // startable and local
    struct ring_entry entry; // its copy, but for the words; the target is resolved when that is known (ring_resolve)
    struct ring *ring;
    struct ring_request *next_free;
    uint32_t sequence;       // submission index of its entry
    uint8_t number;          // its index among the ring's requests
    uint16_t generation;     // of its answers, never 0
    uint8_t phase;           // enum ring_phase
    uint8_t waits;           // enum ring_waits
    bool awaited;            // a later entry waits for this one
    bool method;             // a kernel object's: its results are words
};

// What is remembered of the last entries, for those that name them: OUTCOME_*, or the request that will tell.
enum ring_outcome : uint8_t {
    OUTCOME_OK,      // without handles
    OUTCOME_HANDLES, // see `promised`
    OUTCOME_FAILED,
    OUTCOME_PENDING, // + number of the request
};

// What makes the shortest way through ring_enter impossible.
enum ring_attention : uint32_t {
    RING_BUSY = 1,   // somebody takes or starts entries
    RING_LINKED = 2, // the entry taken last has RING_LINK
    RING_LEFT = 4,   // `startable` or `local` is not empty
    RING_BOUND = 8,  // there is a notification
    RING_POLLS = 16, // RING_POLLED
    RING_ENDED = 32,
};

struct ring {
    struct object object;
    struct thread *owner; // referenced
    struct vmo *memory;   // referenced. One block of frames, in which these lie:
    struct ring_header *header;
    struct ring_entry *entries;
    struct ring_completion *completions;
    struct ring_buffer *buffers;
    char *message_pages;
    struct ring_request *requests;         // what the account pays for; behind them:
    handle_t (*promised)[MESSAGE_HANDLES]; // by entry: handles of its answer
    uint8_t *outcome;                      // by entry
    uint32_t mask;        // entries - 1
    uint32_t request_count, buffer_pages;
    uint32_t head;        // submission index of the next entry to take: changed by whoever made it RING_BUSY

    struct spinlock lock;
    uint32_t attention;   // enum ring_attention; changed with the lock
    uint32_t tail GUARDED_BY(lock);    // completions added
    uint32_t pending GUARDED_BY(lock); // requests that will add one
    struct ring_request *free GUARDED_BY(lock);
    struct list held GUARDED_BY(lock);
    struct list startable GUARDED_BY(lock);
    struct list local GUARDED_BY(lock);
    bool sleeping GUARDED_BY(lock);    // the owner waits in ring_enter,
    uint32_t goal GUARDED_BY(lock);    // for `tail` to come here
    uint32_t seen GUARDED_BY(lock);    // completion_head then
    uint64_t enter_handle, enter_deadline_ns; // of that system call
    struct thread *next;               // in it: WAKING, has a call of the owner's, and is to run next
    bool polled GUARDED_BY(lock);      // some idle processor takes entries,
    uint64_t poll_end_ns;              // till then, if none comes
    struct notification *notification GUARDED_BY(lock); // referenced
    uint64_t bits GUARDED_BY(lock);

    uint32_t handles;     // atomic
    bool deferred;        // atomic: in some processor's list of rings to attend to (ring_attend)
    struct ring *next_deferred;
    struct reap_item ending;
    uint32_t end_index;   // requests before this one are free for good
};

extern struct slab_cache ring_cache;

static inline struct ring *ring_of(struct object *object) {
    return CONTAINER_OF(object, struct ring, object);
}

// To or from the shared memory; each word is read once.
[[gnu::always_inline]] static inline void copy_words(uint64_t *to, const uint64_t *from, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
}

static inline bool ring_has(const struct ring *ring, uint32_t attention) {
    return (__atomic_load_n(&ring->attention, __ATOMIC_RELAXED) & attention) != 0;
}

static inline struct ring_request *ring_request_of(struct thread *thread) {
    return CONTAINER_OF(thread, struct ring_request, thread);
}

static inline struct ring_completion *completion_at(const struct ring *ring, uint32_t index) {
    return &ring->completions[index & (2 * ring->mask + 1)];
}

// What the entry is for has become known.
static inline void ring_resolve(struct ring_request *request, handle_t target) {
    request->entry.target = target.v;
    request->entry.flags &= (uint8_t)~RING_EARLIER;
}

void ring_free_request(struct ring *ring, struct ring_request *request) REQUIRES(ring->lock);

// Takes the owner, or a HELD request, out of its wait on the ring (thread_abort_wait). False when it is in none.
bool ring_take_waiter(struct ring *ring, struct thread *thread) EXCLUDES(ring->lock);

// Nothing is taken any more, and what is in flight is ended by the reaper. Idempotent.
void ring_end(struct ring *ring);

void ring_handle_added(struct object *object, rights_t rights);
void ring_handle_removed(struct object *object, rights_t rights);
bool ring_destroy_step(struct object *object);
