// Rounding to powers of two. Nothing here checks for wrap-around: untrusted numbers go through
// checked_align_up_u64 (base/checked.h) instead.
#pragma once

#include <stdint.h>

static inline bool is_power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

// `alignment` is a power of two in all of these.
static inline bool is_aligned(uint64_t value, uint64_t alignment) {
    return (value & (alignment - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment) {
    return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

// Quotient rounded up, for any divisor.
static inline uint64_t div_round_up(uint64_t value, uint64_t divisor) {
    return value / divisor + (value % divisor != 0);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

// Position of the highest set bit; `value` must not be zero.
static inline uint32_t log2_floor(uint64_t value) {
    return 63 - (uint32_t)__builtin_clzll(value);
}

// Smallest n with 2^n >= value; `value` must not be zero.
static inline uint32_t log2_ceil(uint64_t value) {
    return value == 1 ? 0 : log2_floor(value - 1) + 1;
}
