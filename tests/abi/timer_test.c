// Timers: once, periodic, missed periods, slack, and everything that is refused.
#include "tests/abi/suite.h"

constexpr uint64_t MS = 1'000'000;

static handle_t new_timer(void) {
    handle_t timer = {};
    EXPECT_OK(tess_account_create_timer(suite.account, &timer));
    return timer;
}

static handle_t new_notification(void) {
    handle_t notification = {};
    EXPECT_OK(tess_account_create_notification(suite.account, &notification));
    return notification;
}

static uint64_t fired_of(handle_t timer, uint64_t *missed) {
    uint64_t fired = 0;
    EXPECT_OK(tess_timer_info(timer, nullptr, nullptr, &fired, missed));
    return fired;
}

CASE(a_timer_fires_once_and_not_early) {
    handle_t timer = new_timer(), notification = new_notification();
    uint64_t bits = 0, next = 1, deadline = suite_after_ms(20);
    EXPECT_OK(tess_timer_set(timer, deadline, 0, 0, notification, 0x30));
    EXPECT_OK(tess_timer_info(timer, &next, nullptr, nullptr, nullptr));
    EXPECT_EQ(next, deadline);
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
    EXPECT(suite_now_ns() >= deadline);
    EXPECT_EQ(bits, 0x30);
    EXPECT_OK(tess_timer_info(timer, &next, nullptr, nullptr, nullptr));
    EXPECT_EQ(next, 0);
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, suite_after_ms(20)));
    // A deadline that is past is now.
    EXPECT_OK(tess_timer_set(timer, 0, 0, 0, notification, 1));
    EXPECT_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
    suite_close(timer);
    suite_close(notification);
}

CASE(a_periodic_timer_does_not_drift) {
    constexpr uint64_t PERIOD = 5 * MS;
    handle_t timer = new_timer(), notification = new_notification();
    uint64_t bits, next = 0, missed = 0, first = suite_after_ms(5);
    EXPECT_OK(tess_timer_set(timer, first, PERIOD, 0, notification, 1));
    for (uint64_t i = 0; i < 10; i++) {
        REQUIRE_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
        EXPECT(suite_now_ns() >= first + i * PERIOD);
    }
    uint64_t fired = fired_of(timer, &missed);
    EXPECT_OK(tess_timer_info(timer, &next, nullptr, nullptr, nullptr));
    EXPECT(fired >= 10);
    EXPECT_EQ((next - first) % PERIOD, 0);
    EXPECT((next - first) / PERIOD >= fired + missed);
    uint64_t was_set = 0;
    EXPECT_OK(tess_timer_cancel(timer, &was_set));
    EXPECT_EQ(was_set, 1);
    EXPECT_OK(tess_timer_cancel(timer, &was_set));
    EXPECT_EQ(was_set, 0);
    (void)tess_wait(notification, &bits, DEADLINE_POLL).code; // what came before the cancel
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, suite_after_ms(20)));
    suite_close(timer);
    suite_close(notification);
}

