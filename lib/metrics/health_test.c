#include "base/test.h"

#include <stdio.h>

#include "lib/metrics/health.h"

static struct health_watch watch;
static uint64_t now;

static void begin(void) {
    health_begin(&watch);
}

static void end(void) {
    health_end(&watch, ++now);
}

static void setup(void) {
    watch = (struct health_watch){};
    now = 0;
}

TEST(the_worst_counts_and_changes_are_kept) {
    setup();
    begin();
    health_report(&watch, "logd", HEALTH_LEVEL_OK, "");
    health_report(&watch, "rngd", HEALTH_LEVEL_OK, "");
    end();
    CHECK_EQ(watch.whole.level, HEALTH_LEVEL_OK);
    CHECK_EQ(watch.change_count, 0); // that all is well is nothing new
    begin();
    health_report(&watch, "logd", HEALTH_LEVEL_FAILED, "was given up");
    health_report(&watch, "rngd", HEALTH_LEVEL_DEGRADED, "is slow");
    end();
    CHECK_EQ(watch.whole.level, HEALTH_LEVEL_FAILED);
    CHECK_STR_EQ(watch.whole.reason, "logd: was given up");
    CHECK_EQ(watch.since_ns, 2);
    CHECK_EQ(watch.change_count, 3);
    CHECK_STR_EQ(health_event_at(&watch, 0)->name, "logd");
    CHECK_STR_EQ(health_event_at(&watch, 2)->name, "");
    begin();
    health_report(&watch, "logd", HEALTH_LEVEL_OK, "");
    health_report(&watch, "rngd", HEALTH_LEVEL_DEGRADED, "is slow");
    end();
    CHECK_EQ(watch.whole.level, HEALTH_LEVEL_DEGRADED);
    CHECK_EQ(watch.since_ns, 3);
    CHECK_EQ(watch.change_count, 5);
    CHECK(health_event_at(&watch, 5) == nullptr);
}

TEST(who_is_gone_hurts_nobody) {
    setup();
    begin();
    health_report(&watch, "job.7", HEALTH_LEVEL_DEGRADED, "says so itself");
    end();
    begin();
    end();
    CHECK_EQ(watch.whole.level, HEALTH_LEVEL_OK);
    CHECK_STR_EQ(watch.whole.reason, "");
    CHECK_STR_EQ(watch.sources[0].name, "");
}

TEST(of_two_reports_the_worse_counts) {
    setup();
    begin();
    health_report(&watch, "logd", HEALTH_LEVEL_DEGRADED, "full");
    health_report(&watch, "logd", HEALTH_LEVEL_OK, "");
    end();
    CHECK_EQ(watch.sources[0].level, HEALTH_LEVEL_DEGRADED);
    CHECK_STR_EQ(watch.sources[0].reason, "full");
}

TEST(more_than_there_is_room_for) {
    setup();
    for (unsigned round = 0; round < 3; round++) {
        begin();
        for (unsigned i = 0; i < HEALTH_SOURCES_MAX + 5; i++) {
            char name[HEALTH_NAME_BYTES];
            snprintf(name, sizeof(name), "service%u", i);
            health_report(&watch, name, i == HEALTH_SOURCES_MAX + 2 ? HEALTH_LEVEL_FAILED : HEALTH_LEVEL_OK, "round");
        }
        end();
        CHECK_EQ(watch.whole.level, HEALTH_LEVEL_FAILED); // one that has no entry is not overlooked
    }
    CHECK(watch.change_count > HEALTH_CHANGES_MAX);
    CHECK(health_event_at(&watch, 0) == nullptr);
    CHECK(health_event_at(&watch, watch.change_count - HEALTH_CHANGES_MAX) != nullptr);
}
