#include "lib/wire/log_client.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"
#include "lib/wire/client.h"

constexpr size_t PRINT_BYTES = 256;
constexpr uint64_t PRINT_PATIENCE_MS = 1000;

status_t log_append(handle_t log, enum log_level level, uint64_t subject, const char *text, size_t text_bytes,
                    uint64_t deadline_ns) {
    struct wire_body body = log_append_encode(wire_page(), level, subject, text, text_bytes);
    struct wire_call call = {.method = LOG_APPEND, .repeatable = true};
    return wire_call(log, &call, &body, nullptr, deadline_ns);
}

status_t log_post(handle_t log, enum log_level level, uint64_t subject, const char *text, size_t text_bytes,
                  uint64_t deadline_ns) {
    struct wire_body body = log_append_encode(wire_page(), level, subject, text, text_bytes);
    struct tess_message message = {.info = message_info(LOG_APPEND, body.page_bytes, 0, 0)};
    memcpy(message.words, body.words, sizeof(message.words));
    return tess_send(log, &message, deadline_ns);
}

status_t log_print(handle_t log, enum log_level level, const char *format, ...) {
    char text[PRINT_BYTES + 1];
    va_list args;
    va_start(args, format);
    size_t len = fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= sizeof(text)) {
        len = sizeof(text) - 1;
        memcpy(text + len - 3, "...", 3);
    }
    return log_append(log, level, 0, text, len, tess_deadline_after_ms(PRINT_PATIENCE_MS));
}

status_t log_query(handle_t log, const struct log_query *query, struct log_answer *out) {
    struct wire_body body = log_query_encode(wire_page(), query);
    struct wire_call call = {.method = LOG_QUERY, .repeatable = true};
    TRY(wire_call(log, &call, &body, nullptr, wire_deadline()));
    *out = (struct log_answer){
        .records = body.words[0],
        .next_after = body.words[1],
        .more = body.words[2] != 0,
        .dropped = body.words[3],
        .page_bytes = body.page_bytes,
    };
    return STATUS_OK;
}

status_t log_stats(handle_t log, struct log_stats *out) {
    struct wire_body body = {};
    struct wire_call call = {.method = LOG_STATS, .repeatable = true};
    TRY(wire_call(log, &call, &body, nullptr, wire_deadline()));
    memcpy(out, body.words, sizeof(*out));
    return STATUS_OK;
}

status_t log_name_badge(handle_t log, uint64_t holder, const char *name, uint64_t deadline_ns) {
    struct wire_body body = {.words = {holder}};
    if (name != nullptr) {
        if (!wire_name_put((char *)wire_page(), name)) {
            return STATUS_BAD_ARGUMENT;
        }
        body.page_bytes = WIRE_NAME_BYTES;
    }
    struct wire_call call = {.method = LOG_NAME_BADGE, .repeatable = true};
    return wire_call(log, &call, &body, nullptr, deadline_ns);
}
