// What execd can be told to do (idl/exec.capnp), one function a method. What can be seen is view.c's.
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/handle.h"
#include "services/execd/execd.h"

// A text that has a NUL in it is nobody's name, and no argument.
static bool is_string(struct capnp_text text) {
    return strnlen(text.bytes, text.len) == text.len;
}

constexpr size_t WHY_BYTES = 256;

// What to answer when a process could not be started.
static status_t start_failure(struct rpc_request *request, status_t status, const char *why, enum exec_control_outcome *outcome) {
    if (status_is(status, STATUS_NO_MEMORY)) {
        *outcome = EXEC_CONTROL_OUTCOME_NO_MEMORY;
    } else if (status_is(status, STATUS_TOO_LARGE)) {
        *outcome = EXEC_CONTROL_OUTCOME_TOO_LONG;
    } else if (status_is(status, STATUS_IN_USE)) {
        *outcome = EXEC_CONTROL_OUTCOME_BUSY;
    } else if (status_is(status, STATUS_BAD_ARGUMENT) || status_is(status, STATUS_NOT_FOUND)) {
        *outcome = EXEC_CONTROL_OUTCOME_BAD_PROGRAM;
    } else {
        return rpc_refuse(request, status_is(status, STATUS_NO_RIGHT) ? RPC_DENIED : RPC_FAILED, "%s", why);
    }
    return STATUS_OK;
}

