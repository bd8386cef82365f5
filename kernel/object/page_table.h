// The page tables of programs: three or four levels of tables with 512 entries, on every port.
//
// What an entry looks like, and how a processor is told of it, is the port's (kernel/arch/mmu.h). A table of the lowest
// level, a leaf, serves LEAF_BYTES; in its place the entry above may map one large page. The caller (vspace.c) holds the
// vspace's lock, or that of the VMO that is shown there: mapping.h.
#pragma once

#include <stdint.h>

#include "kernel/arch/mmu.h"
#include "kernel/types.h"

struct account;

constexpr unsigned LEAF_SHIFT = 21;
constexpr uint64_t LEAF_BYTES = 1ull << LEAF_SHIFT;
constexpr uint64_t LARGE_PAGES = PTE_PER_TABLE; // in a large page

struct leaf_table {
    uint64_t entries[PTE_PER_TABLE];
};

struct page_tables {
    paddr_t root;         // what the processor's translation register points at
    uint64_t table_bytes; // memory in tables, root included
    uint64_t lowest, highest; // addresses that there were ever tables made for
    uint64_t sweep;           // where the destruction has got to,
    unsigned sweep_shift;     // at this level
    // The leaf made or found last, and the lowest address it serves. Tables stay until destruction.
    struct leaf_table *last_leaf;
    uint64_t last_start;
};

// Empty tables that share the kernel's half. Charges the root. NO_MEMORY.
status_t page_tables_init(struct page_tables *tables, struct account *account);

// One bounded step of giving all tables back; true when none is left. The first step also makes sure
// that this processor no longer walks them. No thread may run in the space any more.
bool page_tables_destroy_step(struct page_tables *tables, struct account *account);

// The leaf for an address, made where there is none. Null: NO_MEMORY.
struct leaf_table *leaf_make(struct page_tables *tables, struct account *account, uint64_t address);

// The leaf made or found last, if it serves `address`.
static inline struct leaf_table *leaf_last(const struct page_tables *tables, uint64_t address) {
    return address - tables->last_start < LEAF_BYTES ? tables->last_leaf : nullptr;
}

static inline uint64_t *leaf_entry(struct leaf_table *leaf, uint64_t address) {
    return &leaf->entries[address >> 12 & (PTE_PER_TABLE - 1)];
}

// Enters one translation with PROT_* bits (never 0); over an old one the caller flushes with arch_tlb_flush_page(address).
static inline void leaf_set(struct leaf_table *leaf, uint64_t address, paddr_t frame, uint32_t prot) {
    *leaf_entry(leaf, address) = pte_of(frame) | pte_user(prot);
    arch_tlb_entered(prot);
}

static inline bool leaf_present(struct leaf_table *leaf, uint64_t address) {
    return (*leaf_entry(leaf, address) & PTE_PRESENT) != 0;
}

// Enters one translation for the LARGE_PAGES pages of an aligned LEAF_BYTES, with PROT_* bits. The frames are
// adjacent and as aligned. False when there is a leaf, or no memory. A later leaf_make there, or a change of a part of the
// range, takes the large translation away.
bool large_set(struct page_tables *tables, struct account *account, uint64_t address, paddr_t frame, uint32_t prot);

// Takes all translations in the range away, or changes them to `prot` (0 takes them away, too; this one is also for a
// caller that holds only the lock of the VMO that is shown there), and makes all processors forget them. Both ends
// page-aligned.
//
// A bounded step: stops when *budget entries have been changed (looking at a table counts, too), takes what it used
// off *budget, and returns how far it got; `end` when it is done.
uint64_t page_tables_unmap(struct page_tables *tables, uint64_t start, uint64_t end, uint32_t *budget);
uint64_t page_tables_protect(struct page_tables *tables, uint64_t start, uint64_t end, uint32_t prot, uint32_t *budget);

// Makes this processor walk the tables, and whether it does.
static inline void page_tables_activate(const struct page_tables *tables) {
    arch_write_root(tables->root.v);
}

static inline bool page_tables_active(const struct page_tables *tables) {
    return arch_read_root() == tables->root.v;
}

// Memory in page tables of all programs, in bytes; the kernel's own are mmu_table_bytes (kernel/mm/kernel_map.h).
uint64_t page_table_bytes(void);
