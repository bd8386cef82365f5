// The memory map in struct boot_info, built region by region: what every boot path does with what
// its firmware tells it. Pure C, host-tested.
#pragma once

#include "abi/boot_info.h"

// Lays [base, base + len_bytes) over the map: whatever it covers there takes `kind` instead. Usable
// memory is first shrunk to whole pages, everything else grown, so that no doubtful byte counts as
// usable; what nothing is left of is ignored. Equal neighbours are joined, the map stays sorted and
// without overlaps. Add in rising order of authority: usable, reserved, then our own.
//
// When the map is full, region_count becomes BOOT_INFO_MAX_REGIONS + 1 and stays so: the kernel sees
// it and says so.
void boot_regions_add(struct boot_info *info, uint64_t base, uint64_t len_bytes, enum boot_mem_kind kind);

// Sets the highest usable page that ends at or below 1 MiB, and is not page 0, aside as BOOT_MEM_START. When all else is in
// the map. Returns its address; 0: there is none.
uint64_t boot_regions_set_start_aside(struct boot_info *info);
