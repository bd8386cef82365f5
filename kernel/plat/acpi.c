#include "kernel/plat/acpi.h"

#include "abi/boot_info.h"
#include "base/checked.h"
#include "kernel/plat/plat.h"
#include "kernel/types.h"

constexpr uint32_t ISA_LINES = 16;

RO_AFTER_INIT static struct acpi_info info;

static const uint8_t *identity(void *context, uint64_t phys, size_t len) {
    (void)context;
    constexpr uint64_t END = 1ull << 32;
    return phys < END && len <= END - phys ? (const uint8_t *)(uintptr_t)phys : nullptr;
}

const char *plat_discover(const struct boot_info *boot) {
    const struct acpi_memory memory = {.at = identity};
    return acpi_parse(&memory, boot->rsdp_phys, &info);
}

const struct acpi_info *acpi_info(void) {
    return &info;
}

// What is not an ISA line is a PCI one, and those are level, active low.
struct line_wiring plat_line_wiring(uint32_t line) {
    for (uint32_t i = 0; i < info.override_count; i++) {
        const struct acpi_override *o = &info.overrides[i];
        if (o->source == line) {
            return (struct line_wiring){o->gsi, o->level, o->active_low};
        }
    }
    const bool pci = line >= ISA_LINES;
    return (struct line_wiring){line, pci, pci};
}

// The ISA DMA controllers and their page registers are among them because they write to any physical memory
// below 16 MiB.
bool plat_owns_ports(uint64_t base, uint64_t count) {
    const struct {
        uint16_t base, count;
    } own[] = {
        {0x00, 0x20}, // DMA controller 1
        {0x20, 2},    // interrupt controller 1
        {0x80, 0x10}, // DMA pages
        {0xa0, 2},    // interrupt controller 2
        {0xc0, 0x20}, // DMA controller 2
        {info.pm1a_control_port, info.pm1a_control_port != 0 ? 2 : 0},
        {info.pm1b_control_port, info.pm1b_control_port != 0 ? 2 : 0},
        {info.smi_command_port, info.smi_command_port != 0 ? 2 : 0},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (ranges_overlap(base, count, own[i].base, own[i].count)) {
            return true;
        }
    }
    return false;
}
