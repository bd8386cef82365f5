// Switching the machine off and on again.
#pragma once

// Both come back only when the machine cannot do it. Any context; interrupts off.
void power_off(void);
void power_reset(void);

// For a boot that cannot go on: off if the machine can, else a halt. Interrupts stay off.
[[noreturn]] void power_stop(void);
