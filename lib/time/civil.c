#include "lib/time/civil.h"

#include "base/str.h"

constexpr int32_t ERA_YEARS = 400;
constexpr int64_t ERA_DAYS = 146'097;
constexpr int64_t EPOCH_DAYS = 719'468; // from 0000-03-01 to 1970-01-01

bool civil_is_leap(int32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

uint8_t civil_month_days(int32_t year, uint8_t month) {
    static const uint8_t days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month > 12 ? 0 : (uint8_t)(days[month] + (month == 2 && civil_is_leap(year)));
}

bool civil_is_valid(struct civil civil) {
    return civil.year >= CIVIL_YEAR_MIN && civil.year <= CIVIL_YEAR_MAX && civil.day >= 1 &&
           civil.day <= civil_month_days(civil.year, civil.month) && civil.hour < 24 && civil.minute < 60 && civil.second < 60;
}

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

// Years begin in March here, so that the day that some have more is their last.
int64_t civil_days(int32_t year, uint8_t month, uint8_t day) {
    const int64_t from_march = month > 2 ? month - 3 : month + 9;
    const int64_t y = year - (month <= 2);
    const int64_t era = floor_divide(y, ERA_YEARS), of_era = y - era * ERA_YEARS;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 + day - 1 - EPOCH_DAYS;
}

uint8_t civil_weekday(int64_t days) {
    const int64_t since = (days + 4) % 7; // 1970-01-01 was a Thursday
    return (uint8_t)(since < 0 ? since + 7 : since);
}

int64_t civil_seconds(struct civil civil) {
    return civil_days(civil.year, civil.month, civil.day) * DAY_SECONDS + civil.hour * 3600 + civil.minute * 60 + civil.second;
}

struct civil civil_from_seconds(int64_t seconds) {
    const int64_t days = floor_divide(seconds, DAY_SECONDS) + EPOCH_DAYS;
    const int64_t second = seconds - floor_divide(seconds, DAY_SECONDS) * DAY_SECONDS;
    const int64_t era = floor_divide(days, ERA_DAYS), day = days - era * ERA_DAYS; // of the era, from 0
    const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    const int64_t of_year = day - (365 * year + year / 4 - year / 100); // from 1 March
    const int64_t month = (5 * of_year + 2) / 153;                       // from March
    return (struct civil){
        .year = (int32_t)(year + era * ERA_YEARS + (month >= 10)),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(of_year - (153 * month + 2) / 5 + 1),
        .hour = (uint8_t)(second / 3600),
        .minute = (uint8_t)(second / 60 % 60),
        .second = (uint8_t)(second % 60),
    };
}

// So many digits and then one of `ends`, or the end of the text where that `may_end`. Where it goes on; 0: that does not stand there.
static size_t take(const char *text, size_t len, size_t at, size_t digits, const char *ends, bool may_end, int32_t *out) {
    *out = 0;
    for (size_t i = 0; i < digits; i++, at++) {
        if (at >= len || !char_is_digit(text[at])) {
            return 0;
        }
        *out = *out * 10 + text[at] - '0';
    }
    return at == len ? (may_end ? at + 1 : 0) : text[at] != '\0' && strchr(ends, text[at]) != nullptr ? at + 1 : 0;
}

bool civil_parse(const char *text, size_t len, struct civil *out) {
    int32_t year, month, day, hour = 0, minute = 0, second = 0;
    size_t at;
    if ((at = take(text, len, 0, 4, "-", false, &year)) == 0 || (at = take(text, len, at, 2, "-", false, &month)) == 0 ||
        (at = take(text, len, at, 2, " T", true, &day)) == 0) {
        return false;
    }
    if (at <= len && ((at = take(text, len, at, 2, ":", false, &hour)) == 0 || (at = take(text, len, at, 2, ":", true, &minute)) == 0 ||
                      (at <= len && (at = take(text, len, at, 2, "", true, &second)) == 0))) {
        return false;
    }
    *out = (struct civil){.year = year,
                          .month = (uint8_t)month,
                          .day = (uint8_t)day,
                          .hour = (uint8_t)hour,
                          .minute = (uint8_t)minute,
                          .second = (uint8_t)second};
    return at == len + 1 && civil_is_valid(*out);
}
