// Monotonic time, and the one local deadline. No tick: the timer is set for the next thing that is due,
// or not at all.
#pragma once

#include <stdint.h>

#include "arch_cpu.h"
#include "kernel/types.h"

// now = ((counter - base) * mult) >> shift. Written once at boot, then constant.
struct clock {
    uint64_t base;
    uint32_t mult;
    uint32_t shift;
    uint64_t timer_mult; // local timer ticks in a nanosecond, 32.32 fixed point
};
extern struct clock kernel_clock;

// Begins time: what the counter was when the kernel was entered. Before clock_init all times are 0.
void clock_begin(uint64_t counter);

// Measures the time-stamp counter and the local timer against the ACPI power management timer, or the
// 8254 when there is none. Takes a good 200 us. Null on success, else what is wrong (static text).
// Needs apic_init.
const char *clock_init(void);

// Nanoseconds since the kernel was entered. Any context; a few instructions.
static inline nanos_t clock_now(void) {
    unsigned __int128 product = (unsigned __int128)(arch_cycles() - kernel_clock.base) * kernel_clock.mult;
    return (nanos_t){(uint64_t)(product >> kernel_clock.shift)};
}

// Sets this processor's timer: the handler of plat_on_deadline runs at that time, once; at once when it
// is past. A time farther than the timer can count (4 s and more) is met in several early wake-ups, after
// each of which the caller sets the deadline again, as it does anyhow when nothing was due.
void clock_set_deadline(nanos_t deadline);
