// Who may find what by its name, and the rules about that.
#include "base/str.h"
#include "base/suggest.h"
#include "lib/manifest/check.h"

// ---- What units find by name ----

static bool is_granted(const struct manifest_unit *unit, const char *service) {
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, i);
        if (manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE &&
            str_equal(manifest_grant_get_service(grant).bytes, service)) {
            return true;
        }
    }
    return false;
}

static bool check_resolve(struct check *check, const struct manifest_unit *unit, uint32_t index) {
    const struct manifest_resolve resolve = manifest_resolve_list_get(unit->resolves, index);
    check->resolve = index;
    if (!check_name(check_at(check, "name", CHECK_NO_INDEX), manifest_resolve_get_name(resolve), "name of an interface")) {
        return false;
    }
    const char *name = manifest_resolve_get_name(resolve).bytes;
    for (uint32_t i = 0; i < index; i++) {
        if (str_equal(manifest_resolve_get_name(manifest_resolve_list_get(unit->resolves, i)).bytes, name)) {
            return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "`%s` stands here twice; leave it out", name);
        }
    }
    return check_provided(check, name);
}

static bool check_resolves(struct check *check, const struct manifest_unit *unit, size_t *total) {
    const uint32_t count = manifest_resolve_list_count(unit->resolves);
    *total += count;
    if (*total > MANIFEST_RESOLVES_MAX) {
        return check_fail(check_at(check, "resolve", CHECK_NO_INDEX), "there are more than %zu names to resolve in all",
                          MANIFEST_RESOLVES_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!check_resolve(check, unit, i)) {
            return false;
        }
    }
    check->resolve = CHECK_NO_INDEX;
    return count == 0 || is_granted(unit, "registry") ||
           check_fail(check_at(check, "resolve", CHECK_NO_INDEX),
                      "`%s` resolves names but is not granted the registry; add `(name = \"registry\", service = \"registry\")` to its grants",
                      unit->name);
}

// ---- Rules ----

static bool check_is_unit(struct check *check, const char *name) {
    const struct manifest *manifest = check->manifest;
    struct suggestion suggestion = suggestion_of(name);
    for (size_t i = 0; i < manifest->unit_count; i++) {
        if (str_equal(manifest->units[i].name, name)) {
            return true;
        }
        suggestion_add(&suggestion, manifest->units[i].name);
    }
    return check_fail(check, "no service or program is called `%s`; write `\"%s\"` instead", name,
                      suggestion.nearest != nullptr ? suggestion.nearest : "*");
}

static bool check_names(struct check *check, struct manifest_rule rule) {
    const struct capnp_text subject = manifest_rule_get_subject(rule), object = manifest_rule_get_object(rule);
    check_at(check, "subject", CHECK_NO_INDEX);
    if (!str_equal(subject.bytes, "*") &&
        (!check_name(check, subject, "name of a service or program") || !check_is_unit(check, subject.bytes))) {
        return false;
    }
    check_at(check, "object", CHECK_NO_INDEX);
    return str_equal(object.bytes, "*") ||
           (check_name(check, object, "name of an interface") &&
            (str_equal(object.bytes, "supervisor") || check_provided(check, object.bytes)));
}

static bool covers(struct capnp_text pattern, const char *name) {
    return str_equal(pattern.bytes, "*") || str_equal(pattern.bytes, name);
}

// What a grant is for; null when that is nothing that a program provides.
static const char *granted(struct manifest_grant grant) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_SERVICE: return manifest_grant_get_service(grant).bytes;
    case MANIFEST_GRANT_SUPERVISOR: return "supervisor";
    default: return nullptr;
    }
}

