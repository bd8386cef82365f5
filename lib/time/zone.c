#include "lib/time/zone.h"

#include "base/mem.h"
#include "base/str.h"

constexpr size_t HEADER_BYTES = 44, INFO_BYTES = 6;
constexpr uint32_t COUNT_MAX = 1 << 16; // of anything in a file: none has a hundredth of it

const struct zone zone_utc = {.rule = {.exists = true, .standard = {.abbreviation = "UTC"}}};

// ---- reading the file ----

static uint32_t big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big64(const uint8_t *at) {
    return (int64_t)((uint64_t)big32(at) << 32 | big32(at + 4));
}

// The numbers of a header, in their order in it.
struct counts {
    uint32_t ut, standard, leap, times, types, characters;
};

static bool read_header(const uint8_t *at, size_t len, struct counts *out) {
    uint32_t *const numbers[] = {&out->ut, &out->standard, &out->leap, &out->times, &out->types, &out->characters};
    if (len < HEADER_BYTES || memcmp(at, "TZif", 4) != 0 || at[4] < '2') {
        return false;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i] = big32(at + 20 + 4 * i);
        if (*numbers[i] > COUNT_MAX) {
            return false;
        }
    }
    return out->types > 0 && out->types <= 256 && out->characters > 0;
}

// Of the data behind a header whose times have so many bytes.
static size_t data_bytes(const struct counts *counts, size_t time_bytes) {
    return counts->times * (time_bytes + 1) + counts->types * INFO_BYTES + counts->characters + counts->leap * (time_bytes + 4) +
           counts->standard + counts->ut;
}

static int64_t time_of(const struct zone *zone, uint32_t index) {
    return big64(zone->times + 8ull * index);
}

