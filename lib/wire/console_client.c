#include "lib/wire/console_client.h"

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "lib/wire/client.h"

constexpr uint64_t BUSY_PAUSE_MS = 10;

// Nothing can be waited for when all of the console's waiting places are taken, except time.
static void pause_ms(uint64_t delay_ms) {
    handle_t notification;
    if (status_ok(tess_account_create_notification(tess_self_account(), &notification))) {
        uint64_t bits;
        (void)tess_wait(notification, &bits, tess_deadline_after_ms(delay_ms));
        tess_close(notification);
    } else {
        tess_yield();
    }
}

status_t console_write(handle_t console, const char *bytes, size_t len, uint64_t deadline_ns) {
    while (len > 0) {
        size_t piece = len < CONSOLE_WRITE_MAX ? len : CONSOLE_WRITE_MAX;
        struct wire_body body = {.page_bytes = (uint32_t)piece};
        struct wire_call call = {.method = CONSOLE_WRITE, .repeatable = true};
        memcpy(wire_page(), bytes, piece);
        status_t status = wire_call(console, &call, &body, nullptr, deadline_ns);
        if (status_is(status, wire_status(WIRE_BUSY)) && tess_now_ns() < deadline_ns) {
            pause_ms(BUSY_PAUSE_MS);
            continue;
        }
        TRY(status);
        if (body.words[0] > piece) {
            return wire_status(WIRE_BAD_ANSWER);
        }
        bytes += body.words[0];
        len -= (size_t)body.words[0];
        if (len > 0 && tess_now_ns() >= deadline_ns) {
            return STATUS_TIMED_OUT;
        }
    }
    return STATUS_OK;
}

struct print {
    handle_t console;
    status_t status;
    size_t used;
    char bytes[512];
};

static void print_flush(struct print *print) {
    if (print->used > 0 && status_ok(print->status)) {
        print->status = console_write(print->console, print->bytes, print->used, wire_deadline());
    }
    print->used = 0;
}

static void print_sink(void *context, const char *bytes, size_t len) {
    struct print *print = context;
    while (len > 0) {
        size_t space = sizeof(print->bytes) - print->used;
        size_t piece = len < space ? len : space;
        memcpy(print->bytes + print->used, bytes, piece);
        print->used += piece;
        bytes += piece;
        len -= piece;
        if (print->used == sizeof(print->bytes)) {
            print_flush(print);
        }
    }
}

status_t console_print(handle_t console, const char *format, ...) {
    struct print print = {.console = console};
    va_list args;
    va_start(args, format);
    fmt_vprint(print_sink, &print, format, args);
    va_end(args);
    print_flush(&print);
    return print.status;
}

status_t console_read_line(handle_t console, const char *prompt, bool resume, char *line, size_t size,
                           struct console_input *out, uint64_t deadline_ns) {
    struct wire_body body;
    if (size <= CONSOLE_LINE_MAX || !console_read_encode(wire_page(), resume, prompt, &body)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct wire_call call = {.method = CONSOLE_READ_LINE};
    TRY(wire_call(console, &call, &body, nullptr, deadline_ns));
    if (body.page_bytes > CONSOLE_LINE_MAX || body.words[0] < CONSOLE_LINE || body.words[0] > CONSOLE_END) {
        return wire_status(WIRE_BAD_ANSWER);
    }
    memcpy(line, wire_page(), body.page_bytes);
    line[body.page_bytes] = '\0';
    *out = (struct console_input){.event = (enum console_event)body.words[0], .len = body.page_bytes};
    return STATUS_OK;
}

void console_candidates_init(struct console_candidates *candidates, size_t replace_bytes) {
    candidates->body = (struct wire_body){.words = {replace_bytes}};
}

bool console_candidates_add(struct console_candidates *candidates, const char *candidate) {
    return console_offer_add(candidates->page, &candidates->body, candidate);
}

status_t console_offer(handle_t console, const struct console_candidates *candidates) {
    struct wire_body body = candidates->body;
    struct wire_call call = {.method = CONSOLE_OFFER};
    memcpy(wire_page(), candidates->page, body.page_bytes);
    return wire_call(console, &call, &body, nullptr, wire_deadline());
}

status_t console_set_interrupt(handle_t console, handle_t notification, uint64_t bits) {
    struct wire_body body = {.words = {bits}};
    struct wire_call call = {.method = CONSOLE_SET_INTERRUPT, .repeatable = true};
    if (notification.v != 0) {
        wire_handle_put(body.words, 0, notification);
        call.handles = 1;
    }
    return wire_call(console, &call, &body, nullptr, wire_deadline());
}

status_t console_clear(handle_t console) {
    struct wire_body body = {};
    struct wire_call call = {.method = CONSOLE_CLEAR, .repeatable = true};
    return wire_call(console, &call, &body, nullptr, wire_deadline());
}

status_t console_add_history(handle_t console, const char *line, size_t len) {
    if (len > CONSOLE_LINE_MAX) {
        return STATUS_BAD_ARGUMENT;
    }
    struct wire_body body = {.page_bytes = (uint32_t)len};
    struct wire_call call = {.method = CONSOLE_ADD_HISTORY, .repeatable = true};
    memcpy(wire_page(), line, len);
    return wire_call(console, &call, &body, nullptr, wire_deadline());
}

status_t console_stats(handle_t console, struct console_stats *out) {
    struct wire_body body = {};
    struct wire_call call = {.method = CONSOLE_STATS, .repeatable = true};
    TRY(wire_call(console, &call, &body, nullptr, wire_deadline()));
    memcpy(out, body.words, sizeof(*out));
    return STATUS_OK;
}
