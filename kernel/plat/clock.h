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

// From then on there is time. Null on success, else what is wrong (static text). After plat_init.
const char *clock_init(void);

// How fast this processor's timer counts. Provided by the port, for clock_init: the counter's rate is known.
uint64_t clock_timer_hz(void);

// When the counter read this: nanoseconds since the kernel was entered.
static inline nanos_t clock_at(uint64_t counter) {
    return (nanos_t){(uint64_t)((unsigned __int128)(counter - kernel_clock.base) * kernel_clock.mult >> 32)};
}

// Any context; a few instructions.
static inline nanos_t clock_now(void) {
    return clock_at(arch_cycles());
}

// Sets this processor's timer: it interrupts at that time, once; at once when it
// is past. A time farther than the timer can count (4 s and more) is met in several early wake-ups, after
// each of which the caller sets the deadline again, as it does anyhow when nothing was due.
void clock_set_deadline(nanos_t deadline);
