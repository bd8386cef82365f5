// The machine's real-time clock: a PC's CMOS chip behind two ports, or a goldfish-rtc behind registers.
#pragma once

#include <stdint.h>

#include "abi/types.h"

struct chip {
    const char *name;           // "": there is none that is known
    bool counts_seconds;        // no more: else it counts nanoseconds
    handle_t ports;
    volatile uint32_t *registers;
};

// Takes the capability `rtc`, if the program was granted one; what cannot be mapped is none.
void chip_open(struct chip *chip);

// Nanoseconds since 1970. UNSUPPORTED: there is no chip. BAD_STATE: what it says is no time. TIMED_OUT: it says nothing.
status_t chip_read(const struct chip *chip, int64_t *wall_ns);
