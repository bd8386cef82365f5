// The calls of a ring, for this room (lib/rpc/promise.h): those that are to be sent, and those that nobody wants any more.
#pragma once

#include "lib/rpc/promise.h"

// The slot of this number; null when there is none.
static inline struct rpc_slot *rpc_slot_of(struct rpc_ring *ring, uint64_t number) {
    return number >= 1 && number <= ring->calls ? &ring->slots[number - 1] : nullptr;
}

// Gives up what it holds. What names it is the caller's to see to.
void rpc_slot_free(struct rpc_slot *slot);

// It is to be sent, after those before; or not.
static inline void rpc_slot_enqueue(struct rpc_ring *ring, uint8_t number) {
    ring->slots[number - 1].state = RPC_SLOT_QUEUED;
    ring->queue[ring->queued++] = number;
}
void rpc_slot_unqueue(struct rpc_ring *ring, uint8_t number);

// It goes out again. What it depends on has an answer then, or gets one before.
void rpc_slot_enqueue_again(struct rpc_ring *ring, uint8_t number);

// Puts an entry into the ring; returns its submission index. There is always room: the ring is as long as there are slots, and only
// a cancellation comes beside them.
uint32_t rpc_slots_put(struct rpc_ring *ring, struct ring_entry entry);

// Ends the call without an answer. Whoever depends on it learns of it when it is their turn.
void rpc_slot_finish(struct rpc_ring *ring, uint8_t number, status_t status);

// Frees the slot if nobody wants it any more, and then perhaps the one that it depends on; one in flight is cancelled.
void rpc_slot_release(struct rpc_ring *ring, uint8_t number);

// Takes all completions that are there (lib/rpc/complete.c).
void rpc_slots_complete(struct rpc_ring *ring);

// What the message came to that begins with the call in this slot: the status of the exchange; the answer, if there is one; and where
// that has its page.
void rpc_slots_settle(struct rpc_ring *ring, uint8_t first, status_t status, const struct tess_message *answer, const void *page);

// The call needs the results that it was on no longer.
void rpc_slot_detach(struct rpc_ring *ring, uint8_t number);
