// What services were told and have answered as done, and are to know whoever was killed since: each of these looks whether it is as it
// was left, changes it, and, when that was answered, looks again. What was not answered may be done or not.
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "idl/keys.capnp.h"
#include "idl/policy.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/mutex.h"
#include "tests/kills/load.h"

constexpr uint32_t PUBLIC_KEY_BYTES = 32;

static struct policy_control policy;
static struct config config;
static struct keys keys;

// As one client has left things that are its own.
static struct told {
    bool revoked;
    enum presence : uint8_t { UNKNOWN, ABSENT, PRESENT } key;
    uint8_t public_key[PUBLIC_KEY_BYTES];
} told[CLIENT_NUMBERS];

// The setting is everybody's.
static struct tess_mutex setting_lock;
static uint32_t setting; // number of its value, behind 1; 0: unknown

void kept_init(void) {
    policy = (struct policy_control){tess_cap_required("policy", POLICY_ID)};
    config = (struct config){tess_cap_required("config", CONFIG_ID)};
    keys = (struct keys){tess_cap_required("keys", KEYS_ID)};
}

// ---- what was revoked ----

static const char *const objects[CLIENT_NUMBERS] = {"time", "metrics", "random", "keys", "config"};

static enum answer decision_is(struct client *client, bool allowed) {
    RPC_CALL(call);
    struct policy_check_results results;
    const enum answer answer = came(client, policy_call_check((struct policy){policy.handle}, &call, CAPNP_TEXT("kill_suite"), POLICY_ACTION_USE,
                                                              capnp_text(objects[client->number]), rpc_patience(), &results));
    return answer != ANSWER_RIGHT ? answer : judged(client, &call, answer, policy_check_results_get_allowed(results) == allowed);
}

enum answer revocation_stays(struct client *client) {
    RPC_CALL(call);
    struct policy_control_revoke_results revoked;
    struct policy_control_restore_results restored;
    struct told *left = &told[client->number];
    const struct capnp_text who = CAPNP_TEXT("kill_suite"), what = capnp_text(objects[client->number]);
    enum answer answer = decision_is(client, !left->revoked);
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    answer = came(client, left->revoked ? policy_control_call_restore(policy, &call, who, POLICY_ACTION_USE, what, rpc_patience(), &restored)
                                        : policy_control_call_revoke(policy, &call, who, POLICY_ACTION_USE, what, rpc_patience(), &revoked));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    left->revoked = !left->revoked;
    return decision_is(client, !left->revoked);
}

// ---- keys ----

static enum answer key_is_same(struct client *client, struct key key) {
    RPC_CALL(call);
    struct key_info_results results;
    const enum answer answer = came(client, key_call_info(key, &call, rpc_patience(), &results));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    const struct capnp_data public_key = key_info_get_public_key(key_info_results_get_info(results));
    return judged(client, &call, answer, public_key.len == PUBLIC_KEY_BYTES && memcmp(public_key.bytes, told[client->number].public_key, PUBLIC_KEY_BYTES) == 0);
}

static enum answer make_key(struct client *client, struct capnp_text name) {
    RPC_CALL(call);
    struct keys_generate_results results;
    struct told *left = &told[client->number];
    left->key = UNKNOWN;
    const enum answer answer = came(client, keys_call_generate(keys, &call, name, rpc_patience(), &results));
    if (answer == ANSWER_RIGHT) {
        const struct capnp_data public_key = keys_generate_results_get_public_key(results);
        if (public_key.len != PUBLIC_KEY_BYTES) {
            return ANSWER_WRONG;
        }
        memcpy(left->public_key, public_key.bytes, PUBLIC_KEY_BYTES);
        left->key = PRESENT;
    }
    return answer;
}

static enum answer end_key(struct client *client, struct key key) {
    RPC_CALL(call);
    struct told *left = &told[client->number];
    left->key = UNKNOWN;
    const enum answer answer = came(client, key_call_destroy(key, &call, rpc_patience(), nullptr));
    left->key = answer == ANSWER_RIGHT ? ABSENT : UNKNOWN;
    return answer;
}

