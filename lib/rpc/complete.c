// What completions of a ring come to: answers, calls that are made again, and several answers in one message.
#include "abi/gen/abi.h"
#include "base/mem.h"
#include "lib/rpc/chain_call.h"
#include "lib/rpc/slots.h"

// A service that dies this often under one request is dying of it.
constexpr uint8_t TRIES_MAX = 3;

// ---- One call ----

// Whether the call is to be made again: the service died under it, and that does no harm.
static bool may_repeat(const struct rpc_slot *slot, status_t status) {
    const bool passes = !slot->params.plain && slot->params.builder.view.handle_count != 0;
    return status_is(status, STATUS_PEER_DIED) && slot->method != nullptr && slot->method->repeatable && !passes &&
           slot->tries + 1 < TRIES_MAX && (!slot->dropped || slot->dependents != 0);
}

// As it came, in *message; what its page has goes into that of the slot.
static void take_answer(struct rpc_ring *ring, uint8_t number, const struct tess_message *message, const void *page) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    const uint32_t label = message_label(message->info), page_bytes = message_page_bytes(message->info);
    uint8_t *own = tess_ring_page(&ring->ring, number);
    rpc_slot_finish(ring, number, STATUS_OK);
    slot->message = *message;
    if (page_bytes != 0 && page != own) {
        memcpy(own, page, page_bytes);
    }
    if (label != 0) {
        rpc_incoming_adopt(&slot->results, &slot->message);
        slot->status = label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER);
    } else if (slot->method == nullptr) {
        rpc_incoming_adopt(&slot->results, &slot->message);
    } else if (rpc_is_plain(message->info, (uint32_t)message->words[0])) {
        slot->root = rpc_plain_struct(&slot->message, (uint32_t)message->words[0]);
    } else {
        slot->status = rpc_incoming_open(&slot->results, (uint32_t)slot->message.words[0], &slot->message, own, &slot->root);
        if (status_is(slot->status, rpc_status(RPC_INVALID_ARGUMENT))) {
            slot->status = rpc_status(RPC_BAD_ANSWER);
        }
    }
    rpc_slot_release(ring, number);
}

static void settle_one(struct rpc_ring *ring, uint8_t number, status_t status, const struct tess_message *answer, const void *page) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    // A broken promise is to be kept yet, if the call that it is of is made again.
    if (may_repeat(slot, status) || (status_is(status, STATUS_PROMISE_BROKEN) && slot->parent != 0)) {
        slot->tries += status_is(status, STATUS_PEER_DIED);
        rpc_slot_enqueue_again(ring, number);
        rpc_slot_release(ring, number); // if nobody wants it
        return;
    }
    if (slot->tries > 0 && status_is(status, STATUS_BAD_HANDLE)) {
        status = STATUS_PEER_DIED; // and its target was closed since
    }
    rpc_outgoing_end(&slot->params, !status_ok(status));
    if (status_ok(status)) {
        take_answer(ring, number, answer, page);
    } else {
        rpc_slot_finish(ring, number, status);
        rpc_slot_release(ring, number);
    }
}

// ---- Several together ----

static void finish_all(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, status_t status) {
    for (uint32_t i = 0; i < count; i++) {
        rpc_outgoing_end(&ring->slots[slots[i] - 1].params, false);
        rpc_slot_finish(ring, slots[i], status);
        rpc_slot_release(ring, slots[i]);
    }
}

// From `from` on they are made by themselves, or in another company.
static void leave(struct rpc_ring *ring, const uint8_t slots[], uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < count; i++) {
        rpc_slot_enqueue_again(ring, slots[i]);
    }
    if (from < count) {
        rpc_slot_release(ring, slots[count - 1]); // if nobody wants it, nor those before
    }
}

static bool all_repeat(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, status_t status) {
    bool all = true;
    for (uint32_t i = 0; i < count; i++) {
        all = all && may_repeat(&ring->slots[slots[i] - 1], status);
    }
    for (uint32_t i = 0; all && i < count; i++) {
        ring->slots[slots[i] - 1].tries++;
    }
    return all;
}

