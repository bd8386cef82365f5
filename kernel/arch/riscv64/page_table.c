// Address spaces of programs: the user half of page tables with three (Sv39) or four levels (Sv48).
//
// As in x86_64/page_table.c, but for the entries' format: they have no room to count the children of the table they
// point at, so destruction looks through the tables it frees.
#include "abi/gen/abi.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/arch/mmu.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/sched/tlb.h"
#include "page_table.h"

constexpr unsigned USER_ROOT_ENTRIES = PTE_PER_TABLE / 2;
constexpr unsigned LEAF_SHIFT = 21;
constexpr unsigned DESTROY_STEP_TABLES = 32;

static uint64_t all_tables; // atomic; of all spaces and the kernel
RO_AFTER_INIT static paddr_t kernel_root; // its upper half is in every space

void page_table_set_kernel_root(paddr_t root) {
    kernel_root = root;
}

paddr_t mmu_kernel_root(void) {
    return kernel_root;
}

void page_table_count(uint64_t tables) {
    __atomic_fetch_add(&all_tables, tables, __ATOMIC_RELAXED);
}

uint64_t arch_table_bytes(void) {
    return __atomic_load_n(&all_tables, __ATOMIC_RELAXED) * PAGE_BYTES;
}

static uint64_t *table_at(uint64_t entry) {
    return phys_to_virt((paddr_t){pte_frame(entry)});
}

static unsigned index_at(uint64_t address, unsigned shift) {
    return (unsigned)(address >> shift) & (PTE_PER_TABLE - 1);
}

// A frame for a table, charged, with unspecified contents.
static status_t table_alloc(struct arch_space *space, struct account *account, paddr_t *out) {
    TRY(account_charge(account, PAGE_BYTES));
    status_t status = frame_alloc(0, out);
    if (!status_ok(status)) {
        account_uncharge(account, PAGE_BYTES);
        return status;
    }
    space->table_bytes += PAGE_BYTES;
    page_table_count(1);
    return STATUS_OK;
}

static void table_free(struct arch_space *space, struct account *account, paddr_t table) {
    frame_free(table, 0);
    account_uncharge(account, PAGE_BYTES);
    space->table_bytes -= PAGE_BYTES;
    page_table_count(-1ull);
}

status_t arch_space_init(struct arch_space *space, struct account *account) {
    *space = (struct arch_space){};
    TRY(table_alloc(space, account, &space->root));
    uint64_t *root = phys_to_virt(space->root);
    const uint64_t *kernel = phys_to_virt(kernel_root);
    memset(root, 0, PAGE_BYTES / 2);
    memcpy(root + USER_ROOT_ENTRIES, kernel + USER_ROOT_ENTRIES, PAGE_BYTES / 2);
    return STATUS_OK;
}

// ---- Walking ----

struct arch_leaf *arch_leaf_find(const struct arch_space *space, uint64_t address) {
    uint64_t *table = phys_to_virt(space->root);
    for (unsigned shift = arch_root_shift; shift >= LEAF_SHIFT; shift -= PTE_INDEX_BITS) {
        uint64_t entry = table[index_at(address, shift)];
        if (!(entry & PTE_PRESENT)) {
            return nullptr;
        }
        table = table_at(entry);
    }
    return (struct arch_leaf *)table;
}

status_t arch_leaf_make(struct arch_space *space, struct account *account, uint64_t address,
                        struct arch_leaf **out) {
    if (address - space->last_start < ARCH_LEAF_BYTES && space->last_leaf != nullptr) {
        *out = space->last_leaf;
        return STATUS_OK;
    }
    uint64_t *table = phys_to_virt(space->root);
    for (unsigned shift = arch_root_shift; shift >= LEAF_SHIFT; shift -= PTE_INDEX_BITS) {
        uint64_t *entry = &table[index_at(address, shift)];
        if (!(*entry & PTE_PRESENT)) {
            paddr_t frame;
            TRY(table_alloc(space, account, &frame));
            memset(phys_to_virt(frame), 0, PAGE_BYTES);
            // What walks the tables must not find the table before its zeros.
            __atomic_store_n(entry, pte_of_frame(frame.v) | PTE_PRESENT, __ATOMIC_RELEASE);
        }
        table = table_at(*entry);
    }
    space->last_leaf = (struct arch_leaf *)table;
    space->last_start = align_down(address, ARCH_LEAF_BYTES);
    *out = space->last_leaf;
    return STATUS_OK;
}

