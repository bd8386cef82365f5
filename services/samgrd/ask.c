#include "services/samgrd/samgrd.h"

#include "abi/gen/stubs.h"
#include "base/str.h"
#include "lib/roster/roster.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"

// A policyd that is just being started again is waited for; one that does not come must not keep those waiting whom it does
// not concern.
constexpr uint64_t PATIENCE_MS = 100;

static const struct roster *roster;
static struct policy_control policy;
handle_t changes;
static uint64_t epoch;
static bool watching;

void ask_open(void) {
    roster = roster_open("roster");
    policy.handle = tess_cap_required("policy", POLICY_ID);
    if (!status_ok(tess_account_create_notification(tess_self_account(), &changes))) {
        tess_panic("samgrd: there is no notification to be had");
    }
}

static struct policy asks(void) {
    return (struct policy){policy.handle};
}

uint64_t ask_epoch(void) {
    return epoch;
}

void ask_forget(bool restarted) {
    epoch = 0;
    watching = watching && !restarted;
}

// Nothing may be kept of what is decided unless it is told when that changes.
static status_t begin(uint64_t deadline_ns) {
    if (watching) {
        return STATUS_OK;
    }
    RPC_CALL(call);
    TESS_OWNED handle_t copy = {};
    TRY(tess_handle_copy(changes, (rights_t){RIGHT_SIGNAL_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT}, &copy));
    TRY(policy_control_call_watch(policy, &call, (struct notification){copy}, BIT_EPOCH, deadline_ns, nullptr));
    watching = true;
    return STATUS_OK;
}

status_t ask(uint64_t holder, const char *name, uint8_t *actions) {
    RPC_CALL(call);
    char subject[NAME_BYTES];
    struct policy_facets_results results;
    const uint64_t deadline_ns = tess_deadline_after_ms(PATIENCE_MS);
    TRY(begin(deadline_ns));
    TRY(policy_call_facets(asks(), &call, capnp_text(roster_name(roster, holder, subject)), capnp_text(name), deadline_ns, &results));
    *actions = policy_facets_results_get_actions(results);
    epoch = policy_facets_results_get_epoch(results);
    return STATUS_OK;
}

status_t ask_why(uint64_t holder, const char *name, struct registry_why_results_builder results) {
    RPC_CALL(call);
    char subject[NAME_BYTES];
    struct policy_explain_results why;
    TRY(policy_call_explain(asks(), &call, capnp_text(roster_name(roster, holder, subject)), POLICY_ACTION_USE, capnp_text(name),
                            tess_deadline_after_ms(PATIENCE_MS), &why));
    registry_why_results_set_allowed(results, policy_explain_results_get_allowed(why));
    if (!policy_explain_results_get_allowed(why)) {
        registry_why_results_set_denial(results, policy_explain_results_get_denial(why));
    }
    return STATUS_OK;
}

status_t ask_names(struct rpc_call *call, uint64_t holder, struct capnp_text_list *names) {
    char subject[NAME_BYTES];
    struct policy_permitted_results results;
    TRY(policy_call_permitted(asks(), call, capnp_text(roster_name(roster, holder, subject)), tess_deadline_after_ms(PATIENCE_MS),
                              &results));
    *names = policy_permitted_results_get_names(results);
    return STATUS_OK;
}
