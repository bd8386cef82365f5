// The entries of x86-64 page tables (Intel SDM volume 3, section 4.5). Pure data: the host tests use it too.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "kernel/types.h"

constexpr uint64_t PTE_PRESENT = 1ull << 0;
constexpr uint64_t PTE_WRITE = 1ull << 1;
constexpr uint64_t PTE_USER = 1ull << 2;
constexpr uint64_t PTE_WRITE_THROUGH = 1ull << 3;
constexpr uint64_t PTE_CACHE_OFF = 1ull << 4;
constexpr uint64_t PTE_ACCESSED = 1ull << 5;
constexpr uint64_t PTE_DIRTY = 1ull << 6;
constexpr uint64_t PTE_LARGE = 1ull << 7; // in levels 2 and 3
constexpr uint64_t PTE_GLOBAL = 1ull << 8;
constexpr uint64_t PTE_NO_EXECUTE = 1ull << 63;
constexpr uint64_t PTE_FRAME_MASK = 0x000f'ffff'ffff'f000;

// ---- What kernel/arch/mmu.h asks for ----

constexpr uint64_t PTE_TABLE = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
constexpr uint64_t PTE_KERNEL_TEXT = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL;
constexpr uint64_t PTE_KERNEL_READ_ONLY = PTE_KERNEL_TEXT | PTE_NO_EXECUTE;
constexpr uint64_t PTE_KERNEL_DATA = PTE_KERNEL_READ_ONLY | PTE_WRITE;
constexpr uint64_t PTE_KERNEL_DEVICE = PTE_KERNEL_DATA | PTE_CACHE_OFF | PTE_WRITE_THROUGH;

static inline unsigned arch_root_shift(void) {
    return 39;
}

static inline uint64_t pte_of(paddr_t frame) {
    return frame.v;
}

static inline paddr_t pte_frame(uint64_t entry) {
    return (paddr_t){entry & PTE_FRAME_MASK};
}

static inline bool pte_is_table(uint64_t entry) {
    return (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

// Accessed and dirty are set at once: nothing here reads them, and the processor need not write them back.
static inline uint64_t pte_user(uint32_t prot) {
    return PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | (prot & PROT_WRITE ? PTE_WRITE : 0) |
           (prot & PROT_EXECUTE ? 0 : PTE_NO_EXECUTE);
}
