// identityd: the one authority for who is at the machine. Wiring only: accounts and sessions are lib/accounts, the contract
// idl/identity.capnp.
//
// CapSet: `identity` (RECEIVE, MINT), `random`, `roster`, `log`, `state`. A capability to a session is one to the same endpoint, minted here.
// What has changed is kept in `state` before anybody hears of it.
//
// Everybody else waits while a password is looked at; how often that is the delays after wrong ones bound. What was in a message
// is wiped when it was answered.
#include <sodium.h>

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "idl/identity.capnp.h"
#include "idl/log.capnp.h"
#include "idl/random.capnp.h"
#include "lib/accounts/accounts.h"
#include "lib/badge/badge.h"
#include "lib/roster/roster.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"

constexpr uint64_t LOG_PATIENCE_MS = 50;
constexpr uint32_t PIECE_MAX = 32; // of a list, in one answer
constexpr uint64_t USE_NS = 60 * TESS_NS_PER_S; // that a session was used is kept so often, and with all else that is

static_assert(ACCOUNTS_MAX == IDENTITY_ACCOUNTS_MAX && ACCOUNTS_SESSIONS_MAX == IDENTITY_SESSIONS_MAX &&
              ACCOUNTS_OF_HOLDER_MAX == IDENTITY_SESSIONS_OF_HOLDER_MAX && PASSWORD_MIN_BYTES == IDENTITY_PASSWORD_MIN_BYTES &&
              PASSWORD_MAX_BYTES == IDENTITY_PASSWORD_MAX_BYTES && ACCOUNTS_LOCK_NS == IDENTITY_LOCK_AFTER_S * TESS_NS_PER_S &&
              ACCOUNTS_END_NS == IDENTITY_END_AFTER_S * TESS_NS_PER_S && ACCOUNTS_LONGEST_NS == IDENTITY_LONGEST_S * TESS_NS_PER_S);
static_assert((int)ACCOUNTS_ADMINISTRATOR == (int)ROLE_ADMINISTRATOR &&
              (int)ACCOUNTS_LAST_ADMINISTRATOR == (int)IDENTITY_OUTCOME_LAST_ADMINISTRATOR);

static struct accounts accounts;
static bool seeded; // the key of the throttle has been drawn
static bool changed; // since it was kept
static uint64_t kept_ns;
static struct rpc_server server;
static struct random random_numbers;
static struct log log;
static const struct roster *roster;

// ---- what others are asked for ----

// Overwrites the message page: what the request has there has been read.
static status_t draw_bytes(struct rpc_request *request, void *out, uint32_t len) {
    RPC_CALL(call);
    struct random_fill_results results;
    const status_t status = random_call_fill(random_numbers, &call, len, rpc_patience(), &results);
    const struct capnp_data bytes = status_ok(status) ? random_fill_results_get_bytes(results) : (struct capnp_data){};
    if (bytes.len != len) {
        return rpc_refuse(request, RPC_OVERLOADED, "there are no random numbers: %s", rpc_status_text(status));
    }
    memcpy(out, bytes.bytes, len);
    return STATUS_OK;
}

static status_t draw(struct rpc_request *request, struct accounts_drawn *drawn) {
    if (!seeded) { // not at the start, when there may be no entropy yet
        TRY(draw_bytes(request, accounts.throttle.key, sizeof(accounts.throttle.key)));
        seeded = true;
    }
    return draw_bytes(request, drawn, sizeof(*drawn));
}

// Who did what, for whoever reads the log. Nobody waits long for a log that does not listen.
[[gnu::format(printf, 2, 3)]] static void note(enum log_level level, const char *format, ...) {
    RPC_CALL(call);
    char text[128];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)log_send_append(log, &call, level, capnp_text(text), tess_deadline_after_ms(LOG_PATIENCE_MS));
}

static bool lives(void *, uint64_t holder) {
    return roster_has(roster, holder);
}

