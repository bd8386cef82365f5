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
constexpr uint64_t PTE_LEAF_MASK = PTE_READ | PTE_WRITE | PTE_EXECUTE;
constexpr unsigned PTE_FRAME_SHIFT = 10; // of the frame number
constexpr uint64_t PTE_FRAME_MASK = 0x003f'ffff'ffff'fc00;

constexpr unsigned PTE_INDEX_BITS = 9;
constexpr unsigned PTE_PER_TABLE = 512;
constexpr uint64_t ARCH_LARGE_PAGES = PTE_PER_TABLE;
constexpr uint64_t ARCH_LEAF_BYTES = 2ull << 20;

struct arch_leaf {
    uint64_t entries[PTE_PER_TABLE];
};

static inline uint64_t pte_of_frame(uint64_t physical) {
    return physical >> 12 << PTE_FRAME_SHIFT;
}

static inline uint64_t pte_frame(uint64_t entry) {
    return (entry & PTE_FRAME_MASK) >> PTE_FRAME_SHIFT << 12;
}

// A program's page with PROT_* bits. Accessed and dirty are set at once: nothing here reads them, and a processor
// that does not set them itself would trap. Whether memory is cached is a matter of its physical address.
static inline uint64_t pte_user(paddr_t frame, uint32_t prot) {
    return pte_of_frame(frame.v) | PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_READ |
           (prot & PROT_WRITE ? PTE_WRITE : 0) | (prot & PROT_EXECUTE ? PTE_EXECUTE : 0);
}

static inline void arch_leaf_set(struct arch_leaf *leaf, uint64_t address, paddr_t frame, uint32_t prot) {
    leaf->entries[address >> 12 & (PTE_PER_TABLE - 1)] = pte_user(frame, prot);
    if ((prot & PROT_EXECUTE) != 0) {
        __asm__ volatile("fence.i" ::: "memory");
    }
}

static inline bool arch_leaf_present(const struct arch_leaf *leaf, uint64_t address) {
    return (leaf->entries[address >> 12 & (PTE_PER_TABLE - 1)] & PTE_PRESENT) != 0;
}
