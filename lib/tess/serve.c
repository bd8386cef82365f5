#include "lib/tess/serve.h"

#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

void tess_message_close_handles(const struct tess_message *message) {
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        tess_close(tess_message_handle(message, i));
    }
}

static bool is_undeliverable(status_t status) {
    return status_is(status, STATUS_TOO_LARGE) || status_is(status, STATUS_NO_HANDLES) ||
           status_is(status, STATUS_NO_MEMORY);
}

status_t tess_serve(handle_t endpoint, struct tess_message *message, bool *owed, uint32_t undeliverable,
                    uint64_t deadline_ns) {
    uint64_t accept = message->info & MESSAGE_ACCEPT_MASK;
    if (*owed) {
        *owed = false;
        struct tess_message answer = *message;
        status_t status = tess_reply_recv(endpoint, message, deadline_ns);
        if (!is_undeliverable(status) && !status_is(status, STATUS_NO_CALLER)) {
            return status;
        }
        // What was to be moved has stayed here.
        for (uint32_t i = 0; i < message_handle_count(answer.info); i++) {
            if ((message_move_mask(answer.info) >> i & 1) != 0) {
                tess_close(tess_message_handle(&answer, i));
            }
        }
        if (is_undeliverable(status)) {
            struct tess_message failure = {.info = tess_info(undeliverable)};
            (void)tess_reply(&failure); // a caller that has gone meanwhile needs none
        }
    }
    *message = (struct tess_message){.info = accept};
    return tess_recv(endpoint, message, deadline_ns);
}
