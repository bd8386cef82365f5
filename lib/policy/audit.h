// Decisions on their way into the log. Who decides never waits for the log: what cannot be handed over waits here, the same
// decision again counts up, and what there is no room for is counted.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/denial/denial.h"
#include "lib/policy/explain.h"
#include "lib/policy/operations.h"

constexpr size_t AUDIT_ENTRIES_MAX = 64;
constexpr size_t AUDIT_NAME_BYTES = 24;

struct audit_entry {
    struct ruleset_question question;
    bool allowed;
    char subject[AUDIT_NAME_BYTES], object[AUDIT_NAME_BYTES]; // as they were asked for
    bool by_rule;
    struct ruleset_rule rule; // that said so
    bool is_operation;                // then `subject` asked for a person, and `object` is what was to be performed
    struct operations_person person;
    uint64_t cause; // of whoever asked; 0: not said
    uint64_t count;
};

struct audit {
    struct audit_entry entries[AUDIT_ENTRIES_MAX]; // a ring
    size_t first, count;
    uint64_t dropped, dropped_told;
};

// Takes note of a decision.
void audit_note(struct audit *audit, const struct audit_entry *entry);

// The oldest one, null when there is none; audit_done takes it away.
const struct audit_entry *audit_next(const struct audit *audit);
void audit_done(struct audit *audit);

// What the log is to have of one: what was denied is a denial, what was allowed a record of the same fields, with the rule that did.
struct audit_record {
    char reason[OPERATIONS_REASON_BYTES];
    struct ruleset_denial why;
    struct denial_record denial;
    char rule[MANIFEST_SOURCE_BYTES + 16]; // "system/tessera.capnp:51", or what else it was
    const struct logger_record *record;
};
void audit_record(const struct ruleset *set, const struct audit_entry *entry, struct audit_record *to);
