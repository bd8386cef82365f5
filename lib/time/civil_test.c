#include "lib/time/civil.h"

#include "base/test.h"

TEST(every_day_of_eight_centuries_in_its_order) {
    int64_t days = civil_days(1600, 1, 1);
    CHECK_EQ(civil_days(1970, 1, 1), 0);
    CHECK_EQ(civil_days(2000, 3, 1), 11'017);
    for (int32_t year = 1600; year < 2400; year++) {
        for (uint8_t month = 1; month <= 12; month++) {
            for (uint8_t day = 1; day <= civil_month_days(year, month); day++, days++) {
                const struct civil civil = civil_from_seconds(days * DAY_SECONDS + 86'399);
                if (civil_days(year, month, day) != days || civil.year != year || civil.month != month || civil.day != day) {
                    CHECK_EQ(civil_days(year, month, day), days);
                    return;
                }
                CHECK_EQ(civil.hour * 10'000 + civil.minute * 100 + civil.second, 235'959);
            }
        }
    }
    CHECK_EQ(days, civil_days(2400, 1, 1));
    CHECK_EQ(civil_weekday(0), 4);
    CHECK_EQ(civil_weekday(civil_days(2026, 11, 22)), 0); // a Sunday
    CHECK_EQ(civil_weekday(-5), 6);
    CHECK_EQ(civil_weekday(-4), 0);
}

TEST(the_ends_of_what_can_be_converted) {
    CHECK_EQ(civil_seconds((struct civil){.year = CIVIL_YEAR_MIN, .month = 1, .day = 1}), CIVIL_SECONDS_MIN);
    CHECK_EQ(civil_seconds((struct civil){CIVIL_YEAR_MAX, 12, 31, 23, 59, 59}), CIVIL_SECONDS_MAX);
    CHECK_EQ(civil_from_seconds(CIVIL_SECONDS_MIN).year, CIVIL_YEAR_MIN);
    CHECK_EQ(civil_from_seconds(CIVIL_SECONDS_MAX).year, CIVIL_YEAR_MAX);
}

static bool parses(const char *text, int64_t *seconds) {
    struct civil civil;
    const bool good = civil_parse(text, strlen(text), &civil);
    *seconds = good ? civil_seconds(civil) : 0;
    return good;
}

TEST(dates_as_people_write_them) {
    int64_t seconds;
    CHECK(parses("2026-11-22", &seconds) && seconds == 1'795'305'600);
    CHECK(parses("2026-11-22 04:10", &seconds) && seconds == 1'795'305'600 + 4 * 3600 + 600);
    CHECK(parses("2026-11-22T04:10:59", &seconds) && seconds == 1'795'305'600 + 4 * 3600 + 659);
    CHECK(parses("2024-02-29", &seconds));
    static const char *const bad[] = {"", "2026", "2026-11", "2026-11-", "2026-11-22 ", "2026-11-22 04", "2026-11-22 04:", "2026-11-22 04:10:",
                                      "2026-11-22 04:10:5", "2026-11-22 04:10:59 ", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
                                      "2026-01-32", "2026-01-01 24:00", "2026-01-01 00:60", "2026-01-01 00:00:60", "26-01-01", "x026-01-01",
                                      "2026/01/01", "2026-01-01-00:00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parses(bad[i], &seconds)) {
            CHECK_STR_EQ(bad[i], "no date");
        }
    }
}
