#include "lib/console/console.h"

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "idl/console.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

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
    RPC_CALL(call);
    while (len > 0) {
        const size_t piece = len < CONSOLE_PIECE_BYTES ? len : CONSOLE_PIECE_BYTES;
        struct console_write_results results;
        const status_t status = console_call_write((struct console){console}, &call,
                                                   (struct capnp_data){(const uint8_t *)bytes, piece}, deadline_ns, &results);
        if (status_is(status, rpc_status(RPC_OVERLOADED)) && tess_now_ns() < deadline_ns) {
            pause_ms(BUSY_PAUSE_MS);
            continue;
        }
        TRY(status);
        const uint32_t taken = console_write_results_get_taken(results);
        if (taken > piece) {
            return rpc_status(RPC_BAD_ANSWER);
        }
        bytes += taken;
        len -= taken;
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
        print->status = console_write(print->console, print->bytes, print->used, rpc_patience());
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
