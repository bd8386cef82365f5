// Scheduling: nobody who is ready waits for ever, urgency counts, and a loop hurts nobody else.
#include "abi/limits.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"
#include "fpu.h"

CHILD static void count_for_ever(struct child_page *page) {
    for (;;) {
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}

static uint64_t progress(const struct child *child) {
    return __atomic_load_n(&child->page->progress, __ATOMIC_ACQUIRE);
}

// Waits without using the processor.
static void rest_ms(uint64_t ms) {
    handle_t notification;
    uint64_t bits;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, suite_after_ms(ms)));
    suite_close(notification);
}

TIMED_CASE(endless_loops_share_the_processor_fairly) {
    struct child children[3];
    uint64_t start[3], done[3];
    for (int i = 0; i < 3; i++) {
        REQUIRE(child_create(&children[i], suite.account));
        REQUIRE(child_start(&children[i], count_for_ever));
    }
    for (int i = 0; i < 3; i++) {
        REQUIRE(child_await_progress(&children[i], 1, 5000));
        EXPECT_OK(tess_thread_set_affinity(children[i].thread, 1)); // all on one processor
    }
    rest_ms(10);
    for (int i = 0; i < 3; i++) {
        start[i] = progress(&children[i]);
    }
    rest_ms(300);
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < 3; i++) {
        done[i] = progress(&children[i]) - start[i];
        least = done[i] < least ? done[i] : least;
        most = done[i] > most ? done[i] : most;
    }
    EXPECT(least > 0);
    EXPECT(most - least < most / 8);
    for (int i = 0; i < 3; i++) {
        child_destroy(&children[i]);
    }
}

// A waiter is served soon although others loop for ever in its own band.
TIMED_CASE(a_woken_thread_does_not_wait_for_endless_loops) {
    struct child children[2];
    for (int i = 0; i < 2; i++) {
        REQUIRE(child_create(&children[i], suite.account));
        REQUIRE(child_start(&children[i], count_for_ever));
        REQUIRE(child_await_progress(&children[i], 1, 5000));
    }
    for (int i = 0; i < 5; i++) {
        uint64_t before = suite_now_ns();
        rest_ms(5);
        EXPECT(suite_now_ns() - before < 25'000'000); // two slices and the rest
    }
    for (int i = 0; i < 2; i++) {
        child_destroy(&children[i]);
    }
}

// The lowest band is not starved by the one above it.
TIMED_CASE(the_lowest_band_is_not_starved) {
    struct child busy, low;
    REQUIRE(child_create(&low, suite.account));
    REQUIRE(child_create(&busy, suite.account));
    REQUIRE(child_start(&busy, count_for_ever));
    REQUIRE(child_start(&low, count_for_ever));
    EXPECT_OK(tess_thread_set_affinity(low.thread, 1)); // bands share a processor
    EXPECT_OK(tess_thread_set_affinity(busy.thread, 1));
    EXPECT_OK(tess_thread_set_band(low.thread, BAND_BACKGROUND));
    rest_ms(10);
    const uint64_t low_start = progress(&low), busy_start = progress(&busy);
    rest_ms(500);
    const uint64_t low_done = progress(&low) - low_start, busy_done = progress(&busy) - busy_start;
    EXPECT(low_done > 0);
    EXPECT(busy_done > 2 * low_done);
    child_destroy(&low);
    child_destroy(&busy);
}

static uint64_t used_ns(const struct child *child) {
    uint64_t used = 0;
    EXPECT_OK(tess_thread_info(child->thread, nullptr, nullptr, nullptr, &used));
    return used;
}

// What time_limits_* measure: two looping processes below an account with a time limit, the second with a tighter one of
// its own, and another that has nothing to do with them.
constexpr uint64_t MS = 1'000'000;
struct limited {
    struct child children[2], other;
    handle_t outer, inner[2];
};

static bool limited_create(struct limited *limited) {
    EXPECT_OK(tess_account_create_account(suite.account, 4 << 20, &limited->outer));
    EXPECT_OK(tess_account_set_limit(suite.account, limited->outer, LIMIT_TIME, 10 * MS, 100 * MS));
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(tess_account_create_account(limited->outer, 1 << 20, &limited->inner[i]));
    }
    EXPECT_OK(tess_account_set_limit(limited->outer, limited->inner[1], LIMIT_TIME, MS, 100 * MS));
    for (int i = 0; i < 2; i++) {
        if (!child_create(&limited->children[i], limited->inner[i]) || !child_start(&limited->children[i], count_for_ever) ||
            !child_await_progress(&limited->children[i], 1, 5000)) {
            return false;
        }
    }
    return child_create(&limited->other, suite.account) && child_start(&limited->other, count_for_ever);
}

