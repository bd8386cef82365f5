// The direct map: all of RAM at one fixed offset, so that the kernel reaches any frame without mapping it.
//
// Only RAM that the boot path reported is there. Device registers are reached through mmu_map_device (kernel/arch/mmu.h) instead.
#pragma once

#include "arch_mmu.h"
#include "kernel/types.h"

static inline void *phys_to_virt(paddr_t address) {
    return (void *)(ARCH_DIRECT_MAP_BASE + address.v);
}

// Only for pointers that came from phys_to_virt.
static inline paddr_t virt_to_phys(const void *pointer) {
    return (paddr_t){(uintptr_t)pointer - ARCH_DIRECT_MAP_BASE};
}
