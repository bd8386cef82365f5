#include "lib/supervise/escalate.h"

#include "base/test.h"

TEST(remedies_get_stronger) {
    struct escalation e = {};
    struct escalate_case now = {.essential = true, .has_dependents = true, .runs_in_safe = true};
    CHECK_EQ(escalate(&e, now), ESCALATE_RESTART_DEPENDENTS);
    CHECK_EQ(escalate(&e, now), ESCALATE_SAFE_MODE);
    now.is_safe = true;
    escalate_forget(&e);
    CHECK_EQ(escalate(&e, now), ESCALATE_RESTART_DEPENDENTS);
    CHECK_EQ(escalate(&e, now), ESCALATE_STOP);
    now.essential = false;
    CHECK_EQ(escalate(&e, now), ESCALATE_DEGRADE);
}

// All cases: what must never be, and what must be.
TEST(every_case_has_the_right_remedy) {
    for (uint32_t bits = 0; bits < 128; bits++) {
        struct escalation e = {.dependents_restarted = (bits & 32) != 0};
        const struct escalate_case now = {(bits & 1) != 0, (bits & 64) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0,
                                          (bits & 16) != 0};
        const enum escalate_step step = escalate(&e, now);
        CHECK(step != ESCALATE_STOP || now.essential);
        CHECK(step != ESCALATE_SAFE_MODE || (now.essential && now.runs_in_safe && !now.is_safe && !now.hopeless));
        CHECK(step != ESCALATE_DEGRADE || !now.essential);
        CHECK_EQ(step == ESCALATE_RESTART_DEPENDENTS, now.has_dependents && !now.hopeless && !now.starved && (bits & 32) == 0);
        // The same case again is never answered by restarting dependents again.
        CHECK(escalate(&e, now) != ESCALATE_RESTART_DEPENDENTS);
    }
}