static status_t mint(const struct accounts_session *session, bool acts, struct session *out) {
    const rights_t rights = {RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT};
    return tess_handle_mint(server.endpoint, rights, accounts_badge(session->number, acts), SESSION_ID, &out->handle);
}

// ---- what a request says ----

// Taken out of the message page before that is used for anything else; wiped with it.
static struct {
    char name[NAME_BYTES];
    uint8_t password[PASSWORD_MAX_BYTES], second[PASSWORD_MAX_BYTES];
    size_t len, second_len;
} said;

static status_t take_name(struct rpc_request *request, struct capnp_text name) {
    return name_put(said.name, name.bytes, name.len)
               ? STATUS_OK
               : rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space", NAME_BYTES - 1);
}

static void take_password(struct capnp_data password) {
    said.len = password.len; // the contract bounds it
    memcpy(said.password, password.bytes, password.len);
}

static struct accounts_claim claim(void) {
    return (struct accounts_claim){said.name, said.password, said.len};
}

// A result as the contract's outcome; without memory the request is refused instead. Done or wrong: something is another way now.
static status_t settled(struct rpc_request *request, enum accounts_result result, enum identity_outcome *outcome) {
    changed = changed || result == ACCOUNTS_DONE || result == ACCOUNTS_WRONG;
    if (result == ACCOUNTS_NO_MEMORY) {
        return rpc_refuse(request, RPC_OVERLOADED, "there is no memory to look at a password");
    }
    *outcome = (enum identity_outcome)result;
    return STATUS_OK;
}

static uint64_t ms_of(uint64_t ns) {
    return (ns + TESS_NS_PER_MS - 1) / TESS_NS_PER_MS;
}

static void describe(const struct accounts_session *session, struct session_info_builder info) {
    session_info_set_id(info, session->id);
    session_info_set_name(info, capnp_text(accounts_session_name(session)));
    session_info_set_role(info, (enum role)accounts_session_role(session));
    session_info_set_locked(info, session->locked);
    session_info_set_holder(info, session->holder);
    session_info_set_started_ns(info, session->started_ns);
    session_info_set_used_ns(info, session->used_ns);
    session_info_set_ends_ns(info, accounts_session_ends_ns(session));
}

// ---- coming in ----

static status_t state(void *, struct rpc_request *, struct identity_state_params, struct identity_state_results_builder results) {
    identity_state_results_set_accounts(results, accounts_count(&accounts));
    identity_state_results_set_guests(results, !accounts.no_guests);
    return STATUS_OK;
}

// The capability to a session that was opened just now; without one there is no session either.
static status_t hand_over(struct accounts_session *session, struct session *out) {
    const status_t status = mint(session, true, out);
    if (!status_ok(status)) {
        accounts_logout(session);
    }
    return status;
}

static void note_login(enum accounts_result result, uint64_t badge) {
    char holder[NAME_BYTES];
    roster_name(roster, badge_holder(badge), holder);
    if (result == ACCOUNTS_DONE) {
        note(LOG_LEVEL_INFO, "%s logged in at %s", said.name, holder);
    } else if (result == ACCOUNTS_WRONG) {
        note(LOG_LEVEL_WARNING, "wrong name or password at %s", holder); // what was typed may be a password
    }
}

static status_t login(void *, struct rpc_request *request, struct identity_login_params params, struct identity_login_results_builder results) {
    struct accounts_drawn drawn;
    struct accounts_session *session;
    struct session made;
    uint64_t wait_ns = 0;
    enum identity_outcome outcome;
    TRY(take_name(request, identity_login_params_get_name(params)));
    take_password(identity_login_params_get_password(params));
    TRY(rpc_well_formed(request));
    TRY(draw(request, &drawn));
    (void)accounts_sweep(&accounts, lives, nullptr);
    const enum accounts_result result =
        accounts_login(&accounts, badge_holder(request->badge), claim(), &drawn, tess_now_ns(), &session, &wait_ns);
    TRY(settled(request, result, &outcome));
    note_login(result, request->badge);
    if (result == ACCOUNTS_DONE) {
        TRY(hand_over(session, &made));
        identity_login_results_give_session(results, made);
    }
    identity_login_results_set_outcome(results, outcome);
    identity_login_results_set_retry_ms(results, ms_of(wait_ns));
    return STATUS_OK;
}

