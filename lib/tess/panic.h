// The end of a program that found itself in a state that cannot be.
#pragma once

#include <stdint.h>

// Writes one line to the `console` capability, if there is one, and ends the process with exit code
// TESS_EXIT_PANIC. Allocates nothing; waits at most a second for the console.
[[noreturn, gnu::format(printf, 1, 2)]] void tess_panic(const char *format, ...);

// The id of the console's interface (idl/console.capnp), whose write a panic spells out.
constexpr uint64_t TESS_CONSOLE_ID = 0xb84f'19e2'c07d'6a02;

// Where the line goes; the console by default. A program that speaks elsewhere (init) sets its own.
extern void (*tess_panic_writer)(const char *line, unsigned long len);

// Ends the process; never returns.
[[noreturn]] void tess_exit(int code);

constexpr int TESS_EXIT_PANIC = 134;
constexpr int TESS_EXIT_STACK = 135; // a stack frame was overwritten: see __stack_chk_fail

// What functions with an array on their stack put behind it, and what they call when it is not there any more. The
// names are the compiler's.
extern uintptr_t __stack_chk_guard;
[[noreturn]] void __stack_chk_fail(void);

// Always on; for what a program relies on and cannot answer otherwise.
#define TESS_ASSERT(expression) \
    do { \
        if (!(expression)) { \
            tess_panic("%s:%d: not true: %s", __FILE_NAME__, __LINE__, #expression); \
        } \
    } while (0)
