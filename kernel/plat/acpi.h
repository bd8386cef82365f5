// What the ACPI tables of this machine say. Read once, very early, through the boot path's identity map
// of the low 4 GiB, and copied: nothing refers to the tables afterwards.
#pragma once

#include "kernel/plat/acpi_tables.h"

// `rsdp_phys` 0: the BIOS area is searched. Null on success, else what is wrong (static text).
const char *acpi_init(uint64_t rsdp_phys);

const struct acpi_info *acpi_info(void);

// The global system interrupt of an ISA line (below 16), and how it is wired.
struct acpi_override acpi_isa_line(uint8_t line);
