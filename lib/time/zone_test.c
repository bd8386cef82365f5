#include "lib/time/zone.h"

#include "base/test.h"
#include "lib/time/zones.h"

static struct zone_rule rule;

static bool parses(const char *text) {
    return zone_parse_rule(text, strlen(text), &rule);
}

TEST(rules_are_read) {
    CHECK(parses("CET-1CEST,M3.5.0,M10.5.0/3"));
    CHECK_EQ(rule.standard.seconds, 3600);
    CHECK_EQ(rule.daylight.seconds, 7200);
    CHECK_STR_EQ(rule.daylight.abbreviation, "CEST");
    CHECK_EQ(rule.begin.time, 7200);
    CHECK_EQ(rule.end.time, 3 * 3600);
    CHECK(parses("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"));
    CHECK_EQ(rule.standard.seconds, -3 * 3600);
    CHECK_EQ(rule.begin.time, -7200);
    CHECK(parses("IST-1GMT0,M10.5.0,M3.5.0/1")); // Dublin: the daylight saving time is in winter, and back
    CHECK_EQ(rule.daylight.seconds, 0);
    CHECK(parses("<+0545>-5:45"));
    CHECK_EQ(rule.standard.seconds, 5 * 3600 + 45 * 60);
    CHECK(!rule.has_dst);
    CHECK(parses("EST5EDT,0/0,J365/25")); // daylight saving time all year
    static const char *const bad[] = {"", "CET", "CE-1", "CET-1CEST", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,366,5",
                                      "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "<CET-1", "CET-1:60", "CET-1CEST,M3.5.0,M10.5.0/",
                                      "CET--1", "ABCDEFGHIJKLM1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parses(bad[i])) {
            CHECK_STR_EQ(bad[i], "no rule");
        }
    }
}

static int32_t offset_at(const struct zone *zone, struct civil utc) {
    return zone_at(zone, civil_seconds(utc)).seconds;
}

TEST(rules_say_what_holds_at_the_turn_of_the_year_too) {
    struct zone zone = zone_utc;
    REQUIRE(parses("EST5EDT,0/0,J365/25"));
    zone.rule = rule;
    for (int hour = 0; hour < 48; hour++) {
        CHECK_EQ(offset_at(&zone, (struct civil){2031, 12, hour < 24 ? 31 : 31, (uint8_t)(hour % 24), 0, 0}), -4 * 3600);
        CHECK_EQ(offset_at(&zone, (struct civil){2032, 1, 1, (uint8_t)(hour % 24), 0, 0}), -4 * 3600);
    }
    REQUIRE(parses("AAA-10BBB,M12.5.6/167,M1.1.0/-167")); // begins and ends in other years than it says
    zone.rule = rule;
    CHECK_EQ(offset_at(&zone, (struct civil){2031, 7, 1, 0, 0, 0}), 11 * 3600);
    CHECK_EQ(offset_at(&zone, (struct civil){2031, 12, 31, 23, 0, 0}), 10 * 3600);
    CHECK_EQ(offset_at(&zone, (struct civil){2032, 1, 1, 0, 0, 0}), 10 * 3600);
    REQUIRE(parses("NZST-12NZDT,M9.5.0,M4.1.0/3"));
    zone.rule = rule;
    CHECK_EQ(offset_at(&zone, (struct civil){2031, 12, 31, 23, 59, 59}), 13 * 3600);
    CHECK_EQ(offset_at(&zone, (struct civil){2032, 1, 1, 0, 0, 0}), 13 * 3600);
    CHECK_EQ(offset_at(&zone, (struct civil){2032, 6, 1, 0, 0, 0}), 12 * 3600);
}

TEST(local_times_that_come_once_twice_or_never) {
    struct zone zone = zone_utc;
    int64_t first, second;
    REQUIRE(parses("CET-1CEST,M3.5.0,M10.5.0/3"));
    zone.rule = rule;
    CHECK_EQ(zone_instants(&zone, (struct civil){2031, 7, 1, 12, 0, 0}, &first, &second), ZONE_ONCE);
    CHECK_EQ(first, civil_seconds((struct civil){2031, 7, 1, 10, 0, 0}));
    CHECK_EQ(second, first);
    CHECK_EQ(zone_instants(&zone, (struct civil){2031, 3, 30, 2, 30, 0}, &first, &second), ZONE_NEVER);
    CHECK_EQ(first, civil_seconds((struct civil){2031, 3, 30, 1, 30, 0}));
    CHECK_EQ(second, civil_seconds((struct civil){2031, 3, 30, 0, 30, 0}));
    CHECK_EQ(zone_instants(&zone, (struct civil){2031, 10, 26, 2, 30, 0}, &first, &second), ZONE_TWICE);
    CHECK_EQ(first, civil_seconds((struct civil){2031, 10, 26, 0, 30, 0}));
    CHECK_EQ(second, civil_seconds((struct civil){2031, 10, 26, 1, 30, 0}));
}

// ---- files ----

// One transition at 100 from LMT (+1) to STD (+2), and the rule for what comes.
static const uint8_t file[] = {
    'T', 'Z', 'i', 'f', '2', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, // counts of the first block: a type, a character
    0, 0, 0, 0, 0, 0, 0,                                                   // and those
    'T', 'Z', 'i', 'f', '2', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 8, //
    0, 0, 0, 0, 0, 0, 0, 100,                                              // when
    1,                                                                     // to which
    0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 4,                                    // types
    'L', 'M', 'T', 0, 'S', 'T', 'D', 0,                                    //
    '\n', 'N', 'E', 'W', '-', '1', '\n',
};

TEST(a_file_is_read_and_nothing_that_is_none) {
    struct zone zone;
    static uint8_t damaged[sizeof(file)];
    REQUIRE(zone_open(file, sizeof(file), &zone));
    CHECK_EQ(zone_at(&zone, 99).seconds, 1);
    CHECK_STR_EQ(zone_at(&zone, 99).abbreviation, "LMT");
    CHECK_EQ(zone_at(&zone, 100).seconds, 3600); // behind the last transition the rule says it
    for (size_t len = 0; len < sizeof(file); len++) {
        CHECK(!zone_open(file, len, &zone));
    }
    // Whatever a byte is, nothing outside is read: the sanitizers see to that.
    for (size_t at = 0; at < sizeof(file); at++) {
        for (int value = 0; value < 256; value++) {
            memcpy(damaged, file, sizeof(file));
            damaged[at] = (uint8_t)value;
            if (zone_open(damaged, sizeof(damaged), &zone)) {
                int64_t first, second;
                for (int64_t when = -200; when <= 200; when += 50) {
                    (void)zone_at(&zone, when);
                }
                (void)zone_instants(&zone, (struct civil){1970, 1, 1, 0, 1, 40}, &first, &second);
            }
        }
    }
}

TEST(without_zones_there_is_universal_time) {
    static struct zones zones;
    static const uint64_t nothing[4] = {};
    struct zone zone;
    CHECK(!zones_open(nothing, 0, &zones));
    CHECK(!zones_open(nothing, 8, &zones));
    CHECK(zones_find(&zones, CAPNP_TEXT("UTC"), &zone));
    CHECK_STR_EQ(zone_at(&zone, 0).abbreviation, "UTC");
    CHECK(!zones_find(&zones, CAPNP_TEXT("UT"), &zone));
    CHECK(!zones_find(&zones, CAPNP_TEXT(""), &zone));
}
