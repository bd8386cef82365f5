#include "lib/rpc/promise.h"

#include "base/mem.h"
#include "lib/rpc/chain_call.h"
#include "lib/rpc/kernel.h"
#include "lib/rpc/slots.h"
#include "lib/tess/page.h"

status_t rpc_ring_create(uint32_t calls, struct rpc_ring *out) {
    if (calls == 0 || calls > RPC_RING_CALLS) {
        return STATUS_BAD_ARGUMENT;
    }
    memset(out, 0, sizeof(*out));
    out->calls = calls;
    return tess_ring_create(RPC_RING_CALLS, calls, calls, &out->ring);
}

void rpc_ring_destroy(struct rpc_ring *ring) {
    tess_ring_destroy(&ring->ring);
    for (uint32_t i = 0; i < ring->calls; i++) {
        rpc_slot_free(&ring->slots[i]);
    }
    memset(ring, 0, sizeof(*ring));
}

// ---- Submission ----

static struct rpc_slot *slot_take(struct rpc_ring *ring, const struct rpc_method *method, struct rpc_promise *out) {
    for (uint32_t number = 1; number <= ring->calls; number++) {
        struct rpc_slot *slot = &ring->slots[number - 1];
        if (slot->state == RPC_SLOT_FREE) {
            slot->state = RPC_SLOT_BUILDING;
            slot->dropped = slot->flushed = slot->waits = slot->alone = false;
            slot->tries = slot->parent = slot->dependents = slot->child = slot->head = slot->next = 0;
            slot->call = ++ring->begun;
            slot->method = method;
            *out = (struct rpc_promise){.call = slot->call, .slot = number};
            return slot;
        }
    }
    *out = (struct rpc_promise){};
    return nullptr;
}

// Parameters that are numbers in registers are built in the slot's message.
struct capnp_struct_builder rpc_submit_begin(struct rpc_ring *ring, const struct rpc_method *method,
                                             struct rpc_promise *out) {
    struct rpc_slot *slot = slot_take(ring, method, out);
    if (slot == nullptr) {
        return (struct capnp_struct_builder){};
    }
    if (!rpc_shape_is_plain(&method->params)) {
        return rpc_outgoing_begin(&slot->params, &method->params, tess_ring_page(&ring->ring, (uint8_t)out->slot), true);
    }
    slot->params.plain = true; // nothing of it is to be given up
    slot->message = (struct tess_message){};
    return rpc_plain_params(&slot->message, method);
}

static bool is_nothing(struct rpc_target target) {
    return target.handle.v == 0 && target.promise.slot == 0;
}

// The slot's message is its request.
static void submit(struct rpc_ring *ring, struct rpc_promise promise, struct rpc_target target) {
    const uint8_t number = (uint8_t)promise.slot;
    struct rpc_slot *slot = &ring->slots[number - 1];
    slot->target = target;
    if (target.handle.v == 0) {
        struct rpc_slot *parent = rpc_slot_of(ring, target.promise.slot);
        if (parent == nullptr || parent->call != target.promise.call || parent->state < RPC_SLOT_QUEUED) {
            rpc_outgoing_end(&slot->params, true);
            rpc_slot_finish(ring, number, STATUS_PROMISE_BROKEN);
            return;
        }
        slot->parent = (uint8_t)target.promise.slot;
        parent->dependents++;
        parent->child = number;
    }
    rpc_slot_enqueue(ring, number);
}

void rpc_submit(struct rpc_ring *ring, struct rpc_promise *promise, struct rpc_target target) {
    struct rpc_slot *slot = rpc_slot_of(ring, promise->slot);
    if (slot == nullptr) {
        return;
    }
    uint32_t form = rpc_plain_form(&slot->method->params);
    const status_t status = slot->params.plain ? STATUS_OK : rpc_outgoing_pack(&slot->params, &slot->message, &form);
    if (!status_ok(status) || is_nothing(target)) {
        rpc_outgoing_end(&slot->params, true);
        rpc_slot_finish(ring, (uint8_t)promise->slot, status_ok(status) ? STATUS_BAD_HANDLE : status);
        return;
    }
    slot->message.words[0] = slot->method->interface_id;
    slot->label = rpc_method_label(slot->method) | form;
    submit(ring, *promise, target);
}

