#include "bench/service_rows.h"

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "idl/config.capnp.h"
#include "idl/exec.capnp.h"
#include "idl/log.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/random.capnp.h"
#include "idl/registry.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"

static struct registry registry;
static struct log log;
static struct policy policy;
static struct random random;
static struct config config;
static struct exec_control exec;
static struct supervisor_control supervisor;
static handle_t ended; // notification: a job is over

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("bench: %s: status %u", what, status.code);
    }
}

void service_rows_begin(void) {
    registry.handle = tess_cap_required("registry", 0);
    log.handle = tess_cap_required("log", 0);
    policy.handle = tess_cap_required("policy", 0);
    random.handle = tess_cap_required("random", 0);
    config.handle = tess_cap_required("config", 0);
    exec.handle = tess_cap_required("exec", 0);
    supervisor.handle = tess_cap_required("supervisor", 0);
    require(tess_account_create_notification(tess_self_account(), &ended), "a notification");
}

uint64_t samgr_resolve(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        RPC_CALL(call);
        struct registry_resolve_results results;
        require(registry_call_resolve(registry, &call, CAPNP_TEXT("log"), LOG_ID, DEADLINE_NEVER, &results), "resolve");
        if (registry_resolve_results_get_outcome(results) != REGISTRY_OUTCOME_FOUND) {
            tess_panic("bench: log is not resolved");
        }
    }
    return tess_arch_cycles() - start;
}

uint64_t policy_check(uint64_t count) {
    RPC_CALL(call);
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct policy_check_results results;
        require(policy_call_check(policy, &call, CAPNP_TEXT("bench"), POLICY_ACTION_USE, CAPNP_TEXT("log"), DEADLINE_NEVER, &results),
                "check");
        if (!policy_check_results_get_allowed(results)) {
            tess_panic("bench: log is not allowed");
        }
    }
    return tess_arch_cycles() - start;
}

uint64_t log_append(uint64_t count) {
    RPC_CALL(call);
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        require(log_call_append(log, &call, LOG_LEVEL_DEBUG, CAPNP_TEXT("a record that has 32 characters."), DEADLINE_NEVER,
                                nullptr),
                "append");
    }
    return tess_arch_cycles() - start;
}

uint64_t rng_32b(uint64_t count) {
    RPC_CALL(call);
    uint64_t seen = 0;
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct random_draw_results results;
        require(random_call_draw(random, &call, DEADLINE_NEVER, &results), "draw");
        seen |= random_draw_results_get_first(results);
    }
    if (seen == 0) {
        tess_panic("bench: random numbers are zero");
    }
    return tess_arch_cycles() - start;
}

uint64_t config_get(uint64_t count) {
    RPC_CALL(call);
    size_t seen = 0;
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct config_get_results results;
        require(config_call_get(config, &call, CAPNP_TEXT("time.zone"), DEADLINE_NEVER, &results), "get");
        seen += config_value_get_text(config_get_results_get_value(results)).len;
    }
    if (seen != count * 3) { // UTC
        tess_panic("bench: time.zone is another");
    }
    return tess_arch_cycles() - start;
}

// What the child says when it is over: the time at which it was in main.
static uint64_t begun_at(uint32_t id) {
    RPC_CALL(call);
    struct exec_job_results results;
    uint64_t bits;
    require(tess_wait(ended, &bits, DEADLINE_NEVER), "the end of a job");
    require(exec_call_job(exec_control_as_exec(exec), &call, id, DEADLINE_NEVER, &results), "job");
    const struct exec_job job = exec_job_results_get_job(results);
    if (exec_job_get_exit_kind(job) != EXIT_NORMAL) {
        tess_panic("bench: the child did not end by itself");
    }
    return exec_job_get_exit_code(job);
}

uint64_t spawn_to_main(uint64_t count) {
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        RPC_CALL(call);
        struct exec_control_run_results results;
        const uint64_t start = tess_arch_cycles();
        const struct exec_control_run_params_builder params = exec_control_begin_run(exec, &call);
        exec_control_run_params_set_program(params, CAPNP_TEXT("bench_child"));
        capnp_text_list_set(exec_control_run_params_init_arguments(params, 1), 0, CAPNP_TEXT("time"));
        exec_control_run_params_set_foreground(params, true);
        exec_control_run_params_set_watcher(params, (struct notification){ended});
        exec_control_run_params_set_bits(params, 1);
        require(exec_control_finish_run(&call, DEADLINE_NEVER, &results), "run");
        if (exec_control_run_results_get_outcome(results) != EXEC_CONTROL_OUTCOME_DONE) {
            tess_panic("bench: the child is not run");
        }
        total += begun_at(exec_control_run_results_get_id(results)) - start;
    }
    return total;
}

// The call is made as soon as the supervisor has answered that it ends the service; whether it waits from then on, or is
// disconnected and made again, is chance. The successor has the settings that were kept.
uint64_t restart_service(uint64_t count) {
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        RPC_CALL(call);
        struct supervisor_control_kill_results killed;
        struct config_get_results results;
        const uint64_t start = tess_arch_cycles();
        require(supervisor_control_call_kill(supervisor, &call, CAPNP_TEXT("configd"), DEADLINE_NEVER, &killed), "kill");
        require(config_call_get(config, &call, CAPNP_TEXT("time.zone"), DEADLINE_NEVER, &results), "get");
        total += tess_arch_cycles() - start;
        if (supervisor_control_kill_results_get_outcome(killed) != SUPERVISOR_CONTROL_OUTCOME_DONE) {
            tess_panic("bench: configd is not killed");
        }
    }
    return total;
}
