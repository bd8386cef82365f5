// What the firmware does for the kernel on riscv64: console, power, and the local deadline.
#include "kernel/plat/sbi.h"

#include "arch_cpu.h"
#include "base/checked.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/dtb.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/power.h"
#include "kernel/plat/uart.h"

// ---- The early UART: the firmware's. It polls the device, so it works in whatever state a program left it. ----

static bool usable;

void uart_init(void) {
    usable = true;
}

void uart_write(char byte) {
    if (usable) {
        (void)sbi_call(SBI_CONSOLE_PUT, 0, (uint8_t)byte, 0, 0, 0);
    }
}

void uart_release(enum serial_kind kind, uint64_t base, uint64_t len) {
    struct bootstrap_serial serial;
    if (plat_serial(0, &serial) && kind == (enum serial_kind)serial.kind &&
        ranges_overlap(base, len, serial.base, serial.len)) {
        usable = false;
    }
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

[[noreturn]] void power_stop(void) {
    power_off();
    arch_halt();
}

// ---- Time ----

RO_AFTER_INIT struct clock kernel_clock;

constexpr uint64_t NS_PER_SECOND = 1'000'000'000;

const char *clock_init(void) {
    const uint64_t hz = dtb_machine()->clock_hz;
    if (hz < 1000 || hz > NS_PER_SECOND * 4) {
        return "the device tree does not say how fast it runs";
    }
    kernel_clock.mult = (NS_PER_SECOND << 32) / hz;
    kernel_clock.timer_mult = (hz << 32) / NS_PER_SECOND;
    return nullptr;
}

// The firmware compares with the very counter of the clock. Rounded up: a timer that fires early would only be set
// again.
void clock_set_deadline(nanos_t deadline) {
    const unsigned __int128 product = (unsigned __int128)deadline.v * kernel_clock.timer_mult;
    const uint64_t ticks = product >> 96 != 0 ? UINT64_MAX : (uint64_t)(product >> 32);
    (void)sbi_call(SBI_TIME, 0, saturating_add_u64(ticks, kernel_clock.base + 1), 0, 0, 0);
}

uint64_t plat_jitter(void) {
    constexpr uint64_t GET_VERSION = 0;
    (void)sbi_call(SBI_BASE, GET_VERSION, 0, 0, 0, 0);
    return arch_cycles();
}
