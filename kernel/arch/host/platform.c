// The platform beneath the kernel on the host: a clock that the test turns, device lines that it pulls, and
// nothing else.
#include "io.h"
#include "kernel/arch/host/machine.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/power.h"
#include "kernel/plat/uart.h"

constexpr uint32_t LINES = 16;

struct clock kernel_clock = {.mult = 1ull << 32}; // a cycle is a nanosecond
uint8_t host_ports[0x1'0000 + 4];
uint64_t host_deadline_ns = UINT64_MAX;
uint64_t plat_spurious_count;

static struct {
    line_handler *handler;
    void *context;
    bool masked;
} lines[LINES];

void clock_set_deadline(nanos_t deadline) {
    host_deadline_ns = deadline.v;
}

// ---- device lines ----------------------------------------------------------------------------------

bool line_exists(uint32_t gsi) {
    return gsi < LINES;
}

bool line_message(uint32_t, uint64_t *, uint64_t *) {
    return false;
}

void line_attach(uint32_t gsi, [[maybe_unused]] bool level, [[maybe_unused]] bool active_low,
                 line_handler *handler, void *context) {
    lines[gsi].handler = handler;
    lines[gsi].context = context;
    lines[gsi].masked = true;
}

void line_detach(uint32_t gsi) {
    lines[gsi].handler = nullptr;
    lines[gsi].masked = true;
}

void line_unmask(uint32_t gsi) {
    lines[gsi].masked = false;
}

void line_mask(uint32_t gsi) {
    lines[gsi].masked = true;
}

void host_line_fires(uint32_t gsi) {
    if (lines[gsi].handler != nullptr && !lines[gsi].masked) {
        lines[gsi].masked = true;
        lines[gsi].handler(lines[gsi].context);
    }
}

// ---- what a host does not have ---------------------------------------------------------------------

const struct iommu_ops *plat_iommu(void) {
    return nullptr;
}

struct line_wiring plat_line_wiring(uint32_t line) {
    return (struct line_wiring){.gsi = line};
}

bool plat_owns_ports(uint64_t, uint64_t) {
    return false;
}

bool plat_owns_memory(uint64_t, uint64_t) {
    return false;
}

void power_off(void) {
}

void power_reset(void) {
}

void uart_release(enum serial_kind, uint64_t, uint64_t) {
}
