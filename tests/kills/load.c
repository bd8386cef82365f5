#include "tests/kills/load.h"

#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "idl/console.capnp.h"
#include "idl/exec.capnp.h"
#include "idl/identity.capnp.h"
#include "idl/keys.capnp.h"
#include "idl/log.capnp.h"
#include "idl/metrics.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/random.capnp.h"
#include "idl/registry.capnp.h"
#include "idl/time.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

static struct log the_log;
static struct registry registry;
static struct random the_random;
static struct console console;
static struct policy policy;
static struct keys keys;
static struct config config;
static struct exec exec;
static struct identity identity;
static struct metrics metrics;
static struct time wall;

void loads_init(void) {
    the_log = (struct log){tess_cap_required("log", LOG_ID)};
    registry = (struct registry){tess_cap_required("registry", REGISTRY_ID)};
    the_random = (struct random){tess_cap_required("random", RANDOM_ID)};
    console = (struct console){tess_cap_required("console", CONSOLE_ID)};
    policy = (struct policy){tess_cap_required("policy", POLICY_ID)};
    keys = (struct keys){tess_cap_required("keys", KEYS_ID)};
    config = (struct config){tess_cap_required("config", CONFIG_ID)};
    exec = (struct exec){tess_cap_required("exec", EXEC_ID)};
    identity = (struct identity){tess_cap_required("identity", IDENTITY_ID)};
    metrics = (struct metrics){tess_cap_required("metrics", METRICS_ID)};
    wall = (struct time){tess_cap_required("time", TIME_ID)};
    kept_init();
}

uint64_t any(uint64_t *state, uint64_t limit) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % limit;
}

enum answer came(struct client *client, status_t status) {
    client->status = status;
    return status_ok(status)                       ? ANSWER_RIGHT
           : status_is(status, STATUS_PEER_DIED) ? ANSWER_DISCONNECTED
                                                   : ANSWER_LOST;
}

enum answer judged(struct client *client, const struct rpc_call *call, enum answer answer, bool right) {
    if (answer != ANSWER_RIGHT || right) {
        return answer;
    }
    client->wrong = call->message;
    return ANSWER_WRONG;
}

// ---- the log ----

static bool stats_hold(struct log_stats stats) {
    return log_stats_get_last_sequence(stats) == log_stats_get_appended(stats) &&
           log_stats_get_used_bytes(stats) <= log_stats_get_capacity_bytes(stats);
}

static enum answer log_is_counted(struct client *client) {
    RPC_CALL(call);
    struct log_stats_results results;
    const enum answer answer = came(client, log_call_stats(the_log, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, stats_hold(log_stats_results_get_stats(results)));
}

static enum answer log_takes(struct client *client) {
    RPC_CALL(call);
    struct log_append_results results;
    const status_t status = log_call_append(the_log, &call, LOG_LEVEL_DEBUG, CAPNP_TEXT("still here"), rpc_patience(), &results);
    if (status_is(status, rpc_status(RPC_OVERLOADED))) {
        return ANSWER_RIGHT; // too many of this client's in a short time
    }
    const enum answer answer = came(client, status);
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, log_append_results_get_sequence(results) != 0);
}

// The records that are there follow each other.
static enum answer log_is_in_order(struct client *client) {
    RPC_CALL(call);
    struct log_query_results results;
    struct log_query_params_builder params = log_begin_query(the_log, &call);
    log_query_params_set_limit(params, 8);
    log_query_params_set_last(params, true);
    const enum answer answer = came(client, log_finish_query(&call, rpc_patience(), &results));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    const struct log_record_list records = log_query_results_get_records(results);
    uint64_t before = 0;
    for (uint32_t i = 0; i < log_record_list_count(records); i++) {
        const uint64_t sequence = log_record_get_sequence(log_record_list_get(records, i));
        if (sequence <= before) {
            return ANSWER_WRONG;
        }
        before = sequence;
    }
    return ANSWER_RIGHT;
}

// ---- the registry ----

static enum answer log_is_found(struct client *client) {
    RPC_CALL(call);
    struct registry_resolve_results results;
    enum answer answer = came(client, registry_call_resolve(registry, &call, CAPNP_TEXT("log"), LOG_ID, rpc_patience(), &results));
    if (answer != ANSWER_RIGHT || registry_resolve_results_get_outcome(results) != REGISTRY_OUTCOME_FOUND ||
        registry_resolve_results_get_interface_id(results) != LOG_ID) {
        return judged(client, &call, answer, false);
    }
    TESS_OWNED handle_t found = rpc_keep(&call, registry_resolve_results_get_service(results).handle);
    RPC_CALL(stats);
    struct log_stats_results counted;
    answer = came(client, log_call_stats((struct log){found}, &stats, rpc_patience(), &counted));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, stats_hold(log_stats_results_get_stats(counted)));
}

