// The end of the kernel's road: for faults that are its own. What a program does never leads here.
#pragma once

#include <stdint.h>

struct trap_frame;

// Prints the message, a backtrace and the build id on the early UART, and stops the machine with
// interrupts off: first the other processors, so that there is one report. A panic inside a panic prints one line
// and stops.
[[noreturn]] [[gnu::format(printf, 1, 2)]] [[gnu::cold]] void panic(const char *format, ...);

// The same for an exception that the kernel itself raised at `ip`, on the stack at `sp`, with its registers.
// `what` names the exception.
[[noreturn]] [[gnu::cold]] void panic_trap(const struct trap_frame *frame, uintptr_t ip, uintptr_t sp, const char *what);

// What functions with an array on their stack put behind it, and what they call when it is not there any more. The names
// are the compiler's. Set before kernel_main calls anything that has such an array; no such function may be
// on the stack then.
extern uintptr_t __stack_chk_guard;
[[noreturn]] void __stack_chk_fail(void);

// Provided by the port: the registers of a frame, a few to a line with klog.
void arch_print_trap(const struct trap_frame *frame);

// Always checked. For conditions that are cheap to test and whose failure must not be survived.
#define ASSERT(expr) \
    (__builtin_expect(!(expr), 0) ? panic("%s:%d: not so: %s", __FILE__, __LINE__, #expr) : (void)0)

// Checked in debug builds only (KERNEL_DEBUG is 1 or 0).
#define DEBUG_ASSERT(expr) (KERNEL_DEBUG ? ASSERT(expr) : (void)0)
