// What people may have done (lib/policy/operations.h). Who a session is of identityd is asked, for each decision anew.
#include "base/str.h"
#include "idl/identity.capnp.h"
#include "lib/badge/badge.h"
#include "lib/roster/roster.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "services/policyd/policyd.h"

// One that has not answered by then decides nothing: others wait for their decisions meanwhile.
constexpr uint64_t PATIENCE_MS = 300;

static_assert((int)MANIFEST_ROLE_GUEST == (int)ROLE_GUEST && (int)MANIFEST_ROLE_USER == (int)ROLE_USER &&
              (int)MANIFEST_ROLE_ADMINISTRATOR == (int)ROLE_ADMINISTRATOR);

static struct identity identity; // 0: not granted, which is as if it did not answer
static const struct roster *roster;
static bool out_of_reach;

void people_open(void) {
    roster = roster_open("roster");
    (void)tess_cap("identity", IDENTITY_ID, &identity.handle);
}

bool people_are_out_of_reach(void) {
    return out_of_reach;
}

static void take_person(struct session_info info, struct operations_person *out) {
    const struct capnp_text name = session_info_get_name(info);
    out->locked = session_info_get_locked(info);
    out->is_there = !out->locked && name_put(out->name, name.bytes, name.len);
    out->role = (enum manifest_role)session_info_get_role(info);
}

// Asks identityd. A session that is none, or has ended, is nobody's.
static struct operations_person find(handle_t session) {
    RPC_CALL(call);
    struct operations_person person = {};
    uint32_t accounts = 0;
    if (!tess_handle_valid(identity.handle)) {
        return person;
    }
    const uint64_t deadline_ns = tess_deadline_after_ms(PATIENCE_MS);
    if (tess_handle_valid(session)) {
        struct identity_check_results results;
        const status_t status = identity_call_check(identity, &call, (struct session){session}, deadline_ns, &results);
        person.answered = status_ok(status);
        if (person.answered) {
            accounts = identity_check_results_get_accounts(results);
        }
        if (person.answered && identity_check_results_get_genuine(results)) {
            take_person(identity_check_results_get_info(results), &person);
        }
    }
    if (!person.answered) { // nobody is shown, or what is shown cannot be passed on: that says nothing of identityd
        RPC_CALL(asked);
        struct identity_state_results results;
        const status_t status = identity_call_state(identity, &asked, deadline_ns, &results);
        person.answered = status_ok(status);
        person.cannot_ask = out_of_reach = status_is(status, STATUS_BAD_HANDLE); // nothing else was handed over
        accounts = person.answered ? identity_state_results_get_accounts(results) : 0;
    }
    struct ruleset *rules = policyd_rules();
    if (accounts > 0 && !rules->claimed) {
        rules->claimed = true;
        service_keep(); // nobody who comes after the accounts are lost is taken for the first one
    }
    person.unclaimed = person.answered && !rules->claimed;
    person.lost = person.answered && rules->claimed && accounts == 0;
    return person;
}

static status_t take_operation(struct rpc_request *request, struct capnp_text operation, char out[NAME_BYTES]) {
    if (!name_put(out, operation.bytes, operation.len)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "an operation has 1 to %zu printable characters and no space", NAME_BYTES - 1);
    }
    return rpc_well_formed(request);
}

static void put_why(const struct operations_decision *decision, const char *operation, const struct operations_person *person,
                    struct policy_denial_builder to) {
    char reason[OPERATIONS_REASON_BYTES];
    struct denial denial;
    operations_as_denial(policyd_rules()->manifest, decision, operation, person, reason, &denial);
    put_any_denial(&denial, to);
}

status_t people_perform(void *, struct rpc_request *request, struct policy_perform_params params, struct policy_perform_results_builder results) {
    struct audit_entry entry = {.is_operation = true, .cause = rpc_cause(request)};
    const handle_t session = policy_perform_params_get_session(params).handle;
    TRY(take_operation(request, policy_perform_params_get_operation(params), entry.object));
    (void)roster_name(roster, badge_holder(request->badge), entry.subject);
    entry.person = find(session); // what the request has in the message page has been read
    const struct operations_decision decision = operations_decide(policyd_rules()->manifest, entry.object, &entry.person);
    entry.allowed = decision.allowed;
    policyd_file(&entry);
    policy_perform_results_set_allowed(results, decision.allowed);
    if (!decision.allowed) {
        put_why(&decision, entry.object, &entry.person, policy_perform_results_init_denial(results));
    }
    return STATUS_OK;
}

static void put_operation(struct manifest_operation operation, struct policy_operation_builder to) {
    policy_operation_set_name(to, manifest_operation_get_name(operation));
    policy_operation_set_role(to, (enum role)manifest_operation_get_role(operation));
    policy_operation_set_without_login(to, manifest_operation_get_without_login(operation));
    policy_operation_set_file(to, capnp_text(manifest_source(policyd_rules()->manifest, manifest_operation_get_source(operation))));
    policy_operation_set_line(to, manifest_operation_get_line(operation));
}

status_t people_explain(void *, struct rpc_request *request, struct policy_explain_operation_params params,
                        struct policy_explain_operation_results_builder results) {
    char name[NAME_BYTES];
    const enum role role = policy_explain_operation_params_get_role(params);
    TRY(take_operation(request, policy_explain_operation_params_get_operation(params), name));
    if (role > ROLE_ADMINISTRATOR) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no role %u", role);
    }
    struct operations_person person = {.is_there = true, .answered = true, .role = (enum manifest_role)role};
    (void)str_copy(person.name, sizeof person.name, operations_role_name(person.role));
    const struct operations_decision decision = operations_decide(policyd_rules()->manifest, name, &person);
    policy_explain_operation_results_set_allowed(results, decision.allowed);
    if (decision.named) {
        put_operation(decision.operation, policy_explain_operation_results_init_operation(results));
    }
    if (!decision.allowed) {
        put_why(&decision, name, &person, policy_explain_operation_results_init_denial(results));
    }
    return STATUS_OK;
}

static size_t operation_words(struct manifest_operation operation) {
    return POLICY_OPERATION_DATA_WORDS + POLICY_OPERATION_POINTERS + text_words(manifest_operation_get_name(operation).bytes) +
           text_words(manifest_source(policyd_rules()->manifest, manifest_operation_get_source(operation)));
}

status_t people_operations(void *, struct rpc_request *, struct policy_operations_params params, struct policy_operations_results_builder results) {
    const struct manifest_operation_list all = manifest_system_get_operations(policyd_rules()->manifest->system);
    struct piece piece = piece_from(policy_operations_params_get_first(params),
                                    POLICY_OPERATIONS_RESULTS_DATA_WORDS + POLICY_OPERATIONS_RESULTS_POINTERS);
    for (uint32_t i = 0; i < manifest_operation_list_count(all); i++) {
        (void)piece_takes(&piece, operation_words(manifest_operation_list_get(all, i)));
    }
    const struct policy_operation_list_builder to = policy_operations_results_init_operations(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        put_operation(manifest_operation_list_get(all, piece.first + i), policy_operation_list_edit(to, i));
    }
    policy_operations_results_set_total(results, piece.total);
    return STATUS_OK;
}
