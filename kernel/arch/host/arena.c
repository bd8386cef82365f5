#include "kernel/arch/host/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch_mmu.h"
#include "kernel/arch/host/pages.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"

uintptr_t host_arena_base;
uint64_t host_active_root;

static uint64_t arena_len;

void host_arena_init(uint64_t len_bytes) {
    if (host_arena_base != 0) {
        host_pages_unmap((void *)host_arena_base, arena_len);
    }
    host_arena_base = (uintptr_t)host_pages_map(len_bytes);
    arena_len = len_bytes;
    boot_percpu.frames = (struct frame_cache){}; // they were of the old one
}

struct boot_info host_boot_info(const struct host_range ranges[], uint32_t count) {
    struct boot_info boot = {
        .magic = BOOT_INFO_MAGIC, .version = BOOT_INFO_VERSION, .size_bytes = sizeof(boot)};
    for (uint32_t i = 0; i < count; i++) {
        boot.regions[i] = (struct boot_region){ranges[i].base, ranges[i].len_bytes, BOOT_MEM_USABLE, 0};
    }
    boot.region_count = count;
    return boot;
}

void host_memory_init(uint64_t len_bytes) {
    host_arena_init(len_bytes);
    struct host_range range = {0x10000, len_bytes - 0x10000};
    struct boot_info boot = host_boot_info(&range, 1);
    frame_early_init(&boot);
    if (!frame_init(&boot)) {
        fprintf(stderr, "host_memory_init: frame_init found too little memory in %llu bytes\n",
                (unsigned long long)len_bytes);
        exit(1);
    }
}

// The kernel has no tables of its own here.
paddr_t mmu_kernel_root(void) {
    return (paddr_t){0};
}

uint64_t mmu_table_bytes(void) {
    return 0;
}
