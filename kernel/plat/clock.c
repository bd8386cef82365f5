#include "kernel/plat/clock.h"

#include "io.h"
#include "kernel/plat/acpi.h"
#include "kernel/plat/apic.h"
#include "kernel/types.h"

RO_AFTER_INIT struct clock kernel_clock;

constexpr uint64_t NS_PER_SECOND = 1'000'000'000;

// Readings of both counters at one moment.
struct sample {
    uint64_t counter;
    uint32_t timer_left;
};

static struct sample sample_now(void) {
    return (struct sample){.counter = arch_cycles(), .timer_left = apic_timer_left()};
}

// ---- Reference: the ACPI power management timer, 3.579545 MHz (ACPI 4.8.2.1) ----

constexpr uint64_t PM_HZ = 3'579'545;
constexpr uint32_t PM_TICKS = 716; // 200 us
constexpr uint32_t PM_MASK = 0xff'ffff;
constexpr uint32_t PM_PATIENCE = 1'000'000; // reads; a timer that stands still is no timer

// Waits for the tick after `ticks` ticks from `*start`; on the edge, so that both ends are exact.
static bool pm_wait(uint16_t port, uint32_t start, uint32_t ticks, uint32_t *reached) {
    for (uint32_t i = 0; i < PM_PATIENCE; i++) {
        uint32_t now = port_read32(port);
        if (((now - start) & PM_MASK) >= ticks) {
            *reached = now;
            return true;
        }
    }
    return false;
}

static uint64_t pm_measure(uint16_t port, struct sample *first, struct sample *last) {
    uint32_t start, end;
    if (!pm_wait(port, port_read32(port), 1, &start)) {
        return 0;
    }
    *first = sample_now();
    if (!pm_wait(port, start, PM_TICKS, &end)) {
        return 0;
    }
    *last = sample_now();
    return ((end - start) & PM_MASK) * NS_PER_SECOND / PM_HZ;
}

// ---- Reference: channel 2 of the 8254, 1.193182 MHz, whose output can be read at port 0x61 ----

enum {
    PIT_CHANNEL2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_GATE = 0x61,
    PIT_CHANNEL2_ONE_SHOT = 0xb0, // low then high byte, mode 0
    GATE_ON = 0x01,
    GATE_SPEAKER = 0x02,
    GATE_OUTPUT = 0x20,
};
constexpr uint64_t PIT_HZ = 1'193'182;
constexpr uint32_t PIT_TICKS = 1193; // 1 ms: here only the far end is an edge

static uint64_t pit_measure(struct sample *first, struct sample *last) {
    port_write8(PIT_GATE, (uint8_t)((port_read8(PIT_GATE) & ~GATE_SPEAKER) | GATE_ON));
    port_write8(PIT_COMMAND, PIT_CHANNEL2_ONE_SHOT);
    port_write8(PIT_CHANNEL2, PIT_TICKS & 0xff);
    port_write8(PIT_CHANNEL2, PIT_TICKS >> 8);
    *first = sample_now();
    for (uint32_t i = 0; i < PM_PATIENCE; i++) {
        if ((port_read8(PIT_GATE) & GATE_OUTPUT) != 0) {
            *last = sample_now();
            return PIT_TICKS * NS_PER_SECOND / PIT_HZ;
        }
    }
    return 0;
}

// ---- Clock ----

const char *clock_init(void) {
    struct sample first, last;
    uint64_t ns = 0;
    apic_timer_start(UINT32_MAX);
    uint16_t pm_port = acpi_info()->pm_timer_port;
    if (pm_port != 0) {
        ns = pm_measure(pm_port, &first, &last);
    }
    if (ns == 0) {
        ns = pit_measure(&first, &last);
    }
    apic_timer_start(0);
    if (ns == 0) {
        return "no timer to measure the processor's clock against";
    }
    uint64_t counted = last.counter - first.counter;
    uint64_t timer_counted = first.timer_left - last.timer_left;
    if (counted == 0 || timer_counted == 0) {
        return "the processor's clock or the local timer stands still";
    }
    kernel_clock.mult = (ns << 32) / counted;
    kernel_clock.timer_mult = (timer_counted << 32) / ns;
    return nullptr;
}

void clock_set_deadline(nanos_t deadline) {
    uint64_t now = clock_now().v;
    uint64_t delta = deadline.v > now ? deadline.v - now : 0;
    // Rounded up: a timer that fires early would only be set again.
    unsigned __int128 product = (unsigned __int128)delta * kernel_clock.timer_mult;
    uint64_t ticks = product >> 64 != 0 ? UINT64_MAX : (uint64_t)product >> 32;
    apic_timer_start(ticks < UINT32_MAX ? (uint32_t)ticks + 1 : UINT32_MAX);
}
