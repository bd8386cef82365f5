#include "lib/metrics/histogram.h"

#include "base/checked.h"

uint32_t histogram_bucket(uint64_t value) {
    if (value < 4) {
        return (uint32_t)value;
    }
    const uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
    const uint32_t bucket = (power - 1) * 4 + (uint32_t)(value >> (power - 2) & 3);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_limit(uint32_t bucket) {
    if (bucket < 4) {
        return bucket;
    }
    const uint32_t power = bucket / 4 + 1;
    return bucket >= HISTOGRAM_BUCKETS - 1 ? UINT64_MAX : ((uint64_t)(bucket % 4 + 5) << (power - 2)) - 1;
}

static uint64_t add(uint64_t a, uint64_t b) {
    uint64_t sum;
    return checked_add_u64(a, b, &sum) ? sum : UINT64_MAX;
}

void histogram_read(struct histogram *out, const volatile uint64_t *words) {
    out->sum = words[HISTOGRAM_SUM];
    out->greatest = words[HISTOGRAM_GREATEST];
    out->cause = words[HISTOGRAM_CAUSE];
    out->count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] = words[HISTOGRAM_FIRST + i];
        out->count = add(out->count, out->buckets[i]);
    }
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t numerator, uint32_t denominator) {
    // The count is divided first: it may be any number.
    const uint64_t rank = histogram->count / denominator * numerator +
                          (histogram->count % denominator * numerator + denominator - 1) / denominator;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && histogram->count > 0; i++) {
        seen = add(seen, histogram->buckets[i]);
        if (seen >= rank && seen > 0) {
            const uint64_t limit = histogram_limit(i);
            return limit < histogram->greatest ? limit : histogram->greatest;
        }
    }
    return 0;
}
