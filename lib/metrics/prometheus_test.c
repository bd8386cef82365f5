#include "base/test.h"

#include "lib/metrics/prometheus.h"

static char text[8192];
static size_t used;

static void collect(void *, const char *bytes, size_t len) {
    memcpy(text + used, bytes, len);
    used += len;
    text[used] = '\0';
}

TEST(values) {
    const struct metrics_family draws = {"draws", "How \"often\" a\\b\nc.", METRICS_COUNTER, METRICS_NONE};
    used = 0;
    prometheus_family(&draws, collect, nullptr);
    prometheus_value(&draws, "service", "a\"b\\c\n", UINT64_MAX, collect, nullptr);
    prometheus_value(&draws, "service", "", 0, collect, nullptr);
    CHECK_STR_EQ(text, "# HELP tessera_draws_total How \"often\" a\\\\b\\nc.\n"
                       "# TYPE tessera_draws_total counter\n"
                       "tessera_draws_total{service=\"a\\\"b\\\\c\\n\"} 18446744073709551615\n"
                       "tessera_draws_total 0\n");
}

TEST(units) {
    const struct metrics_family time = {"uptime", "", METRICS_GAUGE, METRICS_NANOSECONDS};
    const struct metrics_family bytes = {"used_bytes", "", METRICS_GAUGE, METRICS_BYTES};
    used = 0;
    prometheus_value(&time, "service", "", 1'000'000'001, collect, nullptr);
    prometheus_value(&time, "service", "", (uint64_t)-500'000'000, collect, nullptr);
    prometheus_value(&bytes, "service", "", (uint64_t)INT64_MIN, collect, nullptr);
    CHECK_STR_EQ(text, "tessera_uptime_seconds 1.000000001\n"
                       "tessera_uptime_seconds -0.500000000\n"
                       "tessera_used_bytes -9223372036854775808\n");
}

TEST(histograms) {
    const struct metrics_family family = {"waiting", "", METRICS_HISTOGRAM, METRICS_NONE};
    uint64_t words[HISTOGRAM_WORDS] = {};
    static const uint64_t values[] = {5, 5, 9, 20, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        words[HISTOGRAM_FIRST + histogram_bucket(values[i])]++;
    }
    words[HISTOGRAM_SUM] = 38;
    words[HISTOGRAM_FIRST + HISTOGRAM_BUCKETS - 1] = 0; // the greatest one has not got there yet
    struct histogram histogram;
    histogram_read(&histogram, words);
    used = 0;
    prometheus_histogram(&family, "service", "x", &histogram, collect, nullptr);
    CHECK_STR_EQ(text, "tessera_waiting_bucket{service=\"x\",le=\"7\"} 2\n"
                       "tessera_waiting_bucket{service=\"x\",le=\"15\"} 3\n"
                       "tessera_waiting_bucket{service=\"x\",le=\"31\"} 4\n"
                       "tessera_waiting_bucket{service=\"x\",le=\"+Inf\"} 4\n"
                       "tessera_waiting_sum{service=\"x\"} 38\n"
                       "tessera_waiting_count{service=\"x\"} 4\n");
    used = 0;
    prometheus_histogram(&family, "service", "", &(struct histogram){}, collect, nullptr);
    CHECK_STR_EQ(text, "tessera_waiting_bucket{le=\"+Inf\"} 0\ntessera_waiting_sum 0\ntessera_waiting_count 0\n");
}
