// Time zones as files have them: TZif of version 2 and higher (RFC 8536), with the rule for the time behind the last transition as a
// POSIX TZ string in the footer. A file is read where it lies, and nothing of it is believed before it is checked.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/time/civil.h"

constexpr int32_t ZONE_OFFSET_MAX = 26 * 3600; // RFC 8536, 3.2: what portable files keep to
constexpr size_t ZONE_ABBREVIATION_BYTES = 12; // with its NUL; longer ones are cut

// What holds in a zone at some moment.
struct zone_offset {
    int32_t seconds; // east of Greenwich
    bool is_dst;
    char abbreviation[ZONE_ABBREVIATION_BYTES];
};

// A day of the year on which a rule's transition is.
struct zone_day {
    enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } kind; // Jn: 1 to 365, 29 February is none; n: 0 to 365; Mm.w.d
    int32_t day;   // or weekday
    uint8_t month, week;
    int32_t time;  // seconds after local midnight, -167 h to 167 h
};

struct zone_rule {
    bool exists, has_dst;
    struct zone_offset standard, daylight;
    struct zone_day begin, end; // of daylight saving time
};

struct zone {
    const uint8_t *times, *types; // of each transition: 8 bytes, big-endian; 1 byte
    const uint8_t *infos;         // of each type: 4 bytes offset, daylight, where its abbreviation begins
    const char *abbreviations;
    uint32_t time_count, type_count, abbreviation_bytes;
    struct zone_rule rule;
};

// Universal time: a zone without transitions.
extern const struct zone zone_utc;

// Reads a file, which is kept as long as *out is used. False: it is none.
[[nodiscard]] bool zone_open(const void *bytes, size_t len, struct zone *out);

// What holds at that moment, which is within CIVIL_SECONDS_MIN and MAX.
struct zone_offset zone_at(const struct zone *zone, int64_t seconds);

// The moments at which clocks in the zone say this. Once: `first`, which is `second`, too. Twice, when they were put back: the
// earlier one and the later one. Never, when they were put forward over it: what they would say had they not been, and had they been
// before.
enum zone_match : uint8_t { ZONE_ONCE, ZONE_TWICE, ZONE_NEVER };
enum zone_match zone_instants(const struct zone *zone, struct civil local, int64_t *first, int64_t *second);

// A POSIX TZ string (8.3 of the Base Definitions, with the hours that RFC 8536 allows). False: it is none.
[[nodiscard]] bool zone_parse_rule(const char *text, size_t len, struct zone_rule *out);
