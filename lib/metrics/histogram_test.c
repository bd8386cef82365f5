#include "base/test.h"

#include "lib/metrics/histogram.h"

TEST(buckets_meet_without_gaps) {
    uint64_t low = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const uint64_t limit = histogram_limit(i);
        CHECK(limit >= low);
        CHECK_EQ(histogram_bucket(low), i);
        CHECK_EQ(histogram_bucket(limit), i);
        CHECK(limit == UINT64_MAX || limit - low <= low / 4); // known to a quarter
        low = limit + 1;
    }
    CHECK_EQ(low, 0); // behind the last there is nothing
}

TEST(quantiles) {
    uint64_t words[HISTOGRAM_WORDS] = {};
    struct histogram histogram;
    histogram_read(&histogram, words);
    CHECK_EQ(histogram_quantile(&histogram, 1, 2), 0);
    for (uint64_t value = 1; value <= 1000; value++) {
        words[HISTOGRAM_FIRST + histogram_bucket(value)]++;
        words[HISTOGRAM_SUM] += value;
    }
    words[HISTOGRAM_GREATEST] = 1000;
    histogram_read(&histogram, words);
    CHECK_EQ(histogram.count, 1000);
    const uint64_t median = histogram_quantile(&histogram, 1, 2), p99 = histogram_quantile(&histogram, 99, 100);
    CHECK(median >= 500 && median <= 625);
    CHECK(p99 >= 990 && p99 <= 1000);
    CHECK_EQ(histogram_quantile(&histogram, 1, 1), 1000);
}

// Whoever writes the page may write anything.
TEST(nonsense_does_no_harm) {
    uint64_t words[HISTOGRAM_WORDS];
    struct histogram histogram;
    memset(words, 0xff, sizeof(words));
    histogram_read(&histogram, words);
    CHECK_EQ(histogram.count, UINT64_MAX);
    CHECK_EQ(histogram_quantile(&histogram, 99, 100), 0); // of the first bucket, which claims them all
    uint64_t random = 5;
    for (unsigned round = 0; round < 10'000; round++) {
        for (size_t i = 0; i < HISTOGRAM_WORDS; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            words[i] = random >> (random >> 58);
        }
        histogram_read(&histogram, words);
        CHECK(histogram_quantile(&histogram, 99, 100) <= histogram.greatest);
    }
}
