#include "lib/policy/ruleset.h"

#include "base/mem.h"
#include "base/str.h"

static const char SUPERVISOR[] = "supervisor"; // which init provides

constexpr uint8_t USE = 1u << RULESET_USE, CONTROL = 1u << RULESET_CONTROL, SHARE = 1u << RULESET_SHARE;

// ---- Names ----

static uint16_t find_object(const struct ruleset *set, const char *name) {
    for (size_t i = 0; i < set->object_count; i++) {
        if (str_equal(set->objects[i], name)) {
            return (uint16_t)i;
        }
    }
    return RULESET_NONE;
}

uint16_t ruleset_object(const struct ruleset *set, const char *name) {
    return str_equal(name, "*") ? RULESET_ANY : find_object(set, name);
}

uint16_t ruleset_subject(const struct ruleset *set, const char *name) {
    if (str_equal(name, "*")) {
        return RULESET_ANY;
    }
    const char *dot = strrchr(name, '.'); // no name of a unit has one
    const size_t len = dot != nullptr ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < set->manifest->unit_count; i++) {
        const char *unit = set->manifest->units[i].name;
        if (strncmp(unit, name, len) == 0 && unit[len] == '\0') {
            return (uint16_t)i;
        }
    }
    return RULESET_NONE;
}

const char *ruleset_subject_name(const struct ruleset *set, uint16_t subject) {
    return subject < set->manifest->unit_count ? set->manifest->units[subject].name : subject == RULESET_ANY ? "*" : "?";
}

const char *ruleset_object_name(const struct ruleset *set, uint16_t object) {
    return object < set->object_count ? set->objects[object] : object == RULESET_ANY ? "*" : "?";
}

// ---- Rules ----

// The manifest's reader has counted them: there is room.
static void add(struct ruleset *set, struct ruleset_rule rule) {
    set->rules[set->rule_count++] = rule;
}

static void add_grants(struct ruleset *set, uint16_t subject, struct manifest_grant_list grants) {
    for (uint32_t i = 0; i < manifest_grant_list_count(grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(grants, i);
        const bool service = manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE;
        if (service || manifest_grant_which(grant) == MANIFEST_GRANT_SUPERVISOR) {
            add(set, (struct ruleset_rule){
                            .subject = subject,
                            .object = find_object(set, service ? manifest_grant_get_service(grant).bytes : SUPERVISOR),
                            .actions = USE | SHARE | (manifest_grant_get_control(grant) ? CONTROL : 0),
                            .allows = true,
                            .origin = RULESET_GRANT,
                            .source = manifest_grant_get_source(grant),
                            .line = manifest_grant_get_line(grant),
                        });
        }
    }
}

static void add_resolves(struct ruleset *set, uint16_t subject, struct manifest_resolve_list resolves) {
    for (uint32_t i = 0; i < manifest_resolve_list_count(resolves); i++) {
        const struct manifest_resolve resolve = manifest_resolve_list_get(resolves, i);
        add(set, (struct ruleset_rule){
                        .subject = subject,
                        .object = find_object(set, manifest_resolve_get_name(resolve).bytes),
                        .actions = USE | (manifest_resolve_get_control(resolve) ? CONTROL : 0) |
                                   (manifest_resolve_get_share(resolve) ? SHARE : 0),
                        .allows = true,
                        .origin = RULESET_RESOLVE,
                        .source = manifest_resolve_get_source(resolve),
                        .line = manifest_resolve_get_line(resolve),
                    });
    }
}

static void add_rules(struct ruleset *set, struct manifest_rule_list rules) {
    static_assert((int)MANIFEST_ACTION_USE == (int)RULESET_USE && (int)MANIFEST_ACTION_CONTROL == (int)RULESET_CONTROL &&
                  (int)MANIFEST_ACTION_SHARE == (int)RULESET_SHARE);
    for (uint32_t i = 0; i < manifest_rule_list_count(rules); i++) {
        const struct manifest_rule rule = manifest_rule_list_get(rules, i);
        add(set, (struct ruleset_rule){
                        .subject = ruleset_subject(set, manifest_rule_get_subject(rule).bytes),
                        .object = ruleset_object(set, manifest_rule_get_object(rule).bytes),
                        .actions = (uint8_t)(1u << manifest_rule_get_action(rule)),
                        .allows = manifest_rule_get_effect(rule) == MANIFEST_EFFECT_ALLOW,
                        .origin = RULESET_MANIFEST,
                        .source = manifest_rule_get_source(rule),
                        .line = manifest_rule_get_line(rule),
                    });
    }
}

void ruleset_init(struct ruleset *set, const struct manifest *manifest) {
    memset(set, 0, sizeof *set);
    set->manifest = manifest;
    set->version = manifest_system_get_policy_version(manifest->system);
    set->decider = RULESET_NONE;
    set->objects[set->object_count++] = SUPERVISOR;
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct capnp_text_list provides = manifest->units[i].provides;
        for (uint32_t j = 0; j < capnp_text_list_count(provides); j++) {
            set->decider = str_equal(manifest_word(provides, j), "policy") ? (uint16_t)i : set->decider;
            set->objects[set->object_count++] = manifest_word(provides, j);
        }
    }
    add_rules(set, manifest_system_get_rules(manifest->system));
    for (size_t i = 0; i < manifest->unit_count; i++) {
        add_grants(set, (uint16_t)i, manifest->units[i].grants);
        add_resolves(set, (uint16_t)i, manifest->units[i].resolves);
    }
}