static status_t guest(void *, struct rpc_request *request, struct identity_guest_params, struct identity_guest_results_builder results) {
    struct accounts_drawn drawn;
    struct accounts_session *session;
    struct session made;
    enum identity_outcome outcome;
    TRY(draw(request, &drawn));
    (void)accounts_sweep(&accounts, lives, nullptr);
    const enum accounts_result result = accounts_guest(&accounts, badge_holder(request->badge), &drawn, tess_now_ns(), &session);
    TRY(settled(request, result, &outcome));
    if (result == ACCOUNTS_DONE) {
        TRY(hand_over(session, &made));
        identity_guest_results_give_session(results, made);
    }
    identity_guest_results_set_outcome(results, outcome);
    return STATUS_OK;
}

static status_t set_up(void *, struct rpc_request *request, struct identity_control_set_up_params params,
                       struct identity_control_set_up_results_builder results) {
    struct accounts_drawn drawn;
    struct accounts_session *session;
    struct session made;
    enum identity_outcome outcome;
    TRY(take_name(request, identity_control_set_up_params_get_name(params)));
    take_password(identity_control_set_up_params_get_password(params));
    TRY(rpc_well_formed(request));
    TRY(draw(request, &drawn));
    const enum accounts_result result =
        accounts_set_up(&accounts, badge_holder(request->badge), claim(), &drawn, tess_now_ns(), &session);
    TRY(settled(request, result, &outcome));
    if (result == ACCOUNTS_DONE) {
        note(LOG_LEVEL_INFO, "set up, with %s as administrator", said.name);
        TRY(hand_over(session, &made));
        identity_control_set_up_results_give_session(results, made);
    }
    identity_control_set_up_results_set_outcome(results, outcome);
    return STATUS_OK;
}

// Whether a handle of this process is one to its own endpoint, and under which badge.
static bool is_ours(handle_t handle, uint64_t *badge) {
    uint64_t type, rights, interface_id, koid, own_badge, own_koid;
    return tess_handle_valid(handle) &&
           status_ok(tess_process_handle_info(tess_self_process(), server.endpoint.v, &type, &rights, &own_badge, &interface_id, &own_koid)) &&
           status_ok(tess_process_handle_info(tess_self_process(), handle.v, &type, &rights, badge, &interface_id, &koid)) &&
           koid == own_koid;
}

static status_t check(void *, struct rpc_request *request, struct identity_check_params params, struct identity_check_results_builder results) {
    uint64_t badge = 0;
    const struct session given = identity_check_params_get_session(params);
    TRY(rpc_well_formed(request));
    const struct accounts_session *session =
        is_ours(given.handle, &badge) && badge_is_made(badge) ? accounts_find(&accounts, accounts_badge_number(badge), tess_now_ns()) : nullptr;
    if (session != nullptr) {
        identity_check_results_set_genuine(results, true);
        describe(session, identity_check_results_init_info(results));
    }
    return STATUS_OK;
}

// ---- being there ----

static status_t find(struct rpc_request *request, struct accounts_session **out) {
    *out = accounts_find(&accounts, accounts_badge_number(request->badge), tess_now_ns());
    return *out != nullptr ? STATUS_OK : rpc_refuse(request, RPC_DISCONNECTED, "the session has ended");
}

// The session, if the request may act for it: *may is DONE then, and the request counts as use.
static status_t act(struct rpc_request *request, struct accounts_session **out, enum accounts_result *may) {
    TRY(rpc_well_formed(request));
    TRY(find(request, out));
    *may = !accounts_badge_acts(request->badge) ? ACCOUNTS_NOT_ALLOWED : (*out)->locked ? ACCOUNTS_LOCKED : ACCOUNTS_DONE;
    if (*may == ACCOUNTS_DONE) {
        accounts_use(*out, tess_now_ns());
        changed = changed || tess_now_ns() - kept_ns >= USE_NS;
    }
    return STATUS_OK;
}

