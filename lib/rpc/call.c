#include "lib/rpc/call.h"

#include "base/mem.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"

void (*rpc_when_refused)(const struct rpc_call *call, status_t status);

// A service that dies this often under one request is dying of it.
constexpr int TRIES_MAX = 3;

struct capnp_struct_builder rpc_begin(struct rpc_call *call, handle_t target, const struct rpc_method *method) {
    rpc_end(call);
    call->state = RPC_CALL_BEGUN;
    call->method = method;
    call->target = target;
    return rpc_outgoing_begin(&call->params, &method->params, tess_message_page(), true);
}

// The request as it goes out.
static status_t pack(struct rpc_call *call) {
    uint32_t form;
    TRY(rpc_outgoing_pack(&call->params, &call->message, &form));
    call->message.words[0] = call->method->interface_id;
    if (message_handle_count(call->message.info) <= RPC_CAUSE_HANDLES) {
        call->message.words[RPC_CAUSE_WORD] = tess_cause();
    }
    call->message.info |= rpc_method_label(call->method) | form |
                          tess_accept(rpc_shape_is_plain(&call->method->results) ? 0 : MESSAGE_HANDLES);
    return STATUS_OK;
}

// The message page still holds the request after a failure: only an answer overwrites it.
static status_t repeat(struct rpc_call *call, handle_t target, uint64_t deadline_ns) {
    const struct tess_message request = call->message;
    status_t status = STATUS_PEER_DIED;
    for (int tries = 1; status_is(status, STATUS_PEER_DIED) && tries < TRIES_MAX; tries++) {
        call->message = request;
        status = tess_call(target, &call->message, deadline_ns);
    }
    return status;
}

static status_t exchange(struct rpc_call *call, uint64_t deadline_ns) {
    TRY(pack(call));
    if (!call->method->repeatable || (!call->params.plain && call->params.builder.moved != 0)) {
        return tess_call(call->target, &call->message, deadline_ns);
    }
    const struct tess_message request = call->message;
    const status_t status = tess_call(call->target, &call->message, deadline_ns);
    if (!status_is(status, STATUS_PEER_DIED)) {
        return status;
    }
    call->message = request;
    return repeat(call, call->target, deadline_ns);
}

status_t rpc_take_answer(struct rpc_call *call, struct capnp_struct *results) {
    const uint32_t label = message_label(call->message.info);
    const uint32_t form = (uint32_t)call->message.words[0];
    if (label == 0 && rpc_is_plain(call->message.info, form)) {
        if (results != nullptr) {
            *results = rpc_plain_struct(&call->message, form);
        }
        return STATUS_OK;
    }
    call->state = RPC_CALL_ANSWERED;
    if (label != 0) {
        const status_t status = label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER);
        tess_answered();
        rpc_incoming_adopt(&call->results, &call->message);
        if (rpc_when_refused != nullptr) {
            rpc_when_refused(call, status);
        }
        return status;
    }
    struct capnp_struct found;
    const status_t status = rpc_incoming_open(&call->results, form, &call->message, tess_message_page(), &found);
    if (status_is(status, rpc_status(RPC_INVALID_ARGUMENT))) {
        return rpc_status(RPC_BAD_ANSWER);
    }
    TRY(status);
    if (results != nullptr) {
        *results = found;
    }
    return STATUS_OK;
}

status_t rpc_repeat(struct rpc_call *call, handle_t target, uint64_t deadline_ns, struct capnp_struct *results) {
    TRY(repeat(call, target, deadline_ns));
    return rpc_take_answer(call, results);
}

status_t rpc_finish(struct rpc_call *call, uint64_t deadline_ns, struct capnp_struct *results) {
    const status_t status = exchange(call, deadline_ns);
    rpc_outgoing_end(&call->params, !status_ok(status));
    call->state = RPC_CALL_IDLE;
    if (!status_ok(status)) {
        return tess_refused(status, SYS_CALL, call->target, RPC_CONTRACT, 0);
    }
    return rpc_take_answer(call, results);
}

status_t rpc_send(struct rpc_call *call, uint64_t deadline_ns) {
    status_t status = pack(call);
    if (status_ok(status)) {
        call->message.info &= ~MESSAGE_ACCEPT_MASK;
        status = tess_send(call->target, &call->message, deadline_ns);
    }
    rpc_outgoing_end(&call->params, !status_ok(status));
    call->state = RPC_CALL_IDLE;
    return tess_refused(status, SYS_SEND, call->target, RPC_CONTRACT, 0);
}

handle_t rpc_keep(struct rpc_call *call, handle_t handle) {
    return call->state == RPC_CALL_ANSWERED ? rpc_incoming_keep(&call->results, handle) : handle;
}

void rpc_hold(struct rpc_call *call, uint64_t *buffer, struct capnp_struct *results) {
    const uint32_t page_bytes = call->state == RPC_CALL_ANSWERED ? message_page_bytes(call->message.info) : 0;
    if (page_bytes != 0) {
        memcpy(buffer, tess_message_page(), page_bytes);
        call->results.segments[0].words = buffer;
        *results = capnp_struct_at(capnp_root(&call->results.message));
    }
}

void rpc_end_held(struct rpc_call *call) {
    if (call->state == RPC_CALL_BEGUN) { // and never sent
        rpc_outgoing_end(&call->params, true);
    } else {
        rpc_incoming_end(&call->results);
    }
    call->state = RPC_CALL_IDLE;
}

const char *rpc_exception_text(const struct rpc_call *call, char text[RPC_TEXT_BYTES]) {
    return rpc_page_text(call->state == RPC_CALL_ANSWERED ? call->message.info : 0, tess_message_page(), text);
}

uint64_t rpc_patience(void) {
    return tess_deadline_after_ms(RPC_PATIENCE_MS);
}