// Nobody wants its results any more, but the call after it, which is over.
static void forget(struct rpc_ring *ring, uint8_t number, uint8_t next) {
    ring->slots[next - 1].parent = 0;
    rpc_slot_detach(ring, number);
    ring->slots[number - 1].state = RPC_SLOT_FREE;
}

static void take_answers(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, const struct tess_message *message,
                         const void *page) {
    struct tess_message answers[RPC_CHAIN_CALLS];
    uint32_t made = 0;
    if (!rpc_chain_take_apart(ring, slots, count, message, page, answers, &made)) {
        struct rpc_incoming all;
        rpc_incoming_adopt(&all, message);
        rpc_incoming_end(&all);
        finish_all(ring, slots, count, rpc_status(RPC_BAD_ANSWER));
        return;
    }
    for (uint32_t i = 0; i < made; i++) {
        rpc_outgoing_end(&ring->slots[slots[i] - 1].params, false);
        if (i + 1 < made && !ring->slots[slots[i] - 1].keep) {
            if (ring->slots[slots[i] - 1].dependents > 1) { // calls on a promise that had been dropped, and is broken for them
                const struct tess_message nothing = {};
                take_answer(ring, slots[i], &nothing, page);
                continue;
            }
            forget(ring, slots[i], slots[i + 1]);
        } else {
            take_answer(ring, slots[i], &answers[i], page);
        }
    }
    ring->slots[slots[0] - 1].alone = made == 0;
    leave(ring, slots, made, count);
}

static void settle_chain(struct rpc_ring *ring, uint8_t head, status_t status, const struct tess_message *answer, const void *page) {
    uint8_t slots[RPC_CHAIN_CALLS];
    uint32_t count = 0;
    const bool answered = status_ok(status), taken_apart = answered && (answer->words[0] & RPC_CHAIN_ANSWERED) != 0;
    const uint32_t label = answered ? message_label(answer->info) : 0;
    for (uint8_t number = head; number != 0; number = ring->slots[number - 1].next) {
        slots[count++] = number;
    }
    if (taken_apart) {
        take_answers(ring, slots, count, answer, page);
        return;
    }
    // Whoever does not know of this says so of all of it.
    const bool unknown = status_is(status, STATUS_BAD_METHOD) ||
                         (label == RPC_UNIMPLEMENTED && message_page_bytes(answer->info) == 0 && message_handle_count(answer->info) == 0);
    if (unknown || all_repeat(ring, slots, count, status) ||
        (status_is(status, STATUS_PROMISE_BROKEN) && ring->slots[head - 1].parent != 0)) {
        for (uint32_t i = 0; i < count; i++) {
            ring->slots[slots[i] - 1].alone = unknown;
        }
        leave(ring, slots, 0, count);
    } else if (!answered) {
        finish_all(ring, slots, count, status);
    } else {
        struct rpc_incoming all;
        rpc_incoming_adopt(&all, answer);
        rpc_incoming_end(&all);
        finish_all(ring, slots, count, label != 0 && label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER));
    }
}

void rpc_slots_settle(struct rpc_ring *ring, uint8_t first, status_t status, const struct tess_message *answer, const void *page) {
    if (ring->slots[first - 1].head != 0) {
        settle_chain(ring, first, status, answer, page);
    } else {
        settle_one(ring, first, status, answer, page);
    }
}

void rpc_slots_complete(struct rpc_ring *ring) {
    struct ring_completion completion;
    while (tess_ring_next(&ring->ring, &completion)) {
        const struct rpc_slot *slot = rpc_slot_of(ring, completion.user_data);
        if (slot == nullptr && ring->declined != nullptr) {
            ring->declined(ring, &completion);
        }
        if (slot == nullptr || slot->state != RPC_SLOT_IN_FLIGHT) {
            continue; // a cancellation's
        }
        const uint8_t number = (uint8_t)completion.user_data;
        struct tess_message answer = {.info = completion.info};
        memcpy(answer.words, tess_ring_words(&ring->ring, number), sizeof(answer.words));
        ring->under_way--;
        rpc_slots_settle(ring, number, (status_t){completion.status}, &answer, tess_ring_page(&ring->ring, number));
    }
}
