#include "lib/policy/explain.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"

const char *ruleset_action_name(enum ruleset_action action) {
    static const char *const names[RULESET_ACTIONS] = {"use", "control", "share"};
    return names[action];
}

static void find_holders(const struct ruleset *set, struct ruleset_question question, struct ruleset_denial *out) {
    for (size_t i = 0; i < set->manifest->unit_count; i++) {
        question.subject = (uint16_t)i;
        if (ruleset_decide(set, question).allowed) {
            if (out->holder_count < RULESET_HOLDERS_SHOWN) {
                out->holders[out->holder_count] = (uint16_t)i;
            }
            out->holder_count++;
        }
    }
}

static void point_at(const struct ruleset *set, struct ruleset_denial *out, uint16_t source, uint32_t line) {
    out->file = manifest_source(set->manifest, source);
    out->line = line;
}

static void explain_rule(const struct ruleset *set, const struct ruleset_rule *rule, struct ruleset_denial *out) {
    const char *subject = ruleset_subject_name(set, rule->subject), *object = ruleset_object_name(set, rule->object);
    if (rule->origin == RULESET_REVOKED) {
        fmt_snprintf(out->reason, sizeof out->reason, "it was revoked for %s and %s since the system started", subject, object);
        fmt_snprintf(out->advice, sizeof out->advice, "restore it; the manifest does not say so");
        return;
    }
    point_at(set, out, rule->source, rule->line);
    fmt_snprintf(out->reason, sizeof out->reason, "a rule denies it to %s for %s", subject, object);
    fmt_snprintf(out->advice, sizeof out->advice, "take this rule away, or make it narrower");
}

// The line by which the subject has the object already, but not for this; null when it has not. A grant comes before a name that
// may be looked up: what was granted is what a program calls.
static const struct ruleset_rule *find_entry(const struct ruleset *set, struct ruleset_question question) {
    const struct ruleset_rule *found = nullptr;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ruleset_rule *rule = &set->rules[i];
        if (rule->subject == question.subject && rule->object == question.object &&
            (rule->origin == RULESET_GRANT || (rule->origin == RULESET_RESOLVE && found == nullptr))) {
            found = rule;
        }
    }
    return found;
}

static bool may_look_up(const struct ruleset *set, uint16_t subject) {
    const struct ruleset_question question = {subject, RULESET_USE, ruleset_object(set, "registry")};
    return ruleset_decide(set, question).allowed;
}

static void advise(const struct ruleset *set, struct ruleset_question question, struct ruleset_denial *out) {
    static const char *const more[RULESET_ACTIONS] = {"", ", control = true", ", share = true"};
    const struct manifest_unit *unit = &set->manifest->units[question.subject];
    const struct ruleset_rule *entry = find_entry(set, question);
    const char *object = ruleset_object_name(set, question.object);
    if (entry != nullptr) {
        point_at(set, out, entry->source, entry->line);
        fmt_snprintf(out->advice, sizeof out->advice, "add `%s = true` to the entry", ruleset_action_name(question.action));
        return;
    }
    out->file = unit->source;
    out->line = unit->line;
    const bool control = question.action == RULESET_CONTROL;
    if (question.object == 0) { // which is granted, and not looked up
        fmt_snprintf(out->advice, sizeof out->advice, "add `(name = \"supervisor\", supervisor = void%s)` to `grants` of %s",
                     control ? more[RULESET_CONTROL] : "", unit->name);
    } else if (may_look_up(set, question.subject)) {
        fmt_snprintf(out->advice, sizeof out->advice, "add `(name = \"%s\"%s)` to `resolve` of %s", object,
                     more[question.action], unit->name);
    } else {
        fmt_snprintf(out->advice, sizeof out->advice, "add `(name = \"%s\", service = \"%s\"%s)` to `grants` of %s", object,
                     object, control ? more[RULESET_CONTROL] : "", unit->name);
    }
}

void ruleset_explain(const struct ruleset *set, struct ruleset_question question, const char *subject, const char *object,
                    struct ruleset_denial *out) {
    *out = (struct ruleset_denial){.file = ""};
    fmt_snprintf(out->missing, sizeof out->missing, "%s of %s", ruleset_action_name(question.action), object);
    const bool known = question.subject < set->manifest->unit_count;
    if (question.object >= set->object_count) {
        fmt_snprintf(out->reason, sizeof out->reason, "nothing of this system provides `%s`", object);
        fmt_snprintf(out->advice, sizeof out->advice, "add `\"%s\"` to `provides` of a service", object);
        return;
    }
    find_holders(set, question, out);
    if (!known) {
        fmt_snprintf(out->reason, sizeof out->reason, "no service or program of this system is called `%s`", subject);
        fmt_snprintf(out->advice, sizeof out->advice, "write a service or program `%s`", subject);
        return;
    }
    const struct ruleset_decision decision = ruleset_decide(set, question);
    if (decision.rule != nullptr) {
        explain_rule(set, decision.rule, out);
    } else {
        fmt_snprintf(out->reason, sizeof out->reason, "no grant, `resolve` or rule allows it");
        advise(set, question, out);
    }
}

