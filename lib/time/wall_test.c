#include "lib/time/wall.h"

#include "base/test.h"
#include "lib/time/settle.h"

constexpr int64_t S = 1'000'000'000;

TEST(it_goes_with_the_monotonic_clock_and_its_uncertainty_grows) {
    struct wall wall;
    wall_set(&wall, 5 * S, 1000 * S, 7);
    CHECK_EQ(wall_now(&wall, 5 * S), 1000 * S);
    CHECK_EQ(wall_now(&wall, 8 * S + 1), 1003 * S + 1);
    CHECK_EQ(wall_uncertainty(&wall, 5 * S), 7);
    CHECK_EQ(wall_uncertainty(&wall, 5 * S + 3600 * S), 7 + 3600 * S / 1'000'000 * WALL_DRIFT_PPM);
    CHECK_EQ(wall_when(&wall, 1000 * S), 5 * S);
    CHECK_EQ(wall_when(&wall, 0), 5 * S);
    CHECK_EQ(wall_when(&wall, 1010 * S), 15 * S);
    CHECK_EQ(wall_when(&wall, INT64_MAX), (uint64_t)INT64_MAX - 995 * S);
    wall_set(&wall, 5 * S, WALL_MAX_NS, UINT64_MAX);
    CHECK_EQ(wall_uncertainty(&wall, 1000 * S), UINT64_MAX); // and no more
}

// Every step of the monotonic clock, a larger or smaller one of the other.
static void slews(int64_t difference, uint64_t made_up_after_ns) {
    struct wall wall;
    wall_set(&wall, 0, 1000 * S, 0);
    CHECK(wall_slew(&wall, 10 * S, 1010 * S + difference, 3));
    CHECK_EQ(wall_now(&wall, 10 * S), 1010 * S);
    CHECK_EQ(wall_slew_left(&wall, 10 * S), difference);
    CHECK_EQ(wall_uncertainty(&wall, 10 * S), 3 + (uint64_t)(difference < 0 ? -difference : difference));
    int64_t before = 1010 * S;
    for (uint64_t mono = 11 * S; mono < 11 * S + made_up_after_ns; mono += made_up_after_ns / 97) {
        const int64_t now = wall_now(&wall, mono);
        CHECK(now > before);
        before = now;
        const uint64_t when = wall_when(&wall, now);
        CHECK(when <= mono && wall_now(&wall, when) >= now && (when == 0 || wall_now(&wall, when - 1) < now));
    }
    CHECK_EQ(wall_now(&wall, 10 * S + made_up_after_ns), 1010 * S + difference + (int64_t)made_up_after_ns);
    CHECK_EQ(wall_slew_left(&wall, 10 * S + made_up_after_ns), 0);
    CHECK(wall_slew_left(&wall, 10 * S + made_up_after_ns / 2) != 0);
}

TEST(it_is_slewed_without_a_jump) {
    slews(S, 2000 * S);
    slews(-S, 2000 * S);
    slews(-3600 * S, 7'200'000 * S);
    slews(1, 2000);
    slews(-1, 2000);
}

TEST(what_cannot_be_slewed_is_refused) {
    struct wall wall = {};
    CHECK(!wall_slew(&wall, 0, 1000 * S, 0));
    wall_set(&wall, 0, 10'000 * S, 0);
    CHECK(!wall_slew(&wall, 0, 13'601 * S, 0));
    CHECK(!wall_slew(&wall, 0, 6'399 * S, 0));
    CHECK(!wall_slew(&wall, 0, INT64_MIN, 0));
    CHECK_EQ(wall_slew_left(&wall, 0), 0);
    CHECK(wall_slew(&wall, 0, 13'600 * S, 0));
    CHECK(wall_slew(&wall, 4000 * S, 14'000 * S, 0)); // another one takes its place: from where it is now
    CHECK_EQ(wall_slew_left(&wall, 4000 * S), -2 * S);
}

// A chip that counts seconds, read at these moments: how far from the truth is what was made of it?
static bool settled(uint64_t phase_ns, uint64_t step_ns, struct settle_time *out) {
    struct settle settle;
    uint64_t at = 0;
    *out = settle_begin(&settle, 500 + (int64_t)((at + phase_ns) / S), at, at + 1000);
    for (int i = 0; i < 1000 && settle.goes_on; i++) {
        at += step_ns;
        if (settle_sample(&settle, 500 + (int64_t)((at + phase_ns) / S), at, at + 1000, out)) {
            return true;
        }
    }
    return false;
}

static void is_honest(const struct settle_time *time, uint64_t phase_ns) {
    const int64_t truth = 500 * S + (int64_t)(phase_ns + time->mono_ns), off = time->wall_ns - truth;
    CHECK((uint64_t)(off < 0 ? -off : off) <= time->uncertainty_ns);
}

TEST(a_second_that_begins_says_more) {
    for (uint64_t phase = 0; phase < (uint64_t)S; phase += 12'345'678) {
        struct settle settle;
        const struct settle_time first = settle_begin(&settle, 500, 0, 1000);
        is_honest(&first, phase);
        struct settle_time time;
        CHECK(settled(phase, SETTLE_POLL_NS, &time));
        is_honest(&time, phase);
        CHECK(time.uncertainty_ns <= SETTLE_POLL_NS / 2 + 1001);
        if (settled(phase, 400'000'000, &time)) { // rarely looked at: less precise, and no less honest
            is_honest(&time, phase);
        }
        CHECK(!settled(phase, 1'100'000'000, &time)); // too rarely
    }
    struct settle standing;
    struct settle_time time;
    (void)settle_begin(&standing, 500, 0, 1000);
    for (uint64_t at = SETTLE_POLL_NS; standing.goes_on; at += SETTLE_POLL_NS) {
        CHECK(!settle_sample(&standing, 500, at, at + 1000, &time));
        REQUIRE(at < 10 * (uint64_t)S);
    }
}

TEST(one_that_was_kept_is_looked_at) {
    struct wall wall = {};
    CHECK(!wall_is_sound(&wall, 100));
    wall_set(&wall, 100, 5'000'000'000, 10);
    CHECK(wall_slew(&wall, 100, 6'000'000'000, 10));
    CHECK(wall_is_sound(&wall, 100));
    CHECK(!wall_is_sound(&wall, 99)); // it was never set yet
    struct wall wrong = wall;
    wrong.base_ns = -1;
    CHECK(!wall_is_sound(&wrong, 100));
    wrong.base_ns = WALL_MAX_NS + 1;
    CHECK(!wall_is_sound(&wrong, 100));
    wrong = wall;
    wrong.slew_ns = -(int64_t)WALL_SLEW_MAX_NS - 1;
    CHECK(!wall_is_sound(&wrong, 100));
}
