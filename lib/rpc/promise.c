#include "lib/rpc/promise.h"

#include "abi/gen/abi.h"
#include "base/mem.h"
#include "lib/rpc/kernel.h"

// Completions of cancellations; others have the number of their slot.
constexpr uint64_t NOBODY = 0;

static struct rpc_slot *slot_of(struct rpc_ring *ring, uint64_t number) {
    return number >= 1 && number <= ring->calls ? &ring->slots[number - 1] : nullptr;
}

status_t rpc_ring_create(uint32_t calls, struct rpc_ring *out) {
    if (calls == 0 || calls > RPC_RING_CALLS) {
        return STATUS_BAD_ARGUMENT;
    }
    memset(out, 0, sizeof(*out));
    out->calls = calls;
    return tess_ring_create(RPC_RING_CALLS, calls, calls, &out->ring);
}

static void slot_free(struct rpc_slot *slot) {
    if (slot->state == RPC_SLOT_BUILDING) {
        rpc_outgoing_end(&slot->params, true);
    } else if (slot->state == RPC_SLOT_ANSWERED) {
        rpc_incoming_end(&slot->results);
    }
    slot->state = RPC_SLOT_FREE;
}

void rpc_ring_destroy(struct rpc_ring *ring) {
    tess_ring_destroy(&ring->ring);
    for (uint32_t i = 0; i < ring->calls; i++) {
        if (ring->slots[i].state == RPC_SLOT_IN_FLIGHT) {
            rpc_outgoing_end(&ring->slots[i].params, false);
        } else {
            slot_free(&ring->slots[i]);
        }
    }
    memset(ring, 0, sizeof(*ring));
}

// ---- Submission ----

static struct rpc_slot *slot_take(struct rpc_ring *ring, const struct rpc_method *method, struct rpc_promise *out) {
    for (uint32_t number = 1; number <= ring->calls; number++) {
        struct rpc_slot *slot = &ring->slots[number - 1];
        if (slot->state == RPC_SLOT_FREE) {
            slot->state = RPC_SLOT_BUILDING;
            slot->dropped = false;
            slot->method = method;
            *out = (struct rpc_promise){.slot = number};
            return slot;
        }
    }
    *out = (struct rpc_promise){};
    return nullptr;
}

struct capnp_struct_builder rpc_submit_begin(struct rpc_ring *ring, const struct rpc_method *method,
                                             struct rpc_promise *out) {
    struct rpc_slot *slot = slot_take(ring, method, out);
    return slot == nullptr ? (struct capnp_struct_builder){}
                           : rpc_outgoing_begin(&slot->params, &method->params,
                                                tess_ring_page(&ring->ring, (uint8_t)out->slot), true);
}

// Ends the call without an answer.
static void finish_without(struct rpc_slot *slot, status_t status) {
    slot->state = RPC_SLOT_ANSWERED;
    slot->status = status;
    slot->results.owns = false;
}

// There is always room: the queue is as long as there are slots, and only a cancellation comes beside them.
static uint32_t put(struct rpc_ring *ring, struct ring_entry entry) {
    if (tess_ring_space(&ring->ring) == 0) {
        status_t ignored = rpc_flush(ring);
        (void)ignored; // that the ring's memory is damaged the next rpc_take says
    }
    return tess_ring_put(&ring->ring, entry);
}

static bool is_nothing(struct rpc_target target) {
    return target.handle.v == 0 && target.promise.slot == 0;
}

// The slot's message, whose header but for the label is there.
static void launch(struct rpc_ring *ring, struct rpc_promise *promise, struct rpc_target target, uint32_t label) {
    const uint8_t number = (uint8_t)promise->slot;
    struct rpc_slot *slot = &ring->slots[number - 1];
    memcpy(tess_ring_words(&ring->ring, number), slot->message.words, sizeof(slot->message.words));
    struct ring_entry entry = tess_ring_call(target.handle, label, number);
    entry.buffer = number;
    entry.info |= slot->message.info | tess_accept(MESSAGE_HANDLES);
    if (target.handle.v == 0) {
        entry = tess_ring_on(entry, target.promise.entry, target.index);
    }
    slot->state = RPC_SLOT_IN_FLIGHT;
    promise->entry = put(ring, entry);
}

void rpc_submit(struct rpc_ring *ring, struct rpc_promise *promise, struct rpc_target target) {
    struct rpc_slot *slot = slot_of(ring, promise->slot);
    if (slot == nullptr) {
        return;
    }
    uint32_t form;
    const status_t status = rpc_outgoing_pack(&slot->params, &slot->message, &form);
    if (!status_ok(status) || is_nothing(target)) {
        rpc_outgoing_end(&slot->params, true);
        finish_without(slot, status_ok(status) ? STATUS_BAD_HANDLE : status);
        return;
    }
    slot->message.words[0] = slot->method->interface_id;
    launch(ring, promise, target, RPC_CONTRACT | form | slot->method->ordinal);
}

