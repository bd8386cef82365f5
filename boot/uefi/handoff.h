// The last step: page tables, a stack and a jump, all in one block of memory that the kernel frees later.
#pragma once

#include "abi/boot_info.h"

// What the block holds, in this order, each on its own pages.
constexpr uint64_t HANDOFF_INFO_PAGES = 3;
constexpr uint64_t HANDOFF_TABLE_PAGES = 8; // top, two second-level, four for the low 4 GiB, one for the image
constexpr uint64_t HANDOFF_STACK_PAGES = 2;
constexpr uint64_t HANDOFF_CODE_PAGES = 1;
constexpr uint64_t HANDOFF_PAGES =
    HANDOFF_INFO_PAGES + HANDOFF_TABLE_PAGES + HANDOFF_STACK_PAGES + HANDOFF_CODE_PAGES;

static_assert(sizeof(struct boot_info) <= HANDOFF_INFO_PAGES * 4096);

// Why the kernel cannot be entered on this processor as the firmware left it; nullptr when it can.
const char *handoff_obstacle(void);

// Prepares the zeroed block at `block_phys`, which lies below 4 GiB and may be executed: page tables that map the
// low 4 GiB to themselves and the kernel image at its virtual address.
void handoff_prepare(uint64_t block_phys, uint64_t kernel_phys, uint64_t kernel_bytes);

// The boot information lies at the beginning of the block.
static inline struct boot_info *handoff_info(uint64_t block_phys) {
    return (struct boot_info *)block_phys;
}

// Where the page tables lie in it.
uint64_t handoff_tables(uint64_t block_phys);

// Enters the kernel at the virtual address `entry`. After exit_boot_services only.
[[noreturn]] void handoff_enter(uint64_t block_phys, uint64_t entry);

// Time-stamp counter.
uint64_t handoff_timestamp(void);