// Ends the two while they are set aside.
static void limited_destroy(struct limited *limited) {
    for (int i = 0; i < 2; i++) {
        child_destroy(&limited->children[i]);
        suite_close(limited->inner[i]);
    }
    child_destroy(&limited->other);
    suite_close(limited->outer);
}

// Nobody else notices the limit.
TIMED_CASE(time_limits_hold_for_all_below) {
    struct limited limited;
    uint64_t used[2];
    REQUIRE(limited_create(&limited));
    const uint64_t start = suite_now_ns(), other_before = used_ns(&limited.other);
    const uint64_t before[2] = {used_ns(&limited.children[0]), used_ns(&limited.children[1])};
    rest_ms(500);
    const uint64_t passed = suite_now_ns() - start;
    for (int i = 0; i < 2; i++) {
        used[i] = used_ns(&limited.children[i]) - before[i];
    }
    // A tenth for both, a hundredth for one of them; a period begun may be used whole.
    EXPECT(used[0] + used[1] <= passed / 10 + 10 * MS);
    EXPECT(used[1] <= passed / 100 + MS);
    EXPECT(used[0] > passed / 20);
    EXPECT(used[1] > 0);
    EXPECT(used_ns(&limited.other) - other_before > passed * 3 / 4);
    limited_destroy(&limited);
}

// On whatever processors they are, the two share what the outer account has, and go on in its next period.
CASE(time_limits_are_shared_by_processors) {
    struct limited limited;
    uint64_t used = 0;
    REQUIRE(limited_create(&limited));
    for (int i = 0; i < 2; i++) {
        for (int periods = 0; periods < 3; periods++) {
            REQUIRE(child_await_progress(&limited.children[i], progress(&limited.children[i]) + 1, 5000));
            rest_ms(30);
        }
    }
    EXPECT_OK(tess_account_limit(limited.outer, LIMIT_TIME, nullptr, &used, nullptr, nullptr));
    EXPECT(used > 0);
    limited_destroy(&limited);
}

CHILD static void count_yields(struct child_page *page) {
    struct raw_message message = {};
    (void)raw_syscall(SYS_WAIT, page->handle[0].v, &message, DEADLINE_NEVER).code;
    for (;;) {
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
        (void)raw_syscall(SYS_YIELD, 0, &message, 0).code;
    }
}

CASE(yield_lets_others_of_the_band_run) {
    struct child child;
    handle_t begin;
    REQUIRE_OK(tess_account_create_notification(suite.account, &begin));
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_grant(&child, begin, RIGHT_WAIT_BIT));
    REQUIRE(child_start(&child, count_yields));
    uint64_t state = 0, end = suite_after_ms(5000);
    while (state != THREAD_STATE_WAITING && suite_now_ns() < end) {
        EXPECT_OK(tess_thread_info(child.thread, nullptr, &state, nullptr, nullptr));
    }
    EXPECT_OK(tess_thread_set_affinity(child.thread, 1)); // both on one processor
    EXPECT_OK(tess_thread_set_affinity(suite.thread, 1));
    EXPECT_OK(tess_signal(begin, 1));
    for (int i = 0; i < 1000; i++) {
        tess_yield();
    }
    EXPECT(progress(&child) >= 500);
    EXPECT_OK(tess_thread_set_affinity(suite.thread, UINT64_MAX));
    child_destroy(&child);
    suite_close(begin);
}

// The server runs on its caller's time and urgency: a background server answers although the band
// above it never rests.
CHILD static void serve_for_ever(struct child_page *page) {
    struct raw_message message = {};
    (void)raw_syscall(SYS_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    for (;;) {
        message.info = 0;
        (void)raw_syscall(SYS_REPLY_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    }
}

CASE(a_background_server_answers_urgent_callers) {
    struct child busy, server;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE(child_create(&server, suite.account));
    REQUIRE(child_grant(&server, endpoint, RIGHT_RECEIVE_BIT));
    REQUIRE(child_start(&server, serve_for_ever));
    struct tess_message message = {};
    REQUIRE_OK(tess_call(endpoint, &message, suite_after_ms(5000)));
    EXPECT_OK(tess_thread_set_band(server.thread, BAND_BACKGROUND));
    REQUIRE(child_create(&busy, suite.account));
    REQUIRE(child_start(&busy, count_for_ever));
    REQUIRE(child_await_progress(&busy, 1, 5000));
    for (int i = 0; i < 100; i++) {
        message = (struct tess_message){};
        EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(5000)));
    }
    child_destroy(&busy);
    child_destroy(&server);
    suite_close(endpoint);
}