struct rpc_promise rpc_kernel_submit(struct rpc_ring *ring, struct rpc_target target, const struct tess_message *message) {
    struct rpc_promise promise;
    struct rpc_slot *slot = slot_take(ring, nullptr, &promise);
    if (slot != nullptr) {
        slot->params.plain = true; // nothing of it is to be given up
        slot->message = *message;
        slot->message.info = message->info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX);
        if (is_nothing(target)) {
            finish_without(slot, STATUS_BAD_HANDLE);
        } else {
            launch(ring, &promise, target, message_label(message->info));
        }
    }
    return promise;
}

status_t rpc_flush(struct rpc_ring *ring) {
    return tess_ring_submit(&ring->ring);
}

// ---- Completion ----

static void complete(struct rpc_ring *ring, const struct ring_completion *completion) {
    struct rpc_slot *slot = slot_of(ring, completion->user_data);
    if (slot == nullptr || slot->state != RPC_SLOT_IN_FLIGHT) {
        return; // a cancellation's
    }
    const uint8_t number = (uint8_t)completion->user_data;
    const status_t status = {completion->status};
    rpc_outgoing_end(&slot->params, !status_ok(status));
    finish_without(slot, status);
    if (status_ok(status)) {
        const uint32_t label = message_label(completion->info);
        slot->message.info = completion->info;
        memcpy(slot->message.words, tess_ring_words(&ring->ring, number), sizeof(slot->message.words));
        if (label != 0) {
            rpc_incoming_adopt(&slot->results, &slot->message);
            slot->status = label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER);
        } else if (slot->method == nullptr) {
            rpc_incoming_adopt(&slot->results, &slot->message);
        } else {
            slot->status = rpc_incoming_open(&slot->results, (uint32_t)slot->message.words[0], &slot->message,
                                             tess_ring_page(&ring->ring, number), &slot->root);
        }
        if (status_is(slot->status, rpc_status(RPC_INVALID_ARGUMENT)) && label == 0) {
            slot->status = rpc_status(RPC_BAD_ANSWER);
        }
    }
    if (slot->dropped) {
        slot_free(slot);
    }
}

static void complete_all(struct rpc_ring *ring) {
    struct ring_completion completion;
    while (tess_ring_next(&ring->ring, &completion)) {
        complete(ring, &completion);
    }
}

bool rpc_answered(struct rpc_ring *ring, struct rpc_promise promise) {
    const struct rpc_slot *slot = slot_of(ring, promise.slot);
    complete_all(ring);
    return slot == nullptr || slot->state != RPC_SLOT_IN_FLIGHT;
}

status_t rpc_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns, struct capnp_struct *results) {
    struct rpc_slot *slot = slot_of(ring, promise.slot);
    if (slot == nullptr) {
        return STATUS_NO_MEMORY;
    }
    for (;;) {
        complete_all(ring);
        if (slot->state != RPC_SLOT_IN_FLIGHT) {
            break;
        }
        TRY(tess_ring_enter(&ring->ring, 1, deadline_ns));
    }
    if (slot->state != RPC_SLOT_ANSWERED) {
        return STATUS_BAD_STATE; // it was never submitted
    }
    TRY(slot->status);
    if (results != nullptr) {
        *results = slot->root;
    }
    return STATUS_OK;
}

const char *rpc_promise_exception_text(const struct rpc_ring *ring, struct rpc_promise promise, char text[RPC_TEXT_BYTES]) {
    const bool answered = promise.slot >= 1 && promise.slot <= ring->calls &&
                          ring->slots[promise.slot - 1].state == RPC_SLOT_ANSWERED && ring->slots[promise.slot - 1].status.code >= RPC_FAILED;
    text[0] = '\0';
    return answered ? rpc_page_text(ring->slots[promise.slot - 1].message.info,
                                    tess_ring_page(&ring->ring, (uint8_t)promise.slot), text)
                    : text;
}

status_t rpc_kernel_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns,
                         const struct rpc_slot **out) {
    TRY(rpc_take(ring, promise, deadline_ns, nullptr));
    *out = slot_of(ring, promise.slot);
    return STATUS_OK;
}

handle_t rpc_promise_keep(struct rpc_ring *ring, struct rpc_promise promise, handle_t handle) {
    struct rpc_slot *slot = slot_of(ring, promise.slot);
    return slot == nullptr ? handle : rpc_incoming_keep(&slot->results, handle);
}

void rpc_drop(struct rpc_ring *ring, struct rpc_promise promise) {
    struct rpc_slot *slot = slot_of(ring, promise.slot);
    if (slot == nullptr) {
        return;
    }
    if (slot->state != RPC_SLOT_IN_FLIGHT) {
        slot_free(slot);
        return;
    }
    slot->dropped = true;
    put(ring, (struct ring_entry){.op = RING_CANCEL, .user_data = NOBODY, .words = {promise.slot}});
}
