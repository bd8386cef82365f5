// Parameters that are a proper message, and nothing that the service could do anything with; and long ones that it can.
//
// What is refused by the contract's own means comes back as an outcome, everything else as an invalid argument.
#include "base/mem.h"
#include "idl/console.capnp.h"
#include "idl/identity.capnp.h"
#include "lib/rpc/promise.h"
#include "idl/keys.capnp.h"
#include "idl/log.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/random.capnp.h"
#include "idl/registry.capnp.h"
#include "idl/exec.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/badge/badge.h"
#include "lib/tess/panic.h"
#include "tests/contracts/hostile.h"

#define INVALID(expression) \
    ((void)suite_check_eq((expression).code, RPC_INVALID_ARGUMENT, #expression, __FILE__, __LINE__))
#define ANSWERED(expression, exception) \
    ((void)suite_check_eq((expression).code, (exception), #expression, __FILE__, __LINE__))
#define DONE(expression) ((void)suite_check_eq((expression).code, 0, #expression, __FILE__, __LINE__))

// Names that nobody can have: one with an end in its midst, bytes that are no UTF-8, a space, a control character, none.
static const struct capnp_text bad_names[] = {CAPNP_TEXT("a\0b"), CAPNP_TEXT("\xff\xfe"), CAPNP_TEXT("a b"),
                                              CAPNP_TEXT("a\x1b[2J"), CAPNP_TEXT("")};
constexpr uint32_t BAD_NAMES = sizeof bad_names / sizeof bad_names[0];

// A capability that is of no use where a notification or an endpoint is wanted.
static handle_t some_vmo(void) {
    handle_t vmo = {};
    EXPECT_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    return vmo;
}

// ---- log ----

static status_t query_log(struct log log, struct capnp_text service, struct capnp_text field, uint64_t after, enum log_level level) {
    RPC_CALL(call);
    return log_call_query(log, &call, after, UINT32_MAX, level, service, true, CAPNP_TEXT(""), 0, UINT64_MAX, 0, CAPNP_TEXT(""), field,
                          true, true, rpc_patience(), nullptr);
}

// A record with a field of this name, which has a value or none that there is.
static status_t append_field(struct log_control control, struct capnp_text domain, struct capnp_text name, bool valued,
                             enum log_kind kind) {
    RPC_CALL(call);
    const struct log_control_append_record_for_params_builder params = log_control_begin_append_record_for(control, &call);
    log_control_append_record_for_params_set_holder(params, 2);
    log_control_append_record_for_params_set_text(params, CAPNP_TEXT("x"));
    log_control_append_record_for_params_set_domain(params, domain);
    log_control_append_record_for_params_set_kind(params, kind);
    const struct log_field_list_builder fields = log_control_append_record_for_params_init_fields(params, 1);
    const struct log_field_builder field = log_field_list_edit(fields, 0);
    log_field_set_name(field, name);
    if (valued) {
        log_field_set_text(field, CAPNP_TEXT("value"));
    }
    return log_control_finish_append_record_for(&call, rpc_patience(), nullptr);
}

static void try_records(struct log_control control) {
    DONE(append_field(control, CAPNP_TEXT(""), CAPNP_TEXT("name"), true, LOG_KIND_REPORT));
    DONE(append_field(control, CAPNP_TEXT("net.tcp"), CAPNP_TEXT("name"), false, LOG_KIND_CRASH)); // an integer, 0
    DONE(append_field(control, CAPNP_TEXT(""), CAPNP_TEXT("name"), true, LOG_KIND_DENIAL));
    INVALID(append_field(control, CAPNP_TEXT("no domain"), CAPNP_TEXT("name"), true, LOG_KIND_REPORT));
    INVALID(append_field(control, CAPNP_TEXT("too-long-a-domain"), CAPNP_TEXT("name"), true, LOG_KIND_REPORT));
    INVALID(append_field(control, CAPNP_TEXT(""), CAPNP_TEXT("name"), true, LOG_KIND_LIMIT));
    INVALID(append_field(control, CAPNP_TEXT(""), CAPNP_TEXT("name"), true, (enum log_kind)4));
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(append_field(control, CAPNP_TEXT(""), bad_names[i], true, LOG_KIND_REPORT));
    }
}

static void try_log(void) {
    const struct service *service = service_named("log");
    const struct log log = {service->plain};
    const struct log_control control = {service->control};
    RPC_CALL(call);
    INVALID(log_call_append(log, &call, (enum log_level)4, CAPNP_TEXT("x"), rpc_patience(), nullptr));
    INVALID(log_call_append(log, &call, (enum log_level)0xffff, CAPNP_TEXT("x"), rpc_patience(), nullptr));
    INVALID(log_call_append(log, &call, LOG_LEVEL_INFO, CAPNP_TEXT(""), rpc_patience(), nullptr));
    INVALID(log_control_call_append_for(control, &call, 2, (enum log_level)4, CAPNP_TEXT("x"), rpc_patience(), nullptr));
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        if (bad_names[i].len != 0) { // all services
            INVALID(query_log(log, bad_names[i], CAPNP_TEXT(""), 0, LOG_LEVEL_DEBUG));
        }
    }
    DONE(query_log(log, CAPNP_TEXT(""), CAPNP_TEXT("=="), UINT64_MAX, (enum log_level)0xffff));
    DONE(log_call_sources(log, &call, UINT32_MAX, rpc_patience(), nullptr));
    const handle_t vmo = some_vmo();
    INVALID(log_call_follow(log, &call, (struct notification){vmo}, 1, rpc_patience(), nullptr));
    suite_close(vmo);
    try_records(control);
}

CASE(hostile_log) {
    twice(try_log);
}

// ---- identity ----

static struct session as_guest(struct identity identity) {
    RPC_CALL(call);
    struct identity_guest_results results;
    const status_t status = identity_call_guest(identity, &call, rpc_patience(), &results);
    DONE(status);
    return status_ok(status) ? (struct session){rpc_keep(&call, identity_guest_results_get_session(results).handle)} : (struct session){};
}

static bool is_genuine(struct identity identity, handle_t handle) {
    RPC_CALL(call);
    struct identity_check_results results;
    const status_t status = identity_call_check(identity, &call, (struct session){handle}, rpc_patience(), &results);
    DONE(status);
    return status_ok(status) && identity_check_results_get_genuine(results);
}

static void expect_outcome(status_t status, enum identity_outcome saw, enum identity_outcome expected) {
    DONE(status);
    EXPECT_EQ(saw, expected);
}

// A guest may do nothing to anybody, and a capability that only shows who it is not even to itself.
static void try_session(struct identity identity, struct session session) {
    const struct capnp_data password = {(const uint8_t *)"long enough", 11};
    RPC_CALL(call);
    struct session_add_account_results added;
    struct session_remove_account_results removed;
    struct session_set_password_results set;
    struct session_allow_guests_results allowed;
    struct session_observe_results observed;
    struct session_logout_results left;
    struct session_lock_results locked;
    status_t status = session_call_add_account(session, &call, CAPNP_TEXT("mallory"), ROLE_ADMINISTRATOR, password, rpc_patience(), &added);
    expect_outcome(status, session_add_account_results_get_outcome(added), IDENTITY_OUTCOME_NOT_ALLOWED);
    status = session_call_remove_account(session, &call, CAPNP_TEXT("anna"), rpc_patience(), &removed);
    expect_outcome(status, session_remove_account_results_get_outcome(removed), IDENTITY_OUTCOME_NOT_ALLOWED);
    status = session_call_set_password(session, &call, CAPNP_TEXT("anna"), password, rpc_patience(), &set);
    expect_outcome(status, session_set_password_results_get_outcome(set), IDENTITY_OUTCOME_NOT_ALLOWED);
    status = session_call_allow_guests(session, &call, false, rpc_patience(), &allowed);
    expect_outcome(status, session_allow_guests_results_get_outcome(allowed), IDENTITY_OUTCOME_NOT_ALLOWED);
    status = session_call_lock(session, &call, rpc_patience(), &locked);
    expect_outcome(status, session_lock_results_get_outcome(locked), IDENTITY_OUTCOME_NOT_ALLOWED);
    INVALID(session_call_add_account(session, &call, CAPNP_TEXT("a b"), ROLE_USER, password, rpc_patience(), nullptr));
    DONE(session_call_sessions(session, &call, UINT32_MAX, rpc_patience(), nullptr));

    status = session_call_observe(session, &call, rpc_patience(), &observed);
    DONE(status);
    const struct session shows = {status_ok(status) ? rpc_keep(&call, session_observe_results_get_session(observed).handle) : (handle_t){}};
    DONE(session_call_info(shows, &call, rpc_patience(), nullptr));
    ANSWERED(session_call_touch(shows, &call, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    status = session_call_logout(shows, &call, rpc_patience(), &left);
    expect_outcome(status, session_logout_results_get_outcome(left), IDENTITY_OUTCOME_NOT_ALLOWED);

    // What is no session is not taken for one; one facet is not the other.
    const handle_t vmo = some_vmo();
    EXPECT(is_genuine(identity, session.handle) && is_genuine(identity, shows.handle));
    EXPECT(!is_genuine(identity, identity.handle) && !is_genuine(identity, vmo) && !is_genuine(identity, (handle_t){}));
    EXPECT(!is_genuine(identity, service_named("log")->plain));
    ANSWERED(session_call_info((struct session){identity.handle}, &call, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(identity_call_state((struct identity){session.handle}, &call, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);

    status = session_call_logout(session, &call, rpc_patience(), &left);
    expect_outcome(status, session_logout_results_get_outcome(left), IDENTITY_OUTCOME_DONE);
    ANSWERED(session_call_touch(session, &call, rpc_patience(), nullptr), RPC_DISCONNECTED);
    ANSWERED(session_call_info(shows, &call, rpc_patience(), nullptr), RPC_DISCONNECTED);
    EXPECT(!is_genuine(identity, session.handle));
    suite_close(vmo);
    suite_close(shows.handle);
}

// While a password is looked at everybody else is answered, and a second one of the same holder is refused: as long as it is, the
// first is not through.
static void try_while_hashing(struct identity identity) {
    static struct rpc_ring ring;
    const struct capnp_data password = {(const uint8_t *)"long enough", 11};
    RPC_CALL(call);
    struct capnp_struct results;
    if (!suite_check_status(rpc_ring_create(1, &ring), STATUS_OK, "ring", __FILE__, __LINE__)) {
        return;
    }
    const struct rpc_promise first = identity_submit_login(&ring, (struct identity_target){rpc_target(identity.handle)}, CAPNP_TEXT("somebody"), password);
    DONE(rpc_flush(&ring));
    for (uint32_t i = 0; i < 3; i++) {
        ANSWERED(identity_call_login(identity, &call, CAPNP_TEXT("other"), password, rpc_patience(), nullptr), RPC_OVERLOADED);
        DONE(identity_call_state(identity, &call, rpc_patience(), nullptr));
    }
    EXPECT(!rpc_answered(&ring, first));
    DONE(rpc_take(&ring, first, rpc_patience(), &results));
    const enum identity_outcome outcome = identity_login_results_get_outcome((struct identity_login_results){results});
    EXPECT(outcome == IDENTITY_OUTCOME_WRONG || outcome == IDENTITY_OUTCOME_WAIT);
    rpc_drop(&ring, first);
    rpc_ring_destroy(&ring);
}

static void try_identity(void) {
    const struct service *service = service_named("identity");
    const struct identity identity = {service->plain};
    const struct identity_control control = {service->control};
    const struct capnp_data password = {(const uint8_t *)"long enough", 11}, none = {};
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(identity_call_login(identity, &call, bad_names[i], password, rpc_patience(), nullptr));
        INVALID(identity_control_call_set_up(control, &call, bad_names[i], password, rpc_patience(), nullptr));
    }
    struct identity_control_set_up_results made;
    status_t status = identity_control_call_set_up(control, &call, CAPNP_TEXT("Anna"), password, rpc_patience(), &made);
    expect_outcome(status, identity_control_set_up_results_get_outcome(made), IDENTITY_OUTCOME_BAD_NAME);
    status = identity_control_call_set_up(control, &call, CAPNP_TEXT("anna"), none, rpc_patience(), &made);
    expect_outcome(status, identity_control_set_up_results_get_outcome(made), IDENTITY_OUTCOME_BAD_PASSWORD);
    ANSWERED(identity_control_call_set_up((struct identity_control){identity.handle}, &call, CAPNP_TEXT("anna"), password, rpc_patience(), nullptr),
             RPC_DENIED);
    struct identity_login_results login;
    status = identity_call_login(identity, &call, CAPNP_TEXT("nobody"), none, rpc_patience(), &login);
    DONE(status);
    const enum identity_outcome outcome = identity_login_results_get_outcome(login);
    EXPECT(outcome == IDENTITY_OUTCOME_WRONG || outcome == IDENTITY_OUTCOME_WAIT);
    try_while_hashing(identity);
    for (uint32_t i = 0; i < 2 * IDENTITY_SESSIONS_OF_HOLDER_MAX; i++) { // the oldest go, and nobody else's
        const struct session session = as_guest(identity);
        if (i % 4 == 0) {
            try_session(identity, session);
        }
        suite_close(session.handle);
    }
}

CASE(hostile_identity) {
    twice(try_identity);
}

// ---- policy ----

static status_t dry_run(struct policy policy, struct capnp_text subject, uint16_t action, uint32_t *rejected) {
    RPC_CALL(call);
    struct policy_dry_run_results results;
    const struct policy_dry_run_params_builder params = policy_begin_dry_run(policy, &call);
    const struct policy_proposal_builder rule = policy_proposal_list_edit(policy_dry_run_params_init_rules(params, 1), 0);
    policy_proposal_set_subject(rule, subject);
    policy_proposal_set_action(rule, (enum policy_action)action);
    policy_proposal_set_object(rule, CAPNP_TEXT("*"));
    const status_t status = policy_finish_dry_run(&call, rpc_patience(), &results);
    *rejected = status_ok(status) ? policy_dry_run_results_get_rejected(results) : 0;
    return status;
}

// A capability that is no session is nobody's, and what the manifest does not name nobody may.
static void try_operations(struct policy policy, handle_t vmo) {
    struct policy_perform_results results;
    struct policy_explain_operation_results explained;
    const struct capnp_text power = CAPNP_TEXT("power"), fly = CAPNP_TEXT("fly");
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(policy_call_perform(policy, &call, (struct session){}, bad_names[i], rpc_patience(), nullptr));
        INVALID(policy_call_explain_operation(policy, &call, ROLE_GUEST, bad_names[i], rpc_patience(), nullptr));
    }
    INVALID(policy_call_explain_operation(policy, &call, (enum role)3, power, rpc_patience(), nullptr));
    DONE(policy_call_operations(policy, &call, UINT32_MAX, rpc_patience(), nullptr));
    const handle_t given[] = {{}, vmo, policy.handle};
    for (uint32_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        DONE(policy_call_perform(policy, &call, (struct session){given[i]}, fly, rpc_patience(), &results));
        EXPECT_EQ(policy_perform_results_get_allowed(results), false);
    }
    DONE(policy_call_explain_operation(policy, &call, ROLE_USER, power, rpc_patience(), &explained));
    EXPECT_EQ(policy_explain_operation_results_get_allowed(explained), false);
    DONE(policy_call_explain_operation(policy, &call, ROLE_ADMINISTRATOR, power, rpc_patience(), &explained));
    EXPECT_EQ(policy_explain_operation_results_get_allowed(explained), true);
}

static void try_policy(void) {
    const struct service *service = service_named("policy");
    const struct policy policy = {service->plain};
    const struct policy_control control = {service->control};
    const struct capnp_text log = CAPNP_TEXT("log"), nobody = CAPNP_TEXT("nobody");
    const handle_t vmo = some_vmo();
    uint32_t rejected;
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(policy_call_check(policy, &call, bad_names[i], POLICY_ACTION_USE, log, rpc_patience(), nullptr));
        INVALID(policy_call_explain(policy, &call, log, POLICY_ACTION_USE, bad_names[i], rpc_patience(), nullptr));
        INVALID(policy_control_call_revoke(control, &call, bad_names[i], POLICY_ACTION_USE, log, rpc_patience(), nullptr));
    }
    INVALID(policy_call_check(policy, &call, log, (enum policy_action)3, log, rpc_patience(), nullptr));
    INVALID(policy_call_explain(policy, &call, log, (enum policy_action)0xffff, log, rpc_patience(), nullptr));
    INVALID(policy_control_call_revoke(control, &call, nobody, POLICY_ACTION_USE, log, rpc_patience(), nullptr));
    INVALID(policy_control_call_restore(control, &call, CAPNP_TEXT("*"), POLICY_ACTION_USE, nobody, rpc_patience(), nullptr));
    INVALID(policy_control_call_watch(control, &call, (struct notification){}, 1, rpc_patience(), nullptr));
    INVALID(policy_control_call_watch(control, &call, (struct notification){vmo}, 1, rpc_patience(), nullptr));
    DONE(policy_call_explain(policy, &call, nobody, POLICY_ACTION_SHARE, nobody, rpc_patience(), nullptr));
    DONE(policy_call_list(policy, &call, UINT32_MAX, rpc_patience(), nullptr));
    try_operations(policy, vmo);
    DONE(dry_run(policy, CAPNP_TEXT("hello"), 3, &rejected));
    EXPECT_EQ(rejected, 1);
    DONE(dry_run(policy, bad_names[0], 0, &rejected)); // "a", and an end in its midst
    EXPECT_EQ(rejected, 1);
    suite_close(vmo);
}

CASE(hostile_policy) {
    twice(try_policy);
}

// ---- keys ----

static struct key make_key(struct keys keys, const char *name) {
    RPC_CALL(call);
    struct keys_generate_results results;
    const status_t status = keys_call_generate(keys, &call, capnp_text(name), rpc_patience(), &results);
    DONE(status);
    return status_ok(status) ? (struct key){rpc_keep(&call, keys_generate_results_get_key(results).handle)} : (struct key){};
}

static struct key restricted(struct key key, bool sign, bool unseal) {
    RPC_CALL(call);
    struct key_restrict_results results;
    const struct key_restrict_params_builder params = key_begin_restrict(key, &call);
    const struct key_uses_builder uses = key_restrict_params_init_uses(params);
    key_uses_set_sign(uses, sign);
    key_uses_set_unseal(uses, unseal);
    const status_t status = key_finish_restrict(&call, rpc_patience(), &results);
    DONE(status);
    return status_ok(status) ? (struct key){rpc_keep(&call, key_restrict_results_get_key(results).handle)} : (struct key){};
}

// What a capability to a key does not allow stays refused, in whatever way one asks.
static void try_key(struct keys keys, struct key key) {
    const struct capnp_data some = {(const uint8_t *)"some", 4};
    const struct key signs = restricted(key, true, false), opens = restricted(key, false, true), nothing = restricted(signs, false, true);
    RPC_CALL(call);
    DONE(key_call_sign(signs, &call, some, rpc_patience(), nullptr));
    ANSWERED(key_call_sign(opens, &call, some, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(key_call_sign(nothing, &call, some, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(key_call_unseal(nothing, &call, some, some, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(key_call_seal(signs, &call, some, some, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(key_call_destroy(signs, &call, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    INVALID(key_call_unseal(opens, &call, some, some, rpc_patience(), nullptr));
    DONE(key_call_verify(nothing, &call, some, some, rpc_patience(), nullptr));
    // One facet is not the other.
    ANSWERED(key_call_sign((struct key){keys.handle}, &call, some, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    ANSWERED(keys_call_list((struct keys){key.handle}, &call, 0, rpc_patience(), nullptr), RPC_UNIMPLEMENTED);
    DONE(key_call_destroy(key, &call, rpc_patience(), nullptr));
    ANSWERED(key_call_sign(signs, &call, some, rpc_patience(), nullptr), RPC_DISCONNECTED);
    ANSWERED(key_call_info(key, &call, rpc_patience(), nullptr), RPC_DISCONNECTED);
    suite_close(signs.handle);
    suite_close(opens.handle);
    suite_close(nothing.handle);
}

static void try_keys(void) {
    const struct keys keys = {service_named("keys")->plain};
    struct key made[KEYS_OF_HOLDER_MAX];
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(keys_call_generate(keys, &call, bad_names[i], rpc_patience(), nullptr));
        INVALID(keys_call_open(keys, &call, bad_names[i], rpc_patience(), nullptr));
    }
    for (uint32_t i = 0; i < KEYS_OF_HOLDER_MAX; i++) {
        const char name[] = {(char)('a' + i), 0};
        made[i] = make_key(keys, name);
    }
    INVALID(keys_call_generate(keys, &call, CAPNP_TEXT("a"), rpc_patience(), nullptr));
    ANSWERED(keys_call_generate(keys, &call, CAPNP_TEXT("one-too-many"), rpc_patience(), nullptr), RPC_OVERLOADED);
    DONE(keys_call_list(keys, &call, UINT32_MAX, rpc_patience(), nullptr));
    for (uint32_t i = 0; i < KEYS_OF_HOLDER_MAX; i++) {
        try_key(keys, made[i]);
        suite_close(made[i].handle);
    }
}

CASE(hostile_keys) {
    twice(try_keys);
}

// ---- random ----

static void try_random(void) {
    const struct service *service = service_named("random");
    const struct random random = {service->plain};
    const struct random_control control = {service->control};
    const struct capnp_data byte = {(const uint8_t *)"x", 1};
    RPC_CALL(call);
    INVALID(random_call_fill(random, &call, RANDOM_FILL_MAX_BYTES + 1, rpc_patience(), nullptr));
    INVALID(random_call_fill(random, &call, UINT32_MAX, rpc_patience(), nullptr));
    INVALID(random_control_call_contribute(control, &call, CAPNP_TEXT("device"), byte, 9, rpc_patience(), nullptr));
    INVALID(random_control_call_contribute(control, &call, CAPNP_TEXT("a\0b"), byte, 8, rpc_patience(), nullptr));
    INVALID(random_control_call_contribute(control, &call, CAPNP_TEXT(""), byte, 8, rpc_patience(), nullptr));
}

CASE(hostile_random) {
    twice(try_random);
}

// ---- registry ----

static void try_registry(void) {
    const struct service *service = service_named("registry");
    const struct registry registry = {service->plain};
    const struct registry_control control = {service->control};
    const handle_t vmo = some_vmo(), only_to_send = suite_copy(service->plain, RIGHT_SEND_BIT | RIGHT_COPY_BIT);
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        INVALID(registry_call_resolve(registry, &call, bad_names[i], 0, rpc_patience(), nullptr));
        INVALID(registry_control_call_register(control, &call, bad_names[i], 1, (struct endpoint){service->plain}, false, rpc_patience(), nullptr));
        INVALID(registry_call_watch(registry, &call, bad_names[i], 0, rpc_patience(), nullptr));
        INVALID(registry_control_call_take_back(control, &call, 99, bad_names[i], rpc_patience(), nullptr));
    }
    INVALID(registry_control_call_register(control, &call, CAPNP_TEXT("none"), 1, (struct endpoint){}, false, rpc_patience(), nullptr));
    INVALID(registry_control_call_register(control, &call, CAPNP_TEXT("memory"), 1, (struct endpoint){vmo}, false, rpc_patience(), nullptr));
    INVALID(registry_control_call_register(control, &call, CAPNP_TEXT("mint"), 1, (struct endpoint){only_to_send}, false, rpc_patience(), nullptr));
    DONE(registry_control_call_take_back(control, &call, UINT64_MAX, CAPNP_TEXT("log"), rpc_patience(), nullptr));
    DONE(registry_call_watch(registry, &call, CAPNP_TEXT("log"), UINT64_MAX, rpc_patience(), nullptr));
    ANSWERED(registry_call_watch(registry, &call, CAPNP_TEXT("nobody"), 0, rpc_patience(), nullptr), RPC_DENIED);
    struct registry_resolve_results results;
    DONE(registry_call_resolve(registry, &call, CAPNP_TEXT("nobody"), 0, rpc_patience(), &results));
    EXPECT_EQ(registry_resolve_results_get_outcome(results), REGISTRY_OUTCOME_NOT_ALLOWED);
    DONE(registry_call_list(registry, &call, UINT32_MAX, rpc_patience(), nullptr));
    suite_close(only_to_send);
    suite_close(vmo);
}

CASE(hostile_registry) {
    twice(try_registry);
}

// ---- console ----

static status_t offer(struct console_control control, uint32_t replace_bytes, uint32_t count, struct capnp_text each) {
    RPC_CALL(call);
    const struct console_control_offer_params_builder params = console_control_begin_offer(control, &call);
    console_control_offer_params_set_replace_bytes(params, replace_bytes);
    const struct capnp_text_list_builder list = console_control_offer_params_init_candidates(params, count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(list, i, each);
    }
    return console_control_finish_offer(&call, rpc_patience(), nullptr);
}

static void try_console(void) {
    const struct service *service = service_named("console");
    const struct console console = {service->plain};
    const struct console_control control = {service->control};
    const handle_t vmo = some_vmo();
    RPC_CALL(call);
    INVALID(console_call_write(console, &call, (struct capnp_data){}, rpc_patience(), nullptr));
    INVALID(offer(control, 0, 1, CAPNP_TEXT("a\0b")));
    INVALID(offer(control, 0, 1, CAPNP_TEXT("\xff\xfe")));
    INVALID(offer(control, 0, 1, CAPNP_TEXT("a\x1b[2J")));
    INVALID(offer(control, UINT32_MAX, 1, CAPNP_TEXT("candidate")));
    INVALID(console_control_call_set_interrupt(control, &call, (struct notification){vmo}, 1, rpc_patience(), nullptr));
    INVALID(console_control_call_set_interrupt(control, &call, (struct notification){suite.process}, 1, rpc_patience(), nullptr));
    suite_close(vmo);
}

CASE(hostile_console) {
    twice(try_console);
}

static uint64_t printed_bytes(void) {
    RPC_CALL(call);
    struct console_stats_results results;
    const struct console console = {service_named("console")->plain};
    const status_t status = console_call_stats(console, &call, rpc_patience(), &results);
    EXPECT(status_ok(status));
    return status_ok(status) ? console_stats_get_output_bytes(console_stats_results_get_stats(results)) : 0;
}

// What a panicking program says is laid out by hand (lib/tess/panic.c). suite.py looks for it on the serial line.
CASE(hostile_last_words) {
    static const char line[] = "last words, laid out by hand\n";
    const uint64_t before = printed_bytes(), deadline_ns = suite_after_ms(5'000);
    tess_panic_writer(line, sizeof line - 1);
    while (printed_bytes() < before + sizeof line - 1 && suite_now_ns() < deadline_ns) {
        tess_yield();
    }
    EXPECT(printed_bytes() >= before + sizeof line - 1);
}

// A list that does not fit into a page.
static void offer_much(void) {
    const struct console_control control = {service_named("console")->control};
    DONE(offer(control, 0, 128, CAPNP_TEXT("a-candidate-of-30-bytes-012345")));
    INVALID(offer(control, 0, 128, CAPNP_TEXT("a-candidate-of-33-bytes-012345678"))); // more than there is room for
}

CASE(hostile_lengths_of_lists) {
    twice(offer_much);
}

// ---- supervisor ----

// The watcher is nothing that could be signalled.
static enum supervisor_control_outcome replaced(struct supervisor_control control, struct capnp_text name, struct capnp_text program) {
    RPC_CALL(call);
    struct supervisor_control_replace_results results;
    DONE(supervisor_control_call_replace(control, &call, name, program, true, (struct notification){suite.process}, UINT64_MAX, rpc_patience(), &results));
    return supervisor_control_replace_results_get_outcome(results);
}

static void try_names(struct supervisor supervisor, struct supervisor_control control, struct capnp_text name) {
    RPC_CALL(call);
    struct supervisor_service_results service;
    struct supervisor_capabilities_results capabilities;
    struct supervisor_control_kill_results killed;
    struct supervisor_control_restart_results restarted;
    struct supervisor_control_revoke_results revoked;
    DONE(supervisor_call_service(supervisor, &call, name, rpc_patience(), &service));
    EXPECT(!supervisor_service_results_get_found(service));
    DONE(supervisor_call_capabilities(supervisor, &call, name, 0, rpc_patience(), &capabilities));
    EXPECT(!supervisor_capabilities_results_get_found(capabilities));
    DONE(supervisor_control_call_kill(control, &call, name, rpc_patience(), &killed));
    EXPECT_EQ(supervisor_control_kill_results_get_outcome(killed), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    DONE(supervisor_control_call_restart(control, &call, name, rpc_patience(), &restarted));
    EXPECT_EQ(supervisor_control_restart_results_get_outcome(restarted), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    DONE(supervisor_control_call_revoke(control, &call, name, 0x10001, rpc_patience(), &revoked));
    EXPECT_EQ(supervisor_control_revoke_results_get_outcome(revoked), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    EXPECT_EQ(replaced(control, name, CAPNP_TEXT("logd")), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
}

static void try_supervisor(void) {
    const struct service *service = service_named("supervisor");
    const struct supervisor supervisor = {service->plain};
    const struct supervisor_control control = {service->control};
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        try_names(supervisor, control, bad_names[i]);
    }
    struct supervisor_control_revoke_results revoked;
    DONE(supervisor_control_call_revoke(control, &call, CAPNP_TEXT("logd"), 0, rpc_patience(), &revoked)); // no handle
    EXPECT_EQ(supervisor_control_revoke_results_get_outcome(revoked), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    DONE(supervisor_control_call_revoke(control, &call, CAPNP_TEXT("logd"), UINT32_MAX, rpc_patience(), &revoked));
    EXPECT_EQ(supervisor_control_revoke_results_get_outcome(revoked), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
    try_names(supervisor, control, CAPNP_TEXT("logd\0"));
    for (uint32_t i = 1; i < BAD_NAMES; i++) { // the first has a NUL, as below; the last is empty, which is no program's but means the one that runs
        EXPECT_EQ(replaced(control, CAPNP_TEXT("consoled"), bad_names[i]), SUPERVISOR_CONTROL_OUTCOME_BAD_STATE);
        EXPECT(bad_names[i].len == 0 || replaced(control, CAPNP_TEXT("logd"), bad_names[i]) == SUPERVISOR_CONTROL_OUTCOME_BAD_STATE);
    }
    struct supervisor_control_replace_results results;
    INVALID(supervisor_control_call_replace(control, &call, CAPNP_TEXT("logd"), CAPNP_TEXT("logd\0"), true, (struct notification){}, 0, rpc_patience(), &results));
    INVALID(supervisor_control_call_power(control, &call, (enum supervisor_control_power)2, rpc_patience(), nullptr));
    INVALID(supervisor_control_call_power(control, &call, (enum supervisor_control_power)0xffff, rpc_patience(), nullptr));
    DONE(supervisor_control_call_discharge(control, &call, UINT32_MAX, rpc_patience(), nullptr));
    const struct supervisor ways[] = {supervisor, {service->control}};
    for (size_t i = 0; i < 2; i++) { // only who decides says what is withheld
        RPC_CALL(withheld);
        const struct supervisor_withhold_params_builder params = supervisor_begin_withhold(ways[i], &withheld);
        supervisor_withheld_set_actions(supervisor_withheld_list_edit(supervisor_withhold_params_init_rules(params, 1), 0), 1);
        EXPECT_EQ(supervisor_finish_withhold(&withheld, rpc_patience(), nullptr).code, RPC_DENIED);
    }
}

CASE(hostile_supervisor) {
    twice(try_supervisor);
}

// Numbers for jobs that never run: there is an end to them, and giving them back makes room.
static void enlist_all(void) {
    const struct supervisor_control control = {service_named("supervisor")->control};
    struct supervisor_control_enlist_results results;
    enum supervisor_control_outcome outcome;
    uint32_t ids[200];
    uint32_t count = 0;
    RPC_CALL(call);
    do {
        DONE(supervisor_control_call_enlist(control, &call, CAPNP_TEXT("hello"), rpc_patience(), &results));
        outcome = supervisor_control_enlist_results_get_outcome(results);
        ids[count] = supervisor_control_enlist_results_get_id(results);
        EXPECT(outcome != SUPERVISOR_CONTROL_OUTCOME_DONE || count == 0 || ids[count] > ids[count - 1]);
    } while (outcome == SUPERVISOR_CONTROL_OUTCOME_DONE && ++count < 200);
    EXPECT_EQ(outcome, SUPERVISOR_CONTROL_OUTCOME_BUSY);
    while (count > 0) {
        DONE(supervisor_control_call_discharge(control, &call, ids[--count], rpc_patience(), nullptr));
    }
    DONE(supervisor_control_call_enlist(control, &call, CAPNP_TEXT("logd"), rpc_patience(), &results));
    EXPECT_EQ(supervisor_control_enlist_results_get_outcome(results), SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND);
}

CASE(hostile_numbers_of_jobs) {
    twice(enlist_all);
}

// ---- exec ----

static status_t run(struct capnp_text program, uint32_t count, struct capnp_text argument, handle_t watcher,
                    enum exec_control_outcome *outcome) {
    RPC_CALL(call);
    struct exec_control_run_results results;
    const struct exec_control control = {service_named("exec")->control};
    const struct exec_control_run_params_builder params = exec_control_begin_run(control, &call);
    exec_control_run_params_set_program(params, program);
    const struct capnp_text_list_builder list = exec_control_run_params_init_arguments(params, count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(list, i, argument);
    }
    exec_control_run_params_set_watcher(params, (struct notification){watcher});
    exec_control_run_params_set_bits(params, 1);
    const status_t status = exec_control_finish_run(&call, rpc_patience(), &results);
    if (status_ok(status)) {
        *outcome = exec_control_run_results_get_outcome(results);
    }
    return status;
}

static void try_job_names(struct exec exec, struct exec_control control, struct capnp_text name) {
    RPC_CALL(call);
    struct exec_capabilities_results capabilities;
    struct exec_control_kill_results killed;
    struct exec_control_revoke_results revoked;
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    DONE(exec_call_capabilities(exec, &call, name, 0, rpc_patience(), &capabilities));
    EXPECT(!exec_capabilities_results_get_found(capabilities));
    DONE(exec_control_call_kill(control, &call, name, rpc_patience(), &killed));
    EXPECT_EQ(exec_control_kill_results_get_outcome(killed), EXEC_CONTROL_OUTCOME_NOT_FOUND);
    DONE(exec_control_call_revoke(control, &call, name, 0x10001, rpc_patience(), &revoked));
    EXPECT_EQ(exec_control_revoke_results_get_outcome(revoked), EXEC_CONTROL_OUTCOME_NOT_FOUND);
    DONE(run(name, 1, CAPNP_TEXT("x"), (handle_t){}, &outcome));
    EXPECT_EQ(outcome, EXEC_CONTROL_OUTCOME_NOT_FOUND);
}

static void try_exec(void) {
    const struct service *service = service_named("exec");
    const struct exec exec = {service->plain};
    const struct exec_control control = {service->control};
    const handle_t vmo = some_vmo();
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    RPC_CALL(call);
    for (uint32_t i = 0; i < BAD_NAMES; i++) {
        try_job_names(exec, control, bad_names[i]);
    }
    try_job_names(exec, control, CAPNP_TEXT("hello\0"));
    INVALID(run(CAPNP_TEXT("hello"), 1, CAPNP_TEXT("a\0b"), (handle_t){}, &outcome));
    INVALID(run(CAPNP_TEXT("hello"), 1, CAPNP_TEXT("x"), vmo, &outcome));
    INVALID(run(CAPNP_TEXT("hello"), 1, CAPNP_TEXT("x"), suite.process, &outcome));
    DONE(exec_call_jobs(exec, &call, UINT32_MAX, rpc_patience(), nullptr));
    DONE(exec_call_programs(exec, &call, UINT32_MAX, rpc_patience(), nullptr));
    suite_close(vmo);
}

CASE(hostile_exec) {
    twice(try_exec);
}

// Arguments that do not fit into a page are more than a program can be given.
static void run_far(void) {
    static char long_one[200];
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    memset(long_one, 'x', sizeof long_one);
    DONE(run(CAPNP_TEXT("hello"), 32, (struct capnp_text){long_one, sizeof long_one - 1}, (handle_t){}, &outcome));
    EXPECT_EQ(outcome, EXEC_CONTROL_OUTCOME_TOO_LONG);
}

CASE(hostile_lengths_of_arguments) {
    twice(run_far);
}
