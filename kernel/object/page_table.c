#include "kernel/object/page_table.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/account.h"
#include "kernel/sched/tlb.h"

constexpr unsigned DESTROY_STEP_TABLES = 32;

static uint64_t all_tables; // atomic

uint64_t page_table_bytes(void) {
    return __atomic_load_n(&all_tables, __ATOMIC_RELAXED) * PAGE_BYTES;
}

static uint64_t *table_at(uint64_t entry) {
    return phys_to_virt(pte_frame(entry));
}

static paddr_t table_alloc(struct page_tables *tables, struct account *account) {
    const paddr_t table = account_frame(account);
    if (table.v != 0) {
        tables->table_bytes += PAGE_BYTES;
        __atomic_fetch_add(&all_tables, 1, __ATOMIC_RELAXED);
    }
    return table;
}

static void table_free(struct page_tables *tables, struct account *account, paddr_t table) {
    frame_free(table, 0);
    account_uncharge(account, PAGE_BYTES);
    tables->table_bytes -= PAGE_BYTES;
    __atomic_fetch_sub(&all_tables, 1, __ATOMIC_RELAXED);
}

status_t page_tables_init(struct page_tables *tables, struct account *account) {
    *tables = (struct page_tables){.lowest = UINT64_MAX, .sweep_shift = LEAF_SHIFT};
    tables->root = table_alloc(tables, account);
    if (tables->root.v == 0) {
        return STATUS_NO_MEMORY;
    }
    constexpr size_t UPPER = PAGE_BYTES / 2;
    memcpy((char *)phys_to_virt(tables->root) + UPPER, (char *)phys_to_virt(mmu_kernel_root()) + UPPER, UPPER);
    return STATUS_OK;
}

// ---- Walking ----
//
// An entry at LEAF_SHIFT points at a leaf, or maps a large page itself. All of a large page belongs to mappings of
// one VMO, and only under that VMO's lock is such an entry written or taken away. It may go at any time: page tables
// are a cache, and what is left of the range is entered again page by page.

// The table that `entry` points at; makes it where there is none. Null: NO_MEMORY. Others may be walking there without a
// lock: the table is empty before it can be seen.
static uint64_t *lower_table(struct page_tables *tables, struct account *account, uint64_t *entry) {
    if (!pte_is_table(*entry)) {
        const paddr_t table = table_alloc(tables, account);
        if (table.v == 0) {
            return nullptr;
        }
        __atomic_store_n(entry, pte_of(table) | PTE_TABLE, __ATOMIC_RELEASE);
    }
    return table_at(*entry);
}

// The entry at LEAF_SHIFT for an address. Null: NO_MEMORY.
static uint64_t *entry_make(struct page_tables *tables, struct account *account, uint64_t address) {
    uint64_t *table = phys_to_virt(tables->root);
    tables->lowest = min_u64(tables->lowest, address);
    tables->highest = max_u64(tables->highest, address);
    for (unsigned shift = arch_root_shift(); table != nullptr && shift > LEAF_SHIFT; shift -= PTE_INDEX_BITS) {
        table = lower_table(tables, account, &table[pte_index(address, shift)]);
    }
    return table == nullptr ? nullptr : &table[pte_index(address, LEAF_SHIFT)];
}

[[gnu::noinline]] static struct leaf_table *other_leaf(struct page_tables *tables, struct account *account,
                                                       uint64_t address) {
    const uint64_t start = align_down(address, LEAF_BYTES);
    uint64_t *entry = entry_make(tables, account, address);
    const bool large = entry != nullptr && *entry != 0 && !pte_is_table(*entry);
    struct leaf_table *leaf = entry == nullptr ? nullptr : (struct leaf_table *)lower_table(tables, account, entry);
    if (leaf != nullptr) {
        tables->last_leaf = leaf;
        tables->last_start = start;
        if (large) {
            tlb_flush(tables, start, start + LEAF_BYTES);
        }
    }
    return leaf;
}

struct leaf_table *leaf_make(struct page_tables *tables, struct account *account, uint64_t address) {
    struct leaf_table *leaf = leaf_last(tables, address);
    return leaf != nullptr ? leaf : other_leaf(tables, account, address);
}

bool large_set(struct page_tables *tables, struct account *account, uint64_t address, paddr_t frame, uint32_t prot) {
    uint64_t *entry = entry_make(tables, account, address);
    if (entry == nullptr || pte_is_table(*entry)) {
        return false; // tables stay until destruction
    }
    const bool old = *entry != 0;
    *entry = pte_of(frame) | pte_user(prot) | PTE_LARGE;
    arch_tlb_entered(prot);
    if (old && page_tables_active(tables)) {
        arch_tlb_flush_page(address);
    }
    return true;
}

