// Why something is denied, who may do it, and which line of the manifest would have to say what so that it were allowed.
#pragma once

#include "lib/denial/denial.h"
#include "lib/policy/ruleset.h"

constexpr size_t RULESET_MISSING_BYTES = 40, RULESET_REASON_BYTES = 120, RULESET_ADVICE_BYTES = 160;
constexpr size_t RULESET_HOLDERS_SHOWN = 8;

struct ruleset_denial {
    char missing[RULESET_MISSING_BYTES];
    char reason[RULESET_REASON_BYTES];
    uint32_t holder_count; // of all that may
    uint16_t holders[RULESET_HOLDERS_SHOWN];
    const char *file; // of the line to change; "" when none would help
    uint32_t line;
    char advice[RULESET_ADVICE_BYTES];
};

// "use", "control", "share".
const char *ruleset_action_name(enum ruleset_action action);

// Of a question that is denied. The names are those that were asked for, which may be of nothing in this system.
void ruleset_explain(const struct ruleset *set, struct ruleset_question question, const char *subject, const char *object,
                    struct ruleset_denial *out);

// The same as any other denial (lib/denial). Good as long as what it is made of.
void ruleset_as_denial(const struct ruleset *set, const struct ruleset_question *question, const char *subject, const char *object,
                    const struct ruleset_denial *why, struct denial *to);

// What was learned of a unit, as its entry in the manifest would say it, in one line, and never more than it says now. Returns its length: 0 when there is nothing,
// `size` or more when it was cut.
size_t ruleset_propose(const struct ruleset *set, uint16_t subject, char *to, size_t size);