static bool check_data(const struct zone *zone) {
    for (uint32_t i = 0; i < zone->time_count; i++) {
        if (zone->types[i] >= zone->type_count || (i > 0 && time_of(zone, i) <= time_of(zone, i - 1))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < zone->type_count; i++) {
        const uint8_t *info = zone->infos + INFO_BYTES * i;
        const int32_t offset = (int32_t)big32(info);
        if (offset <= -ZONE_OFFSET_MAX || offset >= ZONE_OFFSET_MAX || info[4] > 1 || info[5] >= zone->abbreviation_bytes ||
            memchr(zone->abbreviations + info[5], 0, zone->abbreviation_bytes - info[5]) == nullptr) {
            return false;
        }
    }
    return true;
}

bool zone_open(const void *bytes, size_t len, struct zone *out) {
    const uint8_t *at = bytes, *end = at + len;
    struct counts counts;
    *out = (struct zone){};
    // A block with times of 32 bits, for readers of the first version; then the one that counts.
    if (!read_header(at, len, &counts) || data_bytes(&counts, 4) > len - HEADER_BYTES) {
        return false;
    }
    at += HEADER_BYTES + data_bytes(&counts, 4);
    if (!read_header(at, (size_t)(end - at), &counts) || data_bytes(&counts, 8) > (size_t)(end - at) - HEADER_BYTES) {
        return false;
    }
    at += HEADER_BYTES;
    out->time_count = counts.times;
    out->type_count = counts.types;
    out->abbreviation_bytes = counts.characters;
    out->times = at;
    out->types = out->times + 8ull * counts.times;
    out->infos = out->types + counts.times;
    out->abbreviations = (const char *)(out->infos + INFO_BYTES * counts.types);
    at += data_bytes(&counts, 8);
    const char *footer = (const char *)at + 1;
    if (at == end || *at != '\n') {
        return false;
    }
    const char *newline = memchr(footer, '\n', (size_t)((const char *)end - footer));
    return newline != nullptr && check_data(out) &&
           (newline == footer || zone_parse_rule(footer, (size_t)(newline - footer), &out->rule));
}

// ---- what holds ----

static struct zone_offset type_offset(const struct zone *zone, uint32_t type) {
    const uint8_t *info = zone->infos + INFO_BYTES * type;
    struct zone_offset offset = {.seconds = (int32_t)big32(info), .is_dst = info[4] != 0};
    (void)str_copy(offset.abbreviation, sizeof(offset.abbreviation), zone->abbreviations + info[5]); // cut where it is long
    return offset;
}

// Days from the epoch to the day that the rule means in this year.
static int64_t day_of(const struct zone_day *day, int32_t year) {
    if (day->kind == ZONE_DAY) {
        return civil_days(year, 1, 1) + day->day;
    }
    if (day->kind == ZONE_JULIAN) {
        return civil_days(year, 1, 1) + day->day - 1 + (civil_is_leap(year) && day->day >= 60);
    }
    const int64_t first = civil_days(year, day->month, 1);
    int64_t found = first + (day->day - civil_weekday(first) + 7) % 7 + 7 * (day->week - 1);
    if (found >= first + civil_month_days(year, day->month)) { // week 5 is the last one that there is
        found -= 7;
    }
    return found;
}

// The last of the rule's transitions up to now says it. In a year both may be at one moment: then the later in the list counts.
static struct zone_offset rule_offset(const struct zone_rule *rule, int64_t seconds) {
    if (!rule->has_dst) {
        return rule->standard;
    }
    const int32_t year = civil_from_seconds(seconds).year;
    int64_t last = INT64_MIN;
    bool is_dst = false;
    for (int32_t y = year - 1; y <= year + 1; y++) {
        const int64_t begin = day_of(&rule->begin, y) * DAY_SECONDS + rule->begin.time - rule->standard.seconds;
        const int64_t end = day_of(&rule->end, y) * DAY_SECONDS + rule->end.time - rule->daylight.seconds;
        const bool end_is_first = end < begin;
        for (int i = 0; i < 2; i++) {
            const bool begins = (i == 0) != end_is_first;
            const int64_t at = begins ? begin : end;
            if (at <= seconds && at >= last) {
                last = at;
                is_dst = begins;
            }
        }
    }
    return is_dst ? rule->daylight : rule->standard;
}

struct zone_offset zone_at(const struct zone *zone, int64_t seconds) {
    uint32_t low = 0, high = zone->time_count; // the first transition that is later
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (time_of(zone, middle) <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->time_count && zone->rule.exists) {
        return rule_offset(&zone->rule, seconds);
    }
    return type_offset(zone, low > 0 ? zone->types[low - 1] : 0); // RFC 8536, 3.2: the first type before the first transition
}

// ---- the other way ----

// Adds the moment at which the local time is this with that offset, if it is one.
static void try_offset(const struct zone *zone, int64_t local, int32_t offset, int64_t found[2], int *count) {
    const int64_t seconds = local - offset;
    if (zone_at(zone, seconds).seconds != offset || (*count > 0 && found[0] == seconds) || (*count > 1 && found[1] == seconds)) {
        return;
    }
    // More than two there are nowhere; the earliest and the latest would be kept.
    if (*count == 0) {
        found[0] = found[1] = seconds;
    } else {
        found[0] = seconds < found[0] ? seconds : found[0];
        found[1] = seconds > found[1] ? seconds : found[1];
    }
    ++*count;
}

enum zone_match zone_instants(const struct zone *zone, struct civil civil, int64_t *first, int64_t *second) {
    const int64_t local = civil_seconds(civil);
    int64_t found[2] = {};
    int count = 0;
    for (uint32_t i = 0; i < zone->type_count; i++) {
        try_offset(zone, local, (int32_t)big32(zone->infos + INFO_BYTES * i), found, &count);
    }
    if (zone->rule.exists) {
        try_offset(zone, local, zone->rule.standard.seconds, found, &count);
        if (zone->rule.has_dst) {
            try_offset(zone, local, zone->rule.daylight.seconds, found, &count);
        }
    }
    if (count == 0) { // put forward over it: within a day on both sides nothing else happens
        *first = local - zone_at(zone, local - DAY_SECONDS).seconds;
        *second = local - zone_at(zone, local + DAY_SECONDS).seconds;
        return ZONE_NEVER;
    }
    *first = found[0];
    *second = found[1];
    return count == 1 ? ZONE_ONCE : ZONE_TWICE;
}
