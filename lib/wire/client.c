#include "lib/wire/client.h"

#include "base/mem.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"

// A service that dies this often under one request is dying of it.
constexpr int TRIES_MAX = 3;

uint8_t *wire_page(void) {
    return tess_message_page();
}

uint64_t wire_deadline(void) {
    return tess_deadline_after_ms(WIRE_PATIENCE_MS);
}

status_t wire_call(handle_t service, const struct wire_call *call, struct wire_body *body, uint32_t *handles,
                   uint64_t deadline_ns) {
    status_t status = STATUS_PEER_DIED;
    struct tess_message message;
    for (int tries = 0; tries < (call->repeatable ? TRIES_MAX : 1); tries++) {
        message.info = message_info(call->method, body->page_bytes, call->handles, call->move_mask) |
                       tess_accept(call->accept);
        memcpy(message.words, body->words, sizeof(message.words));
        status = tess_call(service, &message, deadline_ns);
        // The page still holds the request: only an answer overwrites it.
        if (!status_is(status, STATUS_PEER_DIED)) {
            break;
        }
    }
    TRY(status);
    uint32_t label = message_label(message.info);
    if (label != WIRE_OK) {
        return label >= WIRE_BAD_METHOD && label < WIRE_STATUS_END ? (status_t){label}
                                                                   : wire_status(WIRE_BAD_ANSWER);
    }
    memcpy(body->words, message.words, sizeof(message.words));
    body->page_bytes = message_page_bytes(message.info);
    if (handles != nullptr) {
        *handles = message_handle_count(message.info);
    }
    return STATUS_OK;
}
