// What was revoked is not to be granted any more, either: the supervisor, which grants it, is told all of it at each change, before
// anybody hears of that change. Nobody has to ask, and it holds while this service is away.
#include "idl/supervisor.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "services/policyd/policyd.h"

constexpr uint64_t PAUSE_MS = 50; // between two tries

static_assert(RULESET_ANY == 0xffff, "all, in the contract");

static struct supervisor supervisor;
static bool out_of_reach;
static uint64_t due_ns; // a process that begins tells what it found

void withhold_open(void) {
    supervisor.handle = tess_cap_required("supervisor", SUPERVISOR_ID);
}

bool withhold_is_out_of_reach(void) {
    return out_of_reach;
}

uint64_t withhold_due(void) {
    return due_ns;
}

status_t withhold_tell(const struct ruleset *set) {
    RPC_CALL(call);
    size_t first = set->rule_count;
    while (first > 0 && set->rules[first - 1].origin == RULESET_REVOKED) {
        first--;
    }
    const struct supervisor_withhold_params_builder params = supervisor_begin_withhold(supervisor, &call);
    const struct supervisor_withheld_list_builder list = supervisor_withhold_params_init_rules(params, (uint32_t)(set->rule_count - first));
    for (size_t i = first; i < set->rule_count; i++) {
        const struct supervisor_withheld_builder to = supervisor_withheld_list_edit(list, (uint32_t)(i - first));
        supervisor_withheld_set_subject(to, set->rules[i].subject);
        supervisor_withheld_set_object(to, set->rules[i].object);
        supervisor_withheld_set_actions(to, set->rules[i].actions);
    }
    const status_t status = supervisor_finish_withhold(&call, rpc_patience(), nullptr);
    out_of_reach = status_is(status, STATUS_BAD_HANDLE); // nothing was handed over
    due_ns = status_ok(status) ? DEADLINE_NEVER : tess_deadline_after_ms(PAUSE_MS);
    return status;
}