// Copies the arguments, for what starting a process calls overwrites the message page. False when they are too long.
static bool copy_arguments(struct capnp_text_list given, const char *arguments[EXEC_ARGUMENTS_MAX]) {
    static char strings[EXEC_ARGUMENTS_MAX_BYTES];
    size_t used = 0;
    const uint32_t count = capnp_text_list_count(given);
    for (uint32_t i = 0; i < count; i++) {
        const struct capnp_text text = capnp_text_list_get(given, i);
        if (text.len >= sizeof(strings) - used) {
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

// What is to be handed to the program; the capabilities stay the request's.
static status_t take_handed(struct rpc_request *request, struct exec_handed_list given,
                            struct launch_handed handed[EXEC_HANDED_MAX]) {
    const uint32_t count = exec_handed_list_count(given);
    for (uint32_t i = 0; i < count; i++) {
        const struct exec_handed from = exec_handed_list_get(given, i);
        const struct capnp_text name = exec_handed_get_name(from);
        handed[i].handle = exec_handed_get_capability(from);
        if (!name_put(handed[i].name, name.bytes, name.len) || !tess_handle_valid(handed[i].handle)) {
            return rpc_refuse(request, RPC_INVALID_ARGUMENT, "what is handed to a program has a name of 1 to %zu characters, and is there",
                              NAME_BYTES - 1);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (str_equal(handed[j].name, handed[i].name)) {
                return rpc_refuse(request, RPC_INVALID_ARGUMENT, "`%s` is handed twice", handed[i].name);
            }
        }
    }
    return STATUS_OK;
}

// Starts a job; the watcher (may be 0) becomes the job's. *out is null unless the outcome is DONE; then `why` says what failed, if
// there is more to say than the outcome does.
static status_t start_job(struct rpc_request *request, struct exec_control_run_params params, handle_t watcher,
                          enum exec_control_outcome *outcome, struct job **out, char why[WHY_BYTES]) {
    const char *arguments[EXEC_ARGUMENTS_MAX];
    struct launch_handed handed[EXEC_HANDED_MAX] = {};
    static_assert(EXEC_HANDED_MAX <= LAUNCH_HANDED_MAX);
    const struct capnp_text program = exec_control_run_params_get_program(params);
    const struct exec_handed_list given = exec_control_run_params_get_handed(params);
    const uint64_t bits = exec_control_run_params_get_bits(params);
    struct job_request job = {
        .spec = is_string(program) ? manifest_find(&execd.manifest, MANIFEST_PROGRAM, program.bytes) : nullptr,
        .arguments = arguments,
        .argument_count = capnp_text_list_count(exec_control_run_params_get_arguments(params)),
        .foreground = exec_control_run_params_get_foreground(params),
        .memory_bytes = exec_control_run_params_get_memory_kib(params) * 1024ull,
        .handed = handed,
        .handed_count = exec_handed_list_count(given),
    };
    *out = nullptr;
    why[0] = '\0';
    TRY(take_handed(request, given, handed));
    TRY(rpc_well_formed(request));
    if (job.spec == nullptr) {
        *outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND;
        return STATUS_OK;
    }
    if (!copy_arguments(exec_control_run_params_get_arguments(params), arguments)) {
        *outcome = EXEC_CONTROL_OUTCOME_TOO_LONG;
        return STATUS_OK;
    }
    const status_t status = job_start(&job, out, why, WHY_BYTES);
    if (!status_ok(status)) {
        return start_failure(request, status, why, outcome);
    }
    struct execd_process *process = process_of(*out);
    process->watcher = watcher;
    process->watch_bits = bits;
    return STATUS_OK;
}

// The request's watcher, or none. It is kept as it came: of a copy nobody would know by which request.
static status_t keep_watcher(struct rpc_request *request, handle_t given, handle_t *watcher) {
    if (tess_handle_valid(given) && !status_ok(tess_signal(given, 0))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the watcher cannot be signalled");
    }
    *watcher = rpc_request_keep(request, given);
    return STATUS_OK;
}

static status_t run(void *, struct rpc_request *request, struct exec_control_run_params params,
                    struct exec_control_run_results_builder results) {
    handle_t watcher;
    TRY(check_arguments(request, exec_control_run_params_get_arguments(params)));
    TRY(keep_watcher(request, exec_control_run_params_get_watcher(params).handle, &watcher));
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    struct job *job = nullptr;
    char why[WHY_BYTES];
    const status_t status = start_job(request, params, watcher, &outcome, &job, why);
    if (job == nullptr) {
        tess_close(watcher);
        exec_control_run_results_set_why(results, capnp_text(why));
    } else {
        exec_control_run_results_set_id(results, job->id);
        exec_control_run_results_set_process_koid(results, process_of(job)->process.koid.v);
    }
    exec_control_run_results_set_outcome(results, outcome);
    return status;
}

static status_t kill(void *, struct rpc_request *request, struct exec_control_kill_params params,
                     struct exec_control_kill_results_builder results) {
    const struct capnp_text target = exec_control_kill_params_get_target(params);
    const struct job *job = jobs_by_name(&execd.jobs, target.bytes, target.len);
    TRY(rpc_well_formed(request));
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    if (job == nullptr) {
        outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND;
    } else if (job->state != JOB_RUNNING) {
        outcome = EXEC_CONTROL_OUTCOME_BAD_STATE;
    } else {
        (void)tess_process_exit(process_of(job)->process.process, 0); // BAD_STATE: it is ending by itself
    }
    exec_control_kill_results_set_outcome(results, outcome);
    return STATUS_OK;
}

// execd has a job's process with all rights, as whoever makes one does; so it can take from its table what is there.
static status_t revoke(void *, struct rpc_request *request, struct exec_control_revoke_params params,
                       struct exec_control_revoke_results_builder results) {
    const struct capnp_text target = exec_control_revoke_params_get_target(params);
    const struct job *job = jobs_by_name(&execd.jobs, target.bytes, target.len);
    const uint32_t handle = exec_control_revoke_params_get_handle(params);
    TRY(rpc_well_formed(request));
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    if (job == nullptr) {
        outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND;
    } else if (job->state != JOB_RUNNING) {
        outcome = EXEC_CONTROL_OUTCOME_BAD_STATE;
    } else if (!status_ok(tess_process_handle_revoke(process_of(job)->process.process, handle, true))) {
        outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND; // its table has no such handle any more
    }
    exec_control_revoke_results_set_outcome(results, outcome);
    return STATUS_OK;
}

static status_t watch(void *, struct rpc_request *request, struct exec_control_watch_params params,
                      struct exec_control_watch_results_builder results) {
    const struct job *job = jobs_by_id(&execd.jobs, exec_control_watch_params_get_id(params));
    const handle_t given = exec_control_watch_params_get_watcher(params).handle;
    const uint64_t bits = exec_control_watch_params_get_bits(params);
    TRY(rpc_well_formed(request));
    if (job == nullptr || job->state != JOB_RUNNING) {
        exec_control_watch_results_set_outcome(results, job == nullptr ? EXEC_CONTROL_OUTCOME_NOT_FOUND : EXEC_CONTROL_OUTCOME_BAD_STATE);
        return STATUS_OK;
    }
    struct execd_process *process = process_of(job);
    handle_t watcher;
    TRY(keep_watcher(request, given, &watcher));
    tess_close(process->watcher);
    process->watcher = watcher;
    process->watch_bits = bits;
    exec_control_watch_results_set_outcome(results, EXEC_CONTROL_OUTCOME_DONE);
    return STATUS_OK;
}

const struct exec_control_server execd_control_methods = {
    .run = run,
    .kill = kill,
    .revoke = revoke,
    .watch = watch,
};
