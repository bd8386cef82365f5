// Distrust of what the boot path brought. It has checked the boot package itself (boot/package.h).
//
// The checks are pure but for the text of their complaint, and host-tested. A complaint is one sentence: what is wrong,
// where, what was expected and what was found; it lasts until the next. Null: nothing is wrong.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/boot_info.h"

// What the machine consists of, as the kernel was told, and constant; all zeros until kernel_main has checked it.
extern const struct boot_info *const boot_machine;

// Everything that can be checked without following an address.
const char *boot_info_check(const struct boot_info *boot);

// Whether there is a package, with nothing wrong, for the kernel with this build id.
const char *boot_package_check(const struct boot_info *boot, const uint8_t build_id[20]);

// All memory of the machine, in bytes, the kernel's own included.
uint64_t boot_info_ram_bytes(const struct boot_info *boot);

// Sum of all regions of these kinds (1 << enum boot_mem_kind).
uint64_t boot_info_bytes(const struct boot_info *boot, uint32_t kinds);

// Whether any of it is the kernel's own, or could be used to take the machine over: programs may never have it.
bool boot_owns_ports(uint64_t base, uint64_t count);
// Whether one of these ports resets the machine.
bool boot_resets_by(uint64_t base, uint64_t count);
bool boot_owns_memory(uint64_t base, uint64_t len_bytes);

// The number that the command line gives the option `name` ("name=5", decimal); `otherwise` when it gives none.
uint32_t boot_info_number(const struct boot_info *boot, const char *name, uint32_t otherwise);
