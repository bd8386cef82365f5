// Arithmetic that says whether it fitted. Every function returns true on success and writes *out
// only then, so that a forgotten check shows up as an unused result and not as a wrapped number.
//
// C11, and proved: the comments that begin with an at-sign are contracts in ACSL, over numbers without end
// (docs/concepts/proofs.md).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/*@ lemma product_monotone: \forall integer a, b, q; 0 < b ==> a <= q ==> a * b <= b * q;
    lemma product_fits: \forall integer a, b, m; 0 <= a ==> 0 < b ==> 0 <= m ==> (a <= m / b <==> a * b <= m);
*/

/*@ requires \valid(out);
    ensures \result <==> a + b <= UINT64_MAX;
    ensures \result ==> *out == a + b;
    ensures !\result ==> *out == \old(*out);
    assigns *out;
*/
MUST_USE static inline bool checked_add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    if (a > UINT64_MAX - b) {
        return false;
    }
    *out = a + b;
    return true;
}

/*@ requires \valid(out);
    ensures \result <==> a * b <= UINT64_MAX;
    ensures \result ==> *out == a * b;
    ensures !\result ==> *out == \old(*out);
    assigns *out;
*/
MUST_USE static inline bool checked_mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    if (b != 0 && a > UINT64_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

/*@ requires \valid(out);
    ensures \result <==> a * b <= SIZE_MAX;
    ensures \result ==> *out == a * b;
    ensures !\result ==> *out == \old(*out);
    assigns *out;
*/
MUST_USE static inline bool checked_mul_size(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

// Rounds up to a multiple of `alignment`, which is not 0. A division unless the alignment is a constant.
/*@ requires \valid(out);
    requires alignment > 0;
    ensures \result <==> value + (alignment - 1) <= UINT64_MAX;
    ensures \result ==> *out % alignment == 0;
    ensures \result ==> value <= *out < value + alignment;
    ensures !\result ==> *out == \old(*out);
    assigns *out;
*/
MUST_USE static inline bool checked_align_up_u64(uint64_t value, uint64_t alignment, uint64_t *out) {
    if (value > UINT64_MAX - (alignment - 1)) {
        return false;
    }
    *out = (value + (alignment - 1)) / alignment * alignment;
    return true;
}

// Whether [offset, offset + len) lies inside [0, size). No sum is formed, so nothing can wrap.
/*@ ensures \result <==> offset + len <= size;
    assigns \nothing;
*/
MUST_USE static inline bool range_within(uint64_t offset, uint64_t len, uint64_t size) {
    return offset <= size && len <= size - offset;
}

// Whether [a, a + a_len) and [b, b + b_len) share a byte.
/*@ ensures \result <==> (\exists integer byte; a <= byte < a + a_len && b <= byte < b + b_len);
    assigns \nothing;
*/
MUST_USE static inline bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len) {
    return a_len != 0 && b_len != 0 && (a < b ? b - a < a_len : a - b < b_len);
}

// Sums that stay at the largest value instead of wrapping: deadlines, statistics.
/*@ ensures \result == (a + b <= UINT64_MAX ? a + b : UINT64_MAX);
    assigns \nothing;
*/
static inline uint64_t saturating_add_u64(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/*@ ensures \result == (a < b ? 0 : a - b);
    assigns \nothing;
*/
static inline uint64_t saturating_sub_u64(uint64_t a, uint64_t b) {
    return a < b ? 0 : a - b;
}

/*@ ensures \result == (a * b <= UINT64_MAX ? a * b : UINT64_MAX);
    assigns \nothing;
*/
static inline uint64_t saturating_mul_u64(uint64_t a, uint64_t b) {
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}
