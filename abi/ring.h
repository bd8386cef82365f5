// The memory that a ring's owner shares with the kernel (docs/concepts/ring.md).
//
//   header | submission queue: entries x 64 bytes | completion queue: 2 x entries x 32 bytes |
//   buffers: entries x 64 bytes | message pages, page-aligned
//
// Indices run freely: they are counted modulo 2^32 and masked only to find a place in a queue. The program
// fills entries and then moves `submission_tail`; it reads completions and then moves `completion_head`.
// The kernel keeps its own indices: what it reads here it takes as a hint, checks, and reads once.
#pragma once

#include <stdint.h>

#include "abi/message.h"

constexpr uint32_t RING_MAX_ENTRIES = 128; // a power of two; of requests in flight and message pages, too

// Flag of create_ring: an idle processor, if there is one, takes entries as they come. Who has moved `submission_tail`,
// and who looks for completions without ring_enter, looks at `need_enter` then; when it is not 0, ring_enter is needed.
constexpr uint32_t RING_POLLED = 1;

enum ring_op : uint8_t {
    RING_NOP = 0,     // completes at once
    RING_CALL = 1,    // target: what is invoked; info and words: the message; value: word 0 of the answer
    RING_RECV = 2,    // target: an endpoint; info: accept. The message comes in the buffer; value: its badge, or
                      // the bits of a bound notification; token: what RETURN answers it by, 0 for a send
    RING_RETURN = 3,  // target: a token; info and words: the answer
    RING_RELEASE = 4, // target: the handle to close
    RING_PARK = 5,    // word 0: address, word 1: the value expected there
    RING_UNPARK = 6,  // word 0: address, word 1: how many to wake, at most 32; value: how many were
    RING_WAIT = 7,    // target: a notification; value: its bits
    RING_TIMEOUT = 8, // succeeds when its deadline passes. With RING_EARLIER it ends that entry then, with
                      // TIMED_OUT, and is CANCELED if that entry is finished before
    RING_CANCEL = 9,  // word 0: the user_data of an entry to end with CANCELED; NOT_FOUND when none is in flight
    RING_OP_COUNT,
};

enum ring_entry_flags : uint8_t {
    RING_LINK = 1,    // the next entry starts only when this one has succeeded, and else is CANCELED
    RING_CLOSE = 8,   // CALL: when the entry is over, the handle that it is for is closed; not one that a promise has not brought
    RING_AGAIN = 4,   // RETURN: with success go on as the RECV did that brought the call, from the same endpoint: the info
                      // says what is accepted, too, and the completion is that of a RECV
    RING_EARLIER = 2, // `target` is the submission index of an earlier entry, at most entries - 1 before: what is
                      // meant is its answer's handle number `index`. For CALL, RECV, RELEASE, WAIT, TIMEOUT.
};

// An entry has succeeded when its status is OK and, for a CALL, the label of the answer is 0.
struct ring_entry {
    uint8_t op;           // enum ring_op
    uint8_t flags;        // enum ring_entry_flags
    uint8_t index;        // RING_EARLIER: which handle of the answer, 0..3; of a kernel object's method: which result
    uint8_t buffer;       // 1..entries: words out and in are there, and message page `buffer` goes with them; 0: none
    uint32_t target;
    uint64_t user_data;   // comes back in the completion
    uint64_t info;        // as in the system calls (abi/message.h). Handles and pages travel only with a buffer, but for
                          // one handle of a CALL's answer
    uint64_t deadline_ns; // CALL, RECV, WAIT, PARK, TIMEOUT, from submission on; DEADLINE_POLL: must not wait when started
    uint64_t words[4];    // without a buffer: words 0..3 of the message; 4..7 are zero then
};
static_assert(sizeof(struct ring_entry) == 64);

struct ring_completion {
    uint64_t user_data;
    uint32_t status; // of the entry, as the system call or method would have returned it
    uint32_t token;  // RECV: see there. CALL without a buffer: the handle that the answer brought, 0 for none
    uint64_t info;   // CALL, RECV: header of what came; PROMISE_BROKEN: submission index of the entry relied on
    uint64_t value;
};
static_assert(sizeof(struct ring_completion) == 32);

struct ring_buffer {
    uint64_t words[MESSAGE_WORDS];
};
static_assert(sizeof(struct ring_buffer) == 64);

struct ring_header {
    // Written by the program.
    alignas(64) uint32_t submission_tail;
    uint32_t completion_head;
    // Written by the kernel.
    alignas(64) uint32_t submission_head;
    uint32_t completion_tail;
    uint32_t need_enter; // 0: some idle processor takes the entries (RING_POLLED)
    // Written once.
    alignas(64) uint32_t entries;
    uint32_t pages;
    uint32_t entries_offset, completions_offset, buffers_offset, pages_offset; // bytes from here
};
static_assert(sizeof(struct ring_header) == 192);
constexpr uint32_t RING_HEADER_BYTES = 256; // to the first entry, aligned so that none crosses a page
