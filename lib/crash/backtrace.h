// From where a thread stopped to who called it, by what the build knows of the program's frames (lib/crash/symbols.h). Pure: what is read
// of the program's memory comes through a function, and is believed as little as the table is.
#pragma once

#include "lib/crash/symbols.h"

struct backtrace_frame {
    uint64_t address;     // of the instruction: where it stopped, or behind a call
    const char *function; // null: nobody knows
    uint32_t offset;      // into the function
};

struct backtrace {
    const struct symbols_program *program; // null: there are no symbols
    uint64_t bias;                         // from addresses of the program's file to those where it lay
    uint64_t low, high;                    // of its image
    uint64_t ip, sp, fp, ra;
    bool calls_push;  // the machine puts the return address onto the stack
    bool ip_returns;  // ip is a return address already
    bool (*read)(void *context, uint64_t address, uint64_t *word);
    void *context;
};

// Returns how many frames it found, at most `max`, the innermost first. There is always one.
size_t backtrace_walk(const struct backtrace *from, struct backtrace_frame *frames, size_t max);