void ruleset_as_denial(const struct ruleset *set, const struct ruleset_question *question, const char *subject, const char *object,
                    const struct ruleset_denial *why, struct denial *to) {
    static_assert(RULESET_HOLDERS_SHOWN <= DENIAL_HOLDERS_SHOWN);
    *to = (struct denial){
        .subject = subject,
        .attempted = ruleset_action_name(question->action),
        .object = object,
        .missing = why->missing,
        .reason = why->reason,
        .holder_count = why->holder_count,
        .holders_are_known = true,
        .file = why->file,
        .line = why->line,
        .advice = why->advice,
    };
    for (uint32_t i = 0; i < RULESET_HOLDERS_SHOWN && i < why->holder_count; i++) {
        to->holders[i] = ruleset_subject_name(set, why->holders[i]);
    }
}

// Appends where there is room; returns the length that the whole text has.
[[gnu::format(printf, 4, 5)]] static size_t put(char *to, size_t size, size_t len, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const size_t at = len < size ? len : size;
    len += fmt_vsnprintf(to + at, size - at, format, args);
    va_end(args);
    return len;
}

static bool was_learned(const struct ruleset *set, uint16_t subject, enum ruleset_action action, uint16_t object) {
    return (set->learned.objects[action][subject] >> object & 1) != 0;
}

// What it may do with the object otherwise than by a grant.
static uint8_t may_resolve(const struct ruleset *set, uint16_t subject, uint16_t object) {
    uint8_t actions = 0;
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ruleset_rule *rule = &set->rules[i];
        if (rule->allows && rule->origin != RULESET_GRANT && (rule->subject == subject || rule->subject == RULESET_ANY) &&
            (rule->object == object || rule->object == RULESET_ANY)) {
            actions |= rule->actions;
        }
    }
    return actions;
}

// No more than the entry, or the rule, that is there: a look-up is allowed all that a grant of the same service brings, and nobody knows what
// of that was used.
static size_t propose_resolves(const struct ruleset *set, uint16_t subject, char *to, size_t size) {
    size_t len = 0;
    for (uint16_t object = 0; object < set->object_count; object++) {
        const uint8_t may = may_resolve(set, subject, object);
        const bool controls = was_learned(set, subject, RULESET_CONTROL, object) && (may >> RULESET_CONTROL & 1) != 0;
        const bool shares = was_learned(set, subject, RULESET_SHARE, object) && (may >> RULESET_SHARE & 1) != 0;
        const bool uses = was_learned(set, subject, RULESET_USE, object) && (may >> RULESET_USE & 1) != 0;
        if (uses || controls || shares) {
            len = put(to, size, len, "%s(name = \"%s\"%s%s)", len == 0 ? "resolve = [" : ", ", ruleset_object_name(set, object),
                      controls ? ", control = true" : "", shares ? ", share = true" : "");
        }
    }
    return len == 0 ? 0 : put(to, size, len, "],");
}

// Of what it may only by a grant.
static size_t propose_grants(const struct ruleset *set, uint16_t subject, char *to, size_t size, size_t len) {
    const struct manifest_grant_list grants = set->manifest->units[subject].grants;
    const size_t before = len;
    for (uint32_t i = 0; i < manifest_grant_list_count(grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(grants, i);
        const bool service = manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE;
        const uint16_t object = service ? ruleset_object(set, manifest_grant_get_service(grant).bytes) : RULESET_NONE;
        if (!service || !was_learned(set, subject, RULESET_USE, object) || (may_resolve(set, subject, object) >> RULESET_USE & 1) != 0) {
            continue;
        }
        const bool controls = manifest_grant_get_control(grant) && was_learned(set, subject, RULESET_CONTROL, object);
        len = put(to, size, len, "%s(name = \"%s\", service = \"%s\"%s%s%s)", len > before ? ", " : len > 0 ? " grants = [" : "grants = [",
                  manifest_grant_get_name(grant).bytes, ruleset_object_name(set, object), controls ? ", control = true" : "",
                  manifest_grant_get_weak(grant) ? ", weak = true" : "", manifest_grant_get_unshared(grant) ? ", unshared = true" : "");
    }
    return len == before ? len : put(to, size, len, "],");
}

size_t ruleset_propose(const struct ruleset *set, uint16_t subject, char *to, size_t size) {
    return propose_grants(set, subject, to, size, propose_resolves(set, subject, to, size));
}
