#include "lib/policy/audit.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

static bool is_same(const struct audit_entry *one, const struct audit_entry *other) {
    return one->question.action == other->question.action && one->allowed == other->allowed && one->by_rule == other->by_rule &&
           one->rule.line == other->rule.line && one->rule.source == other->rule.source &&
           one->cause == other->cause && one->is_operation == other->is_operation &&
           memcmp(&one->person, &other->person, sizeof one->person) == 0 && str_equal(one->subject, other->subject) && str_equal(one->object, other->object);
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
    if (audit->count == 0) {
        audit->first = 0; // so that no more of the ring's memory is touched than what ever waited
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

static void name_rule(const struct ruleset *set, const struct audit_entry *entry, struct audit_record *to) {
    if (!entry->by_rule) {
        (void)str_copy(to->rule, sizeof to->rule, "no rule");
    } else if (entry->rule.origin == RULESET_REVOKED) {
        (void)str_copy(to->rule, sizeof to->rule, "a revocation");
    } else {
        fmt_snprintf(to->rule, sizeof to->rule, "%s:%u", manifest_source(set->manifest, entry->rule.source), entry->rule.line);
    }
}

// A rule that came or went since does not change why it was denied; only what is to be done about it.
static void record_denied(const struct ruleset *set, const struct audit_entry *entry, struct audit_record *to) {
    struct denial denial;
    ruleset_explain(set, entry->question, entry->subject, entry->object, &to->why);
    ruleset_as_denial(set, &entry->question, entry->subject, entry->object, &to->why, &denial);
    if (ruleset_decide(set, entry->question).allowed) {
        fmt_snprintf(to->why.reason, sizeof to->why.reason, "%s denied it, which it does no more", to->rule);
        denial.advice = "";
        denial.line = 0;
    }
    denial_record(&denial, entry->count, &to->denial);
}

static void record_allowed(const struct audit_entry *entry, struct audit_record *to) {
    struct denial_record *record = &to->denial;
    const char *action = ruleset_action_name(entry->question.action);
    fmt_snprintf(record->text, sizeof record->text, "%s may %s %s, by %s", entry->subject, action, entry->object, to->rule);
    record->record = (struct logger_record){.level = LOG_LEVEL_DEBUG, .text = record->text, .fields = record->fields};
    struct logger_field *fields = record->fields;
    uint32_t count = 0;
    fields[count++] = logger_text("who", entry->subject);
    fields[count++] = logger_text("attempted", action);
    fields[count++] = logger_text("object", entry->object);
    fields[count++] = logger_text("line", to->rule);
    if (entry->count > 1) {
        fields[count++] = logger_integer("times", (int64_t)entry->count);
    }
    record->record.count = count;
}

// Of what was decided about a person. It is decided once more, which comes to the same: by the manifest, of the same person.
static void record_operation(const struct ruleset *set, const struct audit_entry *entry, struct audit_record *to) {
    const struct operations_decision decision = operations_decide(set->manifest, entry->object, &entry->person);
    struct denial_record *record = &to->denial;
    struct logger_field *fields = record->fields;
    struct denial denial;
    operations_as_denial(set->manifest, &decision, entry->object, &entry->person, to->reason, &denial);
    if (!decision.allowed) {
        denial_record(&denial, entry->count, record);
        uint32_t at = 0; // in place of the holders: the missing role says who they are, and there is no room for both
        while (at < record->record.count && !str_equal(fields[at].name, "holders")) {
            at++;
        }
        if (at < LOGGER_FIELDS_MAX) {
            fields[at] = logger_text("through", entry->subject);
            record->record.count += at == record->record.count;
        }
        return;
    }
    fmt_snprintf(to->rule, sizeof to->rule, "%s:%u", denial.file, denial.line);
    fmt_snprintf(record->text, sizeof record->text, "%s may perform %s, by %s", denial.subject, entry->object, to->rule);
    record->record = (struct logger_record){.level = LOG_LEVEL_DEBUG, .text = record->text, .fields = fields};
    uint32_t count = 0;
    fields[count++] = logger_text("who", denial.subject);
    fields[count++] = logger_text("attempted", "perform");
    fields[count++] = logger_text("object", entry->object);
    fields[count++] = logger_text("line", to->rule);
    fields[count++] = logger_text("role", entry->person.is_there ? operations_role_name(entry->person.role) : "none");
    fields[count++] = logger_text("through", entry->subject);
    if (entry->count > 1) {
        fields[count++] = logger_integer("times", (int64_t)entry->count);
    }
    record->record.count = count;
}

void audit_record(const struct ruleset *set, const struct audit_entry *entry, struct audit_record *to) {
    to->record = &to->denial.record;
    if (entry->is_operation) {
        record_operation(set, entry, to);
        return;
    }
    name_rule(set, entry, to);
    if (entry->allowed) {
        record_allowed(entry, to);
    } else {
        record_denied(set, entry, to);
    }
}
