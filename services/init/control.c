// What can be done with the supervisor (idl/supervisor.capnp), one function a method. Nothing here waits.
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "services/init/init.h"

// What power() was asked for; done once its answer is on its way.
static struct {
    bool wanted;
    enum supervisor_control_power action;
} going_down;

// A text that has a NUL in it is nobody's name, and no argument.
static bool is_string(struct capnp_text text) {
    return strnlen(text.bytes, text.len) == text.len;
}

struct init_unit *control_find(struct capnp_text name) {
    return is_string(name) ? unit_by_name(name.bytes) : nullptr;
}

// What to answer when a process could not be started.
static status_t start_failure(struct rpc_request *request, const struct init_unit *unit, status_t status,
                              enum supervisor_control_outcome *outcome) {
    if (status_is(status, STATUS_NO_MEMORY)) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_NO_MEMORY;
    } else if (status_is(status, STATUS_TOO_LARGE)) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_TOO_LONG;
    } else if (status_is(status, STATUS_BAD_ARGUMENT) || status_is(status, STATUS_NOT_FOUND)) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_BAD_PROGRAM;
    } else {
        return rpc_refuse(request, RPC_FAILED, "%s", unit->reason);
    }
    return STATUS_OK;
}

// Copies the arguments, for what starting a process calls overwrites the message page. False when they are too long.
static bool copy_arguments(struct capnp_text_list given, const char *arguments[SUPERVISOR_ARGUMENTS_MAX]) {
    static char strings[SUPERVISOR_ARGUMENTS_MAX_BYTES];
    size_t used = 0;
    const uint32_t count = capnp_text_list_count(given);
    for (uint32_t i = 0; i < count; i++) {
        const struct capnp_text text = capnp_text_list_get(given, i);
        if (text.len >= sizeof strings - used) {
            return false;
        }
        memcpy(strings + used, text.bytes, text.len + 1);
        arguments[i] = strings + used;
        used += text.len + 1;
    }
    return true;
}

static status_t check_arguments(struct rpc_request *request, struct capnp_text_list given) {
    const uint32_t count = capnp_text_list_count(given); // the contract's limit is what there is room for
    for (uint32_t i = 0; i < count; i++) {
        if (!is_string(capnp_text_list_get(given, i))) {
            return rpc_refuse(request, RPC_INVALID_ARGUMENT, "argument %u has a NUL in it", i + 1);
        }
    }
    return rpc_well_formed(request);
}

// Starts a job; the watcher (may be 0) becomes the job's. *out is null unless the outcome is DONE.
static status_t start_job(struct rpc_request *request, struct supervisor_control_run_params params, handle_t watcher,
                          enum supervisor_control_outcome *outcome, struct init_unit **out) {
    const char *arguments[SUPERVISOR_ARGUMENTS_MAX];
    const struct capnp_text program = supervisor_control_run_params_get_program(params);
    const struct capnp_text_list given = supervisor_control_run_params_get_arguments(params);
    const uint32_t count = capnp_text_list_count(given);
    const uint64_t bits = supervisor_control_run_params_get_bits(params);
    const struct manifest_unit *spec =
        is_string(program) ? manifest_find(&init.manifest, MANIFEST_PROGRAM, program.bytes) : nullptr;
    *out = nullptr;
    if (spec == nullptr) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND;
        return STATUS_OK;
    }
    if (!copy_arguments(given, arguments)) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_TOO_LONG;
        return STATUS_OK;
    }
    struct init_unit *unit = unit_new_job(spec);
    if (unit == nullptr) {
        *outcome = SUPERVISOR_CONTROL_OUTCOME_BUSY;
        return STATUS_OK;
    }
    unit->foreground = supervisor_control_run_params_get_foreground(params);
    const status_t status = unit_start(unit, arguments, count);
    if (!status_ok(status)) {
        return start_failure(request, unit, status, outcome);
    }
    unit->watcher = watcher;
    unit->watch_bits = bits;
    *outcome = SUPERVISOR_CONTROL_OUTCOME_DONE;
    *out = unit;
    return STATUS_OK;
}

static status_t run(void *, struct rpc_request *request, struct supervisor_control_run_params params,
                    struct supervisor_control_run_results_builder results) {
    const handle_t given = supervisor_control_run_params_get_watcher(params);
    TRY(check_arguments(request, supervisor_control_run_params_get_arguments(params)));
    handle_t watcher = {};
    if (tess_handle_valid(given) && (!status_ok(tess_signal(given, 0)) ||
                                     !status_ok(tess_handle_copy(given, (rights_t){RIGHT_SIGNAL_BIT}, &watcher)))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the watcher cannot be signalled");
    }
    enum supervisor_control_outcome outcome = SUPERVISOR_CONTROL_OUTCOME_DONE;
    struct init_unit *unit = nullptr;
    const status_t status = start_job(request, params, watcher, &outcome, &unit);
    if (unit == nullptr) {
        tess_close(watcher);
    } else {
        supervisor_control_run_results_set_id(results, unit->id);
        supervisor_control_run_results_set_process_koid(results, unit->process.koid.v);
    }
    supervisor_control_run_results_set_outcome(results, outcome);
    return status;
}

static status_t kill(void *, struct rpc_request *request, struct supervisor_control_kill_params params,
                     struct supervisor_control_kill_results_builder results) {
    struct init_unit *unit = control_find(supervisor_control_kill_params_get_target(params));
    TRY(rpc_well_formed(request));
    enum supervisor_control_outcome outcome = SUPERVISOR_CONTROL_OUTCOME_DONE;
    if (unit == nullptr) {
        outcome = SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND;
    } else if (!unit_runs(unit)) {
        outcome = SUPERVISOR_CONTROL_OUTCOME_BAD_STATE;
    } else {
        unit_kill(unit);
    }
    supervisor_control_kill_results_set_outcome(results, outcome);
    return STATUS_OK;
}

static status_t restart(void *, struct rpc_request *request, struct supervisor_control_restart_params params,
                        struct supervisor_control_restart_results_builder results) {
    struct init_unit *unit = control_find(supervisor_control_restart_params_get_name(params));
    TRY(rpc_well_formed(request));
    const bool found = unit != nullptr && !unit->is_job;
    if (found && supervise_restart(&unit->life, tess_now_ns())) {
        (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
    }
    supervisor_control_restart_results_set_outcome(results, found ? SUPERVISOR_CONTROL_OUTCOME_DONE
                                                                  : SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    return STATUS_OK;
}

static status_t power(void *, struct rpc_request *request, struct supervisor_control_power_params params,
                      struct supervisor_control_power_results_builder) {
    const enum supervisor_control_power action = supervisor_control_power_params_get_action(params);
    TRY(rpc_well_formed(request));
    if (action != SUPERVISOR_CONTROL_POWER_OFF && action != SUPERVISOR_CONTROL_POWER_REBOOT) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no action %u", action);
    }
    going_down.wanted = true;
    going_down.action = action;
    return STATUS_OK;
}

// What can be seen is view.c's.
static const struct supervisor_control_server methods = {
    .run = run,
    .kill = kill,
    .restart = restart,
    .power = power,
};

void control_handle(void) {
    struct rpc_request *request = &init.server.request;
    const bool control = badge_controls(request->badge) && request->interface_id == SUPERVISOR_CONTROL_ID;
    rpc_server_done(&init.server, control ? supervisor_control_dispatch(&methods, nullptr, request)
                                          : view_dispatch(request));
    rpc_server_answer(&init.server); // what init does before it receives again delays nobody
    if (going_down.wanted) {
        power_down(going_down.action, nullptr);
    }
}
