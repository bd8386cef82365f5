// The host port's memory: an arena that plays physical memory, and no TLB. See kernel/arch/mmu.h.
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "kernel/types.h"

extern uintptr_t host_arena_base; // set by host_arena_init (kernel/arch/host/arena.h)

#define ARCH_DIRECT_MAP_BASE host_arena_base

#include "kernel/arch/x86_64/page_table_entry.h"

static inline uint64_t arch_user_end(void) {
    return USER_END;
}

extern uint64_t host_active_root; // what stands in for the processor's translation register

static inline uint64_t arch_read_root(void) {
    return host_active_root;
}

static inline void arch_write_root(uint64_t value) {
    host_active_root = value;
}

static inline void arch_tlb_flush_page([[maybe_unused]] uint64_t address) {
}
static inline void arch_tlb_flush_user(void) {
}
static inline void arch_zero_page(void *page) {
    memset(page, 0, 4096);
}
static inline void arch_tlb_entered([[maybe_unused]] uint32_t prot) {
}
