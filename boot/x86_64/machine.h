// What every boot path of a PC tells the kernel of the machine, and does to it before the kernel starts.
#pragma once

#include "abi/boot_info.h"

// Fills what struct boot_info says of the machine, from the ACPI tables below the root pointer (0: there are none) and
// by measuring; and silences the old interrupt controllers. Interrupts are off from here on. The low 4 GiB are
// mapped to themselves; the firmware is not called any more.
void machine_describe(struct boot_info *info, uint64_t rsdp_phys);