static status_t info(void *, struct rpc_request *request, struct session_info_params, struct session_info_results_builder results) {
    struct accounts_session *session;
    TRY(find(request, &session));
    describe(session, session_info_results_init_info(results));
    return STATUS_OK;
}

static status_t touch(void *, struct rpc_request *request, struct session_touch_params, struct session_touch_results_builder results) {
    struct accounts_session *session;
    enum accounts_result may;
    TRY(act(request, &session, &may));
    if (may == ACCOUNTS_NOT_ALLOWED) {
        return rpc_refuse(request, RPC_UNIMPLEMENTED, "this capability only shows whose session it is");
    }
    describe(session, session_touch_results_init_info(results)); // which says if it is locked
    return STATUS_OK;
}

static status_t lock(void *, struct rpc_request *request, struct session_lock_params, struct session_lock_results_builder results) {
    struct accounts_session *session;
    enum accounts_result may;
    TRY(act(request, &session, &may));
    if (may == ACCOUNTS_DONE) {
        may = accounts_lock(session);
        changed = true;
    }
    session_lock_results_set_outcome(results, (enum identity_outcome)may);
    return STATUS_OK;
}

static status_t unlock(void *, struct rpc_request *request, struct session_unlock_params params, struct session_unlock_results_builder results) {
    struct accounts_session *session;
    uint64_t wait_ns = 0;
    enum identity_outcome outcome;
    enum accounts_result result = ACCOUNTS_NOT_ALLOWED;
    take_password(session_unlock_params_get_password(params));
    TRY(rpc_well_formed(request));
    TRY(find(request, &session));
    if (accounts_badge_acts(request->badge)) {
        result = accounts_unlock(&accounts, session, said.password, said.len, tess_now_ns(), &wait_ns);
    }
    TRY(settled(request, result, &outcome));
    if (result == ACCOUNTS_WRONG) {
        note(LOG_LEVEL_WARNING, "wrong password to unlock a session of %s", accounts_session_name(session));
    }
    session_unlock_results_set_outcome(results, outcome);
    session_unlock_results_set_retry_ms(results, ms_of(wait_ns));
    return STATUS_OK;
}

static status_t logout(void *, struct rpc_request *request, struct session_logout_params, struct session_logout_results_builder results) {
    struct accounts_session *session;
    TRY(find(request, &session));
    const bool acts = accounts_badge_acts(request->badge);
    if (acts) {
        accounts_logout(session);
        changed = true;
    }
    session_logout_results_set_outcome(results, acts ? IDENTITY_OUTCOME_DONE : IDENTITY_OUTCOME_NOT_ALLOWED);
    return STATUS_OK;
}

static status_t observe(void *, struct rpc_request *request, struct session_observe_params, struct session_observe_results_builder results) {
    struct accounts_session *session;
    struct session made;
    TRY(find(request, &session));
    TRY(mint(session, false, &made));
    session_observe_results_give_session(results, made);
    return STATUS_OK;
}

static status_t change_password(void *, struct rpc_request *request, struct session_change_password_params params,
                                struct session_change_password_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    enum accounts_result result;
    enum identity_outcome outcome;
    uint64_t wait_ns = 0;
    take_password(session_change_password_params_get_old(params));
    const struct capnp_data new = session_change_password_params_get_new(params);
    said.second_len = new.len; // the contract bounds it
    memcpy(said.second, new.bytes, new.len);
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        TRY(draw(request, &drawn));
        result = accounts_change_password(&accounts, session, said.password, said.len, said.second, said.second_len, &drawn, tess_now_ns(), &wait_ns);
    }
    TRY(settled(request, result, &outcome));
    session_change_password_results_set_outcome(results, outcome);
    session_change_password_results_set_retry_ms(results, ms_of(wait_ns));
    return STATUS_OK;
}

