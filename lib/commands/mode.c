// mode: how much of the system runs, and why it is not all.
#include "lib/commands/mode.h"

#include "lib/commands/shell.h"
#include "lib/commands/units.h"

const char *mode_name(enum supervisor_mode mode) {
    static const char *const names[] = {"full", "reduced", "safe", "recovery"};
    return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "?";
}

enum supervisor_mode mode_now(void) {
    RPC_CALL(call);
    struct supervisor_mode_results results;
    const status_t status = supervisor_call_mode(the_supervisor(), &call, rpc_patience(), &results);
    return status_ok(status) ? supervisor_mode_results_get_mode(results) : SUPERVISOR_MODE_FULL;
}

bool mode_is_without(const char *service) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    if (!status_ok(supervisor_call_service(the_supervisor(), &call, capnp_text(service), rpc_patience(), &results)) ||
        !supervisor_service_results_get_found(results)) {
        return false;
    }
    const struct supervisor_service found = supervisor_service_detail_get_service(supervisor_service_results_get_detail(results));
    const enum supervisor_run_state state = supervisor_service_get_state(found);
    return supervisor_service_get_left_out(found) || state == SUPERVISOR_RUN_STATE_FAILED || state == SUPERVISOR_RUN_STATE_ENDED;
}

static void print_left_out(void *context, struct supervisor_service service) {
    bool *any = context;
    char name[NAME_BYTES];
    if (supervisor_service_get_left_out(service)) {
        out("%s%s", *any ? " " : "without ", shown(name, sizeof(name), supervisor_service_get_name(service)));
        *any = true;
    }
}

int command_mode(const struct arguments *) {
    RPC_CALL(call);
    struct supervisor_mode_results results;
    const status_t status = supervisor_call_mode(the_supervisor(), &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return out_problem("mode", status);
    }
    const enum supervisor_mode mode = supervisor_mode_results_get_mode(results);
    char reason[SHOWN_TEXT_BYTES];
    shown(reason, sizeof(reason), supervisor_mode_results_get_reason(results));
    out("%s%s%s\n", mode_name(mode), reason[0] != '\0' ? ": " : "", reason);
    bool any = false;
    const status_t listed = each_service(print_left_out, &any);
    out("%s", any ? "\n" : "");
    return status_ok(listed) ? COMMAND_OK : out_problem("mode", listed);
}
