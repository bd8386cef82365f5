// Bitmaps over arrays of 64-bit words. Bit i lies in word i / 64. The caller sizes the array with
// BITMAP_WORDS, guards it, and keeps indexes in range: nothing here checks them.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t BITMAP_WORD_BITS = 64;
constexpr size_t BITMAP_NONE = SIZE_MAX; // "no such bit"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit) {
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit) {
    map[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit) {
    map[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

static inline void bitmap_assign(uint64_t *map, size_t bit, bool value) {
    if (value) {
        bitmap_set(map, bit);
    } else {
        bitmap_clear(map, bit);
    }
}

static inline void bitmap_zero(uint64_t *map, size_t bits) {
    for (size_t word = 0; word < BITMAP_WORDS(bits); word++) {
        map[word] = 0;
    }
}

// The mask of the bits from `from` up to but not including `to` that lie in word `word`.
static inline uint64_t bitmap_word_mask(size_t word, size_t from, size_t to) {
    uint64_t mask = UINT64_MAX;
    if (from > word * 64) {
        mask &= UINT64_MAX << (from - word * 64);
    }
    if (to < (word + 1) * 64) {
        mask &= (UINT64_C(1) << (to - word * 64)) - 1;
    }
    return mask;
}

// Sets or clears the `count` bits from `first` on.
static inline void bitmap_set_range(uint64_t *map, size_t first, size_t count) {
    for (size_t word = first / 64; word * 64 < first + count; word++) {
        map[word] |= bitmap_word_mask(word, first, first + count);
    }
}

static inline void bitmap_clear_range(uint64_t *map, size_t first, size_t count) {
    for (size_t word = first / 64; word * 64 < first + count; word++) {
        map[word] &= ~bitmap_word_mask(word, first, first + count);
    }
}

// First set (clear) bit at or after `from` in a map of `bits` bits; BITMAP_NONE when there is none.
static inline size_t bitmap_find_set(const uint64_t *map, size_t bits, size_t from) {
    for (size_t word = from / 64; word * 64 < bits; word++) {
        uint64_t found = map[word] & bitmap_word_mask(word, from, bits);
        if (found != 0) {
            return word * 64 + (size_t)__builtin_ctzll(found);
        }
    }
    return BITMAP_NONE;
}

static inline size_t bitmap_find_clear(const uint64_t *map, size_t bits, size_t from) {
    for (size_t word = from / 64; word * 64 < bits; word++) {
        uint64_t found = ~map[word] & bitmap_word_mask(word, from, bits);
        if (found != 0) {
            return word * 64 + (size_t)__builtin_ctzll(found);
        }
    }
    return BITMAP_NONE;
}

// First run of `count` clear bits at or after `from`; BITMAP_NONE when there is none. `count` > 0.
static inline size_t bitmap_find_clear_run(const uint64_t *map, size_t bits, size_t from, size_t count) {
    size_t start = bitmap_find_clear(map, bits, from);
    while (start != BITMAP_NONE && count <= bits - start) {
        size_t end = bitmap_find_set(map, start + count, start);
        if (end == BITMAP_NONE) {
            return start;
        }
        start = bitmap_find_clear(map, bits, end);
    }
    return BITMAP_NONE;
}

// Number of set bits among the first `bits`.
static inline size_t bitmap_count(const uint64_t *map, size_t bits) {
    size_t count = 0;
    for (size_t word = 0; word * 64 < bits; word++) {
        count += (size_t)__builtin_popcountll(map[word] & bitmap_word_mask(word, 0, bits));
    }
    return count;
}
