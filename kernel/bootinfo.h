// Distrust of what the boot path brought: boot info, and the boot package beside it.
//
// The checks are pure and host-tested. A complaint is one sentence: what is wrong, where, what was
// expected and what was found.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/boot_info.h"
#include "abi/boot_package.h"

constexpr size_t BOOT_COMPLAINT_BYTES = 160;
struct boot_complaint {
    char text[BOOT_COMPLAINT_BYTES];
};

// Everything that can be checked without following an address. False, with the complaint, when the
// kernel must not believe it.
bool boot_info_check(const struct boot_info *boot, struct boot_complaint *complaint);

// The whole package: header, checksum, every entry. `build_id` is the running kernel's.
bool boot_package_check(const void *package, uint64_t len_bytes, const uint8_t build_id[20],
                        struct boot_complaint *complaint);

// The one entry of this kind in a checked package.
const struct boot_package_entry *boot_package_find(const struct boot_package_header *package,
                                                   enum boot_entry_kind kind);

// Sum of all regions of a kind.
uint64_t boot_info_bytes(const struct boot_info *boot, enum boot_mem_kind kind);

// Makes the highest `len_bytes` of usable memory that end at or below `limit`, and are not page 0, the kernel's own
// (BOOT_MEM_KERNEL), and returns where they are; both numbers are page-aligned. 0 when there are none, or the map
// is full.
uint64_t boot_info_take(struct boot_info *boot, uint64_t len_bytes, uint64_t limit);

// The number that the command line gives the option `name` ("name=5", decimal); `otherwise` when it gives none.
uint32_t boot_info_number(const struct boot_info *boot, const char *name, uint32_t otherwise);
