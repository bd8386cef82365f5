// identityd: the one authority for who is at the machine. Wiring only: accounts and sessions are lib/accounts, the contract
// idl/identity.capnp.
//
// CapSet: `identity` (RECEIVE, MINT), `random`, `roster`, `log`, `state`. A capability to a session is one to the same endpoint, minted here.
// What has changed is kept in `state` before anybody hears of it.
//
// What needs a password is in password.c. What was in a message is wiped when it was answered.
#include <sodium.h>

#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/identity.capnp.h"
#include "idl/random.capnp.h"
#include "lib/badge/badge.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "services/identityd/identityd.h"

constexpr uint64_t LOG_PATIENCE_MS = 50;
constexpr uint32_t PIECE_MAX = 32; // of a list, in one answer
constexpr uint64_t USE_NS = 60 * TESS_NS_PER_S; // that a session was used is kept so often, and with all else that is

static_assert(ACCOUNTS_MAX == IDENTITY_ACCOUNTS_MAX && ACCOUNTS_SESSIONS_MAX == IDENTITY_SESSIONS_MAX &&
              ACCOUNTS_OF_HOLDER_MAX == IDENTITY_SESSIONS_OF_HOLDER_MAX && PASSWORD_MIN_BYTES == IDENTITY_PASSWORD_MIN_BYTES &&
              PASSWORD_MAX_BYTES == IDENTITY_PASSWORD_MAX_BYTES && ACCOUNTS_LOCK_NS == IDENTITY_LOCK_AFTER_S * TESS_NS_PER_S &&
              ACCOUNTS_END_NS == IDENTITY_END_AFTER_S * TESS_NS_PER_S && ACCOUNTS_LONGEST_NS == IDENTITY_LONGEST_S * TESS_NS_PER_S);
static_assert((int)ACCOUNTS_ADMINISTRATOR == (int)ROLE_ADMINISTRATOR &&
              (int)ACCOUNTS_LAST_ADMINISTRATOR == (int)IDENTITY_OUTCOME_LAST_ADMINISTRATOR);

struct identityd self;

static bool seeded; // the key of the throttle has been drawn
static uint64_t kept_ns;
static struct rpc_server server;
static bool is_wiped = true; // nothing of a request is left
static struct random random_numbers;
static struct log log;

// ---- what others are asked for ----

// Overwrites the message page: what the request has there has been read.
static status_t draw_bytes(struct rpc_request *request, void *out, uint32_t len) {
    RPC_CALL(call);
    struct random_fill_results results;
    const status_t status = random_call_fill(random_numbers, &call, len, rpc_patience(), &results);
    const struct capnp_data bytes = status_ok(status) ? random_fill_results_get_bytes(results) : (struct capnp_data){};
    if (bytes.len != len) {
        char denied[DENIAL_TEXT_BYTES];
        return rpc_refuse(request, RPC_OVERLOADED, "there are no random numbers: %s", service_status_text(status, denied));
    }
    memcpy(out, bytes.bytes, len);
    return STATUS_OK;
}

static status_t draw(struct rpc_request *request, struct accounts_drawn *drawn) {
    if (!seeded) { // not at the start, when there may be no entropy yet
        TRY(draw_bytes(request, self.accounts.throttle.key, sizeof(self.accounts.throttle.key)));
        seeded = true;
    }
    return draw_bytes(request, drawn, sizeof(*drawn));
}

void note(enum log_level level, const char *format, ...) {
    RPC_CALL(call);
    char text[128];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)log_send_append(log, &call, level, capnp_text(text), tess_deadline_after_ms(LOG_PATIENCE_MS));
}

static bool lives(void *, uint64_t holder) {
    return roster_has(self.roster, holder);
}

static constexpr rights_t SESSION_RIGHTS = {RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT};

status_t mint(const struct accounts_session *session, bool acts, struct session *out) {
    // Not where the server receives: while a password is waited for before a handover, that is the supervisor's way in.
    return tess_handle_mint(tess_cap_required("identity", IDENTITY_ID), SESSION_RIGHTS, accounts_badge(session->number, acts), SESSION_ID, &out->handle);
}

// ---- what a request says ----

static status_t take_name(struct rpc_request *request, struct capnp_text name, char out[NAME_BYTES]) {
    return name_put(out, name.bytes, name.len)
               ? STATUS_OK
               : rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space", NAME_BYTES - 1);
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
    identity_state_results_set_accounts(results, accounts_count(&self.accounts));
    identity_state_results_set_guests(results, !self.accounts.no_guests);
    return STATUS_OK;
}

