#include "lib/tess/panic.h"

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"
#include "lib/rpc/method.h"

// The console contract's write, method 0, spelled out: what a panic relies on is as little as can be. The parameters are a
// struct of one pointer, to a list of bytes (Cap'n Proto encoding: Structs, Lists).
static void write_to_console(const char *line, unsigned long len) {
    handle_t console = {};
    uint64_t *page = tess_message_page();
    if (page == nullptr || !status_ok(tess_cap("console", TESS_CONSOLE_ID, &console))) {
        return;
    }
    const uint64_t words = (len + 7) / 8;
    page[0] = 1ull << 48;
    page[1] = len << 35 | 2ull << 32 | 1;
    page[1 + words] = 0; // what is beyond the text in its last word
    memcpy(page + 2, line, len);
    struct tess_message message = {.info = message_info(RPC_CONTRACT, (uint32_t)(2 + words) * 8, 0, 0),
                                   .words = {TESS_CONSOLE_ID}};
    (void)tess_call(console, &message, tess_deadline_after_ms(1000)); // nobody is left to be told
}

void (*tess_panic_writer)(const char *line, unsigned long len) = write_to_console;

// Of the function that this is in: where it was called, and the stack pointer there.
#define NOTE_CALLER() note((uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0) + TESS_ARCH_FRAME_ADDRESS_BELOW)

static void note(uint64_t ip, uint64_t sp) {
    struct tess_thread_block *block = tess_thread_block();
    block->stopped_ip = ip;
    block->stopped_sp = sp;
}

[[gnu::noinline]] void tess_panic(const char *format, ...) {
    NOTE_CALLER();
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
[[gnu::noinline]] void __stack_chk_fail(void) {
    NOTE_CALLER();
    tess_exit(TESS_EXIT_STACK);
}
