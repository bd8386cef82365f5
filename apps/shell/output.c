#include <stdarg.h>

#include "abi/gen/abi.h"
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/clock.h"
#include "lib/rpc/method.h"
#include "lib/console/console.h"

static char buffer[CONSOLE_PIECE_BYTES];
static size_t used;

// A console that is gone for longer than this has more to do than print.
constexpr uint64_t WRITE_PATIENCE_MS = 10'000;

void out_flush(void) {
    if (used > 0) {
        // There is nobody to tell that the console cannot be written to.
        (void)console_write(shell.console, buffer, used, tess_deadline_after_ms(WRITE_PATIENCE_MS));
        used = 0;
    }
}

void out_sink(void *context, const char *bytes, size_t len) {
    (void)context;
    while (len > 0) {
        if (used == sizeof(buffer)) {
            out_flush();
        }
        const size_t room = sizeof(buffer) - used;
        const size_t piece = pager_take(bytes, len < room ? len : room); // which may flush, too
        if (piece == 0) {
            return;
        }
        memcpy(buffer + used, bytes, piece);
        used += piece;
        bytes += piece;
        len -= piece;
    }
}

void out(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(out_sink, nullptr, format, args);
    va_end(args);
}

void out_problem(const char *what, status_t status) {
    out("%s: %s\n", what, rpc_status_text(status));
}
