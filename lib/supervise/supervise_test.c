#include "lib/supervise/supervise.h"

#include "base/test.h"

constexpr uint64_t MS = 1'000'000, S = 1000 * MS;

static struct supervise running(enum supervise_policy policy) {
    struct supervise s;
    supervise_init(&s, policy);
    supervise_started(&s, S);
    return s;
}

TEST(crashes_back_off_and_then_fail) {
    struct supervise s = running(SUPERVISE_ALWAYS);
    static const uint64_t pauses_ms[] = {0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
    uint64_t now = 2 * S;
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        supervise_ended(&s, now, false);
        CHECK_EQ(s.state, SUPERVISE_BACKOFF);
        CHECK_EQ(supervise_due_ns(&s) - now, pauses_ms[i] * MS);
        now = supervise_due_ns(&s);
        supervise_started(&s, now);
        CHECK_EQ(s.restarts, i + 1);
        now += MS;
    }
    supervise_ended(&s, now, false);
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    CHECK_EQ(supervise_due_ns(&s), UINT64_MAX);
    CHECK(!supervise_restart(&s, now));
    CHECK_EQ(supervise_due_ns(&s), now);
    CHECK_EQ(s.failures, 0);
}

TEST(a_steady_run_forgives) {
    struct supervise s = running(SUPERVISE_ALWAYS);
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t end = s.started_ns + SUPERVISE_STEADY_NS;
        supervise_ended(&s, end, false);
        CHECK_EQ(supervise_due_ns(&s), end);
        supervise_started(&s, end);
    }
    CHECK_EQ(s.restarts, 100);
}