struct rpc_promise rpc_kernel_submit(struct rpc_ring *ring, struct rpc_target target, const struct tess_message *message) {
    struct rpc_promise promise;
    struct rpc_slot *slot = slot_take(ring, nullptr, &promise);
    if (slot != nullptr) {
        slot->params.plain = true;
        slot->message = *message;
        slot->message.info = message->info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX);
        slot->label = message_label(message->info);
        if (is_nothing(target)) {
            rpc_slot_finish(ring, (uint8_t)promise.slot, STATUS_BAD_HANDLE);
        } else {
            submit(ring, promise, target);
        }
    }
    return promise;
}

// ---- Sending ----

// A capability of results that are there; 0: they have none of this number.
static handle_t taken_handle(const struct rpc_slot *slot, uint8_t index) {
    const bool there = status_ok(slot->status) && index < slot->results.handle_count;
    return there ? tess_message_handle(&slot->message, index) : (handle_t){};
}

// Whether the kernel can be told by which entry the target comes, and starts the call when it does.
static bool kernel_can_wait(const struct rpc_ring *ring, const struct rpc_slot *parent) {
    return parent->state == RPC_SLOT_IN_FLIGHT && parent->head == 0 && ring->ring.submitted - parent->entry <= ring->ring.mask;
}

// They are a message that is on its way, and in the queue no longer.
static void depart(struct rpc_ring *ring, const uint8_t slots[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct rpc_slot *member = &ring->slots[slots[i] - 1];
        member->state = RPC_SLOT_IN_FLIGHT;
        member->head = count > 1 ? slots[0] : 0;
        member->next = i + 1 < count ? slots[i + 1] : 0;
    }
}

// Puts the call into the ring, with those that go with it.
static void launch(struct rpc_ring *ring, uint8_t first, struct ring_entry entry) {
    uint8_t slots[RPC_CHAIN_CALLS];
    struct rpc_slot *slot = &ring->slots[first - 1];
    uint64_t *words = tess_ring_words(&ring->ring, first);
    const uint32_t count = rpc_chain_gather(ring, first, slots);
    entry.buffer = first;
    if (count > 1) {
        memset(words, 0, sizeof(slot->message.words));
        entry.info = rpc_chain_compose(ring, slots, count, tess_ring_page(&ring->ring, first));
    } else {
        memcpy(words, slot->message.words, sizeof(slot->message.words));
        entry.info = slot->label | slot->message.info;
    }
    entry.info |= tess_accept(MESSAGE_HANDLES);
    for (uint32_t i = 0; i < count; i++) {
        rpc_slot_unqueue(ring, slots[i]);
    }
    depart(ring, slots, count);
    ring->under_way++;
    slot->entry = rpc_slots_put(ring, entry);
}

// False: not yet.
static bool send(struct rpc_ring *ring, uint8_t number) {
    struct rpc_slot *slot = &ring->slots[number - 1];
    const struct rpc_slot *parent = rpc_slot_of(ring, slot->parent);
    struct ring_entry entry = tess_ring_call(slot->target.handle, 0, number);
    if (!slot->flushed) {
        return false;
    }
    if (parent != nullptr && parent->state == RPC_SLOT_ANSWERED) {
        entry.target = taken_handle(parent, slot->target.index).v;
        if (entry.target == 0) {
            rpc_slot_unqueue(ring, number);
            rpc_outgoing_end(&slot->params, true);
            rpc_slot_finish(ring, number, STATUS_PROMISE_BROKEN);
            rpc_slot_release(ring, number);
            return true;
        }
    } else if (parent != nullptr) {
        if (slot->waits || !kernel_can_wait(ring, parent)) {
            return false;
        }
        entry = tess_ring_on(entry, parent->entry, slot->target.index);
    }
    launch(ring, number, entry);
    return true;
}

// Sends what can go; whether there was anything.
static bool send_flushed(struct rpc_ring *ring) {
    bool sent = false;
    for (uint32_t i = 0; i < ring->queued;) {
        const bool gone = send(ring, ring->queue[i]);
        i = gone ? 0 : i + 1; // others may wait for it
        sent = sent || gone;
    }
    return sent;
}

static void mark_all(struct rpc_ring *ring) {
    for (uint32_t i = 0; i < ring->queued; i++) {
        ring->slots[ring->queue[i] - 1].flushed = true;
    }
}

