#include "lib/rpc/serve.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/rpc/kernel.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"

// ---- Requests ----

// What a plain request has left out.
static void make_general(struct rpc_request *request) {
    if (request->stage == RPC_PLAIN_REQUEST || request->stage == RPC_PLAIN_RESULTS) {
        request->params = rpc_plain_struct(&request->message, (uint32_t)request->info);
        request->stage = RPC_GENERAL_REQUEST;
    }
}

// ---- Answers ----

// A label, and a text in the message page. A status that is no answer's says more about the service than to the client.
void rpc_pack_refusal(struct tess_message *message, status_t status, const char *text) {
    const uint32_t len = (uint32_t)strlen(text);
    memcpy(tess_message_page(), text, len);
    const uint32_t label = status.code < RPC_EXCEPTION_END ? status.code : (uint32_t)RPC_FAILED;
    *message = (struct tess_message){.info = message_info(label, len, 0, 0)};
}

// Results, built in `page` or in registers.
static status_t pack_results(struct rpc_outgoing *outgoing, const void *page, struct tess_message *message) {
    uint32_t form;
    TRY(rpc_outgoing_pack(outgoing, message, &form));
    message->words[0] = form;
    memcpy(tess_message_page(), page, message_page_bytes(message->info));
    return STATUS_OK;
}

static void discard_results(struct rpc_request *request) {
    if (request->words != nullptr) {
        rpc_kernel_conclude(request, false);
    }
    if (request->method != nullptr && !rpc_shape_is_plain(&request->method->results)) {
        rpc_outgoing_end(&request->outgoing, true);
    }
    request->method = nullptr;
}

struct capnp_struct_builder rpc_results_general(struct rpc_request *request) {
    make_general(request);
    return rpc_outgoing_begin(&request->outgoing, &request->method->results, request->page, request->may_grow);
}

void rpc_place_mint(struct rpc_request *request, struct capnp_builder *builder, uint64_t *at, rights_t rights, uint64_t badge,
                    uint64_t interface_id) {
    struct rpc_outgoing *outgoing = &request->outgoing;
    const struct capnp_pointer_builder p = {.builder = builder, .at = at};
    if (builder != &outgoing->builder) {
        if (builder != nullptr) {
            capnp_fail(&builder->view, CAPNP_NO_HANDLES); // an answer that was put off, or another message altogether
        }
        return;
    }
    const uint32_t index = capnp_reserve_handle(p);
    if (index < CAPNP_FEW_HANDLES) {
        outgoing->mints[index] = (struct rpc_mint){badge, interface_id, rights};
        outgoing->unminted |= (uint8_t)(1u << index);
    }
}

status_t rpc_refuse(struct rpc_request *request, enum rpc_exception exception, const char *format, ...) {
    va_list arguments;
    make_general(request);
    va_start(arguments, format);
    fmt_vsnprintf(request->text, sizeof(request->text), format, arguments);
    va_end(arguments);
    return rpc_status(exception);
}

status_t rpc_unimplemented(struct rpc_request *request) {
    return rpc_refuse(request, RPC_UNIMPLEMENTED, "no method %u of interface %llx here", rpc_ordinal(request),
                      (unsigned long long)request->interface_id);
}

status_t rpc_denied(struct rpc_request *request, const char *interface) {
    request->denied = true;
    return rpc_refuse(request, RPC_DENIED, "`%s` takes a capability that was granted with `control = true`", interface);
}

status_t rpc_malformed(struct rpc_request *request) {
    return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the parameters are malformed: %s",
                      capnp_status_text(capnp_status(&request->incoming.message)));
}

handle_t rpc_request_keep(struct rpc_request *request, handle_t handle) {
    return rpc_incoming_keep(&request->incoming, handle);
}

// ---- The loop ----

void rpc_server_init(struct rpc_server *server, handle_t endpoint, uint32_t accept) {
    struct rpc_request *request = &server->request;
    server->endpoint = endpoint;
    server->accept = accept;
    server->bits = server->malformed = server->undelivered = server->refused = 0;
    server->denied = nullptr;
    request->stage = RPC_NO_REQUEST;
    request->deferred = request->may_grow = request->denied = request->chained = false;
    server->chain.endpoint = (handle_t){};
    request->method = nullptr;
    request->answer = (struct tess_message){};
    request->page = server->page;
    request->incoming = (struct rpc_incoming){};
    request->words = nullptr;
    request->text[0] = '\0';
}

// For want of room for its page or its handles.
static bool caller_cannot_take(status_t status) {
    return status_is(status, STATUS_TOO_LARGE) || status_is(status, STATUS_NO_HANDLES) ||
           status_is(status, STATUS_NO_MEMORY);
}

// Because of a handle that the service should not have put into it; or it is the endpoint that is no good any more.
static bool cannot_be_given(status_t status) {
    return status_is(status, STATUS_BAD_HANDLE) || status_is(status, STATUS_NO_RIGHT) ||
           status_is(status, STATUS_BAD_ARGUMENT);
}

