// What the misbehaving programs share: a way to speak, and the verdict of those that survive.
//
// Each program does one thing that a program must not, or can not, do. Those that cannot survive it end
// with a fault; the others print one line, "NAME: ... as it should be", and exit with 0, or with 1 when
// the kernel let them do it.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "lib/tess/capset.h"
#include "lib/tess/main.h"
#include "lib/tess/syscall.h"
#include "abi/gen/stubs.h" // written over lib/tess/syscall.h
#include "lib/console/console.h"

// Prints through the console capability; without one it says nothing.
#define SAY(...) \
    do { \
        handle_t say_console; \
        if (status_ok(tess_cap("console", 0, &say_console))) \
            (void)console_print(say_console, __VA_ARGS__).code; \
    } while (0)

// The number in an argument, or `otherwise` when there is none.
static inline uint64_t argument(int argc, char **argv, int index, uint64_t otherwise) {
    if (argc <= index) {
        return otherwise;
    }
    uint64_t value = 0;
    for (const char *c = argv[index]; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
    }
    return value;
}
