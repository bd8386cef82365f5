// What the ACPI tables of this machine say. Read once, very early, through the boot path's identity map
// of the low 4 GiB (plat_discover), and copied: nothing refers to the tables afterwards.
#pragma once

#include "kernel/plat/acpi_tables.h"

const struct acpi_info *acpi_info(void);
