// Switching the machine off and on again.
#pragma once

#include "arch_cpu.h"

// Both come back only when the machine cannot do it. Any context; interrupts off.
void power_off(void);
void power_reset(void);

// For what cannot go on: off if the machine can, else a halt.
[[noreturn]] static inline void power_stop(void) {
    power_off();
    arch_halt();
}
