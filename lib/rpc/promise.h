// Calls that overlap, over the thread's ring: pipelined stubs are made of this (docs/concepts/ring.md).
//
//   struct rpc_ring ring;
//   TRY(rpc_ring_create(8, &ring));
//   struct rpc_promise opened = log_submit_open(&ring, log_target(log), CAPNP_TEXT("boot"));
//   struct rpc_promise found = log_submit_query(&ring, log_open_promise_log(opened), ...);
//   TRY(log_take_query(&ring, found, rpc_patience(), &results));
//   rpc_drop(&ring, opened);
//
// Nothing is sent before rpc_take, or rpc_flush. A call on a capability of an earlier one's results does not wait for them here:
// calls that only depend on each other go out as one message, and the service makes one after the other (lib/rpc/chain.h); others
// the kernel dispatches as the answer before arrives. Who wants only the last of several results drops the other promises before
// anything is sent: then their capabilities never get here.
//
// Nor does anything go by the ring that somebody waits for while nothing else is under way: rpc_take makes a call of the system of what
// it would be one message of. So, as any call, it overwrites the thread's message page; and when it times out or is cancelled,
// that is the end of what it sent. Who wants to come back for an answer sends with rpc_flush before.
//
// A repeatable method is called again when the service died under it, as by rpc_finish, unless a capability was passed with it.
#pragma once

#include "lib/rpc/carry.h"
#include "lib/tess/ring.h"

// A capability in hand, or number `index` of the results that `promise` stands for.
struct rpc_target {
    handle_t handle; // 0: the promise's
    struct rpc_promise {
        uint32_t call; // which of the ring's calls
        uint32_t slot; // 1..: where it is; 0: there was no room, and rpc_take says so
    } promise;
    uint8_t index;
};

static inline struct rpc_target rpc_target(handle_t handle) {
    return (struct rpc_target){.handle = handle};
}
static inline struct rpc_target rpc_promised(struct rpc_promise promise, uint8_t index) {
    return (struct rpc_target){.promise = promise, .index = index};
}

enum rpc_slot_state : uint8_t {
    RPC_SLOT_FREE,
    RPC_SLOT_BUILDING,
    RPC_SLOT_QUEUED, // submitted; not sent yet, or to be sent again
    RPC_SLOT_IN_FLIGHT,
    RPC_SLOT_ANSWERED,
};

// One call, from rpc_submit_begin to rpc_drop. Its number is that of its buffer in the ring.
struct rpc_slot {
    enum rpc_slot_state state;
    bool dropped;  // nobody wants the answer any more
    bool flushed;  // it goes out as soon as it can
    bool waits;    // until the call that it depends on is answered
    bool alone;    // the service doesn't make it together with others
    bool keep;     // in a chain: its results are asked for
    uint8_t tries; // that the service died under
    uint8_t parent;     // the slot of the call whose results it is on; 0: none, or they are not needed any more
    uint8_t dependents; // calls on its own results
    uint8_t child;      // the last of them that was submitted, if it is one still
    uint8_t head, next; // the first of its chain in flight, whose buffer that has, and the next; 0: none
    uint32_t call;
    uint32_t entry; // submission index
    uint32_t label;
    struct rpc_target target;
    const struct rpc_method *method; // null: one of a kernel object (lib/rpc/kernel.h)
    status_t status;                 // once answered
    struct tess_message message;     // the request, then the answer
    struct rpc_outgoing params;
    struct rpc_incoming results;
    struct capnp_struct root; // of the results
};

constexpr uint32_t RPC_RING_CALLS = 16;

struct rpc_ring {
    struct tess_ring ring;
    uint32_t calls; // at most at a time
    uint32_t begun; // ever
    uint32_t under_way; // messages that the kernel has not answered
    uint32_t queued;
    uint8_t queue[RPC_RING_CALLS]; // slots, in the order in which they were submitted
    struct rpc_slot slots[RPC_RING_CALLS];

    struct rpc_decline *declines; // of a ring that declines (lib/rpc/decline.h); else null
    uint32_t decline_count;
    void (*declined)(struct rpc_ring *ring, const struct ring_completion *completion);
};

// Makes the calling thread's ring for up to so many calls in flight (at most RPC_RING_CALLS). IN_USE: the thread has one.
status_t rpc_ring_create(uint32_t calls, struct rpc_ring *out);

// Ends it, with whatever is in flight and all results.
void rpc_ring_destroy(struct rpc_ring *ring);

// Begins a call: its parameters are to be filled in, then rpc_submit. When there is no room the promise's slot is 0, and what is
// returned is dead.
struct capnp_struct_builder rpc_submit_begin(struct rpc_ring *ring, const struct rpc_method *method,
                                             struct rpc_promise *out);

// Puts it into the queue. What is wrong with it rpc_take says.
void rpc_submit(struct rpc_ring *ring, struct rpc_promise *promise, struct rpc_target target);

// Sends what was submitted, without waiting.
status_t rpc_flush(struct rpc_ring *ring);

// Whether rpc_take would not have to wait. Without a system call, unless something has to be sent again.
bool rpc_answered(struct rpc_ring *ring, struct rpc_promise promise);

// Waits for the results; they are good until rpc_drop. Statuses as of rpc_finish; PROMISE_BROKEN when the earlier call did
// not bring the capability: then this one was not made. PEER_DIED goes to each call of a message, any of which may have been made.
// NO_MEMORY for a promise that had no room. TIMED_OUT, CANCELED: what rpc_flush sent is still under way. May block until the deadline.
status_t rpc_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns, struct capnp_struct *results);

// After an exception: what the service said about it, as rpc_exception_text. Returns `text`.
const char *rpc_promise_exception_text(const struct rpc_ring *ring, struct rpc_promise promise, char text[RPC_TEXT_BYTES]);

// Takes a capability of the results: it is the caller's to close. Returns it.
handle_t rpc_promise_keep(struct rpc_ring *ring, struct rpc_promise promise, handle_t handle);

// Gives up the results. A call that is not over is given up, too, cancelled if it is in flight; but as long as others depend on
// it, it is made for them.
void rpc_drop(struct rpc_ring *ring, struct rpc_promise promise);
