#include "kernel/plat/acpi.h"

#include "kernel/types.h"

RO_AFTER_INIT static struct acpi_info info;

static const uint8_t *identity(void *context, uint64_t phys, size_t len) {
    (void)context;
    constexpr uint64_t END = 1ull << 32;
    return phys < END && len <= END - phys ? (const uint8_t *)(uintptr_t)phys : nullptr;
}

const char *acpi_init(uint64_t rsdp_phys) {
    const struct acpi_memory memory = {.at = identity};
    return acpi_parse(&memory, rsdp_phys != 0 ? rsdp_phys : acpi_find_rsdp(&memory), &info);
}

const struct acpi_info *acpi_info(void) {
    return &info;
}

struct acpi_override acpi_isa_line(uint8_t line) {
    for (uint32_t i = 0; i < info.override_count; i++) {
        if (info.overrides[i].source == line) {
            return info.overrides[i];
        }
    }
    return (struct acpi_override){.source = line, .gsi = line};
}
