// A thread's ring: invocations that overlap, and promise pipelining (docs/concepts/ring.md).
//
//   struct tess_ring ring;
//   TRY(tess_ring_create(16, 8, 0, &ring));
//   uint32_t dir = tess_ring_put(&ring, tess_ring_accept(&ring, tess_ring_call(FS, OPEN_DIR, 1), 1, 1));
//   uint32_t file = tess_ring_put(&ring, tess_ring_on(tess_ring_call((handle_t){}, OPEN_FILE, 2), dir, 0));
//   TRY(tess_ring_enter(&ring, 2, DEADLINE_NEVER));
//   struct ring_completion completion;
//   while (tess_ring_next(&ring, &completion)) { ... completion.user_data ... }
//   tess_ring_destroy(&ring);
//
// Only for the thread that made it, and only one a thread. Nothing here takes a lock.
#pragma once

#include "abi/ring.h"
#include "lib/tess/syscall.h"

struct tess_ring {
    handle_t handle;
    struct ring_header *header;
    struct ring_entry *entries;
    struct ring_completion *completions;
    struct ring_buffer *buffers;
    uint8_t *pages;
    uint32_t mask;      // entries - 1
    uint32_t submitted; // submission index of the next entry
    uint32_t seen;      // completion index of the next one to read
};

// Makes the calling thread's ring; memory of this process's account. `entries` is a power of two; so many entries fit
// before tess_ring_enter, and twice as many completions. IN_USE: the thread has one. BAD_ARGUMENT, NO_MEMORY, NO_HANDLES.
status_t tess_ring_create(uint32_t entries, uint32_t in_flight, uint32_t pages, struct tess_ring *out);

// The same; an idle processor takes entries as they come, if there is one: tess_ring_submit.
status_t tess_ring_create_polled(uint32_t entries, uint32_t in_flight, uint32_t pages, struct tess_ring *out);

// Ends it, and whatever is in flight. Its memory is unmapped.
void tess_ring_destroy(struct tess_ring *ring);

// Entries that still fit before the next tess_ring_enter.
static inline uint32_t tess_ring_space(const struct tess_ring *ring) {
    return ring->mask + 1 -
           (ring->submitted - __atomic_load_n(&ring->header->submission_head, __ATOMIC_ACQUIRE));
}

// Puts an entry into the queue, where there must be space. Returns its submission index, by which later entries
// name it. Nothing happens before tess_ring_enter.
static inline uint32_t tess_ring_put(struct tess_ring *ring, struct ring_entry entry) {
    ring->entries[ring->submitted & ring->mask] = entry;
    return ring->submitted++;
}

// The same for an operation that needs nothing but its number: the least that can be written.
static inline uint32_t tess_ring_put_nop(struct tess_ring *ring, uint64_t user_data) {
    struct ring_entry *entry = &ring->entries[ring->submitted & ring->mask];
    *(uint64_t *)entry = RING_NOP;
    entry->user_data = user_data;
    return ring->submitted++;
}

// Hands over what was put, and waits until `min_complete` completions are there to be read, or nothing is in flight
// that could add one. With 0 it does not wait. May block. TIMED_OUT, CANCELED; BAD_ARGUMENT: the ring's memory was damaged.
static inline status_t tess_ring_enter(struct tess_ring *ring, uint32_t min_complete, uint64_t deadline_ns) {
    __atomic_store_n(&ring->header->submission_tail, ring->submitted, __ATOMIC_RELEASE);
    return tess_arch_enter(SYS_RING_ENTER, ring->handle, ring->mask + 1, min_complete, deadline_ns);
}

// Hands over what was put without waiting: without a system call while some idle processor polls. Who then waits for
// completions without tess_ring_enter calls this again now and then. Errors as tess_ring_enter.
static inline status_t tess_ring_submit(struct tess_ring *ring) {
    __atomic_store_n(&ring->header->submission_tail, ring->submitted, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&ring->header->need_enter, __ATOMIC_SEQ_CST) == 0 ? STATUS_OK
                                                                             : tess_ring_enter(ring, 0, DEADLINE_POLL);
}