static status_t login(void *, struct rpc_request *request, struct identity_login_params params, struct identity_login_results_builder) {
    struct wanted *wanted;
    struct accounts_drawn drawn;
    TRY(password_place(request, WISH_LOGIN, badge_holder(request->badge), &wanted));
    TRY(take_name(request, identity_login_params_get_name(params), wanted->name));
    password_take(&wanted->password, identity_login_params_get_password(params));
    TRY(rpc_well_formed(request));
    TRY(draw(request, &drawn));
    wanted->drawn = drawn;
    (void)accounts_sweep(&self.accounts, lives, nullptr);
    return password_ask(request, wanted);
}

static status_t guest(void *, struct rpc_request *request, struct identity_guest_params, struct identity_guest_results_builder results) {
    struct accounts_drawn drawn;
    struct accounts_session *session;
    struct session made;
    TRY(draw(request, &drawn));
    (void)accounts_sweep(&self.accounts, lives, nullptr);
    const enum accounts_result result = accounts_guest(&self.accounts, badge_holder(request->badge), &drawn, tess_now_ns(), &session);
    if (result == ACCOUNTS_DONE) {
        const status_t status = mint(session, true, &made);
        if (!status_ok(status)) {
            accounts_logout(session); // nobody has heard of it
            return status;
        }
        self.changed = true;
        identity_guest_results_give_session(results, made);
    }
    identity_guest_results_set_outcome(results, (enum identity_outcome)result);
    return STATUS_OK;
}

static status_t set_up(void *, struct rpc_request *request, struct identity_control_set_up_params params,
                       struct identity_control_set_up_results_builder) {
    struct wanted *wanted;
    struct accounts_drawn drawn;
    TRY(password_place(request, WISH_SET_UP, badge_holder(request->badge), &wanted));
    TRY(take_name(request, identity_control_set_up_params_get_name(params), wanted->name));
    password_take(&wanted->password, identity_control_set_up_params_get_password(params));
    TRY(rpc_well_formed(request));
    TRY(draw(request, &drawn));
    wanted->drawn = drawn;
    return password_ask(request, wanted);
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
        is_ours(given.handle, &badge) && badge_is_made(badge) ? accounts_find(&self.accounts, accounts_badge_number(badge), tess_now_ns()) : nullptr;
    identity_check_results_set_accounts(results, accounts_count(&self.accounts));
    if (session != nullptr) {
        identity_check_results_set_genuine(results, true);
        describe(session, identity_check_results_init_info(results));
    }
    return STATUS_OK;
}

// ---- being there ----

static status_t find(struct rpc_request *request, struct accounts_session **out) {
    *out = accounts_find(&self.accounts, accounts_badge_number(request->badge), tess_now_ns());
    return *out != nullptr ? STATUS_OK : rpc_refuse(request, RPC_DISCONNECTED, "the session has ended");
}

// The session, if the request may act for it: *may is DONE then, and the request counts as use.
static status_t act(struct rpc_request *request, struct accounts_session **out, enum accounts_result *may) {
    TRY(rpc_well_formed(request));
    TRY(find(request, out));
    *may = !accounts_badge_acts(request->badge) ? ACCOUNTS_NOT_ALLOWED : (*out)->locked ? ACCOUNTS_LOCKED : ACCOUNTS_DONE;
    if (*may == ACCOUNTS_DONE) {
        accounts_use(*out, tess_now_ns());
        self.changed = self.changed || tess_now_ns() - kept_ns >= USE_NS;
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
        self.changed = true;
    }
    session_lock_results_set_outcome(results, (enum identity_outcome)may);
    return STATUS_OK;
}

static status_t unlock(void *, struct rpc_request *request, struct session_unlock_params params, struct session_unlock_results_builder results) {
    struct accounts_session *session;
    struct wanted *wanted;
    TRY(rpc_well_formed(request));
    TRY(find(request, &session));
    if (!accounts_badge_acts(request->badge)) {
        session_unlock_results_set_outcome(results, IDENTITY_OUTCOME_NOT_ALLOWED);
        return STATUS_OK;
    }
    TRY(password_place(request, WISH_UNLOCK, session->holder, &wanted));
    (void)str_copy(wanted->name, sizeof(wanted->name), accounts_session_name(session)); // as long
    password_take(&wanted->password, session_unlock_params_get_password(params));
    TRY(rpc_well_formed(request));
    return password_ask(request, wanted);
}

