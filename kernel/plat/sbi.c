// What the firmware does for the kernel on riscv64: console, power, and the local deadline.
#include "kernel/plat/sbi.h"

#include "arch_cpu.h"
#include "base/checked.h"
#include "kernel/bootinfo.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/power.h"
#include "kernel/plat/uart.h"

// ---- The early UART: the firmware's. It polls the device, so it works in whatever state a program left it. ----

bool uart_init(void) {
    return true;
}

bool uart_write(char byte) {
    (void)sbi_call(SBI_CONSOLE_PUT, 0, (uint8_t)byte, 0, 0, 0);
    return true;
}

// ---- Power ----

enum : uint64_t { RESET_TYPE_SHUTDOWN = 0, RESET_TYPE_COLD = 1 };

void power_off(void) {
    (void)sbi_call(SBI_RESET, 0, RESET_TYPE_SHUTDOWN, 0, 0, 0);
    (void)sbi_call(SBI_SHUTDOWN, 0, 0, 0, 0, 0); // firmware that is older than the call above
}

void power_reset(void) {
    (void)sbi_call(SBI_RESET, 0, RESET_TYPE_COLD, 0, 0, 0);
}

// ---- Time ----

// It counts as the clock does.
uint64_t clock_timer_hz(void) {
    return boot_machine->counter_hz;
}

// The firmware compares with the very counter of the clock. Rounded up: a timer that fires early would only be set
// again.
void clock_set_deadline(nanos_t deadline) {
    const unsigned __int128 product = (unsigned __int128)deadline.v * kernel_clock.timer_mult;
    const uint64_t ticks = product >> 96 != 0 ? UINT64_MAX : (uint64_t)(product >> 32);
    (void)sbi_call(SBI_TIME, 0, saturating_add_u64(ticks, kernel_clock.base + 1), 0, 0, 0);
}