static enum answer nobody_is_not_found(struct client *client) {
    RPC_CALL(call);
    struct registry_resolve_results results;
    const enum answer answer = came(client, registry_call_resolve(registry, &call, CAPNP_TEXT("nobody"), 0, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, registry_resolve_results_get_outcome(results) != REGISTRY_OUTCOME_FOUND);
}

// ---- random numbers ----

static enum answer random_is_new(struct client *client) {
    RPC_CALL(call);
    struct random_draw_results results;
    const enum answer answer = came(client, random_call_draw(the_random, &call, rpc_patience(), &results));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    const uint64_t drawn[4] = {random_draw_results_get_first(results), random_draw_results_get_second(results),
                               random_draw_results_get_third(results), random_draw_results_get_fourth(results)};
    bool changed = true; // in each of its words
    for (uint32_t i = 0; i < 4; i++) {
        changed = changed && drawn[i] != client->drawn[i];
    }
    memcpy(client->drawn, drawn, sizeof drawn);
    return judged(client, &call, answer, changed);
}

// ---- the console ----

static enum answer console_counts(struct client *client) {
    RPC_CALL(call);
    struct console_stats_results results;
    const enum answer answer = came(client, console_call_stats(console, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, console_stats_get_columns(console_stats_results_get_stats(results)) != 0);
}

// ---- policy ----

static enum answer decided(struct client *client, struct capnp_text subject, enum policy_action action, bool expected) {
    RPC_CALL(call);
    struct policy_check_results results;
    const enum answer answer = came(client, policy_call_check(policy, &call, subject, action, CAPNP_TEXT("log"), rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, policy_check_results_get_allowed(results) == expected);
}

static enum answer policy_allows(struct client *client) {
    return decided(client, CAPNP_TEXT("kill_suite"), POLICY_ACTION_USE, true);
}

static enum answer policy_denies(struct client *client) {
    return decided(client, CAPNP_TEXT("hello"), POLICY_ACTION_CONTROL, false);
}

// ---- keys, settings, programs ----

static enum answer device_has_a_key(struct client *client) {
    RPC_CALL(call);
    struct keys_device_results results;
    const enum answer answer = came(client, keys_call_device(keys, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, keys_device_results_get_public_key(results).len == 32);
}

static enum answer setting_is_read(struct client *client) {
    RPC_CALL(call);
    struct config_get_results results;
    const enum answer answer = came(client, config_call_get(config, &call, CAPNP_TEXT("shell.pager"), rpc_patience(), &results));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    const struct config_value value = config_get_results_get_value(results);
    return judged(client, &call, answer, config_value_which(value) == CONFIG_VALUE_FLAG && config_value_get_flag(value));
}

static enum answer program_is_known(struct client *client) {
    RPC_CALL(call);
    struct exec_programs_results results;
    const enum answer answer = came(client, exec_call_programs(exec, &call, 0, rpc_patience(), &results));
    if (answer != ANSWER_RIGHT || exec_programs_results_get_total(results) != 1) {
        return judged(client, &call, answer, false);
    }
    const struct capnp_text name = exec_program_get_name(exec_program_list_get(exec_programs_results_get_programs(results), 0));
    return judged(client, &call, answer, str_equal(name.bytes, "hello"));
}

// ---- accounts, figures, time ----

static enum answer nobody_is_known(struct client *client) {
    RPC_CALL(call);
    struct identity_state_results results;
    const enum answer answer = came(client, identity_call_state(identity, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, identity_state_results_get_accounts(results) == 0);
}

static enum answer health_is_said(struct client *client) {
    RPC_CALL(call);
    struct metrics_health_results results;
    const enum answer answer = came(client, metrics_call_health(metrics, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, metrics_health_results_get_health(results) <= METRICS_HEALTH_FAILED);
}

static enum answer time_is_told(struct client *client) {
    RPC_CALL(call);
    struct time_now_results results;
    const enum answer answer = came(client, time_call_now(wall, &call, rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, time_now_results_get_monotonic_ns(results) != 0);
}

const struct load loads[] = {
    {"logd", "log.stats", log_is_counted, false},
    {"logd", "log.append", log_takes, true},
    {"logd", "log.query", log_is_in_order, false},
    {"samgrd", "registry.resolve", log_is_found, false},
    {"samgrd", "registry.resolve of nobody", nobody_is_not_found, false},
    {"rngd", "random.draw", random_is_new, false},
    {"consoled", "console.stats", console_counts, false},
    {"policyd", "policy.check", policy_allows, false},
    {"policyd", "policy.check of what is denied", policy_denies, false},
    {"keystored", "keys.device", device_has_a_key, false},
    {"configd", "config.get", setting_is_read, false},
    {"execd", "exec.programs", program_is_known, false},
    {"identityd", "identity.state", nobody_is_known, false},
    {"metricsd", "metrics.health", health_is_said, false},
    {"timed", "time.now", time_is_told, false},
    {"policyd", "policy.revoke, which stays", revocation_stays, false},
    {"keystored", "keys.generate, which stays", key_stays, true},
    {"configd", "config.commit, which stays", setting_stays, true},
};
const uint32_t load_count = sizeof loads / sizeof loads[0];
