#include "base/test.h"

#include "lib/journal/limit.h"

constexpr uint64_t SECOND_NS = 1'000'000'000;

// How many of so many are taken at one moment.
static uint64_t take(struct limit *limit, uint64_t count, uint64_t now_ns) {
    uint64_t taken = 0;
    for (uint64_t i = 0; i < count; i++) {
        taken += limit_take(limit, now_ns);
    }
    return taken;
}

TEST(a_burst_is_taken_and_no_more) {
    struct limit limit = {};
    CHECK_EQ(take(&limit, 1000, 5), LIMIT_BURST);
    CHECK_EQ(limit.total, 1000 - LIMIT_BURST);
}

TEST(what_was_kept_out_is_told_once_and_not_too_soon) {
    struct limit limit = {};
    CHECK_EQ(take(&limit, 1000, 5), LIMIT_BURST);
    CHECK_EQ(limit_report(&limit, 5), 0);
    CHECK_EQ(limit_report(&limit, limit.muted_ns - 1), 0);
    CHECK_EQ(limit_report(&limit, limit.muted_ns), 1000 - LIMIT_BURST);
    CHECK_EQ(limit_report(&limit, limit.muted_ns), 0);
    CHECK_EQ(limit.total, 1000 - LIMIT_BURST);
}

TEST(a_flood_gets_the_rate) {
    struct limit limit = {};
    uint64_t taken = 0, reports = 0, told = 0;
    for (uint64_t ms = 0; ms < 60'000; ms++) { // 10,000 a second, for a minute
        taken += take(&limit, 10, ms * 1'000'000);
        const uint64_t count = limit_report(&limit, ms * 1'000'000);
        reports += count > 0;
        told += count;
    }
    CHECK(taken >= LIMIT_BURST + 58 * LIMIT_PER_SECOND && taken <= LIMIT_BURST + 60 * LIMIT_PER_SECOND);
    CHECK(reports >= 58 && reports <= 60);
    CHECK_EQ(told + limit.kept_out + taken, 600'000);
}

TEST(who_keeps_to_the_rate_is_never_held_up) {
    struct limit limit = {};
    for (uint64_t i = 0; i < 10'000; i++) {
        REQUIRE(limit_take(&limit, i * (SECOND_NS / LIMIT_PER_SECOND)));
    }
    CHECK_EQ(take(&limit, 1000, 20'000 * SECOND_NS), LIMIT_BURST); // what is not used is not saved up beyond a burst
}

TEST(times_at_the_end_of_their_range) {
    struct limit limit = {};
    CHECK_EQ(take(&limit, 10, UINT64_MAX / 2), 10);
    CHECK_EQ(limit_report(&limit, UINT64_MAX), 0);
}
