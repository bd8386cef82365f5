#include "kernel/plat/clock.h"

#include "kernel/bootinfo.h"

RO_AFTER_INIT struct clock kernel_clock;

const char *clock_init(void) {
    constexpr uint64_t NS_PER_SECOND = 1'000'000'000, LEAST_HZ = 1000;
    const uint64_t hz = boot_machine->counter_hz;
    if (hz < LEAST_HZ) {
        return "the boot path does not know how fast it runs";
    }
    kernel_clock.mult = (NS_PER_SECOND << 32) / hz;
    const uint64_t timer_hz = clock_timer_hz();
    if (timer_hz == 0 || timer_hz > UINT32_MAX) {
        return "the local timer stands still, or is too fast";
    }
    kernel_clock.timer_mult = (timer_hz << 32) / NS_PER_SECOND;
    return nullptr;
}
