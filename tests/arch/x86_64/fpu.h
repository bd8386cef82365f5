// The floating-point registers on x86-64, for code that is compiled without any.
#pragma once

#include <stdint.h>

#include "raw.h"

[[gnu::always_inline]] static inline void arch_fpu_set(uint64_t value) {
    __asm__ volatile("movq %0, %%xmm7\n\t"
                     "movq %0, %%xmm15"
                     :
                     : "r"(value));
}

// Whether the registers still hold what arch_fpu_set put there.
[[gnu::always_inline]] static inline bool arch_fpu_holds(uint64_t value) {
    uint64_t low, high;
    __asm__ volatile("movq %%xmm7, %0\n\t"
                     "movq %%xmm15, %1"
                     : "=r"(low), "=r"(high));
    return low == value && high == value;
}
