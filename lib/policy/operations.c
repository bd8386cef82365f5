#include "lib/policy/operations.h"

#include "base/fmt.h"
#include "base/str.h"

static_assert(MANIFEST_ROLE_GUEST < MANIFEST_ROLE_USER && MANIFEST_ROLE_USER < MANIFEST_ROLE_ADMINISTRATOR);

static bool find(const struct manifest *manifest, const char *name, struct manifest_operation *out) {
    const struct manifest_operation_list list = manifest_system_get_operations(manifest->system);
    for (uint32_t i = 0; i < manifest_operation_list_count(list); i++) {
        *out = manifest_operation_list_get(list, i);
        if (str_equal(manifest_operation_get_name(*out).bytes, name)) {
            return true;
        }
    }
    return false;
}

struct operations_decision operations_decide(const struct manifest *manifest, const char *operation, const struct operations_person *person) {
    struct operations_decision decision = {};
    decision.named = find(manifest, operation, &decision.operation);
    if (!decision.named) {
        return decision;
    }
    const bool nobody_can_log_in = !person->answered || person->lost;
    decision.allowed = (person->answered && person->unclaimed) ||
                       (person->answered && person->is_there && person->role >= manifest_operation_get_role(decision.operation)) ||
                       (nobody_can_log_in && manifest_operation_get_without_login(decision.operation));
    return decision;
}

const char *operations_role_name(enum manifest_role role) {
    static const char *const names[] = {"guest", "user", "administrator"};
    return role <= MANIFEST_ROLE_ADMINISTRATOR ? names[role] : "?";
}

void operations_as_denial(const struct manifest *manifest, const struct operations_decision *decision, const char *operation,
                          const struct operations_person *person, char reason[OPERATIONS_REASON_BYTES], struct denial *to) {
    static const char *const holders[] = {"anybody", "somebody with an account", "an administrator"};
    *to = (struct denial){.subject = person->name[0] != '\0' ? person->name : "who is there", .attempted = "perform", .object = operation,
                          .reason = reason, .holders_are_known = true};
    if (!decision->named) {
        fmt_snprintf(reason, OPERATIONS_REASON_BYTES, "the manifest has no operation of that name");
        to->missing = "operation";
        to->advice = "name it among the `operations` of the system";
        return;
    }
    to->advice = "lower the `role` of the operation";
    if (!person->answered) {
        to->advice = "";
        fmt_snprintf(reason, OPERATIONS_REASON_BYTES,
                     person->cannot_ask ? "policyd cannot ask identityd any more: that was taken from it; it is started again, and has it then"
                                        : "identityd does not say who is there");
    } else if (!person->is_there) {
        to->advice = person->locked ? "unlock the session" : "log in";
        fmt_snprintf(reason, OPERATIONS_REASON_BYTES, person->locked ? "the session is locked" : "nobody is logged in");
    } else {
        fmt_snprintf(reason, OPERATIONS_REASON_BYTES, "the role is %s (`su NAME` becomes somebody else)", operations_role_name(person->role));
    }
    const enum manifest_role role = manifest_operation_get_role(decision->operation);
    to->holders[0] = role <= MANIFEST_ROLE_ADMINISTRATOR ? holders[role] : "?";
    to->holder_count = 1;
    to->missing = operations_role_name(role);
    to->file = manifest_source(manifest, manifest_operation_get_source(decision->operation));
    to->line = manifest_operation_get_line(decision->operation);
}
