#include "lib/time/alarm.h"

#include "base/test.h"

constexpr int64_t S = 1'000'000'000;

static struct {
    uint64_t bits, times;
    bool dead, closed;
} watchers[100];

static struct alarms alarms;
static struct wall wall;

static bool tell(handle_t watcher, uint64_t bits) {
    watchers[watcher.v].bits |= bits;
    watchers[watcher.v].times += bits != 0;
    return !watchers[watcher.v].dead;
}

static void hang_up(handle_t watcher) {
    watchers[watcher.v].closed = true;
}

static void set_up(void) {
    memset(watchers, 0, sizeof(watchers));
    alarms = (struct alarms){.signal = tell, .close = hang_up};
    wall_set(&wall, 0, 1000 * S, 0);
}

static uint32_t add(uint64_t holder, uint32_t watcher, bool on_wall, int64_t at, uint64_t period) {
    const struct alarm alarm = {
        .on_wall = on_wall, .holder = holder, .start_ns = at, .period_ns = period, .bits = 4, .watcher = {watcher}};
    return alarms_add(&alarms, &alarm);
}

static void run(int64_t mono) {
    alarms_run(&alarms, (uint64_t)mono, &wall);
}

TEST(once_and_again_and_again) {
    set_up();
    CHECK_EQ(alarms_next(&alarms, &wall), UINT64_MAX);
    CHECK(add(1, 1, false, 5 * S, 0) != 0);
    CHECK(add(1, 2, false, 3 * S, 2 * S) != 0);
    CHECK(add(1, 3, true, 1004 * S, 0) != 0);
    CHECK_EQ(alarms_next(&alarms, &wall), 3 * S);
    run(3 * S - 1);
    CHECK_EQ(watchers[2].times, 0);
    run(3 * S);
    CHECK_EQ(watchers[2].times, 1);
    CHECK_EQ(watchers[2].bits, 4);
    CHECK_EQ(alarms_next(&alarms, &wall), 4 * S);
    run(4 * S);
    CHECK_EQ(watchers[3].times, 1);
    CHECK(watchers[3].closed);
    run(10 * S); // 5, 7 and 9: one signal, two missed
    CHECK_EQ(watchers[1].times, 1);
    CHECK_EQ(watchers[2].times, 2);
    CHECK_EQ(alarms_next(&alarms, &wall), 11 * S);
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        CHECK(alarms.entries[i].id == 0 || (alarms.entries[i].fired == 2 && alarms.entries[i].missed == 2));
    }
}

TEST(the_wall_clock_jumps) {
    set_up();
    CHECK(add(1, 1, true, 2000 * S, 0) != 0);
    CHECK(add(1, 2, true, 1100 * S, 100 * S) != 0);
    CHECK(add(1, 3, false, 500 * S, 0) != 0);
    wall_set(&wall, 10 * S, 1555 * S, 0); // forward, over five moments of the second
    run(10 * S);
    CHECK_EQ(watchers[1].times, 0);
    CHECK_EQ(watchers[2].times, 1);
    CHECK_EQ(alarms_next(&alarms, &wall), 55 * S);
    wall_set(&wall, 20 * S, 1150 * S, 0); // back: its moments come again
    run(20 * S);
    CHECK_EQ(watchers[2].times, 1);
    CHECK_EQ(alarms_next(&alarms, &wall), 70 * S);
    run(70 * S);
    CHECK_EQ(watchers[2].times, 2);
    wall_set(&wall, 80 * S, 10 * S, 0); // to before its start: not before that
    run(80 * S);
    CHECK_EQ(alarms_next(&alarms, &wall), 500 * S); // the monotonic one has not moved
    run(500 * S);
    CHECK_EQ(watchers[3].times, 1);
    CHECK_EQ(alarms_next(&alarms, &wall), 80 * S + 1090 * S);
    wall_set(&wall, 600 * S, 9000 * S, 0);
    run(600 * S);
    CHECK_EQ(watchers[1].times, 1);
    CHECK_EQ(watchers[2].times, 3);
}

TEST(an_unknown_wall_clock_is_waited_for) {
    set_up();
    wall = (struct wall){};
    CHECK(add(1, 1, true, 5, 0) != 0);
    run(100 * S);
    CHECK_EQ(watchers[1].times, 0);
    CHECK_EQ(alarms_next(&alarms, &wall), UINT64_MAX);
    wall_set(&wall, 100 * S, 5, 0);
    run(100 * S);
    CHECK_EQ(watchers[1].times, 1);
}

TEST(whose_they_are_and_how_many) {
    set_up();
    uint32_t ids[ALARMS_OF_ONE_MAX];
    for (uint32_t i = 0; i < ALARMS_OF_ONE_MAX; i++) {
        ids[i] = add(1, i + 1, false, 1000 * S, 0);
        CHECK(ids[i] != 0 && (i == 0 || ids[i] != ids[i - 1]));
    }
    CHECK_EQ(add(1, 50, false, 1, 0), 0);
    CHECK(!watchers[50].closed); // it stays whose it was
    CHECK(!alarms_cancel(&alarms, 2, false, ids[0]));
    CHECK(alarms_cancel(&alarms, 1, false, ids[0]));
    CHECK(watchers[1].closed);
    CHECK(!alarms_cancel(&alarms, 1, false, ids[0]));
    CHECK(alarms_cancel(&alarms, 2, true, ids[1]));
    CHECK(!alarms_cancel(&alarms, 1, true, 0));
    CHECK(add(1, 51, false, 1, 0) != 0 && add(1, 52, false, 1, 0) != 0);
    for (uint32_t i = ALARMS_OF_ONE_MAX; i < ALARMS_MAX; i++) {
        CHECK(add(2 + i / ALARMS_OF_ONE_MAX, 60, false, 1000 * S, 0) != 0);
    }
    CHECK_EQ(add(99, 61, false, 1, 0), 0);
    watchers[3].dead = true; // its holder is gone
    CHECK(add(99, 61, false, 1, 0) != 0);
    CHECK(watchers[3].closed);
}

TEST(dead_holders_are_forgotten_and_extremes_survived) {
    set_up();
    CHECK(add(1, 1, false, 1, 10 * S) != 0);
    CHECK(add(1, 2, true, INT64_MIN, ALARM_PERIOD_MIN_NS) != 0);
    CHECK(add(1, 3, true, INT64_MAX, UINT64_MAX) != 0);
    CHECK(add(1, 4, false, INT64_MIN, UINT64_MAX) != 0);
    CHECK(add(1, 5, false, INT64_MIN, 0) != 0);
    watchers[1].dead = true;
    run(S);
    CHECK(watchers[1].closed);
    CHECK_EQ(watchers[2].times, 1);
    CHECK_EQ(watchers[3].times, 0);
    CHECK_EQ(watchers[4].times, 1);
    CHECK_EQ(watchers[5].times, 1);
    CHECK_EQ(alarms_next(&alarms, &wall), S + ALARM_PERIOD_MIN_NS - ((uint64_t)(1001 * S) - (uint64_t)INT64_MIN) % ALARM_PERIOD_MIN_NS);
    run(2 * S);
    CHECK_EQ(watchers[2].times, 2);
    CHECK_EQ(watchers[4].times, 1);
}
