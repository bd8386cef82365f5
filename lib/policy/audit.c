#include "lib/policy/audit.h"

#include "base/fmt.h"
#include "base/str.h"
#include "lib/policy/explain.h"

static bool is_same(const struct audit_entry *one, const struct audit_entry *other) {
    return one->question.action == other->question.action && one->allowed == other->allowed && one->by_rule == other->by_rule &&
           one->rule.line == other->rule.line && one->rule.source == other->rule.source &&
           str_equal(one->subject, other->subject) && str_equal(one->object, other->object);
}

void audit_note(struct audit *audit, const struct audit_entry *entry) {
    for (size_t i = audit->count; i > 0; i--) {
        struct audit_entry *other = &audit->entries[(audit->first + i - 1) % AUDIT_ENTRIES_MAX];
        if (is_same(entry, other)) {
            other->count++;
            return;
        }
    }
    if (audit->count == AUDIT_ENTRIES_MAX) {
        audit->dropped++;
        return;
    }
    struct audit_entry *place = &audit->entries[(audit->first + audit->count++) % AUDIT_ENTRIES_MAX];
    *place = *entry;
    place->count = 1;
}

const struct audit_entry *audit_next(const struct audit *audit) {
    return audit->count > 0 ? &audit->entries[audit->first] : nullptr;
}

void audit_done(struct audit *audit) {
    audit->first = (audit->first + 1) % AUDIT_ENTRIES_MAX;
    audit->count--;
}

void audit_text(const struct ruleset *set, const struct audit_entry *entry, char *to, size_t size) {
    char by[MANIFEST_SOURCE_BYTES + 16] = "no rule", times[32] = "";
    if (entry->by_rule && entry->rule.origin == RULESET_REVOKED) {
        (void)str_copy(by, sizeof by, "a revocation");
    } else if (entry->by_rule) {
        fmt_snprintf(by, sizeof by, "%s:%u", manifest_source(set->manifest, entry->rule.source), entry->rule.line);
    }
    if (entry->count > 1) {
        fmt_snprintf(times, sizeof times, " (%lu times)", entry->count);
    }
    fmt_snprintf(to, size, "%s %s to %s %s by %s%s", entry->allowed ? "allowed" : "denied", entry->subject,
                 ruleset_action_name(entry->question.action), entry->object, by, times);
}
