// Monotonic time, and the one local deadline. No tick: the timer is set for the next thing that is due,
// or not at all.
#pragma once

#include <stdint.h>

#include "arch_cpu.h"
#include "kernel/types.h"

// The base is what the counter was when the kernel was entered. Rates are 32.32 fixed point, and 0 before clock_init: all
// times are 0 until then. Written once at boot, then constant.
struct clock {
    uint64_t base;
    uint64_t mult;       // nanoseconds in a tick of the counter
    uint64_t timer_mult; // local timer ticks in a nanosecond
};
extern struct clock kernel_clock;

// Measures the time-stamp counter and the local timer against the ACPI power management timer, or the
// 8254 when there is none. Takes a good 200 us. Null on success, else what is wrong (static text).
// Needs apic_init.
const char *clock_init(void);

// When the counter read this: nanoseconds since the kernel was entered.
static inline nanos_t clock_at(uint64_t counter) {
    return (nanos_t){(uint64_t)((unsigned __int128)(counter - kernel_clock.base) * kernel_clock.mult >> 32)};
}

// Any context; a few instructions.
static inline nanos_t clock_now(void) {
    return clock_at(arch_cycles());
}

// Sets this processor's timer: the handler of plat_on_deadline runs at that time, once; at once when it
// is past. A time farther than the timer can count (4 s and more) is met in several early wake-ups, after
// each of which the caller sets the deadline again, as it does anyhow when nothing was due.
void clock_set_deadline(nanos_t deadline);