// The first address at or after `address` and below `end` that has an entry at the level of `lowest_shift`, or `end`.
static uint64_t next_entry(const struct page_tables *tables, uint64_t address, uint64_t end, unsigned lowest_shift,
                           uint64_t **out) {
    while (address < end) {
        uint64_t *table = phys_to_virt(tables->root);
        unsigned shift = arch_root_shift();
        for (;; shift -= PTE_INDEX_BITS) {
            uint64_t *entry = &table[pte_index(address, shift)];
            if (!(*entry & PTE_PRESENT)) {
                break;
            }
            if (shift == lowest_shift) {
                *out = entry;
                return address;
            }
            table = table_at(*entry);
        }
        address = ((address >> shift) + 1) << shift;
    }
    return end;
}

// ---- Changing ranges ----

constexpr uint32_t TABLE_COST = 16; // of looking through a table, in entries changed

// Entries changed so far in a range, and what of that this processor may still remember.
struct change {
    const struct page_tables *tables;
    uint64_t flags; // over the same frame; 0: nothing there any more
    uint64_t count;
    bool active;
};

static void change_entry(struct change *change, uint64_t *entry, uint64_t flags, uint64_t address) {
    *entry = flags == 0 ? 0 : (*entry & PTE_FRAME_MASK) | flags;
    if (++change->count <= TLB_PAGES_MAX && change->active) {
        arch_tlb_flush_page(address);
    }
}

static void change_done(const struct change *change, uint64_t start, uint64_t end) {
    if (change->count > TLB_PAGES_MAX && change->active) {
        arch_tlb_flush_user();
    }
    if (change->count > 0) {
        tlb_flush_others(change->tables, start, end);
    }
}

// Changes each present entry in the range, which lies in one leaf.
static void leaf_change(struct change *change, struct leaf_table *leaf, uint64_t address, uint64_t stop) {
    for (; address < stop; address += PAGE_BYTES) {
        if (leaf_present(leaf, address)) {
            change_entry(change, leaf_entry(leaf, address), change->flags, address);
        }
    }
}

static uint64_t range_change(struct page_tables *tables, uint64_t start, uint64_t end, uint64_t flags,
                             uint32_t *budget) {
    struct change change = {tables, flags, 0, page_tables_active(tables)};
    uint64_t *entry = nullptr;
    uint64_t address = next_entry(tables, start, end, LEAF_SHIFT, &entry);
    while (address < end && *budget > 0) {
        const uint64_t stop = min_u64((address | (LEAF_BYTES - 1)) + 1, end);
        const uint64_t before = change.count;
        if (pte_is_table(*entry)) {
            leaf_change(&change, (struct leaf_table *)table_at(*entry), address, stop);
        } else {
            const bool stays = flags != 0 && stop - address == LEAF_BYTES;
            change_entry(&change, entry, stays ? flags | PTE_LARGE : 0, address);
        }
        *budget -= (uint32_t)min_u64(*budget, TABLE_COST + change.count - before);
        address = next_entry(tables, stop, end, LEAF_SHIFT, &entry);
    }
    change_done(&change, start, address);
    return address;
}

uint64_t page_tables_unmap(struct page_tables *tables, uint64_t start, uint64_t end, uint32_t *budget) {
    struct leaf_table *leaf = leaf_last(tables, start);
    if (leaf == nullptr || end - tables->last_start > LEAF_BYTES) {
        return range_change(tables, start, end, 0, budget);
    }
    struct change change = {tables, 0, 0, page_tables_active(tables)};
    leaf_change(&change, leaf, start, end);
    change_done(&change, start, end);
    *budget -= (uint32_t)min_u64(*budget, change.count);
    return end;
}

uint64_t page_tables_protect(struct page_tables *tables, uint64_t start, uint64_t end, uint32_t prot,
                             uint32_t *budget) {
    return range_change(tables, start, end, prot == 0 ? 0 : pte_user(prot), budget);
}

// ---- Destruction ----

// All tables of the lowest level go first, then those of the level above them. Nothing lies outside what tables were
// made for, so no table is searched where nothing can be.
bool page_tables_destroy_step(struct page_tables *tables, struct account *account) {
    if (page_tables_active(tables)) {
        arch_write_root(mmu_kernel_root().v);
    }
    tables->last_leaf = nullptr;
    uint64_t *entry;
    unsigned freed = 0;
    for (; tables->sweep_shift <= arch_root_shift(); tables->sweep_shift += PTE_INDEX_BITS, tables->sweep = 0) {
        tables->sweep = max_u64(tables->sweep, tables->lowest);
        while ((tables->sweep = next_entry(tables, tables->sweep, tables->highest + 1, tables->sweep_shift, &entry)) <=
               tables->highest) {
            if (freed++ >= DESTROY_STEP_TABLES) {
                return false;
            }
            if (pte_is_table(*entry)) {
                table_free(tables, account, pte_frame(*entry));
            }
            *entry = 0;
        }
    }
    table_free(tables, account, tables->root);
    tables->root = (paddr_t){0};
    return true;
}
