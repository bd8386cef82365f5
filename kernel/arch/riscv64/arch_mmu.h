// riscv64 paging: Sv48 where the processor has it, else Sv39. See kernel/arch/mmu.h.
//
// The kernel lies at the same addresses in both: in the upper 256 GiB, which is Sv39's upper half and part of
// Sv48's last root entry.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "base/mem.h"
#include "kernel/types.h"

constexpr uintptr_t ARCH_DIRECT_MAP_BASE = 0xffff'ffc0'0000'0000; // up to 128 GiB of memory
constexpr uintptr_t ARCH_KERNEL_AREA_BASE = 0xffff'ffe0'0000'0000;
constexpr uintptr_t ARCH_KERNEL_IMAGE_BASE = 0xffff'ffff'8000'0000;

#include "page_table_entry.h"

constexpr unsigned SATP_MODE_SHIFT = 60;
constexpr uint64_t SATP_SV39 = 8, SATP_SV48 = 9;
constexpr uint64_t SATP_PPN_MASK = (1ull << 44) - 1;

// Set by mmu_init, constant from then on.
extern uint64_t arch_satp_mode;   // in its place: mode << SATP_MODE_SHIFT
extern unsigned arch_root_covers; // 39 or 30: what one entry of the root table covers
extern uint64_t arch_user_limit;  // first address that is no program's

static inline unsigned arch_root_shift(void) {
    return arch_root_covers;
}

static inline uint64_t arch_user_end(void) {
    return arch_user_limit;
}

static inline uint64_t arch_read_root(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, satp" : "=r"(value));
    return (value & SATP_PPN_MASK) << 12;
}

// Those of address space 0, which all use.
static inline void arch_tlb_flush_page(uint64_t address) {
    __asm__ volatile("sfence.vma %0, %1" ::"r"(address), "r"(0ull) : "memory");
}

static inline void arch_tlb_flush_user(void) {
    __asm__ volatile("sfence.vma zero, %0" ::"r"(0ull) : "memory");
}

static inline void arch_tlb_flush_kernel(uint64_t address) {
    __asm__ volatile("sfence.vma %0, zero" ::"r"(address) : "memory");
}

static inline void arch_zero_page(void *page) {
    memset(page, 0, 4096);
}

static inline void arch_tlb_entered(uint32_t prot) {
    if ((prot & PROT_EXECUTE) != 0) {
        __asm__ volatile("fence.i" ::: "memory");
    }
}

// What this processor wrote before (its percpu.frame) is seen by others before it walks the new tables: see
// kernel/sched/tlb.c. The instruction fetch sees what was written to the space's code, by whichever processor.
static inline void arch_write_root(uint64_t value) {
    __asm__ volatile("fence rw, rw" ::: "memory");
    __asm__ volatile("csrw satp, %0" ::"r"(arch_satp_mode | value >> 12) : "memory");
    arch_tlb_flush_user();
    __asm__ volatile("fence.i" ::: "memory");
}
