// Where other processors than the one that booted begin, when the kernel starts them.
#pragma once

#include "abi/boot_info.h"

// Prepares a page below 1 MiB for it, and says in `info` where: when all else is in the memory map. From there a processor
// comes, on the page tables at `tables_phys`, to where the kernel says. Without such a page there is one processor.
void start_prepare(struct boot_info *info, uint64_t tables_phys);