// What is granted is given at the start, whatever a rule says: one that denies it would not be kept.
static bool check_denied_grants(struct check *check, struct manifest_rule rule) {
    const enum manifest_action action = manifest_rule_get_action(rule);
    for (size_t i = 0; i < check->manifest->unit_count; i++) {
        const struct manifest_unit *unit = &check->manifest->units[i];
        for (uint32_t j = 0; covers(manifest_rule_get_subject(rule), unit->name) && j < manifest_grant_list_count(unit->grants);
             j++) {
            const struct manifest_grant grant = manifest_grant_list_get(unit->grants, j);
            const char *object = granted(grant);
            if (object != nullptr && covers(manifest_rule_get_object(rule), object) &&
                (action != MANIFEST_ACTION_CONTROL || manifest_grant_get_control(grant))) {
                return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "it denies what is granted to `%s` in %s:%u; leave it out, or the grant",
                                  unit->name, manifest_source(check->manifest, manifest_grant_get_source(grant)),
                                  manifest_grant_get_line(grant));
            }
        }
    }
    return true;
}

static bool check_rule(struct check *check, struct manifest_rule rule) {
    if (manifest_rule_get_action(rule) > MANIFEST_ACTION_SHARE) {
        return check_fail(check_at(check, "action", CHECK_NO_INDEX), "there is no such action");
    }
    if (manifest_rule_get_effect(rule) > MANIFEST_EFFECT_ALLOW) {
        return check_fail(check_at(check, "effect", CHECK_NO_INDEX), "there is no such effect");
    }
    return check_names(check, rule) &&
           (manifest_rule_get_effect(rule) == MANIFEST_EFFECT_ALLOW || check_denied_grants(check, rule));
}

static bool check_rules(struct check *check) {
    const struct manifest_rule_list rules = manifest_system_get_rules(check->manifest->system);
    const uint32_t count = manifest_rule_list_count(rules);
    if (count > MANIFEST_RULES_MAX) {
        return check_fail(check_at(check, "rules", CHECK_NO_INDEX), "there are more than %zu rules", MANIFEST_RULES_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        check->rule = i;
        if (!check_rule(check, manifest_rule_list_get(rules, i))) {
            return false;
        }
    }
    check->rule = CHECK_NO_INDEX;
    return true;
}

// ---- Operations ----

static bool check_operation(struct check *check, struct manifest_operation_list operations, uint32_t index) {
    const struct manifest_operation operation = manifest_operation_list_get(operations, index);
    const struct capnp_text name = manifest_operation_get_name(operation);
    if (!check_name(check_at(check, "name", CHECK_NO_INDEX), name, "name of an operation")) {
        return false;
    }
    for (uint32_t i = 0; i < index; i++) {
        const struct manifest_operation other = manifest_operation_list_get(operations, i);
        if (str_equal(manifest_operation_get_name(other).bytes, name.bytes)) {
            return check_fail(check, "`%s` is named in %s:%u already; leave one out", name.bytes,
                              manifest_source(check->manifest, manifest_operation_get_source(other)), manifest_operation_get_line(other));
        }
    }
    return manifest_operation_get_role(operation) <= MANIFEST_ROLE_ADMINISTRATOR ||
           check_fail(check_at(check, "role", CHECK_NO_INDEX), "there is no such role");
}

static bool check_operations(struct check *check) {
    const struct manifest_operation_list operations = manifest_system_get_operations(check->manifest->system);
    const uint32_t count = manifest_operation_list_count(operations);
    if (count > MANIFEST_OPERATIONS_MAX) {
        return check_fail(check_at(check, "operations", CHECK_NO_INDEX), "there are more than %zu operations", MANIFEST_OPERATIONS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        check->operation = i;
        if (!check_operation(check, operations, i)) {
            return false;
        }
    }
    check->operation = CHECK_NO_INDEX;
    return true;
}

bool check_authority(struct check *check) {
    size_t total = 0;
    for (size_t i = 0; i < check->manifest->unit_count; i++) {
        check->unit = &check->manifest->units[i];
        if (!check_resolves(check, check->unit, &total)) {
            return false;
        }
    }
    check->unit = nullptr;
    return check_rules(check) && check_operations(check);
}