TEST(policies_decide) {
    static const struct {
        enum supervise_policy policy;
        bool killed, success;
        enum supervise_state after;
    } cases[] = {
        {SUPERVISE_ALWAYS, false, true, SUPERVISE_BACKOFF},
        {SUPERVISE_ALWAYS, false, false, SUPERVISE_BACKOFF},
        {SUPERVISE_ALWAYS, true, false, SUPERVISE_BACKOFF},
        {SUPERVISE_ON_FAILURE, false, true, SUPERVISE_ENDED},
        {SUPERVISE_ON_FAILURE, false, false, SUPERVISE_BACKOFF},
        {SUPERVISE_ON_FAILURE, true, false, SUPERVISE_ENDED},
        {SUPERVISE_NEVER, false, true, SUPERVISE_ENDED},
        {SUPERVISE_NEVER, false, false, SUPERVISE_ENDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct supervise s = running(cases[i].policy);
        if (cases[i].killed) {
            supervise_kill(&s);
        }
        supervise_ended(&s, 2 * S, cases[i].success);
        CHECK_EQ(s.state, cases[i].after);
    }
}

TEST(kills_and_restarts_are_no_failures) {
    struct supervise s = running(SUPERVISE_ALWAYS);
    for (uint32_t i = 0; i < 50; i++) {
        supervise_kill(&s);
        supervise_ended(&s, 2 * S, false);
        CHECK_EQ(supervise_due_ns(&s), 2 * S);
        CHECK_EQ(s.failures, 0);
        supervise_started(&s, 2 * S);
    }
    struct supervise never = running(SUPERVISE_NEVER);
    CHECK(supervise_restart(&never, 2 * S));
    supervise_ended(&never, 2 * S, false);
    CHECK_EQ(supervise_due_ns(&never), 2 * S);
}

TEST(a_failed_start_counts) {
    struct supervise s;
    supervise_init(&s, SUPERVISE_ALWAYS);
    supervise_start_failed(&s, S);
    CHECK_EQ(s.state, SUPERVISE_BACKOFF);
    CHECK_EQ(s.failures, 1);
    supervise_init(&s, SUPERVISE_NEVER);
    supervise_start_failed(&s, S);
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    supervise_init(&s, SUPERVISE_ALWAYS);
    supervise_hopeless(&s, S);
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    CHECK_EQ(supervise_due_ns(&s), UINT64_MAX);
    CHECK(!supervise_restart(&s, 2 * S));
    CHECK_EQ(supervise_due_ns(&s), 2 * S);
}

TEST(no_memory_is_no_failure) {
    struct supervise s;
    supervise_init(&s, SUPERVISE_ALWAYS);
    s.budget = 1;
    supervise_starved(&s, S, 0); // nothing has ended that could give some back
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    CHECK_EQ(s.failures, 0);
    CHECK(supervise_fed(&s, 2 * S));
    CHECK_EQ(supervise_due_ns(&s), 2 * S);
    CHECK(!supervise_fed(&s, 2 * S)); // it is due already
    // What an end gives back comes in pieces: it is tried again for a while.
    uint64_t now = 2 * S;
    for (uint32_t tries = 0; s.state == SUPERVISE_BACKOFF; tries++) {
        REQUIRE(tries <= SUPERVISE_FREEING_NS / SUPERVISE_PAUSE_FIRST_NS);
        now = supervise_due_ns(&s);
        supervise_starved(&s, now, 2 * S);
    }
    CHECK_EQ(now, 2 * S + SUPERVISE_FREEING_NS);
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    CHECK_EQ(s.failures, 0);
    CHECK(supervise_fed(&s, now));
    supervise_started(&s, now);
    CHECK(!s.starved);
    supervise_ended(&s, now + MS, false);
    CHECK_EQ(s.state, SUPERVISE_FAILED);
    CHECK(!supervise_fed(&s, now + MS)); // it was given up for another reason
}

TEST(it_is_starting_until_it_is_ready) {
    struct supervise s;
    supervise_init(&s, SUPERVISE_ALWAYS);
    s.patience_ns = 3 * S;
    supervise_ready(&s, S); // nobody is
    CHECK_EQ(s.state, SUPERVISE_STOPPED);
    supervise_started(&s, S);
    CHECK_EQ(s.state, SUPERVISE_STARTING);
    CHECK_EQ(supervise_ready_due_ns(&s), 4 * S);
    CHECK_EQ(supervise_due_ns(&s), UINT64_MAX);
    supervise_ready(&s, S + 20 * MS);
    CHECK_EQ(s.state, SUPERVISE_RUNNING);
    CHECK_EQ(s.took_ns, 20 * MS);
    CHECK_EQ(supervise_ready_due_ns(&s), UINT64_MAX);
    supervise_ended(&s, 2 * S, false);
    supervise_started(&s, 2 * S);
    supervise_ended(&s, 5 * S, false); // was ended: it was not ready in time
    CHECK_EQ(s.failures, 2);
    CHECK_EQ(s.state, SUPERVISE_BACKOFF);
    CHECK_EQ(supervise_due_ns(&s), 5 * S + 50 * MS);
    supervise_started(&s, 6 * S);
    CHECK(supervise_restart(&s, 6 * S)); // one that is starting, too
    supervise_ended(&s, 6 * S, false);
    CHECK_EQ(supervise_due_ns(&s), 6 * S);
}

TEST(nothing_starts_when_closing) {
    struct supervise s = running(SUPERVISE_ALWAYS);
    supervise_close(&s);
    CHECK(!supervise_restart(&s, S));
    supervise_ended(&s, 2 * S, false);
    CHECK_EQ(s.state, SUPERVISE_STOPPED);
    struct supervise waiting = running(SUPERVISE_ALWAYS);
    supervise_ended(&waiting, 2 * S, false);
    supervise_close(&waiting);
    CHECK_EQ(waiting.state, SUPERVISE_STOPPED);
    CHECK_EQ(supervise_due_ns(&waiting), UINT64_MAX);
}

static void explore(struct supervise s, uint64_t now, uint32_t depth) {
    REQUIRE(supervise_check(&s));
    if (depth == 0) {
        return;
    }
    for (uint32_t action = 0; action < 9; action++) {
        struct supervise next = s;
        bool runs = supervise_lives(&s);
        uint64_t later = now + (action % 2 == 0 ? MS : 20 * S);
        switch (action) {
        case 0: runs ? supervise_ended(&next, later, true) : supervise_started(&next, later); break;
        case 1: runs ? supervise_ended(&next, later, false) : supervise_started(&next, later); break;
        case 2: runs ? supervise_ended(&next, later, false) : supervise_start_failed(&next, later); break;
        case 3: supervise_kill(&next); break;
        case 4: (void)supervise_restart(&next, later); break;
        case 5: supervise_close(&next); break;
        case 6: supervise_ready(&next, later); break;
        case 7: runs ? (void)supervise_fed(&next, later) : supervise_starved(&next, later, now); break;
        case 8: (void)supervise_fed(&next, later); break;
        default: continue;
        }
        if (s.closing && !runs && (action < 3 || action == 7)) {
            continue; // the supervisor starts nothing then
        }
        explore(next, later, depth - 1);
    }
}

TEST(every_sequence_keeps_the_invariants) {
    for (uint32_t policy = SUPERVISE_NEVER; policy <= SUPERVISE_ALWAYS; policy++) {
        struct supervise s;
        supervise_init(&s, (enum supervise_policy)policy);
        explore(s, S, 7);
        s.patience_ns = S;
        explore(s, S, 7);
    }
}
