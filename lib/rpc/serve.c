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

// ---- Answers ----

// A label, and a text in the message page. A status that is no answer's says more about the service than to the client.
static void pack_refusal(struct tess_message *message, status_t status, const char *text) {
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

static status_t answer_with_results(struct rpc_request *request, struct tess_message *message) {
    if (request->words != nullptr) {
        rpc_kernel_pack(request, message);
        return STATUS_OK;
    }
    return request->method == nullptr ? rpc_status(RPC_FAILED) : pack_results(&request->outgoing, request->page, message);
}

static void discard_results(struct rpc_request *request) {
    if (request->words != nullptr) {
        rpc_kernel_conclude(request, false);
    }
    if (request->method != nullptr) {
        rpc_outgoing_end(&request->outgoing, true);
        request->method = nullptr;
    }
}

struct capnp_struct_builder rpc_results_general(struct rpc_request *request) {
    return rpc_outgoing_begin(&request->outgoing, &request->method->results, request->page, request->may_grow);
}

status_t rpc_refuse(struct rpc_request *request, enum rpc_exception exception, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fmt_vsnprintf(request->text, sizeof(request->text), format, arguments);
    va_end(arguments);
    return rpc_status(exception);
}

status_t rpc_unimplemented(struct rpc_request *request) {
    return rpc_refuse(request, RPC_UNIMPLEMENTED, "no method %u of interface %llx here", request->ordinal,
                      (unsigned long long)request->interface_id);
}

status_t rpc_well_formed(struct rpc_request *request) {
    const status_t status = capnp_status(&request->incoming.message);
    return status_ok(status) ? STATUS_OK
                             : rpc_refuse(request, RPC_INVALID_ARGUMENT, "the parameters are malformed: %s",
                                          capnp_status_text(status));
}

handle_t rpc_request_keep(struct rpc_request *request, handle_t handle) {
    return rpc_incoming_keep(&request->incoming, handle);
}

// ---- The loop ----

void rpc_server_init(struct rpc_server *server, handle_t endpoint, uint32_t accept) {
    server->endpoint = endpoint;
    server->accept = accept;
    server->owed = server->request.may_grow = false;
    server->request.page = server->page;
    server->bits = server->malformed = server->undelivered = 0;
    server->message = (struct tess_message){};
    server->request.method = nullptr;
    server->request.words = nullptr;
    server->request.incoming = (struct rpc_incoming){};
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

// Takes note of how an answer fared; true when it got there. One that cannot be delivered is replaced by one that says so.
// Only now the request's capabilities are given up: an answer may have copies of them.
static bool conclude(struct rpc_server *server, status_t status) {
    struct rpc_request *request = &server->request;
    const bool undeliverable = caller_cannot_take(status) || cannot_be_given(status);
    const bool delivered = !undeliverable && !status_is(status, STATUS_NO_CALLER);
    if (request->method != nullptr) {
        rpc_outgoing_end(&request->outgoing, !delivered);
        request->method = nullptr;
    }
    if (request->words != nullptr) {
        rpc_kernel_conclude(request, delivered);
    }
    rpc_incoming_end(&request->incoming);
    server->undelivered += !delivered;
    if (undeliverable) {
        pack_refusal(&server->message, caller_cannot_take(status) ? status : rpc_status(RPC_FAILED), "");
        status_t ignored = tess_reply(&server->message);
        (void)ignored; // a caller that has gone meanwhile needs none
    }
    return delivered;
}

void rpc_server_answer(struct rpc_server *server) {
    if (server->owed) {
        server->owed = false;
        (void)conclude(server, tess_reply(&server->message));
    }
}

// Answers if there is somebody to answer, and receives.
static status_t exchange(struct rpc_server *server, uint64_t deadline_ns) {
    if (server->owed) {
        server->owed = false;
        server->message.info |= tess_accept(server->accept);
        const status_t status = tess_reply_recv(server->endpoint, &server->message, deadline_ns);
        if (conclude(server, status)) {
            return status;
        }
    }
    server->message.info = tess_accept(server->accept);
    return tess_recv(server->endpoint, &server->message, deadline_ns);
}

// Makes a request of what was received; false when it is none, and refused.
static bool open_request(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    const struct tess_message *message = &server->message;
    const uint32_t label = message_label(message->info);
    request->badge = message->badge;
    request->interface_id = message->words[0];
    request->ordinal = (uint16_t)label;
    request->wants_answer = (message->info & MESSAGE_WANTS_REPLY) != 0;
    request->deferred = false;
    request->text[0] = 0;
    request->incoming.owns = false;
    request->incoming.message.error = 0;
    request->words = nullptr;
    if ((label & ~(RPC_FORM | RPC_ORDINAL)) == RPC_CONTRACT && rpc_is_plain(message->info, label)) {
        request->params = rpc_plain_struct(message, label);
        return true;
    }
    status_t status = rpc_status(RPC_UNIMPLEMENTED);
    if ((label & RPC_CONTRACT) == 0 && (message->info & MESSAGE_FAULT) == 0) {
        rpc_incoming_adopt(&request->incoming, message);
        status = rpc_kernel_open(request, message);
    } else if ((label & ~(RPC_FORM | RPC_ORDINAL)) != RPC_CONTRACT) {
        rpc_incoming_adopt(&request->incoming, message);
    } else {
        status = rpc_incoming_open(&request->incoming, label, message, tess_message_page(), &request->params);
    }
    if (!status_ok(status)) {
        server->malformed++;
        rpc_server_done(server, status);
        return false;
    }
    return true;
}

enum rpc_arrival rpc_server_next(struct rpc_server *server, uint64_t deadline_ns) {
    for (;;) {
        const status_t status = exchange(server, deadline_ns);
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
        if ((server->message.info & MESSAGE_NOTIFICATION) != 0) {
            server->bits = server->message.words[0];
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

void rpc_server_done(struct rpc_server *server, status_t status) {
    struct rpc_request *request = &server->request;
    if (status_ok(status) && request->wants_answer && !request->deferred && request->method != nullptr &&
        request->outgoing.plain && !request->incoming.owns) {
        server->message.info = 0; // plain in, plain out: what else is in the words is the caller's own
        server->message.words[0] = (uint64_t)request->outgoing.data_words << RPC_WORDS_SHIFT;
        for (uint32_t i = 0; i < request->outgoing.data_words; i++) {
            server->message.words[1 + i] = request->outgoing.small[i];
        }
        request->method = nullptr;
        server->owed = true;
        return;
    }
    if (status_ok(status)) {
        status = rpc_well_formed(request);
    }
    if (!request->wants_answer || request->deferred) {
        discard_results(request);
        rpc_incoming_end(&request->incoming);
    } else {
        if (status_ok(status)) {
            status = answer_with_results(request, &server->message);
        }
        if (!status_ok(status)) {
            discard_results(request);
            pack_refusal(&server->message, status, request->text);
        }
        server->owed = true;
    }
}

// ---- Answers that come later ----

status_t rpc_defer(struct rpc_request *request, struct rpc_deferred *out) {
    if (!request->wants_answer) {
        return STATUS_NO_CALLER;
    }
    if (request->words != nullptr) {
        return STATUS_UNSUPPORTED;
    }
    handle_t reply;
    TRY(tess_save_reply(&reply));
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
        pack_refusal(&message, status, "");
    }
    const bool delivered = deliver(answer->deferred.reply, &message);
    rpc_outgoing_end(&answer->outgoing, !delivered || !status_ok(status));
}