static void end_incoming(struct rpc_request *request) {
    rpc_incoming_end(&request->incoming);
    request->incoming.message.error = 0;
}

// Takes note of how an answer fared; true when it got there. One that cannot be delivered is replaced by one that says so.
// Only now the request's capabilities are given up: an answer may have copies of them.
static bool conclude(struct rpc_server *server, status_t status) {
    struct rpc_request *request = &server->request;
    const bool undeliverable = caller_cannot_take(status) || cannot_be_given(status);
    const bool delivered = !undeliverable && !status_is(status, STATUS_NO_CALLER);
    if (request->stage == RPC_GENERAL_ANSWER) {
        if (request->method != nullptr && !rpc_shape_is_plain(&request->method->results)) {
            rpc_outgoing_end(&request->outgoing, !delivered);
        }
        if (request->words != nullptr) {
            rpc_kernel_conclude(request, delivered);
        }
        if (request->chained) {
            rpc_chain_conclude(server, delivered);
        }
        end_incoming(request);
        request->answer.info = request->answer.words[6] = request->answer.words[7] = 0;
    }
    request->stage = RPC_NO_REQUEST;
    request->method = nullptr;
    server->undelivered += !delivered;
    if (undeliverable) {
        struct tess_message refusal;
        rpc_pack_refusal(&refusal, caller_cannot_take(status) ? status : rpc_status(RPC_FAILED), "");
        status_t ignored = tess_reply(&refusal);
        (void)ignored; // a caller that has gone meanwhile needs none
    }
    return delivered;
}

static bool owes_answer(const struct rpc_server *server) {
    return server->request.stage == RPC_PLAIN_ANSWER || server->request.stage == RPC_GENERAL_ANSWER;
}

void rpc_server_answer(struct rpc_server *server) {
    if (owes_answer(server)) {
        struct tess_message message = server->request.answer;
        (void)conclude(server, tess_reply(&message));
    }
}

static status_t receive(struct rpc_server *server, uint64_t deadline_ns) {
    server->request.message.info = tess_accept(server->accept);
    return tess_recv(server->endpoint, &server->request.message, deadline_ns);
}

// Answers if there is somebody to answer, and receives.
static status_t exchange(struct rpc_server *server, uint64_t deadline_ns) {
    struct rpc_request *request = &server->request;
    if (owes_answer(server)) {
        request->message = request->answer;
        request->message.info |= tess_accept(server->accept);
        const status_t status = tess_reply_recv(server->endpoint, &request->message, deadline_ns);
        if (conclude(server, status)) {
            return status;
        }
    }
    return receive(server, deadline_ns);
}

// Makes a request of what was received; false when it is none, and refused.
static bool open_request(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    const struct tess_message *message = &request->message;
    const uint32_t label = message_label(message->info);
    request->words = nullptr;
    if (rpc_is_plain_call(message->info)) {
        request->stage = RPC_PLAIN_REQUEST;
        return true;
    }
    request->stage = RPC_GENERAL_REQUEST;
    status_t status = rpc_status(RPC_UNIMPLEMENTED);
    if ((label & RPC_CONTRACT) == 0 && (message->info & MESSAGE_FAULT) == 0) {
        rpc_incoming_adopt(&request->incoming, message);
        status = rpc_kernel_open(request, message);
    } else if (rpc_is_chain(label)) {
        status = rpc_chain_open(server);
    } else if ((label & ~(RPC_FORM | RPC_ORDINAL | RPC_EXTENSION)) != RPC_CONTRACT) {
        rpc_incoming_adopt(&request->incoming, message);
    } else {
        status = rpc_incoming_open(&request->incoming, label, message, tess_message_page(), &request->params);
    }
    if (message_handle_count(message->info) > RPC_CAUSE_HANDLES) {
        request->message.words[RPC_CAUSE_WORD] = 0; // handles were in it
    }
    if (!status_ok(status)) {
        server->malformed++;
        rpc_server_done_general(server, status);
        return false;
    }
    return true;
}

// What came of an exchange, and of those that follow until there is something for the service.
static enum rpc_arrival arrival(struct rpc_server *server, status_t status, uint64_t deadline_ns) {
    for (;; status = exchange(server, deadline_ns)) {
        if (status_is(status, STATUS_TIMED_OUT)) {
            return RPC_TIMEOUT;
        }
        if (status_is(status, STATUS_NO_MEMORY) || status_is(status, STATUS_NO_HANDLES) ||
            status_is(status, STATUS_CANCELED)) {
            continue; // the sender was told, and waits or is gone
        }
        if (!status_ok(status)) {
            return RPC_CLOSED;
        }
        if ((server->request.info & MESSAGE_NOTIFICATION) != 0) {
            server->bits = server->request.message.words[0];
            return RPC_SIGNAL;
        }
        if (open_request(server)) {
            return RPC_REQUEST;
        }
        // Whoever sends nothing but malformed requests must not keep the service from what it does on time.
        if (tess_now_ns() >= deadline_ns) {
            rpc_server_answer(server);
            return RPC_TIMEOUT;
        }
    }
}