enum answer key_stays(struct client *client) {
    RPC_CALL(call);
    struct keys_open_results results;
    char text[16];
    const struct told *left = &told[client->number];
    fmt_snprintf(text, sizeof text, "key-%u", client->number);
    enum answer answer = came(client, keys_call_open(keys, &call, capnp_text(text), rpc_patience(), &results));
    if (answer != ANSWER_RIGHT) {
        return answer;
    }
    const bool found = keys_open_results_get_found(results);
    if ((left->key == PRESENT && !found) || (left->key == ABSENT && found)) {
        return ANSWER_WRONG;
    }
    if (!found) {
        return make_key(client, capnp_text(text));
    }
    TESS_OWNED handle_t key = rpc_keep(&call, keys_open_results_get_key(results).handle);
    if (left->key == PRESENT) {
        answer = key_is_same(client, (struct key){key});
    }
    return answer != ANSWER_RIGHT ? answer : end_key(client, (struct key){key});
}

// ---- settings ----

static const char *const zones[] = {"Europe/Berlin", "Asia/Tokyo"};

static enum answer setting_is(struct client *client) {
    RPC_CALL(call);
    struct config_get_results results;
    const enum answer answer = came(client, config_call_get(config, &call, CAPNP_TEXT("time.zone"), rpc_patience(), &results));
    if (answer != ANSWER_RIGHT || setting == 0) {
        return answer;
    }
    const struct config_value value = config_get_results_get_value(results);
    return judged(client, &call, answer, config_value_which(value) == CONFIG_VALUE_TEXT && str_equal(config_value_get_text(value).bytes, zones[setting - 1]));
}

static enum answer set_zone(struct client *client, uint32_t number) {
    RPC_CALL(call);
    struct config_commit_results results;
    struct config_commit_params_builder params = config_begin_commit(config, &call);
    config_commit_params_set_layer(params, CONFIG_LAYER_SESSION);
    const struct config_change_builder change = config_change_list_edit(config_commit_params_init_changes(params, 1), 0);
    config_change_set_key(change, CAPNP_TEXT("time.zone"));
    config_change_set_written(change, capnp_text(zones[number - 1]));
    setting = 0;
    const enum answer answer = came(client, config_finish_commit(&call, rpc_patience(), &results));
    if (answer == ANSWER_RIGHT && config_commit_results_get_outcome(results) != CONFIG_OUTCOME_DONE) {
        return ANSWER_WRONG;
    }
    setting = answer == ANSWER_RIGHT ? number : 0;
    return answer;
}

enum answer setting_stays(struct client *client) {
    tess_mutex_lock(&setting_lock);
    enum answer answer = setting_is(client);
    if (answer == ANSWER_RIGHT) {
        answer = set_zone(client, 1 + (uint32_t)any(&client->state, 2));
    }
    if (answer == ANSWER_RIGHT) {
        answer = setting_is(client);
    }
    tess_mutex_unlock(&setting_lock);
    return answer;
}

// ---- as it was at the start ----

static void reset_one(struct client *client) {
    RPC_CALL(call);
    struct policy_control_restore_results restored;
    struct told *left = &told[client->number];
    (void)policy_control_call_restore(policy, &call, CAPNP_TEXT("kill_suite"), POLICY_ACTION_USE, capnp_text(objects[client->number]), rpc_patience(),
                                      &restored); // what was not revoked is not found
    left->revoked = false;
    while (left->key != ABSENT && key_stays(client) != ANSWER_WRONG) {
    }
}

void kept_reset(void) {
    RPC_CALL(call);
    for (uint32_t i = 0; i < CLIENT_NUMBERS; i++) {
        struct client client = {.number = i, .state = 1};
        reset_one(&client);
    }
    struct config_commit_params_builder params = config_begin_commit(config, &call);
    config_commit_params_set_layer(params, CONFIG_LAYER_SESSION);
    const struct config_change_builder change = config_change_list_edit(config_commit_params_init_changes(params, 1), 0);
    config_change_set_key(change, CAPNP_TEXT("time.zone"));
    config_change_set_unset(change);
    (void)config_finish_commit(&call, rpc_patience(), nullptr); // nobody is killed now
    setting = 0;
}
