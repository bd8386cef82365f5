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
    const bool found = unit != nullptr && mode_has(unit);
    if (found) {
        escalate_forget(&unit->escalation);
    }
    if (found && unit->life.state == SUPERVISE_FAILED) {
        tess_close(tess_handle_take(&unit->kept)); // which may be why it failed
        (void)str_copy(unit->program, sizeof unit->program, unit->spec->program); // or what it was replaced by
    }
    if (found && supervise_restart(&unit->life, tess_now_ns())) {
        (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
    }
    supervisor_control_restart_results_set_outcome(results, found             ? SUPERVISOR_CONTROL_OUTCOME_DONE
                                                            : unit != nullptr ? SUPERVISOR_CONTROL_OUTCOME_LEFT_OUT
                                                                              : SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    return STATUS_OK;
}

static status_t enlist(void *, struct rpc_request *request, struct supervisor_control_enlist_params params,
                       struct supervisor_control_enlist_results_builder results) {
    const struct capnp_text program = supervisor_control_enlist_params_get_program(params);
    TRY(rpc_well_formed(request));
    const struct manifest_unit *spec =
        is_string(program) ? manifest_find(&init.manifest, MANIFEST_PROGRAM, program.bytes) : nullptr;
    const struct init_job *job = spec != nullptr ? job_enlist((uint32_t)badge_holder(request->badge), spec) : nullptr;
    supervisor_control_enlist_results_set_outcome(results, spec == nullptr  ? SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND
                                                           : job == nullptr ? SUPERVISOR_CONTROL_OUTCOME_BUSY
                                                                            : SUPERVISOR_CONTROL_OUTCOME_DONE);
    supervisor_control_enlist_results_set_id(results, job != nullptr ? job->id : 0);
    supervisor_control_enlist_results_set_withheld(results, job != nullptr && withheld_of(spec, nullptr));
    return STATUS_OK;
}

static status_t discharge(void *, struct rpc_request *request, struct supervisor_control_discharge_params params,
                          struct supervisor_control_discharge_results_builder) {
    const uint32_t id = supervisor_control_discharge_params_get_id(params);
    TRY(rpc_well_formed(request));
    if (id != 0) {
        job_discharge((uint32_t)badge_holder(request->badge), id);
        units_memory_came(); // an account that was lent has ended
    }
    return STATUS_OK;
}

// init has a process's handle with all rights, as whoever makes one does; so it can take from its table what is there.
static status_t revoke(void *, struct rpc_request *request, struct supervisor_control_revoke_params params,
                       struct supervisor_control_revoke_results_builder results) {
    const struct init_unit *unit = control_find(supervisor_control_revoke_params_get_name(params));
    const uint32_t handle = supervisor_control_revoke_params_get_handle(params);
    TRY(rpc_well_formed(request));
    enum supervisor_control_outcome outcome = SUPERVISOR_CONTROL_OUTCOME_DONE;
    if (unit == nullptr) {
        outcome = SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND;
    } else if (!unit_runs(unit)) {
        outcome = SUPERVISOR_CONTROL_OUTCOME_BAD_STATE;
    } else if (!status_ok(tess_process_handle_revoke(unit->process.process, handle, true))) {
        outcome = SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND; // its table has no such handle any more
    }
    supervisor_control_revoke_results_set_outcome(results, outcome);
    return STATUS_OK;
}

// A sentence for whatever was refused; the outcome for programs.
static status_t replace(void *, struct rpc_request *request, struct supervisor_control_replace_params params,
                        struct supervisor_control_replace_results_builder results) {
    char why[INIT_WHY_BYTES] = "";
    struct init_unit *unit = control_find(supervisor_control_replace_params_get_name(params));
    const struct capnp_text program = supervisor_control_replace_params_get_program(params);
    const handle_t watcher = supervisor_control_replace_params_get_watcher(params).handle;
    struct replace_request wanted = {.program = program.len > 0 ? program.bytes : "",
                                     .may_lose = supervisor_control_replace_params_get_lose_state(params),
                                     .bits = supervisor_control_replace_params_get_bits(params)};
    TRY(rpc_well_formed(request));
    if (!is_string(program)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no program has such a name");
    }
    if (tess_handle_valid(watcher)) {
        wanted.watcher = rpc_request_keep(request, watcher);
    }
    const status_t status = replace_begin(unit, &wanted, why, sizeof why);
    if (!status_ok(status)) {
        tess_close(wanted.watcher);
    }
    supervisor_control_replace_results_set_outcome(results, status_ok(status)                       ? SUPERVISOR_CONTROL_OUTCOME_DONE
                                                            : status_is(status, STATUS_NOT_FOUND) ? SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND
                                                            : status_is(status, STATUS_IN_USE)    ? SUPERVISOR_CONTROL_OUTCOME_BUSY
                                                                                                  : SUPERVISOR_CONTROL_OUTCOME_BAD_STATE);
    supervisor_control_replace_results_set_reason(results, capnp_text(why));
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
    .kill = kill,
    .restart = restart,
    .revoke = revoke,
    .replace = replace,
    .power = power,
    .enlist = enlist,
    .discharge = discharge,
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
