// What the device tree says of the machine, for the kernel.
#pragma once

#include "abi/boot_info.h"
#include "base/fdt.h"

// Fills what struct boot_info says of the machine; boot_cpu is set.
void machine_describe(struct boot_info *info, const struct fdt *fdt);