enum rpc_arrival rpc_server_next_general(struct rpc_server *server, uint64_t deadline_ns) {
    if (server->request.stage == RPC_CHAIN_REQUEST) {
        server->request.stage = RPC_GENERAL_REQUEST;
        return RPC_REQUEST;
    }
    return arrival(server, exchange(server, deadline_ns), deadline_ns);
}

enum rpc_arrival rpc_server_received(struct rpc_server *server, status_t status, uint64_t deadline_ns) {
    return arrival(server, conclude(server, status) ? status : receive(server, deadline_ns), deadline_ns);
}

// Puts the results of the request into its answer.
static status_t take_results(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    TRY(rpc_well_formed(request));
    if (request->words != nullptr) {
        request->stage = RPC_GENERAL_ANSWER;
        rpc_kernel_pack(request, &request->answer);
        return STATUS_OK;
    }
    if (request->method == nullptr) {
        return rpc_status(RPC_FAILED); // whoever served it made none
    }
    if (rpc_shape_is_plain(&request->method->results)) {
        request->stage = RPC_PLAIN_ANSWER; // they are there
        return STATUS_OK;
    }
    request->stage = RPC_GENERAL_ANSWER;
    TRY(rpc_outgoing_mint(&request->outgoing, server->endpoint));
    return pack_results(&request->outgoing, request->page, &request->answer);
}

// A denial ends a chain, too: the answer is there.
static void tell_denied(struct rpc_server *server) {
    server->request.denied = false;
    if (server->denied != nullptr) {
        server->denied(server);
    }
}

// Of a request that came by itself.
[[gnu::noinline]] static void done_alone(struct rpc_server *server, status_t status) {
    struct rpc_request *request = &server->request;
    make_general(request);
    if (request->deferred || !rpc_wants_answer(request)) {
        discard_results(request);
        request->stage = RPC_NO_REQUEST;
    } else {
        if (status_ok(status)) {
            status = take_results(server);
        }
        if (!status_ok(status)) {
            discard_results(request);
            rpc_pack_refusal(&request->answer, status, request->text);
            request->stage = RPC_GENERAL_ANSWER;
        }
    }
    if (request->stage != RPC_GENERAL_ANSWER) {
        end_incoming(request);
    }
    request->deferred = false;
    request->text[0] = '\0';
}

void rpc_server_done_general(struct rpc_server *server, status_t status) {
    server->refused += !status_ok(status);
    if (server->request.chained) {
        rpc_chain_done(server, status);
    } else {
        done_alone(server, status);
    }
    if (server->request.denied) {
        tell_denied(server);
    }
}

// ---- Answers that come later ----

status_t rpc_defer(struct rpc_request *request, struct rpc_deferred *out) {
    if (!rpc_wants_answer(request)) {
        return STATUS_NO_CALLER;
    }
    if (request->words != nullptr) {
        return STATUS_UNSUPPORTED;
    }
    if (request->chained) {
        request->stops = true; // whatever the method returns now
        return STATUS_UNSUPPORTED;
    }
    handle_t reply;
    TRY(tess_save_reply(&reply));
    make_general(request);
    *out = (struct rpc_deferred){reply, request->method};
    request->deferred = true;
    return STATUS_OK;
}

struct capnp_struct_builder rpc_answer_begin(struct rpc_answer *answer, struct rpc_deferred *deferred) {
    answer->deferred = *deferred;
    *deferred = (struct rpc_deferred){};
    return rpc_outgoing_begin(&answer->outgoing, &answer->deferred.method->results, answer->page, false);
}

// Not consumed, or stale by now: closing either way leaves nothing behind.
static bool deliver(handle_t reply, struct tess_message *message) {
    const bool delivered = status_ok(tess_send(reply, message, DEADLINE_POLL));
    if (!delivered) {
        tess_close(reply);
    }
    return delivered;
}

void rpc_answer_send(struct rpc_answer *answer) {
    struct tess_message message;
    const status_t status = pack_results(&answer->outgoing, answer->page, &message);
    if (!status_ok(status)) {
        rpc_pack_refusal(&message, status, "");
    }
    const bool delivered = deliver(answer->deferred.reply, &message);
    rpc_outgoing_end(&answer->outgoing, !delivered || !status_ok(status));
}

void rpc_answer_refuse(struct rpc_deferred *deferred, enum rpc_exception exception, const char *text) {
    struct tess_message message;
    rpc_pack_refusal(&message, rpc_status(exception), text);
    (void)deliver(deferred->reply, &message);
    *deferred = (struct rpc_deferred){};
}
