// How well things are, as far as it is reported, and what became better or worse when: a table, and a ring of changes. Pure.
//
// Reports come in rounds: health_begin, health_report for each source, health_end. What is not reported any more is forgotten.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t HEALTH_SOURCES_MAX = 64;
constexpr size_t HEALTH_CHANGES_MAX = 64;
constexpr size_t HEALTH_NAME_BYTES = 24, HEALTH_REASON_BYTES = 96;

enum health_level : uint8_t { HEALTH_LEVEL_OK, HEALTH_LEVEL_DEGRADED, HEALTH_LEVEL_FAILED }; // the contract's numbers

struct health_source {
    char name[HEALTH_NAME_BYTES]; // "": free
    char reason[HEALTH_REASON_BYTES];
    enum health_level level;
    enum health_level reported; // in this round, the worst of it
    char reported_reason[HEALTH_REASON_BYTES];
    bool seen;
};

struct health_event {
    uint64_t time_ns;
    char name[HEALTH_NAME_BYTES]; // "": the whole
    char reason[HEALTH_REASON_BYTES];
    enum health_level level;
};

struct health_watch {
    struct health_source sources[HEALTH_SOURCES_MAX];
    struct health_source whole; // as the worst of them
    uint64_t since_ns;          // that it is so
    struct health_event changes[HEALTH_CHANGES_MAX];
    uint64_t change_count; // ever; the last ones are kept
};

void health_begin(struct health_watch *health);

// Of two reports of one source in a round the worse one counts. A source beyond the maximum counts as the whole.
void health_report(struct health_watch *health, const char *name, enum health_level level, const char *reason);

void health_end(struct health_watch *health, uint64_t now_ns);

// Change number `index`, from 0; null when it is not kept any more, or there is none yet.
const struct health_event *health_event_at(const struct health_watch *health, uint64_t index);