// The next completion, if there is one.
static inline bool tess_ring_next(struct tess_ring *ring, struct ring_completion *out) {
    if (ring->seen == __atomic_load_n(&ring->header->completion_tail, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *out = ring->completions[ring->seen & (2 * ring->mask + 1)];
    __atomic_store_n(&ring->header->completion_head, ++ring->seen, __ATOMIC_RELEASE);
    return true;
}

// The same for many at once: how many there are, each of them, valid until they are read, and that so many are.
static inline uint32_t tess_ring_available(const struct tess_ring *ring) {
    return __atomic_load_n(&ring->header->completion_tail, __ATOMIC_ACQUIRE) - ring->seen;
}

static inline const struct ring_completion *tess_ring_at(const struct tess_ring *ring, uint32_t i) {
    return &ring->completions[(ring->seen + i) & (2 * ring->mask + 1)];
}

static inline void tess_ring_read(struct tess_ring *ring, uint32_t count) {
    ring->seen += count;
    __atomic_store_n(&ring->header->completion_head, ring->seen, __ATOMIC_RELEASE);
}

// ---- entries ----

// A call with up to four words, which the caller fills in.
static inline struct ring_entry tess_ring_call(handle_t target, uint32_t label, uint64_t user_data) {
    return (struct ring_entry){
        .op = RING_CALL, .target = target.v, .info = label, .user_data = user_data, .deadline_ns = DEADLINE_NEVER};
}

// On handle `index` of the answer to an earlier entry, instead of a handle of the program's own.
static inline struct ring_entry tess_ring_on(struct ring_entry entry, uint32_t earlier, uint8_t index) {
    entry.flags |= RING_EARLIER;
    entry.target = earlier;
    entry.index = index;
    return entry;
}

// The same, as the last that is done with that handle: it is closed when the entry is over.
static inline struct ring_entry tess_ring_last(struct ring_entry entry, uint32_t earlier, uint8_t index) {
    entry.flags |= RING_CLOSE;
    return tess_ring_on(entry, earlier, index);
}

// Accepts one handle with the answer of a call that has no buffer: it comes in the completion's token.
static inline struct ring_entry tess_ring_expect(struct ring_entry entry) {
    entry.info |= 1ull << MESSAGE_ACCEPT_SHIFT;
    return entry;
}

// Words (and message page) of the entry and its answer are in buffer `number`, 1..entries, which is the entry's until it
// is completed; the words are taken from there. Accepts so many handles with the answer.
static inline struct ring_entry tess_ring_accept(struct tess_ring *ring, struct ring_entry entry, uint8_t number,
                                                 uint32_t handles) {
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        ring->buffers[number - 1].words[i] = i < 4 ? entry.words[i] : 0;
    }
    entry.buffer = number;
    entry.info |= (uint64_t)handles << MESSAGE_ACCEPT_SHIFT;
    return entry;
}

// Receives one message; its words come in buffer `number`.
static inline struct ring_entry tess_ring_receive(handle_t endpoint, uint8_t number, uint64_t user_data) {
    return (struct ring_entry){.op = RING_RECV, .buffer = number, .target = endpoint.v, .user_data = user_data,
                               .deadline_ns = DEADLINE_NEVER};
}

// Answers the call of this completion with the words in buffer `number`, and receives the next message there.
static inline struct ring_entry tess_ring_return(const struct ring_completion *call, uint32_t label, uint8_t number) {
    return (struct ring_entry){.op = RING_RETURN, .flags = RING_AGAIN, .buffer = number, .target = call->token,
                               .user_data = call->user_data, .info = label, .deadline_ns = DEADLINE_NEVER};
}

static inline uint64_t *tess_ring_words(const struct tess_ring *ring, uint8_t number) {
    return ring->buffers[number - 1].words;
}

// Message page of a buffer that has one.
static inline uint8_t *tess_ring_page(const struct tess_ring *ring, uint8_t number) {
    return ring->pages + (number - 1) * (uint64_t)MESSAGE_PAGE_BYTES;
}
