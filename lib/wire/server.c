#include "lib/wire/server.h"

#include "base/mem.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"

void wire_server_init(struct wire_server *server, handle_t endpoint, uint32_t accept) {
    *server = (struct wire_server){.endpoint = endpoint, .accept = accept};
}

static struct tess_message make_message(enum wire_status status, const struct wire_body *body) {
    struct tess_message message = {.info = message_info(status, body != nullptr ? body->page_bytes : 0, 0, 0)};
    if (body != nullptr) {
        memcpy(message.words, body->words, sizeof(message.words));
    }
    return message;
}

void wire_server_answer(struct wire_server *server, enum wire_status status, const struct wire_body *body) {
    server->message = make_message(status, body);
    server->answer_ready = true;
}

void wire_server_answer_handle(struct wire_server *server, const struct wire_body *body, handle_t handle, bool move) {
    wire_server_answer(server, WIRE_OK, body);
    server->message.words[6] = 0;
    server->message.words[7] = 0;
    server->message.info = message_info(WIRE_OK, body != nullptr ? body->page_bytes : 0, 1, move);
    tess_message_set_handle(&server->message, 0, handle);
}

status_t wire_server_defer(struct wire_server *server, handle_t *reply) {
    if (!server->wants_answer) {
        return STATUS_NO_CALLER;
    }
    TRY(tess_save_reply(reply));
    server->wants_answer = false;
    return STATUS_OK;
}

void wire_reply(handle_t reply, enum wire_status status, const struct wire_body *body) {
    struct tess_message message = make_message(status, body);
    if (!status_ok(tess_send(reply, &message, DEADLINE_POLL))) {
        // Not consumed, or stale by now: closing either way leaves nothing behind.
        tess_close(reply);
    }
}

enum wire_arrival wire_server_next(struct wire_server *server, struct wire_request *request, uint64_t deadline_ns) {
    bool answer = server->wants_answer;
    if (answer && !server->answer_ready) {
        wire_server_answer(server, WIRE_FAILED, nullptr);
    }
    server->wants_answer = false;
    server->answer_ready = false;
    if (!answer) {
        server->message.info = 0;
    }
    for (;;) {
        server->message.info |= tess_accept(server->accept);
        status_t status = answer ? tess_reply_recv(server->endpoint, &server->message, deadline_ns)
                                 : tess_recv(server->endpoint, &server->message, deadline_ns);
        if (status_ok(status)) {
            break;
        }
        if (status_is(status, STATUS_TIMED_OUT)) {
            return WIRE_TIMEOUT;
        }
        bool no_endpoint = status_is(status, STATUS_OBJECT_DEAD) || status_is(status, STATUS_BAD_HANDLE) ||
                           status_is(status, STATUS_NO_RIGHT) || status_is(status, STATUS_WRONG_TYPE);
        if (no_endpoint || (!answer && !status_is(status, STATUS_CANCELED))) {
            return WIRE_CLOSED;
        }
        // The answer did not go through (or the wait was cancelled): whoever asked is dropped by the receive.
        server->dropped += answer;
        answer = false;
        server->message.info = 0;
    }
    const struct tess_message *message = &server->message;
    if ((message->info & MESSAGE_NOTIFICATION) != 0) {
        server->bits = message->words[0];
        return WIRE_SIGNAL;
    }
    server->wants_answer = (message->info & MESSAGE_WANTS_REPLY) != 0;
    memcpy(server->words, message->words, sizeof(server->words));
    *request = wire_request(message->info, message->badge, server->words, tess_message_page());
    return WIRE_REQUEST;
}
