// The kernel's own mappings. Changed only at boot, on one processor.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/types.h"

struct boot_info;

// Builds the kernel's tables (direct map, image with W^X, room for stacks and devices), switches to them,
// and thereby drops the boot path's identity map: from here on `boot` is reached with phys_to_virt.
// Runs on a stack in the kernel image. After frame_early_init, before frame_init. False: no memory for
// tables.
bool mmu_init(const struct boot_info *boot);

// Makes what is marked RO_AFTER_INIT read-only, which it is in the direct map from the start. Before there is
// another processor, whose TLB could hold the old translations.
void mmu_seal(void);

// The root table of the kernel alone: for processors that start up, and the idle state. Every address space shares its
// upper half, whose entries never change again.
paddr_t mmu_kernel_root(void);

// Memory in it and in the tables below it.
uint64_t mmu_table_bytes(void);

// Maps device registers uncached, read-write, no-execute; any alignment. Null when there is no memory.
// Never unmapped. After frame_init.
volatile void *mmu_map_device(paddr_t base, size_t len_bytes);

// A kernel stack of `pages` pages with an unmapped page below it; returns its upper end (16-byte aligned),
// or null. Never freed. After frame_init.
void *mmu_alloc_kernel_stack(size_t pages);

// Whether `address` is where kernel stacks lie: a fault there, the kernel's own, is that one was too small.
bool mmu_is_stack_guard(uint64_t address);
