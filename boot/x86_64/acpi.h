// Reads from the ACPI tables what the kernel needs to know (ACPI specification 6.5, chapter 5.2).
//
// Pure: memory is reached through struct acpi_memory only, every length is checked before it is
// believed, and a broken table is refused, never followed. Host-tested.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/boot_info.h"

constexpr uint32_t ACPI_MAX_IOAPICS = 8;
constexpr uint32_t ACPI_MAX_OVERRIDES = BOOT_MAX_LINES;
constexpr uint32_t ACPI_MAX_PROCESSORS = BOOT_MAX_CPUS;
constexpr uint32_t ACPI_MAX_IOMMUS = BOOT_MAX_DEVICES - ACPI_MAX_IOAPICS - 1; // one is the processors' own controllers

// `at` gives `len` readable bytes at a physical address, or null when there are none.
struct acpi_memory {
    const uint8_t *(*at)(void *context, uint64_t phys, size_t len);
    void *context;
};

struct acpi_ioapic {
    uint32_t phys;
    uint32_t gsi_base; // the first global system interrupt that it serves
    uint8_t id;
};

// Whom the IOMMU takes an I/O APIC for: a PCI bus, device and function.
struct acpi_scope {
    uint8_t ioapic_id;
    uint16_t requester;
};

// ISA line `source` is global system interrupt `gsi`.
struct acpi_override {
    uint32_t gsi;
    uint8_t source;
    bool level;      // else edge
    bool active_low; // else high
};

struct acpi_info {
    bool overfull; // there was more of something than fits here

    // MADT
    uint64_t lapic_phys;
    uint32_t processor_count, ioapic_count, override_count;
    uint32_t processors[ACPI_MAX_PROCESSORS]; // APIC ids of the usable ones, the boot processor first
    struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
    struct acpi_override overrides[ACPI_MAX_OVERRIDES];

    // DMAR (Intel VT-d specification, chapter 8): the units of PCI segment 0
    uint32_t iommu_count;
    uint64_t iommu_phys[ACPI_MAX_IOMMUS];
    uint32_t scope_count; // none where the firmware says that interrupts are not to be remapped
    struct acpi_scope scopes[ACPI_MAX_IOAPICS];

    // FADT; a port of 0 means that there is none
    uint16_t pm_timer_port;
    uint16_t pm1a_control_port, pm1b_control_port;
    uint16_t smi_command_port;
    uint8_t acpi_enable_value; // to be written there
    uint16_t reset_port;
    uint8_t reset_value;

    // DSDT: the sleep type values of \_S5_
    bool has_s5;
    uint8_t s5_type_a, s5_type_b;
};

// Fills *info from the tables below the root pointer. Null on success, else what is wrong (static
// text); then *info holds what could be read.
const char *acpi_parse(const struct acpi_memory *memory, uint64_t rsdp_phys, struct acpi_info *info);