// Many timers of the shortest period leave the processor to programs: what they miss is counted.
CASE(the_shortest_period_starves_nobody) {
    constexpr uint64_t TIMERS = 16, RUN_MS = 50;
    handle_t timers[TIMERS], notification = new_notification();
    for (uint64_t i = 0; i < TIMERS; i++) {
        timers[i] = new_timer();
        EXPECT_OK(tess_timer_set(timers[i], suite_now_ns(), 1, 0, notification, 1ull << i));
    }
    uint64_t end = suite_after_ms(RUN_MS), late = suite_after_ms(5000), turns = 0, bits, missed;
    while (suite_now_ns() < end || (turns <= 1000 && suite_now_ns() < late)) { // a slow host gives little in RUN_MS
        turns++;
    }
    EXPECT(turns > 1000);
    for (uint64_t i = 0; i < TIMERS; i++) {
        while (fired_of(timers[i], &missed) <= 10 && suite_now_ns() < late) {
        }
        EXPECT(fired_of(timers[i], &missed) > 10);
        EXPECT(missed > fired_of(timers[i], nullptr));
        suite_close(timers[i]);
    }
    EXPECT_OK(tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_EQ(bits, (1ull << TIMERS) - 1);
    suite_close(notification);
}

// With slack the later of two timers is not waited for: both come with the deadline of the first.
CASE(slack_lets_timers_fire_together) {
    handle_t first = new_timer(), second = new_timer(), notification = new_notification();
    uint64_t bits = 0, start = suite_now_ns();
    EXPECT_OK(tess_timer_set(first, start + 40 * MS, 0, 0, notification, 1));
    EXPECT_OK(tess_timer_set(second, start + 1 * MS, 0, 1000 * MS, notification, 2));
    EXPECT_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
    if (bits == 2) { // the processor was interrupted for something else
        EXPECT(suite_now_ns() >= start + 1 * MS);
        EXPECT_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
        EXPECT_EQ(bits, 1);
    } else if (bits == 1) { // they are on two processors
        EXPECT_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
        EXPECT_EQ(bits, 2);
    } else {
        EXPECT_EQ(bits, 3);
    }
    suite_close(first);
    suite_close(second);
    suite_close(notification);
}

// One wait for many things: two timers and a signal share a notification.
CASE(one_wait_for_many_things) {
    handle_t first = new_timer(), second = new_timer(), notification = new_notification();
    uint64_t all = 0, bits;
    EXPECT_OK(tess_timer_set(first, suite_after_ms(2), 0, 0, notification, 1));
    EXPECT_OK(tess_timer_set(second, suite_after_ms(4), 0, 0, notification, 2));
    EXPECT_OK(tess_signal(notification, 4));
    while (all != 7) {
        REQUIRE_OK(tess_wait(notification, &bits, suite_after_ms(5000)));
        all |= bits;
    }
    suite_close(first);
    suite_close(second);
    suite_close(notification);
}

CASE(timer_arguments_are_checked) {
    constexpr uint64_t TOO_LONG = 1ull << 62;
    handle_t timer = new_timer(), notification = new_notification(), weak;
    weak = suite_copy(notification, RIGHT_WAIT_BIT);
    REFUSED(TIMER_SET, BAD_HANDLE, tess_timer_set(timer, 0, 0, 0, (handle_t){0x4444'4444}, 1));
    REFUSED(TIMER_SET, BAD_HANDLE, tess_timer_set(timer, 0, 0, 0, (handle_t){0}, 1));
    REFUSED(TIMER_SET, WRONG_TYPE, tess_timer_set(timer, 0, 0, 0, timer, 1));
    REFUSED(TIMER_SET, NO_RIGHT, tess_timer_set(timer, 0, 0, 0, weak, 1));
    REFUSED(TIMER_SET, BAD_ARGUMENT, tess_timer_set(timer, 0, 0, 0, notification, 0));
    REFUSED(TIMER_SET, BAD_ARGUMENT, tess_timer_set(timer, TOO_LONG, 0, 0, notification, 1));
    REFUSED(TIMER_SET, BAD_ARGUMENT, tess_timer_set(timer, 0, TOO_LONG, 0, notification, 1));
    REFUSED(TIMER_SET, BAD_ARGUMENT, tess_timer_set(timer, 0, 0, UINT64_MAX, notification, 1));
    uint64_t next = 1;
    EXPECT_OK(tess_timer_info(timer, &next, nullptr, nullptr, nullptr));
    EXPECT_EQ(next, 0);
    suite_close(weak);
    suite_close(timer);
    suite_close(notification);
}

CASE(a_timer_is_paid_for_and_ends_with_its_handle) {
    handle_t account, timer, notification = new_notification();
    uint64_t bits;
    REQUIRE_OK(tess_account_create_account(suite.account, 64, &account));
    REFUSED(ACCOUNT_CREATE_TIMER, NO_MEMORY, tess_account_create_timer(account, &timer));
    suite_close(account);
    timer = new_timer();
    EXPECT_OK(tess_timer_set(timer, suite_after_ms(10), 1 * MS, 0, notification, 1));
    suite_close(timer);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    (void)tess_wait(notification, &bits, DEADLINE_POLL).code;
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, suite_after_ms(20)));
    suite_close(notification);
}
