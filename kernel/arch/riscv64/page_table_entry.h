// The entries of riscv64 page tables (RISC-V privileged architecture 1.12, section 4.3).
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "kernel/types.h"

constexpr uint64_t PTE_PRESENT = 1ull << 0;
constexpr uint64_t PTE_READ = 1ull << 1; // with none of the three: the entry points at a table
constexpr uint64_t PTE_WRITE = 1ull << 2;
constexpr uint64_t PTE_EXECUTE = 1ull << 3;
constexpr uint64_t PTE_USER = 1ull << 4;
constexpr uint64_t PTE_GLOBAL = 1ull << 5;
constexpr uint64_t PTE_ACCESSED = 1ull << 6;
constexpr uint64_t PTE_DIRTY = 1ull << 7;
constexpr unsigned PTE_FRAME_SHIFT = 10; // of the frame number
constexpr uint64_t PTE_FRAME_MASK = 0x003f'ffff'ffff'fc00;

// ---- What kernel/arch/mmu.h asks for ----

constexpr uint64_t PTE_LARGE = 0; // what allows an access is a page, at every level
constexpr uint64_t PTE_TABLE = PTE_PRESENT;
constexpr uint64_t PTE_KERNEL_READ_ONLY = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_READ;
constexpr uint64_t PTE_KERNEL_TEXT = PTE_KERNEL_READ_ONLY | PTE_EXECUTE;
constexpr uint64_t PTE_KERNEL_DATA = PTE_KERNEL_READ_ONLY | PTE_WRITE;
constexpr uint64_t PTE_KERNEL_DEVICE = PTE_KERNEL_DATA; // what is cached is the address's matter

static inline uint64_t pte_of(paddr_t frame) {
    return frame.v >> 12 << PTE_FRAME_SHIFT;
}

static inline paddr_t pte_frame(uint64_t entry) {
    return (paddr_t){(entry & PTE_FRAME_MASK) >> PTE_FRAME_SHIFT << 12};
}

static inline bool pte_is_table(uint64_t entry) {
    return (entry & (PTE_PRESENT | PTE_READ | PTE_WRITE | PTE_EXECUTE)) == PTE_PRESENT;
}

// Accessed and dirty are set at once: nothing here reads them, and a processor that does not set them itself would trap.
static inline uint64_t pte_user(uint32_t prot) {
    return PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_READ | (prot & PROT_WRITE ? PTE_WRITE : 0) |
           (prot & PROT_EXECUTE ? PTE_EXECUTE : 0);
}