static void flush_all(struct rpc_ring *ring) {
    mark_all(ring);
    (void)send_flushed(ring); // the caller submits in any case
}

// What the call in this slot goes to, if it is there already; 0: it isn't, or never will be.
static handle_t target_of(const struct rpc_ring *ring, const struct rpc_slot *slot) {
    const struct rpc_slot *parent = slot->parent != 0 ? &ring->slots[slot->parent - 1] : nullptr;
    if (parent == nullptr) {
        return slot->target.handle;
    }
    return parent->state == RPC_SLOT_ANSWERED ? taken_handle(parent, slot->target.index) : (handle_t){};
}

// Makes a call of the system of all that is queued, if that is one message and nothing is under way: then its answer is all that there is
// to wait for, and the ring only a longer way. False: it is not so. May block until the deadline.
static bool call_all(struct rpc_ring *ring, uint64_t deadline_ns) {
    uint8_t slots[RPC_CHAIN_CALLS];
    if (ring->under_way != 0 || ring->queued == 0 || ring->queued > RPC_CHAIN_CALLS || deadline_ns == DEADLINE_POLL) {
        return false;
    }
    const uint8_t first = ring->queue[0];
    struct rpc_slot *slot = &ring->slots[first - 1];
    const handle_t target = target_of(ring, slot);
    void *page = tess_message_page();
    mark_all(ring);
    if (page == nullptr || slot->method == nullptr || target.v == 0 || rpc_chain_gather(ring, first, slots) != ring->queued) {
        return false;
    }
    const uint32_t count = ring->queued;
    struct tess_message message;
    if (count > 1) {
        for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
            message.words[i] = 0;
        }
        message.info = rpc_chain_compose(ring, slots, count, page);
    } else {
        message = slot->message;
        memcpy(page, tess_ring_page(&ring->ring, first), message_page_bytes(message.info));
        message.info |= slot->label;
    }
    if (message_handle_count(message.info) <= RPC_CAUSE_HANDLES) {
        message.words[RPC_CAUSE_WORD] = tess_cause();
    }
    message.info |= tess_accept(MESSAGE_HANDLES);
    ring->queued = 0;
    depart(ring, slots, count);
    const status_t status = tess_call(target, &message, deadline_ns);
    message.info &= ~MESSAGE_ACCEPT_MASK;
    rpc_slots_settle(ring, first, status, &message, page);
    return true;
}

status_t rpc_flush(struct rpc_ring *ring) {
    flush_all(ring);
    return tess_ring_submit(&ring->ring);
}

// ---- Answers ----

static bool is_under_way(const struct rpc_slot *slot) {
    return slot->state == RPC_SLOT_QUEUED || slot->state == RPC_SLOT_IN_FLIGHT;
}

static void send_again(struct rpc_ring *ring) {
    if (send_flushed(ring)) {
        status_t ignored = tess_ring_submit(&ring->ring);
        (void)ignored; // that the ring's memory is damaged the next rpc_take says
    }
}

bool rpc_answered(struct rpc_ring *ring, struct rpc_promise promise) {
    const struct rpc_slot *slot = rpc_slot_of(ring, promise.slot);
    rpc_slots_complete(ring);
    send_again(ring);
    return slot == nullptr || !is_under_way(slot);
}

static void complete(struct rpc_ring *ring) {
    if (ring->under_way != 0) {
        rpc_slots_complete(ring);
    }
}

status_t rpc_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns, struct capnp_struct *results) {
    struct rpc_slot *slot = rpc_slot_of(ring, promise.slot);
    if (slot == nullptr) {
        return STATUS_NO_MEMORY;
    }
    for (complete(ring); is_under_way(slot); complete(ring)) {
        if (call_all(ring, deadline_ns)) {
            continue;
        }
        flush_all(ring);
        if (is_under_way(slot)) {
            TRY(tess_ring_enter(&ring->ring, 1, deadline_ns));
        }
    }
    if (ring->queued != 0) {
        send_again(ring);
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
    *out = rpc_slot_of(ring, promise.slot);
    return STATUS_OK;
}

handle_t rpc_promise_keep(struct rpc_ring *ring, struct rpc_promise promise, handle_t handle) {
    struct rpc_slot *slot = rpc_slot_of(ring, promise.slot);
    return slot == nullptr ? handle : rpc_incoming_keep(&slot->results, handle);
}
