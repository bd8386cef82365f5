// The floating-point registers on riscv64, for code that is compiled without any.
#pragma once

#include <stdint.h>

#include "raw.h"

[[gnu::always_inline]] static inline void arch_fpu_set(uint64_t value) {
    __asm__ volatile(".option push\n\t"
                     ".option arch, +d\n\t"
                     "fmv.d.x ft7, %0\n\t"
                     "fmv.d.x fs11, %0\n\t"
                     ".option pop"
                     :
                     : "r"(value));
}

// Whether the registers still hold what arch_fpu_set put there.
[[gnu::always_inline]] static inline bool arch_fpu_holds(uint64_t value) {
    uint64_t low, high;
    __asm__ volatile(".option push\n\t"
                     ".option arch, +d\n\t"
                     "fmv.x.d %0, ft7\n\t"
                     "fmv.x.d %1, fs11\n\t"
                     ".option pop"
                     : "=r"(low), "=r"(high));
    return low == value && high == value;
}