// The first address at or after `address` and below `end` whose leaf table exists, or `end`.
static uint64_t next_leaf(const struct arch_space *space, uint64_t address, uint64_t end,
                          struct arch_leaf **out) {
    while (address < end) {
        uint64_t *table = phys_to_virt(space->root);
        unsigned shift = arch_root_shift;
        for (;; shift -= PTE_INDEX_BITS) {
            uint64_t entry = table[index_at(address, shift)];
            if (!(entry & PTE_PRESENT)) {
                break;
            }
            table = table_at(entry);
            if (shift == LEAF_SHIFT) {
                *out = (struct arch_leaf *)table;
                return address;
            }
        }
        address = ((address >> shift) + 1) << shift;
    }
    return end;
}

// ---- Changing ranges ----

constexpr uint32_t TABLE_COST = 16; // of looking through a table, in entries changed

// Replaces each present entry in the range by `flags` over the same frame; by nothing when flags are 0.
static uint64_t range_change(struct arch_space *space, uint64_t start, uint64_t end, uint64_t flags,
                             uint32_t *budget) {
    bool active = arch_space_is_active(space);
    uint64_t changed = 0;
    struct arch_leaf *leaf = nullptr;
    uint64_t address = next_leaf(space, start, end, &leaf);
    while (address < end && *budget > 0) {
        uint64_t leaf_end = (address | (ARCH_LEAF_BYTES - 1)) + 1;
        uint64_t stop = leaf_end < end ? leaf_end : end;
        *budget -= *budget < TABLE_COST ? *budget : TABLE_COST;
        uint64_t before = changed;
        for (; address < stop; address += PAGE_BYTES) {
            uint64_t *entry = &leaf->entries[index_at(address, FRAME_SHIFT)];
            if (!(*entry & PTE_PRESENT)) {
                continue;
            }
            *entry = flags == 0 ? 0 : (*entry & PTE_FRAME_MASK) | flags;
            if (++changed <= TLB_PAGES_MAX && active) {
                arch_tlb_flush_page(address);
            }
        }
        *budget -= *budget < changed - before ? *budget : (uint32_t)(changed - before);
        address = next_leaf(space, address, end, &leaf);
    }
    if (changed > TLB_PAGES_MAX && active) {
        arch_tlb_flush_user();
    }
    if (changed > 0) {
        tlb_flush_others(space, start, address);
    }
    return address;
}

uint64_t arch_space_unmap(struct arch_space *space, uint64_t start, uint64_t end, uint32_t *budget) {
    return range_change(space, start, end, 0, budget);
}

uint64_t arch_space_protect(struct arch_space *space, uint64_t start, uint64_t end, uint32_t prot,
                            uint32_t *budget) {
    return range_change(space, start, end, prot == 0 ? 0 : pte_user((paddr_t){0}, prot), budget);
}

// Not yet: every page has an entry of its own.
status_t arch_large_set(struct arch_space *, struct account *, uint64_t, paddr_t, uint32_t) {
    return STATUS_IN_USE;
}

// ---- Destruction ----

// Frees the tables that entries of `table` (each covering 1 << shift bytes) below index `end` point at, and theirs.
// False when *budget is used up first; what is freed is no longer there the next time.
static bool free_below(struct arch_space *space, struct account *account, uint64_t *table, unsigned shift,
                       unsigned end, unsigned *budget) {
    for (unsigned i = 0; i < end; i++) {
        if (!(table[i] & PTE_PRESENT)) {
            continue;
        }
        if (shift > LEAF_SHIFT && !free_below(space, account, table_at(table[i]), shift - PTE_INDEX_BITS,
                                              PTE_PER_TABLE, budget)) {
            return false;
        }
        if (*budget == 0) {
            return false;
        }
        --*budget;
        table_free(space, account, (paddr_t){pte_frame(table[i])});
        table[i] = 0;
    }
    return true;
}

bool arch_space_destroy_step(struct arch_space *space, struct account *account) {
    if (arch_space_is_active(space)) {
        arch_write_root(kernel_root.v);
    }
    space->last_leaf = nullptr;
    unsigned budget = DESTROY_STEP_TABLES;
    if (!free_below(space, account, phys_to_virt(space->root), arch_root_shift, USER_ROOT_ENTRIES, &budget)) {
        return false;
    }
    table_free(space, account, space->root);
    space->root = (paddr_t){0};
    return true;
}
