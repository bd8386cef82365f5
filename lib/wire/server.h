// The loop of a service: answer the last request and take the next in one step.
//
//   struct wire_server server;
//   wire_server_init(&server, endpoint, 0);
//   for (;;) {
//       struct wire_request request;
//       switch (wire_server_next(&server, &request, DEADLINE_NEVER)) { ... wire_server_answer(...) ... }
//   }
#pragma once

#include "lib/tess/message.h"
#include "lib/wire/wire.h"

enum wire_arrival : uint8_t {
    WIRE_REQUEST, // `request` is filled; it, its words and its page are good until the next wire_server_next
    WIRE_SIGNAL,  // bits of the bound notification, in server->bits
    WIRE_TIMEOUT, // the deadline passed
    WIRE_CLOSED,  // the endpoint is dead: nothing will ever come again
};

struct wire_server {
    handle_t endpoint;
    uint32_t accept; // handles that a request may bring
    bool wants_answer;
    bool answer_ready;
    uint64_t bits;
    uint64_t dropped; // answers that could not be delivered
    struct tess_message message;
    uint64_t words[8]; // of the request
};

// The handle must have RECEIVE. Handles that come with requests are the service's to close.
void wire_server_init(struct wire_server *server, handle_t endpoint, uint32_t accept);

// Delivers the answer prepared since the last call, if any, and waits for what comes next. A request that
// was neither answered nor deferred is answered with WIRE_FAILED. May block.
enum wire_arrival wire_server_next(struct wire_server *server, struct wire_request *request, uint64_t deadline_ns);

// Prepares the answer to the current request; what `body` says of the page must be in the message page.
// `body` may be nullptr. Nothing happens when the client does not want to know.
void wire_server_answer(struct wire_server *server, enum wire_status status, const struct wire_body *body);

// The same with one handle (in addition to words[0..5]), which is copied, or moved to the client.
void wire_server_answer_handle(struct wire_server *server, const struct wire_body *body, handle_t handle, bool move);

// Puts the answer off: *reply is answered later with wire_reply. Fails when there is no memory for it, or
// nobody waits for an answer.
status_t wire_server_defer(struct wire_server *server, handle_t *reply);

// Answers a request that was put off, and gives up the handle. That the client may be gone is no error.
void wire_reply(handle_t reply, enum wire_status status, const struct wire_body *body);
