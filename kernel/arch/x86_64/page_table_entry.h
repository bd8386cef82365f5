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

// In entries that point at tables, bits the processor ignores count the entries in use of that table.
constexpr unsigned PTE_COUNT_SHIFT = 52;
constexpr uint64_t PTE_COUNT_ONE = 1ull << PTE_COUNT_SHIFT;
constexpr uint64_t PTE_COUNT_MASK = 0x3ffull << PTE_COUNT_SHIFT;

constexpr unsigned PTE_INDEX_BITS = 9;
constexpr unsigned PTE_PER_TABLE = 512;
constexpr uint64_t ARCH_LEAF_BYTES = 2ull << 20;
constexpr uint64_t ARCH_LARGE_PAGES = PTE_PER_TABLE; // one entry of level 2 in the place of a leaf table

struct arch_leaf {
    uint64_t entries[PTE_PER_TABLE];
};

// A program's page with PROT_* bits. Accessed and dirty are set at once: nothing here reads them, and the
// processor need not write them back.
static inline uint64_t pte_user(paddr_t frame, uint32_t prot) {
    return frame.v | PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY | (prot & PROT_WRITE ? PTE_WRITE : 0) |
           (prot & PROT_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

static inline void arch_leaf_set(struct arch_leaf *leaf, uint64_t address, paddr_t frame, uint32_t prot) {
    leaf->entries[address >> 12 & (PTE_PER_TABLE - 1)] = pte_user(frame, prot);
}

static inline bool arch_leaf_present(const struct arch_leaf *leaf, uint64_t address) {
    return (leaf->entries[address >> 12 & (PTE_PER_TABLE - 1)] & PTE_PRESENT) != 0;
}
