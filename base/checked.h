// Arithmetic that says whether it fitted. Every function returns true on success and writes *out
// only then, so that a forgotten check shows up as an unused result and not as a wrapped number.
#pragma once

#include <stddef.h>
#include <stdckdint.h>
#include <stdint.h>

#define CHECKED_FUNCTIONS(suffix, type) \
    [[nodiscard]] static inline bool checked_add_##suffix(type a, type b, type *out) { \
        type result; \
        if (ckd_add(&result, a, b)) { \
            return false; \
        } \
        *out = result; \
        return true; \
    } \
    [[nodiscard]] static inline bool checked_sub_##suffix(type a, type b, type *out) { \
        type result; \
        if (ckd_sub(&result, a, b)) { \
            return false; \
        } \
        *out = result; \
        return true; \
    } \
    [[nodiscard]] static inline bool checked_mul_##suffix(type a, type b, type *out) { \
        type result; \
        if (ckd_mul(&result, a, b)) { \
            return false; \
        } \
        *out = result; \
        return true; \
    }

CHECKED_FUNCTIONS(u32, uint32_t)
CHECKED_FUNCTIONS(u64, uint64_t)
CHECKED_FUNCTIONS(i64, int64_t)
CHECKED_FUNCTIONS(size, size_t)

#undef CHECKED_FUNCTIONS

// Rounds up to a multiple of `alignment`, a power of two.
[[nodiscard]] static inline bool checked_align_up_u64(uint64_t value, uint64_t alignment, uint64_t *out) {
    uint64_t sum;
    if (ckd_add(&sum, value, alignment - 1)) {
        return false;
    }
    *out = sum & ~(alignment - 1);
    return true;
}

// Narrowing that refuses to lose bits.
[[nodiscard]] static inline bool checked_u32_from_u64(uint64_t value, uint32_t *out) {
    if (value > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

// Whether [offset, offset + len) lies inside [0, size). No sum is formed, so nothing can wrap.
[[nodiscard]] static inline bool range_within(uint64_t offset, uint64_t len, uint64_t size) {
    return offset <= size && len <= size - offset;
}

// Whether [a, a + a_len) and [b, b + b_len) share a byte. Both ranges must not wrap.
[[nodiscard]] static inline bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len) {
    return a_len != 0 && b_len != 0 && (a < b ? b - a < a_len : a - b < b_len);
}

// Sums that stay at the largest value instead of wrapping: deadlines, statistics.
static inline uint64_t saturating_add_u64(uint64_t a, uint64_t b) {
    uint64_t result;
    return ckd_add(&result, a, b) ? UINT64_MAX : result;
}

static inline uint64_t saturating_sub_u64(uint64_t a, uint64_t b) {
    return a < b ? 0 : a - b;
}

static inline uint64_t saturating_mul_u64(uint64_t a, uint64_t b) {
    uint64_t result;
    return ckd_mul(&result, a, b) ? UINT64_MAX : result;
}
