#include "lib/rpc/slots.h"

// Completions of cancellations; others have the number of their slot.
constexpr uint64_t NOBODY = 0;

void rpc_slot_free(struct rpc_slot *slot) {
    if (slot->state == RPC_SLOT_BUILDING || slot->state == RPC_SLOT_QUEUED) {
        rpc_outgoing_end(&slot->params, true);
    } else if (slot->state == RPC_SLOT_IN_FLIGHT) {
        rpc_outgoing_end(&slot->params, false);
    } else if (slot->state == RPC_SLOT_ANSWERED) {
        rpc_incoming_end(&slot->results);
    }
    slot->state = RPC_SLOT_FREE;
}

// ---- The queue ----

void rpc_slot_unqueue(struct rpc_ring *ring, uint8_t number) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < ring->queued; i++) {
        if (ring->queue[i] != number) {
            ring->queue[left++] = ring->queue[i];
        }
    }
    ring->queued = left;
}

// It goes out again. What it depends on has an answer then, or gets one before.
void rpc_slot_enqueue_again(struct rpc_ring *ring, uint8_t number) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    slot->waits = true;
    slot->head = slot->next = 0;
    rpc_slot_enqueue(ring, number);
}

// There is always room: the queue is as long as there are slots, and only a cancellation comes beside them.
uint32_t rpc_slots_put(struct rpc_ring *ring, struct ring_entry entry) {
    if (tess_ring_space(&ring->ring) == 0) {
        status_t ignored = tess_ring_submit(&ring->ring);
        (void)ignored; // that the ring's memory is damaged the next rpc_take says
    }
    return tess_ring_put(&ring->ring, entry);
}

// ---- What is given up ----

// Whether nobody wants any answer of a chain in flight.
static bool chain_is_unwanted(const struct rpc_ring *ring, uint8_t head) {
    for (uint8_t number = head; number != 0; number = ring->slots[number - 1].next) {
        const struct rpc_slot *slot = &ring->slots[number - 1];
        if (!slot->dropped || slot->dependents != (slot->next != 0)) {
            return false;
        }
    }
    return true;
}

static void cancel(struct rpc_ring *ring, uint8_t number) {
    const struct rpc_slot *slot = &ring->slots[number - 1];
    if (slot->head == 0 || chain_is_unwanted(ring, slot->head)) {
        const uint8_t named = slot->head == 0 ? number : slot->head;
        rpc_slots_put(ring, (struct ring_entry){.op = RING_CANCEL, .user_data = NOBODY, .words = {named}});
    }
}

// Frees the slot if nobody wants it any more, and then perhaps the one that it depends on.
void rpc_slot_release(struct rpc_ring *ring, uint8_t number) {
    for (struct rpc_slot *slot = rpc_slot_of(ring, number); slot != nullptr && slot->dropped && slot->dependents == 0;
         slot = rpc_slot_of(ring, number)) {
        if (slot->state == RPC_SLOT_IN_FLIGHT) {
            cancel(ring, number);
            return;
        }
        if (slot->state == RPC_SLOT_QUEUED) {
            rpc_slot_unqueue(ring, number);
        }
        rpc_slot_free(slot);
        number = slot->parent;
        slot->parent = 0;
        if (number != 0) {
            ring->slots[number - 1].dependents--;
        }
    }
}

void rpc_drop(struct rpc_ring *ring, struct rpc_promise promise) {
    struct rpc_slot *slot = rpc_slot_of(ring, promise.slot);
    if (slot == nullptr) {
        return;
    }
    slot->dropped = true;
    if (slot->head != 0) {
        cancel(ring, (uint8_t)promise.slot); // if it was the last that anybody wanted
    } else {
        rpc_slot_release(ring, (uint8_t)promise.slot);
    }
}

void rpc_slot_detach(struct rpc_ring *ring, uint8_t number) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    const uint8_t parent = slot->parent;
    slot->parent = 0;
    if (parent != 0) {
        ring->slots[parent - 1].dependents--;
        rpc_slot_release(ring, parent);
    }
}

// Ends the call without an answer. Whoever depends on it learns of it when it is their turn.
void rpc_slot_finish(struct rpc_ring *ring, uint8_t number, status_t status) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    slot->state = RPC_SLOT_ANSWERED;
    slot->status = status;
    slot->results.owns = false;
    slot->results.handle_count = 0;
    slot->message.info = 0;
    slot->root = (struct capnp_struct){};
    slot->head = slot->next = 0;
    rpc_slot_detach(ring, number);
}
