// Strong types of the kernel. User-visible ones are in abi/types.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"

// For the branches of the hot paths.
#define LIKELY(x) __builtin_expect(!!(x), 1)

// A variable that is set while the kernel starts and read-only from then on: see mmu_seal.
#define RO_AFTER_INIT [[gnu::section(".data.ro_after_init")]]

typedef struct {
    uint64_t v;
} paddr_t; // physical address

// An address that a user program supplied: only copy_in and copy_out may follow it.
typedef struct {
    uint64_t v;
} uaddr_t;

typedef struct {
    uint32_t v;
} cpu_id_t;

