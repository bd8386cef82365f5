// The platform-level interrupt controller (RISC-V PLIC specification 1.0), and what a hart's own interrupts mean.
//
// All lines are enabled for the processor that booted, and masked by their priority: the controller ignores the
// completion of a line that is not enabled.
#include "base/checked.h"
#include "cpu.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/plat.h"

enum : uint32_t {
    PLIC_PRIORITY = 0x0,      // a word a line
    PLIC_ENABLE = 0x2000,     // a bit a line, ENABLE_BYTES a context
    PLIC_ENABLE_BYTES = 0x80,
    PLIC_CONTEXT = 0x20'0000, // CONTEXT_BYTES a context: threshold, claim and completion
    PLIC_CONTEXT_BYTES = 0x1000,
    PLIC_THRESHOLD = 0,
    PLIC_CLAIM = 4,
    PRIORITY_MASKED = 0,
    PRIORITY_ON = 1,
};

RO_AFTER_INIT static volatile uint8_t *plic;
RO_AFTER_INIT static uint32_t context, line_end;

static uint32_t plic_read(uint32_t reg) {
    return *(volatile uint32_t *)(plic + reg);
}
static void plic_write(uint32_t reg, uint32_t value) {
    *(volatile uint32_t *)(plic + reg) = value;
}

bool line_exists(uint32_t gsi) {
    return gsi != 0 && gsi < line_end;
}

// There are messages with an AIA only, which is not driven.
bool line_message(uint32_t, uint64_t *, uint64_t *) {
    return false;
}

// All of them always lead here.
void line_connect(const struct line_wiring *line, bool) {
    line_set(line, false);
}

// The controller's gateways know how their lines are wired.
void line_set(const struct line_wiring *line, bool on) {
    plic_write(PLIC_PRIORITY + 4 * line->gsi, on ? PRIORITY_ON : PRIORITY_MASKED);
}

void line_done(uint32_t gsi) {
    plic_write(PLIC_CONTEXT + context * PLIC_CONTEXT_BYTES + PLIC_CLAIM, gsi);
}

// The RISC-V IOMMU is not driven.
const struct iommu_ops *plat_iommu(void) {
    return nullptr;
}

// `number`: bit of sip, or the low part of scause. Of several lines the others interrupt again.
enum plat_event plat_interrupt(unsigned number, uint32_t *line) {
    switch (number) {
    case INTERRUPT_SOFTWARE: CSR_CLEAR(sip, 1u << INTERRUPT_SOFTWARE); return PLAT_IPI;
    case INTERRUPT_TIMER: clock_set_deadline((nanos_t){UINT64_MAX}); return PLAT_DEADLINE; // else it interrupts for ever
    case INTERRUPT_EXTERNAL:
        *line = plic_read(PLIC_CONTEXT + context * PLIC_CONTEXT_BYTES + PLIC_CLAIM);
        return line_exists(*line) ? PLAT_LINE : PLAT_NOTHING;
    default: return PLAT_NOTHING;
    }
}

// ---- Beginning ----

const char *plat_init(void) {
    const struct boot_device *device = &boot_machine->devices[0];
    if (boot_machine->device_count == 0) {
        return "there is none in the device tree that the kernel knows (a PLIC)";
    }
    context = device->id;
    if (context == UINT32_MAX ||
        !range_within(PLIC_CONTEXT + (uint64_t)context * PLIC_CONTEXT_BYTES, PLIC_CONTEXT_BYTES, device->len_bytes)) {
        return "the PLIC does not lead to this processor";
    }
    plic = mmu_map_device((paddr_t){device->phys}, device->len_bytes);
    if (plic == nullptr) {
        return "no memory to map the PLIC";
    }
    line_end = device->line_count < LINE_COUNT ? device->line_count + 1 : LINE_COUNT;
    for (uint32_t line = 1; line < line_end; line++) {
        plic_write(PLIC_PRIORITY + 4 * line, PRIORITY_MASKED);
    }
    for (uint32_t word = 0; word < LINE_COUNT / 32; word++) {
        plic_write(PLIC_ENABLE + context * PLIC_ENABLE_BYTES + word * 4, UINT32_MAX);
    }
    plic_write(PLIC_CONTEXT + context * PLIC_CONTEXT_BYTES + PLIC_THRESHOLD, 0);
    return nullptr;
}
