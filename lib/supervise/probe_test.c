#include "lib/supervise/probe.h"

#include "base/test.h"

TEST(it_is_asked_answers_and_is_asked_again) {
    struct probe p;
    probe_init(&p, 100, 10, 1000);
    CHECK_EQ(probe_due_ns(&p), 1100);
    CHECK(!probe_is_due(&p, 1099) && probe_is_due(&p, 1100) && !probe_is_late(&p, 5000));
    probe_asked(&p, 1105);
    CHECK(!probe_is_due(&p, 100'000));
    CHECK_EQ(probe_due_ns(&p), 1115);
    CHECK(!probe_is_late(&p, 1114) && probe_is_late(&p, 1115));
    probe_answered(&p, 1120);
    CHECK_EQ(probe_due_ns(&p), 1220);
    probe_answered(&p, 1150); // again: nothing was asked
    CHECK_EQ(probe_due_ns(&p), 1220);
}

TEST(one_that_is_not_to_be_asked_is_not) {
    struct probe p;
    probe_init(&p, 0, 10, 1000);
    CHECK_EQ(probe_due_ns(&p), UINT64_MAX);
    CHECK(!probe_is_due(&p, UINT64_MAX - 1));
    probe_init(&p, 100, 10, 1000);
    probe_end(&p);
    CHECK_EQ(probe_due_ns(&p), UINT64_MAX);
    probe_init(&p, UINT64_MAX, UINT64_MAX, 1000); // far away, not in the past
    CHECK_EQ(probe_due_ns(&p), UINT64_MAX);
    probe_asked(&p, 1000);
    CHECK(!probe_is_late(&p, UINT64_MAX - 1));
}
