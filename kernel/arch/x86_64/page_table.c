// Address spaces of programs: the user half of four-level page tables.
//
// Nothing here needs a privileged instruction but the TLB operations of arch_mmu.h, so the host port runs
// this very file.
#include "abi/gen/abi.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/arch/mmu.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/sched/tlb.h"
#include "kernel/object/account.h"
#include "page_table.h"

constexpr unsigned ROOT_SHIFT = 39;
constexpr unsigned USER_ROOT_ENTRIES = PTE_PER_TABLE / 2;
constexpr unsigned LEAF_SHIFT = 21;
constexpr unsigned DESTROY_STEP_TABLES = 32;

static uint64_t all_tables;               // atomic; of all spaces and the kernel
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
    return phys_to_virt((paddr_t){entry & PTE_FRAME_MASK});
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
    memset(root, 0, PAGE_BYTES / 2);
    if (kernel_root.v != 0) {
        const uint64_t *kernel = phys_to_virt(kernel_root);
        memcpy(root + USER_ROOT_ENTRIES, kernel + USER_ROOT_ENTRIES, PAGE_BYTES / 2);
    } else {
        memset(root + USER_ROOT_ENTRIES, 0, PAGE_BYTES / 2);
    }
    return STATUS_OK;
}

// ---- Walking ----
//
// An entry of level 2 points at a leaf table, or maps a large page itself. All of a large page belongs to mappings of
// one VMO, and only under that VMO's lock is such an entry written or taken away. It may go at any time: page tables
// are a cache, and what is left of the range is entered again page by page.

