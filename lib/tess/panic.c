#include "lib/tess/panic.h"

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"
#include "lib/wire/console.h"

// The console contract's write, spelled out: what a panic relies on is as little as can be.
static void write_to_console(const char *line, unsigned long len) {
    handle_t console = {};
    char *page = tess_message_page();
    if (page == nullptr || !status_ok(tess_cap("console", WIRE_INTERFACE_CONSOLE, &console))) {
        return;
    }
    memcpy(page, line, len);
    struct tess_message message = {.info = message_info(CONSOLE_WRITE, (uint32_t)len, 0, 0)};
    (void)tess_call(console, &message, tess_deadline_after_ms(1000)); // nobody is left to be told
}

void (*tess_panic_writer)(const char *line, unsigned long len) = write_to_console;

void tess_panic(const char *format, ...) {
    char line[256];
    va_list args;
    va_start(args, format);
    size_t len = fmt_vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (len > sizeof line - 2) {
        len = sizeof line - 2;
    }
    line[len++] = '\n';
    line[len] = '\0'; // for writers that want a string
    tess_panic_writer(line, len);
    tess_exit(TESS_EXIT_PANIC);
}

void tess_exit(int code) {
    (void)tess_process_exit(tess_self_process(), (uint64_t)(int64_t)code);
    tess_arch_trap(); // only a process without a handle to itself comes here
}

uintptr_t __stack_chk_guard;

// Nothing but the end: the less runs on a broken stack the better.
void __stack_chk_fail(void) {
    tess_exit(TESS_EXIT_STACK);
}