static status_t sessions(void *, struct rpc_request *request, struct session_sessions_params params, struct session_sessions_results_builder results) {
    struct accounts_session *session;
    enum accounts_result may;
    const uint32_t first = session_sessions_params_get_first(params);
    uint32_t total = 0;
    TRY(act(request, &session, &may));
    session_sessions_results_set_outcome(results, (enum identity_outcome)may);
    if (may != ACCOUNTS_DONE) {
        return STATUS_OK;
    }
    const uint64_t now = tess_now_ns();
    (void)accounts_visible(&accounts, session, first, now, &total);
    const uint32_t left = first < total ? total - first : 0, count = left < PIECE_MAX ? left : PIECE_MAX;
    const struct session_info_list_builder list = session_sessions_results_init_sessions(results, count);
    for (uint32_t i = 0; i < count; i++) {
        describe(accounts_visible(&accounts, session, first + i, now, &total), session_info_list_edit(list, i));
    }
    session_sessions_results_set_total(results, total);
    return STATUS_OK;
}

static status_t end(void *, struct rpc_request *request, struct session_end_params params, struct session_end_results_builder results) {
    struct accounts_session *session;
    enum accounts_result result;
    const uint32_t id = session_end_params_get_id(params);
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        result = accounts_end(&accounts, session, id, tess_now_ns());
        changed = true;
    }
    session_end_results_set_outcome(results, (enum identity_outcome)result);
    return STATUS_OK;
}

// ---- administration ----

static status_t list_accounts(void *, struct rpc_request *request, struct session_accounts_params params,
                              struct session_accounts_results_builder results) {
    struct accounts_session *session;
    enum accounts_result may;
    const uint32_t first = session_accounts_params_get_first(params);
    TRY(act(request, &session, &may));
    if (may == ACCOUNTS_DONE && accounts_session_role(session) != ACCOUNTS_ADMINISTRATOR) {
        may = ACCOUNTS_NOT_ALLOWED;
    }
    session_accounts_results_set_outcome(results, (enum identity_outcome)may);
    if (may != ACCOUNTS_DONE) {
        return STATUS_OK;
    }
    const uint32_t total = accounts_count(&accounts), left = first < total ? total - first : 0;
    const uint32_t count = left < PIECE_MAX ? left : PIECE_MAX;
    const struct account_info_list_builder list = session_accounts_results_init_accounts(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct account *account = accounts_at(&accounts, first + i);
        const struct account_info_builder to = account_info_list_edit(list, i);
        account_info_set_name(to, capnp_text(account->name));
        account_info_set_role(to, (enum role)account->role);
        account_info_set_sessions(to, accounts_sessions_of(&accounts, account));
        account_info_set_created_ns(to, account->created_ns);
    }
    session_accounts_results_set_total(results, total);
    return STATUS_OK;
}

static status_t add_account(void *, struct rpc_request *request, struct session_add_account_params params,
                            struct session_add_account_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    enum accounts_result result;
    enum identity_outcome outcome;
    const enum role role = session_add_account_params_get_role(params);
    TRY(take_name(request, session_add_account_params_get_name(params)));
    take_password(session_add_account_params_get_password(params));
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        TRY(draw(request, &drawn));
        result = accounts_add(&accounts, session, role <= ROLE_ADMINISTRATOR ? (enum accounts_role)role : ACCOUNTS_GUEST, claim(), &drawn, tess_now_ns());
    }
    TRY(settled(request, result, &outcome));
    if (result == ACCOUNTS_DONE) {
        note(LOG_LEVEL_INFO, "%s added the account %s", accounts_session_name(session), said.name);
    }
    session_add_account_results_set_outcome(results, outcome);
    return STATUS_OK;
}