static bool is_table(uint64_t entry) {
    return (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT;
}

struct arch_leaf *arch_leaf_find(const struct arch_space *space, uint64_t address) {
    uint64_t *table = phys_to_virt(space->root);
    for (unsigned shift = ROOT_SHIFT; shift >= LEAF_SHIFT; shift -= PTE_INDEX_BITS) {
        uint64_t entry = table[index_at(address, shift)];
        if (!is_table(entry)) {
            return nullptr;
        }
        table = table_at(entry);
    }
    return (struct arch_leaf *)table;
}

// The table that `entry` points at; makes it where there is none. `parent` points at the table that `entry` is in, null
// for the root. Others may be walking there without a lock: the table is empty before it can be seen.
static status_t lower_table(struct arch_space *space, struct account *account, uint64_t *parent, uint64_t *entry,
                            uint64_t **out) {
    if (!is_table(*entry)) {
        paddr_t frame;
        TRY(table_alloc(space, account, &frame));
        memset(phys_to_virt(frame), 0, PAGE_BYTES);
        __atomic_store_n(entry, frame.v | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED, __ATOMIC_RELEASE);
        if (parent == nullptr) {
            space->root_children++;
        } else {
            *parent += PTE_COUNT_ONE;
        }
    }
    *out = table_at(*entry);
    return STATUS_OK;
}

// The entry of level 2 for an address; *parent points at its table.
static status_t large_entry(struct arch_space *space, struct account *account, uint64_t address, uint64_t **parent,
                            uint64_t **out) {
    uint64_t *table = phys_to_virt(space->root);
    *parent = nullptr;
    for (unsigned shift = ROOT_SHIFT; shift > LEAF_SHIFT; shift -= PTE_INDEX_BITS) {
        uint64_t *entry = &table[index_at(address, shift)];
        TRY(lower_table(space, account, *parent, entry, &table));
        *parent = entry;
    }
    *out = &table[index_at(address, LEAF_SHIFT)];
    return STATUS_OK;
}

[[gnu::noinline]] static status_t leaf_make(struct arch_space *space, struct account *account, uint64_t address) {
    uint64_t *parent, *entry, *table;
    TRY(large_entry(space, account, address, &parent, &entry));
    const bool large = (*entry & PTE_LARGE) != 0;
    TRY(lower_table(space, account, parent, entry, &table));
    space->last_leaf = (struct arch_leaf *)table;
    space->last_start = align_down(address, ARCH_LEAF_BYTES);
    if (large) {
        tlb_flush(space, space->last_start, space->last_start + ARCH_LEAF_BYTES);
    }
    return STATUS_OK;
}

status_t arch_leaf_make(struct arch_space *space, struct account *account, uint64_t address, struct arch_leaf **out) {
    if (arch_leaf_last(space, address) == nullptr) {
        TRY(leaf_make(space, account, address));
    }
    *out = space->last_leaf;
    return STATUS_OK;
}

status_t arch_large_set(struct arch_space *space, struct account *account, uint64_t address, paddr_t frame,
                        uint32_t prot) {
    uint64_t *parent, *entry;
    TRY(large_entry(space, account, address, &parent, &entry));
    if (is_table(*entry)) {
        return STATUS_IN_USE; // tables stay until destruction
    }
    const bool old = *entry != 0;
    *entry = pte_user(frame, prot) | PTE_LARGE;
    if (old && arch_space_is_active(space)) {
        arch_tlb_flush_page(address);
    }
    return STATUS_OK;
}

// The first address at or after `address` and below `end` that has an entry of level 2, or `end`.
static uint64_t next_entry(const struct arch_space *space, uint64_t address, uint64_t end, uint64_t **out) {
    while (address < end) {
        uint64_t *table = phys_to_virt(space->root);
        unsigned shift = ROOT_SHIFT;
        for (;; shift -= PTE_INDEX_BITS) {
            uint64_t *entry = &table[index_at(address, shift)];
            if (!(*entry & PTE_PRESENT)) {
                break;
            }
            if (shift == LEAF_SHIFT) {
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
    const struct arch_space *space;
    uint64_t flags; // over the same frame; 0: nothing there any more
    uint64_t count;
    bool active;
};

static void changed(struct change *change, uint64_t address) {
    if (++change->count <= TLB_PAGES_MAX && change->active) {
        arch_tlb_flush_page(address);
    }
}

static void change_done(const struct change *change, uint64_t start, uint64_t end) {
    if (change->count > TLB_PAGES_MAX && change->active) {
        arch_tlb_flush_user();
    }
    if (change->count > 0) {
        tlb_flush_others(change->space, start, end);
    }
}

// Replaces each present entry in the range, which lies in one leaf, by the flags over the same frame.
static void leaf_change(struct change *change, struct arch_leaf *leaf, uint64_t address, uint64_t stop) {
    const uint64_t flags = change->flags;
    for (; address < stop; address += PAGE_BYTES) {
        uint64_t *entry = &leaf->entries[index_at(address, FRAME_SHIFT)];
        if ((*entry & PTE_PRESENT) != 0) {
            *entry = flags == 0 ? 0 : (*entry & PTE_FRAME_MASK) | flags;
            changed(change, address);
        }
    }
}

static uint64_t range_change(struct arch_space *space, uint64_t start, uint64_t end, uint64_t flags, uint32_t *budget) {
    struct change change = {space, flags, 0, arch_space_is_active(space)};
    uint64_t *entry = nullptr;
    uint64_t address = next_entry(space, start, end, &entry);
    while (address < end && *budget > 0) {
        const uint64_t leaf_end = (address | (ARCH_LEAF_BYTES - 1)) + 1;
        const uint64_t stop = leaf_end < end ? leaf_end : end;
        const uint64_t before = change.count;
        if (is_table(*entry)) {
            leaf_change(&change, (struct arch_leaf *)table_at(*entry), address, stop);
        } else {
            const bool whole = stop - address == ARCH_LEAF_BYTES;
            *entry = flags == 0 || !whole ? 0 : (*entry & PTE_FRAME_MASK) | flags | PTE_LARGE;
            changed(&change, address);
        }
        const uint64_t cost = TABLE_COST + change.count - before;
        *budget -= *budget < cost ? *budget : (uint32_t)cost;
        address = next_entry(space, stop, end, &entry);
    }
    change_done(&change, start, address);
    return address;
}

uint64_t arch_space_unmap(struct arch_space *space, uint64_t start, uint64_t end, uint32_t *budget) {
    struct arch_leaf *leaf = arch_leaf_last(space, start);
    if (leaf == nullptr || end - space->last_start > ARCH_LEAF_BYTES) {
        return range_change(space, start, end, 0, budget);
    }
    struct change change = {space, 0, 0, arch_space_is_active(space)};
    leaf_change(&change, leaf, start, end);
    change_done(&change, start, end);
    *budget -= *budget < change.count ? *budget : (uint32_t)change.count;
    return end;
}

uint64_t arch_space_protect(struct arch_space *space, uint64_t start, uint64_t end, uint32_t prot, uint32_t *budget) {
    return range_change(space, start, end, prot == 0 ? 0 : pte_user((paddr_t){0}, prot), budget);
}

// ---- Destruction ----

static uint64_t children_of(uint64_t entry) {
    return (entry & PTE_COUNT_MASK) >> PTE_COUNT_SHIFT;
}

// Index of the first entry at or after `index` that points at a table; the caller knows that there is one.
static unsigned first_table(const uint64_t *table, unsigned index) {
    while (!is_table(table[index])) {
        index++;
    }
    return index;
}

// The counts of children say when a table is empty, so no table is searched to its end. space->sweep is the
// index in the root that has been reached.
bool arch_space_destroy_step(struct arch_space *space, struct account *account) {
    if (arch_space_is_active(space)) {
        arch_write_root(kernel_root.v);
    }
    space->last_leaf = nullptr;
    uint64_t *root = phys_to_virt(space->root);
    unsigned freed = 0;
    while (space->root_children > 0) {
        space->sweep = first_table(root, (unsigned)space->sweep);
        uint64_t *upper = &root[space->sweep];
        uint64_t *middle_table = table_at(*upper);
        unsigned middle_index = 0;
        while (children_of(*upper) > 0) {
            middle_index = first_table(middle_table, middle_index);
            uint64_t *middle = &middle_table[middle_index];
            uint64_t *lower_table = table_at(*middle);
            unsigned lower_index = 0;
            while (children_of(*middle) > 0) {
                if (freed >= DESTROY_STEP_TABLES) {
                    return false;
                }
                freed++;
                lower_index = first_table(lower_table, lower_index);
                table_free(space, account, (paddr_t){lower_table[lower_index] & PTE_FRAME_MASK});
                lower_table[lower_index] = 0;
                *middle -= PTE_COUNT_ONE;
            }
            table_free(space, account, (paddr_t){*middle & PTE_FRAME_MASK});
            *middle = 0;
            *upper -= PTE_COUNT_ONE;
            freed++;
        }
        table_free(space, account, (paddr_t){*upper & PTE_FRAME_MASK});
        *upper = 0;
        space->root_children--;
        freed++;
    }
    table_free(space, account, space->root);
    space->root = (paddr_t){0};
    return true;
}
