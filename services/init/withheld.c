// What the policy denies of what the manifest grants (idl/supervisor.capnp). Whoever provides `policy` says all of it anew at each change, and
// hears that it was taken before anybody hears of the change: so nobody is asked when something is started, and it holds while nobody
// provides `policy`, too.
#include "base/str.h"
#include "idl/policy.capnp.h"
#include "lib/roster/roster.h"
#include "services/init/init.h"

constexpr uint16_t ALL = 0xffff; // subjects, or objects

struct rule {
    uint16_t subject, object;
    uint8_t actions;
};

static struct rule rules[WITHHELD_RULES_MAX];
static size_t rule_count;

static bool decides(const struct manifest_unit *spec) {
    const struct init_endpoint *policy = endpoint_find("policy");
    return policy != nullptr && policy->provider->spec == spec;
}

// The number of what a grant is of; false for one that the policy has no say in.
static bool object_of(struct manifest_grant grant, uint16_t *out) {
    if (manifest_grant_which(grant) == MANIFEST_GRANT_SUPERVISOR) {
        *out = 0;
        return true;
    }
    if (manifest_grant_which(grant) != MANIFEST_GRANT_SERVICE) {
        return false;
    }
    *out = (uint16_t)(1 + (endpoint_find(manifest_grant_get_service(grant).bytes) - init.endpoints));
    return true;
}

static uint8_t actions_of(uint16_t subject, struct manifest_grant grant) {
    uint16_t object;
    uint8_t actions = 0;
    if (!object_of(grant, &object)) {
        return 0;
    }
    for (size_t i = 0; i < rule_count; i++) {
        const struct rule *rule = &rules[i];
        const bool meant = (rule->subject == subject || rule->subject == ALL) && (rule->object == object || rule->object == ALL);
        actions |= meant ? rule->actions : 0;
    }
    return manifest_grant_get_control(grant) ? actions : actions & (uint8_t)~(1u << POLICY_ACTION_CONTROL);
}

bool withheld_of(const struct manifest_unit *spec, uint8_t *actions) {
    const uint32_t count = manifest_grant_list_count(spec->grants); // fewer than capabilities that it is started with
    bool any = false;
    if (rule_count == 0 || decides(spec)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t of = actions_of((uint16_t)(spec - init.manifest.units), manifest_grant_list_get(spec->grants, i));
        any = any || of != 0;
        if (actions != nullptr) {
            actions[i] = of;
        }
    }
    return any;
}

void withheld_report(const struct manifest_unit *spec, uint32_t holder) {
    static const char *const names[] = {[POLICY_ACTION_USE] = "use", [POLICY_ACTION_CONTROL] = "control", [POLICY_ACTION_SHARE] = "share"};
    uint8_t actions[WITHHELD_GRANTS_MAX];
    char who[NAME_BYTES];
    if (!withheld_of(spec, actions)) {
        return;
    }
    for (uint32_t i = 0; i < manifest_grant_list_count(spec->grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(spec->grants, i);
        const bool service = manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE;
        // Who may not use it can do nothing else with it, either.
        const uint8_t of = (actions[i] >> POLICY_ACTION_USE & 1) != 0 ? 1u << POLICY_ACTION_USE : actions[i];
        for (uint16_t action = 0; action < sizeof names / sizeof names[0]; action++) {
            if ((of >> action & 1) != 0) {
                outbox_denial(roster_name(init.roster, holder, who), names[action], service ? manifest_grant_get_service(grant).bytes : "supervisor",
                              "it was revoked while the system runs, and is not granted at a start");
            }
        }
    }
}

status_t withheld_take(void *, struct rpc_request *request, struct supervisor_withhold_params params, struct supervisor_withhold_results_builder) {
    const struct supervisor_withheld_list given = supervisor_withhold_params_get_rules(params);
    const struct init_unit *caller = unit_by_id((uint32_t)badge_holder(request->badge));
    struct rule taken[WITHHELD_RULES_MAX];
    const uint32_t count = supervisor_withheld_list_count(given); // the contract's limit is what there is room for
    for (uint32_t i = 0; i < count; i++) {
        const struct supervisor_withheld rule = supervisor_withheld_list_get(given, i);
        taken[i] = (struct rule){supervisor_withheld_get_subject(rule), supervisor_withheld_get_object(rule), supervisor_withheld_get_actions(rule)};
    }
    TRY(rpc_well_formed(request));
    if (caller == nullptr || !decides(caller->spec)) {
        return rpc_refuse(request, RPC_DENIED, "what is withheld says who provides `policy`, and nobody else");
    }
    for (uint32_t i = 0; i < count; i++) {
        rules[i] = taken[i];
    }
    rule_count = count;
    return STATUS_OK;
}

status_t withheld_show(void *, struct rpc_request *request, struct supervisor_withheld_params params, struct supervisor_withheld_results_builder results) {
    uint8_t actions[WITHHELD_GRANTS_MAX];
    const struct capnp_text name = supervisor_withheld_params_get_name(params);
    const struct init_unit *unit = control_find(name);
    const bool is_string = strnlen(name.bytes, name.len) == name.len;
    const struct manifest_unit *program = is_string ? manifest_find(&init.manifest, MANIFEST_PROGRAM, name.bytes) : nullptr;
    const struct manifest_unit *spec = unit != nullptr ? unit->spec : program;
    TRY(rpc_well_formed(request));
    if (spec == nullptr || !withheld_of(spec, actions)) {
        return STATUS_OK;
    }
    const uint32_t count = manifest_grant_list_count(spec->grants);
    const struct capnp_u8_list_builder list = supervisor_withheld_results_init_actions(results, count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_u8_list_set(list, i, actions[i]);
    }
    return STATUS_OK;
}