// ---- Decisions ----

static bool is_meant(const struct ruleset *set, const struct ruleset_rule *rule, size_t subject) {
    return rule->subject == subject || (rule->subject == RULESET_ANY && (rule->origin != RULESET_REVOKED || subject != set->decider));
}

static bool matches(const struct ruleset *set, const struct ruleset_rule *rule, struct ruleset_question question) {
    return is_meant(set, rule, question.subject) &&
           (rule->object == question.object || rule->object == RULESET_ANY) && (rule->actions >> question.action & 1) != 0;
}

struct ruleset_decision ruleset_decide(const struct ruleset *set, struct ruleset_question question) {
    struct ruleset_decision decision = {};
    if (question.subject >= set->manifest->unit_count || question.object >= set->object_count) {
        return decision;
    }
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ruleset_rule *rule = &set->rules[i];
        if (!matches(set, rule, question)) {
            continue;
        }
        if (!rule->allows) {
            return (struct ruleset_decision){.rule = rule};
        }
        if (!decision.allowed) {
            decision = (struct ruleset_decision){.allowed = true, .rule = rule};
        }
    }
    return decision;
}

struct ruleset_decision ruleset_check(struct ruleset *set, struct ruleset_question question) {
    const struct ruleset_decision decision = ruleset_decide(set, question);
    if (!decision.allowed) {
        set->denied++;
        return decision;
    }
    const uint64_t bit = 1ull << question.object;
    set->allowed++;
    set->used.objects[question.action][question.subject] |= bit;
    if (set->learning) {
        set->learned.objects[question.action][question.subject] |= bit;
    }
    return decision;
}

// ---- Changes ----

static struct ruleset_rule *find_revoked(struct ruleset *set, struct ruleset_question question) {
    for (size_t i = set->rule_count; i > 0 && set->rules[i - 1].origin == RULESET_REVOKED; i--) {
        struct ruleset_rule *rule = &set->rules[i - 1];
        if (rule->subject == question.subject && rule->object == question.object &&
            rule->actions == 1u << question.action) {
            return rule;
        }
    }
    return nullptr;
}

bool ruleset_revoke(struct ruleset *set, struct ruleset_question question) {
    if (find_revoked(set, question) != nullptr) {
        return true;
    }
    size_t revoked = 0;
    while (revoked < set->rule_count && set->rules[set->rule_count - 1 - revoked].origin == RULESET_REVOKED) {
        revoked++;
    }
    if (revoked == RULESET_REVOKED_MAX) {
        return false;
    }
    add(set, (struct ruleset_rule){.subject = question.subject,
                                     .object = question.object,
                                     .actions = (uint8_t)(1u << question.action),
                                     .origin = RULESET_REVOKED});
    return true;
}

bool ruleset_restore(struct ruleset *set, struct ruleset_question question) {
    struct ruleset_rule *rule = find_revoked(set, question);
    if (rule == nullptr) {
        return false;
    }
    const struct ruleset_rule *end = &set->rules[set->rule_count--];
    memmove(rule, rule + 1, (size_t)(end - (rule + 1)) * sizeof *rule);
    return true;
}

static void apply(const struct ruleset *set, const struct ruleset_rule *rule, struct ruleset_matrix *to) {
    const uint64_t all = set->object_count == 64 ? UINT64_MAX : (1ull << set->object_count) - 1;
    const uint64_t objects = rule->object == RULESET_ANY ? all : 1ull << rule->object;
    for (size_t action = 0; action < RULESET_ACTIONS; action++) {
        for (size_t subject = 0; (rule->actions >> action & 1) != 0 && subject < set->manifest->unit_count; subject++) {
            if (is_meant(set, rule, subject)) {
                to->objects[action][subject] |= objects;
            }
        }
    }
}

void ruleset_fill(const struct ruleset *set, const struct ruleset_rule *rules, size_t count, struct ruleset_matrix *out) {
    struct ruleset_matrix denied = {};
    *out = (struct ruleset_matrix){};
    for (size_t i = 0; i < count; i++) {
        apply(set, &rules[i], rules[i].allows ? out : &denied);
    }
    for (size_t action = 0; action < RULESET_ACTIONS; action++) {
        for (size_t subject = 0; subject < set->manifest->unit_count; subject++) {
            out->objects[action][subject] &= ~denied.objects[action][subject];
        }
    }
}

void ruleset_learn(struct ruleset *set, bool on) {
    set->learning = on;
    if (on) {
        set->learned = (struct ruleset_matrix){};
    }
}