static status_t remove_account(void *, struct rpc_request *request, struct session_remove_account_params params,
                               struct session_remove_account_results_builder results) {
    struct accounts_session *session;
    enum accounts_result result;
    TRY(take_name(request, session_remove_account_params_get_name(params)));
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        result = accounts_remove(&accounts, session, said.name); // the session may be among those that end
    }
    if (result == ACCOUNTS_DONE) {
        changed = true;
        note(LOG_LEVEL_INFO, "the account %s was removed", said.name);
    }
    session_remove_account_results_set_outcome(results, (enum identity_outcome)result);
    return STATUS_OK;
}

static status_t set_password(void *, struct rpc_request *request, struct session_set_password_params params,
                             struct session_set_password_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    enum accounts_result result;
    enum identity_outcome outcome;
    TRY(take_name(request, session_set_password_params_get_name(params)));
    take_password(session_set_password_params_get_password(params));
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        TRY(draw(request, &drawn));
        result = accounts_set_password(&accounts, session, claim(), &drawn);
    }
    TRY(settled(request, result, &outcome));
    if (result == ACCOUNTS_DONE) {
        note(LOG_LEVEL_INFO, "the password of %s was set anew by an administrator", said.name);
    }
    session_set_password_results_set_outcome(results, outcome);
    return STATUS_OK;
}

static status_t allow_guests(void *, struct rpc_request *request, struct session_allow_guests_params params,
                             struct session_allow_guests_results_builder results) {
    struct accounts_session *session;
    enum accounts_result result;
    const bool allowed = session_allow_guests_params_get_allowed(params);
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        result = accounts_allow_guests(&accounts, session, allowed);
        changed = true;
    }
    session_allow_guests_results_set_outcome(results, (enum identity_outcome)result);
    return STATUS_OK;
}

static const struct identity_control_server methods = {
    .identity = {.state = state, .login = login, .guest = guest, .check = check},
    .set_up = set_up,
};
static const struct session_server session_methods = {
    .info = info,
    .touch = touch,
    .lock = lock,
    .unlock = unlock,
    .logout = logout,
    .observe = observe,
    .change_password = change_password,
    .sessions = sessions,
    .end = end,
    .accounts = list_accounts,
    .add_account = add_account,
    .remove_account = remove_account,
    .set_password = set_password,
    .allow_guests = allow_guests,
};

static status_t dispatch(struct rpc_request *request) {
    if (badge_is_made(request->badge)) {
        return session_dispatch(&session_methods, nullptr, request);
    }
    return badge_controls(request->badge) ? identity_control_dispatch(&methods, nullptr, request)
                                          : identity_dispatch(&methods.identity, nullptr, request);
}

// What has changed is kept, then the last answer goes out, and nothing of it stays.
static uint64_t wipe(void) {
    if (changed) {
        service_keep();
        changed = false;
        kept_ns = tess_now_ns();
    }
    rpc_server_answer(&server);
    sodium_memzero(&said, sizeof(said));
    sodium_memzero(server.page, sizeof(server.page));
    sodium_memzero(tess_message_page(), MESSAGE_PAGE_BYTES);
    return DEADLINE_NEVER;
}

static size_t save(void *to, size_t room) {
    return accounts_save(&accounts, to, room);
}

static bool adopt(const void *state, size_t len_bytes) {
    const bool understood = accounts_adopt(&accounts, state, len_bytes);
    seeded = seeded || (understood && (accounts.throttle.key[0] | accounts.throttle.key[1]) != 0); // zero only where none was drawn
    return understood;
}

static const struct service service = {.provides = "identity", .interface_id = IDENTITY_ID, .accept = 1, // a session to be checked
                                        .before_wait = wipe, .save = save, .adopt = adopt, .keeps = "state"};

int main(int argc, char **argv) {
    static const uint64_t no_key[2];
    (void)argc;
    (void)argv;
    accounts_init(&accounts, PASSWORD_COST, no_key);
    free(malloc(1)); // the heap's first region stays: what the service holds is the same before and after a password
    random_numbers.handle = tess_cap_required("random", RANDOM_ID);
    log.handle = tess_cap_required("log", LOG_ID);
    roster = roster_open("roster");
    return service_run(&service, &server, dispatch);
}
