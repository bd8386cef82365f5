#include "kernel/panic.h"

#include <stdarg.h>

#include "arch_cpu.h"
#include "kernel/ksyms.h"
#include "kernel/log.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/types.h"

// From the linker script: what can be a return address.
extern const char __text_start[], __text_end[], __image_start[];

constexpr uint32_t BACKTRACE_LINES = 24;
constexpr uint32_t BACKTRACE_WORDS = 2048; // how far up the stack to look

RO_AFTER_INIT uintptr_t __stack_chk_guard = 0x5afe'0000;

static uint32_t reporter; // atomic: 1 + the number of the processor that panicked first; 0: all is well
// Counts its panics. The second one happened while the first was being reported.
static uint32_t depth;
static bool in_backtrace;

static void print_place(const char *mark, uintptr_t pc) {
    uintptr_t offset;
    const char *name = ksym_lookup(pc, &offset);
    if (name != nullptr) {
        klog("  %s %016lx  %s+%#lx\n", mark, pc, name, offset);
    } else {
        klog("  %s %016lx\n", mark, pc);
    }
}

// The kernel keeps no frame pointers: each word on the stack that points into the text, right behind
// something, may be a return address, and is shown with a question mark. Reading beyond the stack's
// end faults, which the second panic reports as the end of the backtrace.
static void print_backtrace(uintptr_t pc, uintptr_t sp) {
    klog("backtrace (? = found on the stack, may be stale):\n");
    print_place(" ", pc);
    in_backtrace = true;
    const volatile uintptr_t *word = (const volatile uintptr_t *)(sp & ~(uintptr_t)7);
    uint32_t lines = 0;
    for (uint32_t i = 0; i < BACKTRACE_WORDS && lines < BACKTRACE_LINES; i++) {
        uintptr_t value = word[i], offset;
        if (value <= (uintptr_t)__text_start || value >= (uintptr_t)__text_end) {
            continue;
        }
        if (ksym_lookup(value, &offset) != nullptr && offset != 0) {
            print_place("?", value);
            lines++;
        }
    }
    in_backtrace = false;
}

// The last lines of a report.
[[noreturn]] static void stop(void) {
    klog("kernel build ");
    for (size_t i = 0; i < KSYM_BUILD_ID_BYTES; i++) {
        klog("%02x", __build_id[i]);
    }
    klog(" at %p, after %lu us\nThe machine is stopped.\n", (const void *)__image_start, clock_now().v / 1000);
    arch_halt();
}

static void stop_others(void) {
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (i != this_cpu()->id.v) {
            arch_send_ipi((cpu_id_t){i}, IPI_STOP);
        }
    }
}

// Comes back only in the first panic. The others' ways to stop, each of which leads here: IPI_STOP, or that they
// panicked, too.
static void begin(void) {
    const uint32_t self = this_cpu()->id.v + 1;
    uint32_t first = 0;
    if (!__atomic_compare_exchange_n(&reporter, &first, self, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
        first != self) {
        arch_halt();
    }
    depth++;
    if (depth == 1) {
        stop_others();
        log_init();
        klog("\nTessera kernel panic: ");
        return;
    }
    if (depth == 2) {
        klog(in_backtrace ? "  (end of the stack)\n" : "\nanother panic while reporting this one\n");
        stop();
    }
    arch_halt();
}

[[noreturn]] void panic(const char *format, ...) {
    va_list args;
    begin();
    va_start(args, format);
    klog_v(format, args);
    va_end(args);
    klog("\n");
    print_backtrace((uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_frame_address(0));
    stop();
}

void __stack_chk_fail(void) {
    panic("a stack frame was overwritten");
}

[[noreturn]] void panic_trap(const struct trap_frame *frame, uintptr_t ip, uintptr_t sp, const char *what) {
    begin();
    klog("%s\n", what);
    arch_print_trap(frame);
    print_backtrace(ip, sp);
    stop();
}
