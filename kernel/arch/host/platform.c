// The platform beneath the kernel on the host: a clock that the test turns, device lines that it pulls, and
// nothing else.
#include "io.h"
#include "kernel/arch/host/machine.h"
#include "kernel/log.h"
#include "kernel/object/interrupt.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/power.h"

constexpr uint32_t LINES = 16;

struct clock kernel_clock = {.mult = 1ull << 32}; // a cycle is a nanosecond
uint8_t host_ports[0x1'0000 + 4];
uint64_t host_deadline_ns = UINT64_MAX;
static bool let_through[LINES];

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

void line_connect(const struct line_wiring *line, bool) {
    line_set(line, false);
}

void line_set(const struct line_wiring *line, bool on) {
    let_through[line->gsi] = on;
}

void line_done(uint32_t) {
}

void host_line_fires(uint32_t gsi) {
    if (let_through[gsi]) {
        interrupt_fired(gsi);
    }
}

// ---- what a host does not have ---------------------------------------------------------------------

const struct iommu_ops *plat_iommu(void) {
    return nullptr;
}

void power_off(void) {
}

void power_reset(void) {
}

void log_release(enum serial_kind, uint64_t, uint64_t) {
}
