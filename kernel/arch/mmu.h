// What a port provides for page tables, which are kernel/object/page_table.c (programs) and kernel/mm/kernel_map.c (the kernel).
//
// Tables have 512 entries, pages are 4 KiB, and programs have the lower half of all addresses. In the port's arch_mmu.h,
// inline:
//
//   ARCH_DIRECT_MAP_BASE, ARCH_KERNEL_AREA_BASE    where all memory, and stacks and devices, are mapped
//   unsigned arch_root_shift(void)                 what one entry of the root covers, as a power of two
//   uint64_t arch_user_end(void)                   first address that is no program's
//   uint64_t arch_read_root(void)                  the root that this processor walks; arch_write_root(root) changes it and
//                                                  drops all translations that are not global
//   void arch_tlb_flush_page(address), arch_tlb_flush_user()
//                                                  this processor's translations of one page, of all that are not global
//   void arch_tlb_flush_kernel(address)            its translation of a page of the kernel's, or that there was none
//   void arch_tlb_entered(prot)                    after a page was entered where nothing was; with PROT_EXECUTE what was
//                                                  written to it is seen by the instruction fetch
//
//   void arch_zero_page(page)                      fills a page with zeros
//
// and of entries:
//
//   PTE_PRESENT, PTE_WRITE, PTE_FRAME_MASK, PTE_LARGE (added where a page is larger than 4 KiB)
//   PTE_TABLE                                      of an entry that points at a table
//   PTE_KERNEL_TEXT, _READ_ONLY, _DATA, _DEVICE    of the kernel's pages
//   uint64_t pte_user(prot)                        of a program's page, with PROT_* bits
//   uint64_t pte_of(frame), paddr_t pte_frame(entry)
//   bool pte_is_table(entry)
#pragma once

#include <stdint.h>

#include "arch_mmu.h"
#include "kernel/types.h"

struct boot_info;

constexpr unsigned PTE_INDEX_BITS = 9;
constexpr unsigned PTE_PER_TABLE = 1u << PTE_INDEX_BITS;

static inline unsigned pte_index(uint64_t address, unsigned shift) {
    return (unsigned)(address >> shift) & (PTE_PER_TABLE - 1);
}

// What this machine allows.
struct arch_kernel_map {
    unsigned largest_shift; // of pages
    uint64_t area;          // where stacks and devices begin
};

// First thing of mmu_init: chooses the kind of page tables, and refuses a processor that cannot protect the kernel.
struct arch_kernel_map arch_mmu_begin(const struct boot_info *boot);

// Switches from the boot path's tables to the kernel's, with no-execute, supervisor write protection and global pages;
// writes the SMAP instructions into the user copies where the processor has SMAP (the other control bits are cpu.c's, and
// must be set afterwards).
void arch_mmu_switch(uint64_t root);
