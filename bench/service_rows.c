#include "bench/service_rows.h"

#include "idl/config.capnp.h"
#include "idl/log.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/random.capnp.h"
#include "idl/registry.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"

static struct registry registry;
static struct log log;
static struct policy policy;
static struct random random;
static struct config config;

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
