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

// As it came, in *message; what is in its page is in that of this slot.
static void take_answer(struct rpc_ring *ring, uint8_t number, const struct tess_message *message) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    const uint32_t label = message_label(message->info);
    rpc_slot_finish(ring, number, STATUS_OK);
    slot->message = *message;
    if (label != 0) {
        rpc_incoming_adopt(&slot->results, &slot->message);
        slot->status = label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER);
    } else if (slot->method == nullptr) {
        rpc_incoming_adopt(&slot->results, &slot->message);
    } else {
        slot->status = rpc_incoming_open(&slot->results, (uint32_t)slot->message.words[0], &slot->message,
                                         tess_ring_page(&ring->ring, number), &slot->root);
        if (status_is(slot->status, rpc_status(RPC_INVALID_ARGUMENT))) {
            slot->status = rpc_status(RPC_BAD_ANSWER);
        }
    }
    rpc_slot_release(ring, number);
}

// The message that is in the buffer of this slot.
static struct tess_message answer_in(const struct rpc_ring *ring, uint8_t number, uint64_t info) {
    struct tess_message message = {.info = info};
    memcpy(message.words, tess_ring_words(&ring->ring, number), sizeof(message.words));
    return message;
}

static void complete_one(struct rpc_ring *ring, uint8_t number, const struct ring_completion *completion) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    status_t status = {completion->status};
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
        const struct tess_message message = answer_in(ring, number, completion->info);
        take_answer(ring, number, &message);
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

static void take_answers(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, const struct tess_message *message) {
    struct tess_message answers[RPC_CHAIN_CALLS];
    uint32_t made = 0;
    const uint8_t *page = tess_ring_page(&ring->ring, slots[0]);
    if (!rpc_chain_take_apart(ring, slots, count, message, (const uint64_t *)(const void *)page, answers, &made)) {
        struct rpc_incoming all;
        rpc_incoming_adopt(&all, message);
        rpc_incoming_end(&all);
        finish_all(ring, slots, count, rpc_status(RPC_BAD_ANSWER));
        return;
    }
    if (made > 1) {
        memcpy(tess_ring_page(&ring->ring, slots[made - 1]), page, message_page_bytes(answers[made - 1].info));
    }
    for (uint32_t i = 0; i < made; i++) {
        rpc_outgoing_end(&ring->slots[slots[i] - 1].params, false);
        take_answer(ring, slots[i], &answers[i]);
    }
    ring->slots[slots[0] - 1].alone = made == 0;
    leave(ring, slots, made, count);
}

static void complete_chain(struct rpc_ring *ring, uint8_t head, const struct ring_completion *completion) {
    uint8_t slots[RPC_CHAIN_CALLS];
    uint32_t count = 0;
    const status_t status = {completion->status};
    const struct tess_message message = answer_in(ring, head, status_ok(status) ? completion->info : 0);
    const uint32_t label = message_label(message.info);
    for (uint8_t number = head; number != 0; number = ring->slots[number - 1].next) {
        slots[count++] = number;
    }
    // Whoever does not know of this says so of all of it.
    const bool unknown = status_is(status, STATUS_BAD_METHOD) ||
                         (status_ok(status) && (message.words[0] & RPC_CHAIN_ANSWERED) == 0 && label == RPC_UNIMPLEMENTED &&
                          message_page_bytes(message.info) == 0 && message_handle_count(message.info) == 0);
    if (unknown || all_repeat(ring, slots, count, status) ||
        (status_is(status, STATUS_PROMISE_BROKEN) && ring->slots[head - 1].parent != 0)) {
        for (uint32_t i = 0; i < count; i++) {
            ring->slots[slots[i] - 1].alone = unknown;
        }
        leave(ring, slots, 0, count);
    } else if (!status_ok(status)) {
        finish_all(ring, slots, count, status);
    } else if ((message.words[0] & RPC_CHAIN_ANSWERED) != 0) {
        take_answers(ring, slots, count, &message);
    } else {
        struct rpc_incoming all;
        rpc_incoming_adopt(&all, &message);
        rpc_incoming_end(&all);
        finish_all(ring, slots, count, label != 0 && label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER));
    }
}

void rpc_slots_complete(struct rpc_ring *ring) {
    struct ring_completion completion;
    while (tess_ring_next(&ring->ring, &completion)) {
        const struct rpc_slot *slot = rpc_slot_of(ring, completion.user_data);
        if (slot == nullptr || slot->state != RPC_SLOT_IN_FLIGHT) {
            continue; // a cancellation's
        }
        if (slot->head != 0) {
            complete_chain(ring, (uint8_t)completion.user_data, &completion);
        } else {
            complete_one(ring, (uint8_t)completion.user_data, &completion);
        }
    }
}
