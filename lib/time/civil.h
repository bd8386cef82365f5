// Dates of the Gregorian calendar, also before it was introduced, and seconds since 1970-01-01 00:00:00 UTC, of which every day has
// 86,400: no leap seconds (POSIX, 4.16).
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr int64_t DAY_SECONDS = 86'400;
constexpr int32_t CIVIL_YEAR_MIN = -9999, CIVIL_YEAR_MAX = 9999; // what can be converted: far from every overflow
constexpr int64_t CIVIL_SECONDS_MIN = -377'705'116'800, CIVIL_SECONDS_MAX = 253'402'300'799; // 1 January, 31 December of these

struct civil {
    int32_t year;
    uint8_t month, day;           // from 1
    uint8_t hour, minute, second; // from 0
};

bool civil_is_leap(int32_t year);
uint8_t civil_month_days(int32_t year, uint8_t month); // 0: there is no such month

// Whether there is such a date and time.
bool civil_is_valid(struct civil civil);

// Days since 1970-01-01.
int64_t civil_days(int32_t year, uint8_t month, uint8_t day);

// From 0, Sunday.
uint8_t civil_weekday(int64_t days);

int64_t civil_seconds(struct civil civil);       // of a valid one
struct civil civil_from_seconds(int64_t seconds); // within the limits above

// "2026-11-22", "2026-11-22 04:10" or "2026-11-22T04:10:59", from the year 0 on; a time that is left out is midnight. False: it is none.
[[nodiscard]] bool civil_parse(const char *text, size_t len, struct civil *out);
