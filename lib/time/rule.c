// POSIX TZ strings: CET-1CEST,M3.5.0,M10.5.0/3.
#include "base/str.h"
#include "lib/time/zone.h"

struct text {
    const char *at, *end;
};

static bool take(struct text *text, char c) {
    if (text->at == text->end || *text->at != c) {
        return false;
    }
    text->at++;
    return true;
}

static bool take_number(struct text *text, int32_t min, int32_t max, int32_t *out) {
    const char *from = text->at;
    int32_t number = 0;
    while (text->at < text->end && char_is_digit(*text->at) && text->at - from < 3) {
        number = number * 10 + *text->at++ - '0';
    }
    *out = number;
    return text->at > from && number >= min && number <= max;
}

// At least three letters; in <> digits and signs, too.
static bool take_name(struct text *text, struct zone_offset *out) {
    const bool quoted = take(text, '<');
    const char *from = text->at;
    while (text->at < text->end && (char_is_alpha(*text->at) ||
                                    (quoted && (char_is_digit(*text->at) || *text->at == '+' || *text->at == '-')))) {
        text->at++;
    }
    const size_t len = (size_t)(text->at - from);
    return len >= 3 && len < ZONE_ABBREVIATION_BYTES && str_copy_bytes(out->abbreviation, sizeof(out->abbreviation), from, len) &&
           (!quoted || take(text, '>'));
}

// [+-]hh[:mm[:ss]], in seconds.
static bool take_time(struct text *text, int32_t hours_max, int32_t *out) {
    int32_t hours, minutes = 0, seconds = 0;
    const bool negative = take(text, '-');
    if (!negative) {
        (void)take(text, '+');
    }
    if (!take_number(text, 0, hours_max, &hours) || (take(text, ':') && (!take_number(text, 0, 59, &minutes) ||
                                                                       (take(text, ':') && !take_number(text, 0, 59, &seconds))))) {
        return false;
    }
    *out = (hours * 60 + minutes) * 60 + seconds;
    *out = negative ? -*out : *out;
    return true;
}

static bool take_day(struct text *text, struct zone_day *out) {
    int32_t month, week;
    bool good;
    if (take(text, 'M')) {
        out->kind = ZONE_WEEKDAY;
        good = take_number(text, 1, 12, &month) && take(text, '.') && take_number(text, 1, 5, &week) && take(text, '.') &&
               take_number(text, 0, 6, &out->day);
        if (good) {
            out->month = (uint8_t)month;
            out->week = (uint8_t)week;
        }
    } else {
        out->kind = take(text, 'J') ? ZONE_JULIAN : ZONE_DAY;
        good = take_number(text, out->kind == ZONE_JULIAN ? 1 : 0, 365, &out->day);
    }
    out->time = 2 * 3600;
    return good && (!take(text, '/') || take_time(text, 167, &out->time));
}

bool zone_parse_rule(const char *bytes, size_t len, struct zone_rule *out) {
    struct text text = {bytes, bytes + len};
    int32_t west;
    *out = (struct zone_rule){};
    if (!take_name(&text, &out->standard) || !take_time(&text, 24, &west)) {
        return false;
    }
    out->standard.seconds = -west;
    if (text.at < text.end) {
        out->has_dst = out->daylight.is_dst = true;
        out->daylight.seconds = out->standard.seconds + 3600;
        if (!take_name(&text, &out->daylight)) {
            return false;
        }
        if (text.at < text.end && *text.at != ',') {
            if (!take_time(&text, 24, &west)) {
                return false;
            }
            out->daylight.seconds = -west;
        }
        // Without days it would be up to the implementation; files always have them.
        if (!take(&text, ',') || !take_day(&text, &out->begin) || !take(&text, ',') || !take_day(&text, &out->end)) {
            return false;
        }
    }
    out->exists = text.at == text.end;
    return out->exists;
}
