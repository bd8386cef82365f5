// Histograms with log-linear buckets: four to each power of two, so a value is known to a quarter of it, whatever its size. Integers
// only, and pure.
//
// A histogram is words in a page that a program writes and another reads: they may hold anything, and change meanwhile.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t HISTOGRAM_BUCKETS = 124; // 0 1 2 3, then four to each power of two; the last has all from 7 * 2^29 on

enum histogram_word : uint32_t {
    HISTOGRAM_SUM,
    HISTOGRAM_GREATEST,
    HISTOGRAM_CAUSE, // of the greatest
    HISTOGRAM_FIRST, // bucket
};

constexpr size_t HISTOGRAM_WORDS = HISTOGRAM_FIRST + HISTOGRAM_BUCKETS;

// The bucket of a value, and the greatest value of a bucket (UINT64_MAX of the last).
uint32_t histogram_bucket(uint64_t value);
uint64_t histogram_limit(uint32_t bucket);

// What a histogram was at about one moment.
struct histogram {
    uint64_t sum, greatest, cause;
    uint64_t count; // of all buckets, at most UINT64_MAX
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_read(struct histogram *out, const volatile uint64_t *words);

// A value that `numerator` of `denominator` are at most as big as: the limit of its bucket, or the greatest. 0 when there is none.
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t numerator, uint32_t denominator);
