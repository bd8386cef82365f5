// Physical memory of the host port: a piece of the test program's own.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/boot_info.h"

// Starts with fresh, zero-filled "physical" memory of this size from address 0. What the frame allocator
// and the slab caches knew of older memory is void: a program that uses slabs calls this once.
void host_arena_init(uint64_t len_bytes);

// The same, with all of it but the first 64 KiB given to the frame allocator.
void host_memory_init(uint64_t len_bytes);

struct host_range {
    uint64_t base, len_bytes;
};

// A boot_info with these usable ranges.
struct boot_info host_boot_info(const struct host_range ranges[], uint32_t count);