static status_t logout(void *, struct rpc_request *request, struct session_logout_params, struct session_logout_results_builder results) {
    struct accounts_session *session;
    TRY(find(request, &session));
    const bool acts = accounts_badge_acts(request->badge);
    if (acts) {
        accounts_logout(session);
        self.changed = true;
    }
    session_logout_results_set_outcome(results, acts ? IDENTITY_OUTCOME_DONE : IDENTITY_OUTCOME_NOT_ALLOWED);
    return STATUS_OK;
}

static status_t observe(void *, struct rpc_request *request, struct session_observe_params, struct session_observe_results_builder results) {
    struct accounts_session *session;
    TRY(find(request, &session));
    session_observe_results_mint_session(results, request, SESSION_RIGHTS, accounts_badge(session->number, false));
    return STATUS_OK;
}

static status_t change_password(void *, struct rpc_request *request, struct session_change_password_params params,
                                struct session_change_password_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    struct wanted *wanted;
    enum accounts_result may;
    const struct capnp_data old = session_change_password_params_get_old(params), new = session_change_password_params_get_new(params);
    TRY(act(request, &session, &may));
    if (may != ACCOUNTS_DONE) {
        session_change_password_results_set_outcome(results, (enum identity_outcome)may);
        return STATUS_OK;
    }
    TRY(password_place(request, WISH_CHANGE, session->holder, &wanted));
    (void)str_copy(wanted->name, sizeof(wanted->name), accounts_session_name(session)); // as long
    password_take(&wanted->password, old);
    password_take(&wanted->second, new);
    TRY(draw(request, &drawn));
    wanted->drawn = drawn;
    return password_ask(request, wanted);
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
    (void)accounts_visible(&self.accounts, session, first, now, &total);
    const uint32_t left = first < total ? total - first : 0, count = left < PIECE_MAX ? left : PIECE_MAX;
    const struct session_info_list_builder list = session_sessions_results_init_sessions(results, count);
    for (uint32_t i = 0; i < count; i++) {
        describe(accounts_visible(&self.accounts, session, first + i, now, &total), session_info_list_edit(list, i));
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
        result = accounts_end(&self.accounts, session, id, tess_now_ns());
        self.changed = true;
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
    const uint32_t total = accounts_count(&self.accounts), left = first < total ? total - first : 0;
    const uint32_t count = left < PIECE_MAX ? left : PIECE_MAX;
    const struct account_info_list_builder list = session_accounts_results_init_accounts(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct accounts_account *account = accounts_at(&self.accounts, first + i);
        const struct account_info_builder to = account_info_list_edit(list, i);
        account_info_set_name(to, capnp_text(account->name));
        account_info_set_role(to, (enum role)account->role);
        account_info_set_sessions(to, accounts_sessions_of(&self.accounts, account));
        account_info_set_created_ns(to, account->created_ns);
    }
    session_accounts_results_set_total(results, total);
    return STATUS_OK;
}

static status_t add_account(void *, struct rpc_request *request, struct session_add_account_params params,
                            struct session_add_account_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    struct wanted *wanted;
    enum accounts_result may;
    char name[NAME_BYTES];
    const enum role role = session_add_account_params_get_role(params);
    const struct capnp_data password = session_add_account_params_get_password(params);
    TRY(take_name(request, session_add_account_params_get_name(params), name));
    TRY(act(request, &session, &may));
    if (may != ACCOUNTS_DONE) {
        session_add_account_results_set_outcome(results, (enum identity_outcome)may);
        return STATUS_OK;
    }
    TRY(password_place(request, WISH_ADD, session->holder, &wanted));
    memcpy(wanted->name, name, sizeof(name));
    wanted->role = role <= ROLE_ADMINISTRATOR ? (enum accounts_role)role : ACCOUNTS_GUEST;
    password_take(&wanted->password, password);
    TRY(draw(request, &drawn));
    wanted->drawn = drawn;
    return password_ask(request, wanted);
}

static status_t remove_account(void *, struct rpc_request *request, struct session_remove_account_params params,
                               struct session_remove_account_results_builder results) {
    struct accounts_session *session;
    enum accounts_result result;
    char name[NAME_BYTES];
    TRY(take_name(request, session_remove_account_params_get_name(params), name));
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        result = accounts_remove(&self.accounts, session, name); // the session may be among those that end
    }
    if (result == ACCOUNTS_DONE) {
        self.changed = true;
        note(LOG_LEVEL_INFO, "the account %s was removed", name);
    }
    session_remove_account_results_set_outcome(results, (enum identity_outcome)result);
    return STATUS_OK;
}