CHILD static void call_in_a_loop(struct child_page *page) {
    struct raw_message message = {};
    for (;;) {
        message.info = 1;
        (void)raw_syscall(SYS_CALL, page->handle[0].v, &message, DEADLINE_NEVER).code;
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}

// Two processes that call each other without end switch directly, past the scheduler; a third one still
// gets its turn.
CASE(a_calling_pair_does_not_starve_others) {
    struct child client, server, third;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE(child_create(&server, suite.account));
    REQUIRE(child_grant(&server, endpoint, RIGHT_RECEIVE_BIT));
    REQUIRE(child_start(&server, serve_for_ever));
    REQUIRE(child_create(&client, suite.account));
    REQUIRE(child_grant(&client, endpoint, RIGHT_SEND_BIT));
    REQUIRE(child_start(&client, call_in_a_loop));
    REQUIRE(child_await_progress(&client, 100, 5000));
    REQUIRE(child_create(&third, suite.account));
    REQUIRE(child_start(&third, count_for_ever));
    REQUIRE(child_await_progress(&third, 1000, 5000));
    uint64_t calls = progress(&client);
    rest_ms(200);
    EXPECT(progress(&client) > calls);
    child_destroy(&client);
    child_destroy(&server);
    child_destroy(&third);
    suite_close(endpoint);
}

// Every thread has floating-point registers of its own, and finds them empty.
CHILD static void keep_registers(struct child_page *page) {
    struct raw_message message = {};
    page->result[0] = arch_fpu_holds(0);
    arch_fpu_set(page->arg[0]);
    for (uint64_t i = 0; i < page->arg[1]; i++) {
        (void)raw_syscall(SYS_YIELD, 0, &message, 0).code;
        page->result[1] += arch_fpu_holds(page->arg[0]);
    }
    raw_exit(page->process, 0);
}

CASE(floating_point_registers_are_private) {
    constexpr uint64_t ROUNDS = 200;
    struct child children[6];
    for (uint64_t i = 0; i < 6; i++) {
        REQUIRE(child_create(&children[i], suite.account));
        children[i].page->arg[0] = 0x1111'1111'1111'1111 * (i + 1);
        children[i].page->arg[1] = ROUNDS;
    }
    for (int i = 0; i < 6; i++) {
        REQUIRE(child_start(&children[i], keep_registers));
    }
    for (int i = 0; i < 6; i++) {
        REQUIRE(child_await_exit(&children[i], 5000));
        EXPECT_EQ(child_result(&children[i], 0), 1);
        EXPECT_EQ(child_result(&children[i], 1), ROUNDS);
        child_destroy(&children[i]);
    }
}

// A process with much to give back is taken apart while another loops for ever and nobody calls the kernel.
CASE(an_endless_loop_holds_up_no_end_of_another_process) {
    struct child looping, ending;
    REQUIRE(child_create(&looping, suite.account));
    REQUIRE(child_start(&looping, count_for_ever));
    REQUIRE(child_create(&ending, suite.account));
    for (int i = 0; i < 2000; i++) {
        REQUIRE_OK(
            tess_process_grant(ending.process, ending.exit_watch, RIGHT_INSPECT_BIT, 0, &(uint64_t){0}));
    }
    REQUIRE(child_start(&ending, count_for_ever));
    REQUIRE(child_await_progress(&looping, 1, 5000));
    REQUIRE_OK(tess_process_exit(ending.process, 0));
    REQUIRE(child_await_exit(&ending, 5000));
    child_destroy(&ending);
    child_destroy(&looping);
}

CASE(a_thread_keeps_to_its_processors) {
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_start(&child, count_for_ever));
    REQUIRE(child_await_progress(&child, 1, 5000));
    REFUSED(THREAD_SET_AFFINITY, BAD_ARGUMENT, tess_thread_set_affinity(child.thread, 0));
    for (uint64_t processors = 1; status_ok(tess_thread_set_affinity(child.thread, processors)); processors <<= 1) {
        REQUIRE(child_await_progress(&child, progress(&child) + 1, 5000));
        if (processors == 1ull << 63) {
            break;
        }
    }
    EXPECT_OK(tess_thread_set_affinity(child.thread, UINT64_MAX));
    REQUIRE(child_await_progress(&child, progress(&child) + 1, 5000));
    child_destroy(&child);
}
