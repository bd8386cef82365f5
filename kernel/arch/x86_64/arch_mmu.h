// x86-64 paging. See kernel/arch/mmu.h.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "kernel/types.h"

constexpr uintptr_t ARCH_DIRECT_MAP_BASE = 0xffff'8000'0000'0000;
constexpr uintptr_t ARCH_KERNEL_AREA_BASE = 0xffff'c000'0000'0000;

#include "page_table_entry.h"

static inline uint64_t arch_user_end(void) {
    return USER_END;
}

static inline uint64_t arch_read_root(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void arch_write_root(uint64_t value) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}

static inline void arch_tlb_flush_page(uint64_t address) {
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline void arch_tlb_flush_user(void) {
    arch_write_root(arch_read_root());
}

static inline void arch_tlb_flush_kernel(uint64_t address) {
    arch_tlb_flush_page(address);
}

static inline void arch_zero_page(void *page) {
    uint64_t words = 512;
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0ull) : "memory");
}

static inline void arch_tlb_entered([[maybe_unused]] uint32_t prot) {
}
