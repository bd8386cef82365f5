// What every port provides for address spaces and for the kernel's own mappings.
//
// Ports: kernel/arch/x86_64/{mmu,page_table}.c; the host port uses x86_64's page_table.c over its arena.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch_mmu.h"
#include "kernel/types.h"

struct account;
struct boot_info;

// ---- Address spaces of programs. The caller (vspace.c) holds the vspace's lock. ----

struct arch_space {
    paddr_t root;           // what the processor's translation register points at
    uint64_t table_bytes;   // memory in tables, root included
    uint64_t sweep;         // where the destruction has got to
    uint32_t root_children; // tables that the user half of the root points at
    // The leaf table made or found last, and the lowest address it serves. Tables stay until destruction.
    struct arch_leaf *last_leaf;
    uint64_t last_start;
};

// An empty space that shares the kernel's half. Charges its root table. NO_MEMORY.
status_t arch_space_init(struct arch_space *space, struct account *account);

// One bounded step of giving all tables back; true when none is left. The first step also makes sure
// that this processor no longer walks them. No thread may run in the space any more.
bool arch_space_destroy_step(struct arch_space *space, struct account *account);

// Finds (arch_leaf_find: null when absent) or makes (arch_leaf_make: NO_MEMORY) the table that holds the
// translation of `address`; it serves all of the ARCH_LEAF_BYTES around it.
struct arch_leaf *arch_leaf_find(const struct arch_space *space, uint64_t address);
status_t arch_leaf_make(struct arch_space *space, struct account *account, uint64_t address,
                        struct arch_leaf **out);

// Enters one translation for the ARCH_LARGE_PAGES pages of an aligned ARCH_LEAF_BYTES, with PROT_* bits. The frames are
// adjacent and as aligned. NO_MEMORY; IN_USE: there is a table for single pages. A later arch_leaf_make there, or a
// change of a part of the range, takes the large translation away.
status_t arch_large_set(struct arch_space *space, struct account *account, uint64_t address, paddr_t frame,
                        uint32_t prot);

// The table made or found last, if it serves `address`.
static inline struct arch_leaf *arch_leaf_last(const struct arch_space *space, uint64_t address) {
    return address - space->last_start < ARCH_LEAF_BYTES ? space->last_leaf : nullptr;
}

// Inline in arch_mmu.h:
//   void arch_leaf_set(struct arch_leaf *, uint64_t address, paddr_t, uint32_t prot): enters one translation
//       with PROT_* bits (never 0); over an old one the caller flushes with arch_tlb_flush_page(address).
//   bool arch_leaf_present(const struct arch_leaf *, uint64_t address)

// Takes all translations in the range away, or changes them to `prot` (0 takes them away, too; this one is also for a
// caller that holds only the lock of the VMO that is shown there), and flushes this processor's
// TLB as needed. Both ends page-aligned.
//
// A bounded step: stops when *budget entries have been changed (looking at a table counts, too), takes what it used
// off *budget, and returns how far it got; `end` when it is done.
uint64_t arch_space_unmap(struct arch_space *space, uint64_t start, uint64_t end, uint32_t *budget);
uint64_t arch_space_protect(struct arch_space *space, uint64_t start, uint64_t end, uint32_t prot, uint32_t *budget);

// Makes this processor walk the space, and whether it does.
static inline void arch_space_activate(const struct arch_space *space) {
    arch_write_root(space->root.v);
}

static inline bool arch_space_is_active(const struct arch_space *space) {
    return arch_read_root() == space->root.v;
}

// Memory in page tables of all spaces and the kernel, in bytes.
uint64_t arch_table_bytes(void);

// ---- The kernel's own mappings. Only at boot, on one processor, unless it says otherwise. ----

// Builds the kernel's tables (direct map, image with W^X, room for stacks and devices), switches to them,
// and thereby drops the boot path's identity map: from here on `boot` is reached with phys_to_virt. Sets
// no-execute, supervisor write protection and global pages; writes the SMAP instructions into the user
// copies where the processor has SMAP (the other control bits are cpu.c's, and must be set afterwards).
// Runs on a stack in the kernel image. After frame_early_init, before frame_init. False: no memory for
// tables.
bool mmu_init(const struct boot_info *boot);

// Makes what is marked RO_AFTER_INIT read-only, which it is in the direct map from the start. Before there is
// another processor, whose TLB could hold the old translations.
void mmu_seal(void);

// The root table of the kernel alone: for processors that start up, and the idle state.
paddr_t mmu_kernel_root(void);

// Maps device registers uncached, read-write, no-execute; any alignment. Null when there is no memory.
// Never unmapped. After frame_init.
volatile void *mmu_map_device(paddr_t base, size_t len_bytes);

// A kernel stack of `pages` pages with an unmapped page below it; returns its upper end (16-byte aligned),
// or null. Never freed. After frame_init.
void *mmu_alloc_kernel_stack(size_t pages);

// Whether `address` is where kernel stacks lie: a fault there, the kernel's own, is that one was too small.
bool mmu_is_stack_guard(uint64_t address);
