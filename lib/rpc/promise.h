// Calls over the ring, and promises: a call on a capability that an earlier call will return is submitted before that
// has come back, and the kernel makes it then (docs/concepts/ring.md).
//
//   struct rpc_promise opened = dir_submit_open(&ring, dir_target(dir), CAPNP_TEXT("notes"));
//   struct rpc_promise read = file_submit_read(&ring, dir_open_promise_file(opened), 0, 100);
//   TRY(file_take_read(&ring, read, deadline_ns, &results));
#pragma once

#include "lib/capnp/build.h"
#include "lib/rpc/status.h"
#include "lib/tess/ring.h"

// What a call goes to: a handle, or handle number `index` of the answer to an earlier entry.
struct rpc_target {
    handle_t handle; // 0: promised
    uint32_t entry;
    uint8_t index;
};

// The results of a call that was submitted. `buffer` 0: it could not be; rpc_take says why.
struct rpc_promise {
    uint32_t entry; // submission index
    uint32_t serial;
    status_t status;
    uint8_t buffer;
};

constexpr uint32_t RPC_RING_CALLS = 16; // that may be in flight or not taken yet

struct rpc_ring {
    struct tess_ring ring;
    struct rpc_target target; // of the call being built
    uint64_t interface;
    uint16_t method;
    uint8_t building; // its buffer; 0: none was free
    uint32_t serial;
    struct capnp_builder builder;
    struct rpc_slot {
        uint32_t serial;
        bool used, done;
        struct ring_completion completion;
        struct capnp_message message; // of results
        uint64_t words[9];
        handle_t handles[MESSAGE_HANDLES];
    } slots[RPC_RING_CALLS];
};

// Makes the calling thread's ring, with a message page for each call. Errors as tess_ring_create.
status_t rpc_ring_create(struct rpc_ring *ring);
void rpc_ring_destroy(struct rpc_ring *ring);

static inline struct rpc_target rpc_target(handle_t handle) {
    return (struct rpc_target){.handle = handle};
}
static inline struct rpc_target rpc_promised(struct rpc_promise promise, uint8_t index) {
    return (struct rpc_target){.entry = promise.entry, .index = index};
}

// Makes the parameters of a call, which rpc_submit then submits; one at a time. Nothing fails before rpc_take.
struct capnp_struct_builder rpc_prepare(struct rpc_ring *ring, struct rpc_target target, uint64_t interface, uint16_t method,
                                        uint16_t data_words, uint16_t pointers);
struct rpc_promise rpc_submit(struct rpc_ring *ring);

// Waits for the results; they are good until rpc_drop of the promise, or until it is the oldest taken one and its room is
// needed. `results` may be null. Errors as rpc_finish; PROMISE_BROKEN: an earlier call failed. May block.
status_t rpc_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns, struct capnp_struct *results);