static status_t set_password(void *, struct rpc_request *request, struct session_set_password_params params,
                             struct session_set_password_results_builder results) {
    struct accounts_session *session;
    struct accounts_drawn drawn;
    struct wanted *wanted;
    enum accounts_result may;
    char name[NAME_BYTES];
    const struct capnp_data password = session_set_password_params_get_password(params);
    TRY(take_name(request, session_set_password_params_get_name(params), name));
    TRY(act(request, &session, &may));
    if (may != ACCOUNTS_DONE) {
        session_set_password_results_set_outcome(results, (enum identity_outcome)may);
        return STATUS_OK;
    }
    TRY(password_place(request, WISH_SET, session->holder, &wanted));
    memcpy(wanted->name, name, sizeof(name));
    password_take(&wanted->password, password);
    TRY(draw(request, &drawn));
    wanted->drawn = drawn;
    return password_ask(request, wanted);
}

static status_t allow_guests(void *, struct rpc_request *request, struct session_allow_guests_params params,
                             struct session_allow_guests_results_builder results) {
    struct accounts_session *session;
    enum accounts_result result;
    const bool allowed = session_allow_guests_params_get_allowed(params);
    TRY(act(request, &session, &result));
    if (result == ACCOUNTS_DONE) {
        result = accounts_allow_guests(&self.accounts, session, allowed);
        self.changed = true;
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
    is_wiped = false;
    if (badge_is_made(request->badge)) {
        return session_dispatch(&session_methods, nullptr, request);
    }
    return badge_controls(request->badge) ? identity_control_dispatch(&methods, nullptr, request)
                                          : identity_dispatch(&methods.identity, nullptr, request);
}

void keep_changes(void) {
    if (self.changed) {
        service_keep();
        self.changed = false;
        kept_ns = tess_now_ns();
    }
}

// What has changed is kept, then the last answer goes out ...
static uint64_t before_wait(void) {
    keep_changes();
    return is_wiped ? DEADLINE_NEVER : 0;
}

// ... and nothing of it stays.
static void wipe(void) {
    passwords_wipe();
    sodium_memzero(server.page, sizeof(server.page));
    sodium_memzero(tess_message_page(), MESSAGE_PAGE_BYTES);
    if (server.request.stage != RPC_CHAIN_REQUEST) { // else there are calls to come in it
        sodium_memzero(server.chain.page, sizeof(server.chain.page));
        sodium_memzero(server.chain.kept, sizeof(server.chain.kept));
        is_wiped = true;
    }
}

static void signalled(uint64_t bits) {
    is_wiped = false;
    if ((bits & PASSWORD_BIT) != 0) {
        password_hashed();
    }
}

static size_t save(void *to, size_t room) {
    return accounts_save(&self.accounts, to, room);
}

static bool adopt(const void *state, size_t len_bytes) {
    const bool understood = accounts_adopt(&self.accounts, state, len_bytes);
    seeded = seeded || (understood && (self.accounts.throttle.key[0] | self.accounts.throttle.key[1]) != 0); // zero only where none was drawn
    return understood;
}

static const struct service service = {.provides = "identity", .interface_id = IDENTITY_ID, .accept = 1, // a session to be checked
                                        .before_wait = before_wait, .when_due = wipe, .events = &password_done, .signalled = signalled,
                                        .save = save, .adopt = adopt, .owes = passwords_waiting, .keeps = "state"};

int main(int argc, char **argv) {
    static const uint64_t no_key[2];
    (void)argc;
    (void)argv;
    accounts_init(&self.accounts, PASSWORD_COST, no_key);
    free(malloc(1)); // the heap's first region stays: what the service holds is the same before and after a password
    random_numbers.handle = tess_cap_required("random", RANDOM_ID);
    log.handle = tess_cap_required("log", LOG_ID);
    self.roster = roster_open("roster");
    if (!status_ok(passwords_init())) {
        tess_panic("identityd: its account cannot pay for a notification");
    }
    return service_run(&service, &server, dispatch);
}
