// Who is at this shell: logging in and out, and the commands around it. The accounts are identityd's.
//
// The shell acts for whoever is logged in: nobody reaches what it was granted but through its commands, so it is here that is asked
// whether the person may. What the answer is the policy decides (idl/policy.capnp), of the session that it is shown.
#include "lib/commands/identity.h"

#include "lib/commands/background.h"
#include "lib/commands/mode.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/identity.capnp.h"
#include "idl/policy.capnp.h"
#include "lib/denial/denial.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

constexpr size_t DEPTH_MAX = 4; // sessions one on top of the other: `su`
constexpr size_t PASSWORD_BYTES = IDENTITY_PASSWORD_MAX_BYTES;
constexpr uint64_t PAUSE_MS = 200;
#define IDENTITY_SERVICE "identityd"
#define POLICY_SERVICE "policyd"

static struct {
    struct identity_control service; // 0: not granted, and everybody may do everything
    struct session sessions[DEPTH_MAX];
    size_t depth; // 0: nobody is there
    bool claimed; // there are accounts, or there were when this shell last looked
    bool lost;    // and they went with identityd
    bool goes_without; // a session: identityd cannot make any, having no entropy
    bool unanswered;   // identityd does not say who there is: as if there were accounts, and this were nobody
    bool recovering;   // identityd does not even run: whoever chose this mode stands at the machine
    char name[NAME_BYTES];
    enum role role;
} self;

static struct session current(void) {
    return self.depth > 0 ? self.sessions[self.depth - 1] : (struct session){};
}

static const char *role_name(enum role role) {
    static const char *const names[] = {"guest", "user", "administrator"};
    return role <= ROLE_ADMINISTRATOR ? names[role] : "?";
}

static const char *outcome_name(enum identity_outcome outcome) {
    static const char *const texts[] = {
        [IDENTITY_OUTCOME_DONE] = "done",
        [IDENTITY_OUTCOME_WRONG] = "the name or the password is not right",
        [IDENTITY_OUTCOME_WAIT] = "too many were wrong; try again later",
        [IDENTITY_OUTCOME_LOCKED] = "the session is locked",
        [IDENTITY_OUTCOME_NOT_ALLOWED] = "only an administrator may do that; `su NAME` becomes one",
        [IDENTITY_OUTCOME_BAD_NAME] = "a name is 1 to 23 small letters, digits, `-` and `_`, a letter first, and not `guest`",
        [IDENTITY_OUTCOME_BAD_PASSWORD] = "a password has 8 to 128 bytes",
        [IDENTITY_OUTCOME_TAKEN] = "there is an account of this name already",
        [IDENTITY_OUTCOME_NOT_FOUND] = "there is no such account or session",
        [IDENTITY_OUTCOME_FULL] = "there are as many as there can be",
        [IDENTITY_OUTCOME_LAST_ADMINISTRATOR] = "the machine would have no administrator left",
    };
    return outcome <= IDENTITY_OUTCOME_LAST_ADMINISTRATOR ? texts[outcome] : "an answer of a newer version";
}

// What came of a request, for the person.
static int ended(const char *what, const struct rpc_call *call, status_t status, enum identity_outcome outcome, uint64_t retry_ms) {
    char why[RPC_TEXT_BYTES];
    if (!status_ok(status)) {
        rpc_exception_text(call, why);
        return fail("%s: %s\n", what, why[0] != '\0' ? why : status_text(status));
    }
    if (outcome == IDENTITY_OUTCOME_WAIT) {
        return fail("%s: too many were wrong; try again in %llu s\n", what, (unsigned long long)(retry_ms + 999) / 1000);
    }
    return outcome == IDENTITY_OUTCOME_DONE ? COMMAND_OK : fail("%s: %s\n", what, outcome_name(outcome));
}

// ---- asking the person ----

// Reads one line into `text`; false when the person gave up, or the console did. May block as long as the person thinks.
static bool ask(const char *prompt, bool secret, char *text, size_t size) {
    struct shell_text line;
    out_flush();
    if (shell.front->read((struct front_question){.prompt = prompt, .secret = secret}, &line) != FRONT_LINE) {
        return false;
    }
    const bool fits = line.len < size;
    if (fits) {
        memcpy(text, line.bytes, line.len);
        text[line.len] = '\0';
    } else {
        (void)fail("that is too long\n");
    }
    if (secret) {
        memset((char *)line.bytes, 0, line.len); // in the message page
    }
    return fits;
}

static void forget(char *secret, size_t size) {
    memset(secret, 0, size);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

// A new password, twice. `text` has PASSWORD_BYTES + 1.
static bool ask_new(char *text) {
    char again[PASSWORD_BYTES + 1];
    const bool both = ask("new password (8 to 128 bytes): ", true, text, PASSWORD_BYTES + 1) && ask("once more: ", true, again, sizeof(again));
    const bool same = both && str_equal(text, again);
    if (both && !same) {
        (void)fail("these are two different ones\n");
    }
    forget(again, sizeof(again));
    return same;
}

static struct capnp_data secret_of(const char *text) {
    return (struct capnp_data){(const uint8_t *)text, (uint32_t)strlen(text)};
}

// ---- who is there ----

static void be(struct session_info info) {
    (void)shown(self.name, sizeof(self.name), session_info_get_name(info));
    self.role = session_info_get_role(info);
}

// Nobody any more: everything below on the stack is gone with it.
static void leave_all(void) {
    while (self.depth > 0) {
        tess_close(self.sessions[--self.depth].handle);
    }
    self.role = ROLE_GUEST;
    self.name[0] = '\0';
}

// Asks how the session is; false when there is none any more. *locked is written otherwise.
static bool look(bool *locked) {
    RPC_CALL(call);
    struct session_touch_results results;
    const status_t status = session_call_touch(current(), &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return false;
    }
    const struct session_info info = session_touch_results_get_info(results);
    *locked = session_info_get_locked(info);
    be(info);
    return true;
}

static bool enter(struct session session) {
    bool locked;
    if (self.depth == DEPTH_MAX) {
        tess_close(session.handle);
        return false;
    }
    self.sessions[self.depth++] = session;
    if (!look(&locked)) {
        leave_all();
        return false;
    }
    return true;
}

// Whether the machine has accounts. One that had and has not any more lost them with identityd: then nobody but a guest comes in,
// rather than whoever comes first setting it up anew.
static status_t look_at_machine(void) {
    RPC_CALL(call);
    struct identity_state_results results;
    if (mode_is_without(IDENTITY_SERVICE)) {
        self.recovering = mode_now() == SUPERVISOR_MODE_RECOVERY;
        return rpc_status(RPC_DISCONNECTED); // nobody is there who would answer
    }
    const uint64_t deadline_ns = self.unanswered ? tess_deadline_after_ms(PAUSE_MS) : rpc_patience();
    TRY(identity_call_state((struct identity){self.service.handle}, &call, deadline_ns, &results));
    const bool any = identity_state_results_get_accounts(results) > 0;
    self.lost = self.claimed && !any;
    self.claimed = self.claimed || any;
    return STATUS_OK;
}

static int come_in_as_guest(const char *what) {
    RPC_CALL(call);
    struct identity_guest_results results;
    const status_t status = identity_call_guest((struct identity){self.service.handle}, &call, rpc_patience(), &results);
    self.goes_without = status_is(status, rpc_status(RPC_OVERLOADED)); // no entropy, so no sessions
    const enum identity_outcome outcome = status_ok(status) ? identity_guest_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
    if (status_ok(status) && outcome == IDENTITY_OUTCOME_DONE) {
        return enter((struct session){rpc_keep(&call, identity_guest_results_get_session(results).handle)}) ? COMMAND_OK : COMMAND_FAILED;
    }
    return outcome == IDENTITY_OUTCOME_NOT_ALLOWED ? fail("%s: guests are not let in\n", what) : ended(what, &call, status, outcome, 0);
}

static int log_in(const char *what, const char *name) {
    RPC_CALL(call);
    struct identity_login_results results;
    char password[PASSWORD_BYTES + 1];
    if (self.depth == DEPTH_MAX) {
        return fail("%s: there are %zu sessions below this one already; `logout` ends one\n", what, DEPTH_MAX - 1);
    }
    if (str_equal(name, "guest")) { // who has no password
        return come_in_as_guest(what);
    }
    if (!ask("password: ", true, password, sizeof(password))) {
        return COMMAND_FAILED;
    }
    const status_t status = identity_call_login((struct identity){self.service.handle}, &call, capnp_text(name), secret_of(password),
                                                rpc_patience(), &results);
    forget(password, sizeof(password));
    const enum identity_outcome outcome = status_ok(status) ? identity_login_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
    if (!status_ok(status) || outcome != IDENTITY_OUTCOME_DONE) {
        return ended(what, &call, status, outcome, status_ok(status) ? identity_login_results_get_retry_ms(results) : 0);
    }
    return enter((struct session){rpc_keep(&call, identity_login_results_get_session(results).handle)}) ? COMMAND_OK : COMMAND_FAILED;
}

static void unlock(void) {
    RPC_CALL(call);
    struct session_unlock_results results;
    char prompt[NAME_BYTES + 48], password[PASSWORD_BYTES + 1];
    fmt_snprintf(prompt, sizeof(prompt), "locked; password of %s: ", self.name);
    if (!ask(prompt, true, password, sizeof(password))) {
        return;
    }
    if (password[0] == '\0') {
        out("An empty one leaves the session.\n");
        (void)session_call_logout(current(), &call, rpc_patience(), nullptr); // it would end by itself
        leave_all();
        return;
    }
    const status_t status = session_call_unlock(current(), &call, secret_of(password), rpc_patience(), &results);
    forget(password, sizeof(password));
    (void)ended("unlock", &call, status, status_ok(status) ? session_unlock_results_get_outcome(results) : IDENTITY_OUTCOME_DONE,
                status_ok(status) ? session_unlock_results_get_retry_ms(results) : 0);
}

// One round of coming in: the person is asked for a name where there is a choice.
static void come_in(void) {
    char name[NAME_BYTES];
    const bool answered = status_ok(look_at_machine());
    if (self.recovering && !self.unanswered) {
        out("This is recovery: nobody has to log in, and everything is allowed.\n");
    } else if (!answered && !self.unanswered) {
        out("identityd does not answer: nobody can log in. `service identityd` and `logs` say why.\n");
    }
    self.unanswered = !answered;
    if (!answered) {
        return;
    }
    if (!self.claimed || self.lost) {
        if (self.lost) {
            out("The accounts were lost with identityd. `reboot` sets the machine up anew.\n");
        }
        (void)come_in_as_guest("logging in");
        return;
    }
    if (!ask("login: ", false, name, sizeof(name)) || name[0] == '\0') {
        return;
    }
    (void)log_in("logging in", name);
}

void identity_begin(void) {
    if (status_ok(tess_cap("identity", IDENTITY_ID, &self.service.handle))) {
        come_in();
        if (self.depth > 0 && !self.claimed) {
            out("This machine has no account yet: `adduser NAME` makes you its administrator.\n");
        }
    }
}

bool identity_attend(void) {
    bool locked = false;
    if (!tess_handle_valid(self.service.handle)) {
        return true;
    }
    if (self.depth == 0 && !self.claimed && self.goes_without) {
        return true; // a machine without accounts is everybody's
    }
    if (self.depth == 0) {
        come_in();
        if (self.unanswered) {
            return true;
        }
    } else if (!look(&locked)) {
        if (self.claimed) { // a guest of nobody's machine just comes in again
            (void)fail("The session of %s has ended.\n", self.name);
        }
        leave_all();
    } else if (locked) {
        unlock();
    } else {
        return true;
    }
    return false;
}

// A capability that only says whose session this is; none when there is none.
static struct session shown_session(struct rpc_call *call) {
    struct session_observe_results results;
    if (self.depth == 0 || !status_ok(session_call_observe(current(), call, rpc_patience(), &results))) {
        return (struct session){};
    }
    return (struct session){rpc_keep(call, session_observe_results_get_session(results).handle)};
}

// What helps when nobody decides any more, and gives nobody more than that: a new start of the machine, or of who decides.
static bool is_way_out(const char *operation, const char *object) {
    const bool leads_out = str_equal(operation, "power") || (str_equal(operation, "restart") && object != nullptr && str_equal(object, POLICY_SERVICE));
    return leads_out && mode_is_without(POLICY_SERVICE);
}

int identity_check(const char *what, const char *operation, const char *object) {
    RPC_CALL(call);
    struct policy_perform_results results;
    struct policy policy = {};
    if (self.recovering || !tess_handle_valid(self.service.handle)) {
        return COMMAND_OK;
    }
    if (!status_ok(tess_cap("policy", POLICY_ID, &policy.handle))) {
        return fail_ungranted(what, "policy", POLICY_ID); // which decides: nobody may
    }
    const struct session session = shown_session(&call);
    const status_t status = policy_call_perform(policy, &call, session, capnp_text(operation), rpc_patience(), &results);
    tess_close(session.handle);
    if (!status_ok(status)) {
        char why[DENIAL_TEXT_BYTES];
        (void)str_copy(why, sizeof why, status_text(status)); // before anybody else is asked
        return is_way_out(operation, object) ? COMMAND_OK : fail("%s: nobody may, for policyd does not decide: %s\n", what, why);
    }
    if (policy_perform_results_get_allowed(results)) {
        return COMMAND_OK;
    }
    char text[DENIAL_TEXT_BYTES];
    struct denial denial;
    rpc_hold(&call, held_results, &results.s);
    denial_read(policy_perform_results_get_denial(results), &denial);
    return fail("%s: %s\n", what, denial_sentence(&denial, text));
}

// ---- commands ----

static bool granted(const char *what) {
    if (self.recovering) {
        (void)fail("%s: in recovery there are no accounts: identityd does not run\n", what);
        return false;
    }
    if (!tess_handle_valid(self.service.handle)) {
        (void)fail_ungranted(what, "identity", IDENTITY_ID);
        return false;
    }
    return true;
}

// Whether the person may see to the accounts of others, and there are any.
static bool may_manage(const char *what) {
    if (!granted(what) || identity_check(what, "accounts", nullptr) != COMMAND_OK) {
        return false;
    }
    if (!self.claimed) {
        (void)fail("%s: this machine has no account yet; `adduser NAME` makes you its administrator\n", what);
    }
    return self.claimed;
}

int command_whoami(const struct arguments *) {
    bool locked;
    if (!self.recovering && !granted("whoami")) {
        return COMMAND_FAILED;
    }
    if (self.recovering) {
        out("nobody in particular: this is recovery, where nobody has to log in\n");
        return COMMAND_OK;
    }
    if (!look(&locked)) {
        return fail("whoami: the session has ended\n");
    }
    if (self.role == ROLE_GUEST) {
        out("guest%s\n", self.claimed ? "" : ", on a machine that has no account yet");
    } else {
        out("%s, %s\n", self.name, role_name(self.role));
    }
    return COMMAND_OK;
}

int command_su(const struct arguments *arguments) {
    return granted("su") ? log_in("su", arguments->words[1]) : COMMAND_FAILED;
}

int command_logout(const struct arguments *) {
    RPC_CALL(call);
    bool locked;
    if (!tess_handle_valid(self.service.handle) || (!self.claimed && self.depth == 1)) {
        out("There is nowhere to log out to; `poweroff` switches the machine off.\n");
        return COMMAND_OK;
    }
    if (background_count() > 0) {
        out("Jobs go on: %u; `jobs` lists them.\n", background_count());
    }
    (void)session_call_logout(current(), &call, rpc_patience(), nullptr); // one that has ended is as good
    tess_close(current().handle);
    self.depth -= self.depth > 0;
    if (self.depth == 0 || !look(&locked)) {
        leave_all();
    }
    return COMMAND_OK;
}

int command_lock(const struct arguments *) {
    RPC_CALL(call);
    struct session_lock_results results;
    if (!granted("lock")) {
        return COMMAND_FAILED;
    }
    const status_t status = session_call_lock(current(), &call, rpc_patience(), &results);
    const enum identity_outcome outcome = status_ok(status) ? session_lock_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
    return outcome == IDENTITY_OUTCOME_NOT_ALLOWED ? fail("lock: a guest has no password to unlock it with\n")
                                                   : ended("lock", &call, status, outcome, 0);
}

static int end_session(const char *word) {
    RPC_CALL(call);
    struct session_end_results results;
    uint64_t id;
    if (!str_parse_u64(word, strlen(word), &id) || id > UINT32_MAX) {
        return misused("sessions: `%s` is no number of a session\n", word);
    }
    const status_t status = session_call_end(current(), &call, (uint32_t)id, rpc_patience(), &results);
    return ended("sessions", &call, status, status_ok(status) ? session_end_results_get_outcome(results) : IDENTITY_OUTCOME_DONE, 0);
}

int command_sessions(const struct arguments *arguments) {
    const uint64_t now = tess_now_ns();
    if (!granted("sessions")) {
        return COMMAND_FAILED;
    }
    if (arguments->count > 1) {
        return arguments->count == 3 && str_equal(arguments->words[1], "end") ? end_session(arguments->words[2])
                                                                             : misused("usage: sessions [end ID]\n");
    }
    table_begin(&shell.table, ">ID NAME ROLE STATE >SINCE >UNUSED >ENDS-IN", out_sink, nullptr);
    for (uint32_t first = 0, total = 1; first < total;) {
        RPC_CALL(call);
        struct session_sessions_results results;
        const status_t status = session_call_sessions(current(), &call, first, rpc_patience(), &results);
        const enum identity_outcome outcome = status_ok(status) ? session_sessions_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
        if (!status_ok(status) || outcome != IDENTITY_OUTCOME_DONE) {
            return ended("sessions", &call, status, outcome, 0);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct session_info_list list = session_sessions_results_get_sessions(results);
        const uint32_t count = session_info_list_count(list);
        total = count > 0 ? session_sessions_results_get_total(results) : first;
        for (uint32_t i = 0; i < count; i++, first++) {
            const struct session_info info = session_info_list_get(list, i);
            const uint64_t times[] = {session_info_get_started_ns(info), session_info_get_used_ns(info)};
            const uint64_t ends = session_info_get_ends_ns(info);
            char name[NAME_BYTES], text[SHELL_NUMBER_BYTES];
            table_cell(&shell.table, "%u", session_info_get_id(info));
            table_cell(&shell.table, "%s", shown(name, sizeof(name), session_info_get_name(info)));
            table_cell(&shell.table, "%s", role_name(session_info_get_role(info)));
            table_cell(&shell.table, "%s", session_info_get_locked(info) ? "locked" : "open");
            for (size_t k = 0; k < 2; k++) {
                table_cell(&shell.table, "%s", shell_duration(text, now > times[k] ? now - times[k] : 0));
            }
            table_cell(&shell.table, "%s", shell_duration(text, ends > now ? ends - now : 0));
        }
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

// The first account of a machine: whoever makes it is its administrator, and there from then on.
static int set_up(const char *name, const char *password) {
    RPC_CALL(call);
    struct identity_control_set_up_results results;
    const status_t status = identity_control_call_set_up(self.service, &call, capnp_text(name), secret_of(password), rpc_patience(), &results);
    const enum identity_outcome outcome = status_ok(status) ? identity_control_set_up_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
    if (!status_ok(status) || outcome != IDENTITY_OUTCOME_DONE) {
        return ended("adduser", &call, status, outcome, 0);
    }
    const struct session session = {rpc_keep(&call, identity_control_set_up_results_get_session(results).handle)};
    self.claimed = true;
    (void)session_call_logout(current(), &call, rpc_patience(), nullptr); // the guest that this was; it would end by itself
    leave_all();
    if (!enter(session)) {
        return COMMAND_FAILED;
    }
    out("You are %s, the administrator of this machine.\n", self.name);
    return COMMAND_OK;
}

static int add(const char *name, enum role role, const char *password) {
    RPC_CALL(call);
    struct session_add_account_results results;
    const status_t status = session_call_add_account(current(), &call, capnp_text(name), role, secret_of(password), rpc_patience(), &results);
    return ended("adduser", &call, status, status_ok(status) ? session_add_account_results_get_outcome(results) : IDENTITY_OUTCOME_DONE, 0);
}

int command_adduser(const struct arguments *arguments) {
    char password[PASSWORD_BYTES + 1];
    const bool administrator = arguments->count == 3 && str_equal(arguments->words[2], "administrator");
    if (arguments->count == 3 && !administrator) {
        return misused("adduser: `%s` is no role; without one it is a user, or `administrator`\n", arguments->words[2]);
    }
    if (!granted("adduser")) {
        return COMMAND_FAILED;
    }
    if (self.lost) {
        return fail("adduser: the accounts were lost with identityd; `reboot` sets the machine up anew\n");
    }
    if (identity_check("adduser", "accounts", nullptr) != COMMAND_OK) {
        return COMMAND_FAILED;
    }
    int result = COMMAND_FAILED;
    if (ask_new(password)) {
        result = self.claimed ? add(arguments->words[1], administrator ? ROLE_ADMINISTRATOR : ROLE_USER, password)
                              : set_up(arguments->words[1], password);
    }
    forget(password, sizeof(password));
    return result;
}

int command_deluser(const struct arguments *arguments) {
    RPC_CALL(call);
    struct session_remove_account_results results;
    if (!may_manage("deluser")) {
        return COMMAND_FAILED;
    }
    const status_t status = session_call_remove_account(current(), &call, capnp_text(arguments->words[1]), rpc_patience(), &results);
    return ended("deluser", &call, status, status_ok(status) ? session_remove_account_results_get_outcome(results) : IDENTITY_OUTCOME_DONE, 0);
}

static int set_password(const char *name) {
    RPC_CALL(call);
    struct session_set_password_results results;
    char password[PASSWORD_BYTES + 1];
    int result = COMMAND_FAILED;
    if (may_manage("passwd") && ask_new(password)) {
        const status_t status = session_call_set_password(current(), &call, capnp_text(name), secret_of(password), rpc_patience(), &results);
        result = ended("passwd", &call, status, status_ok(status) ? session_set_password_results_get_outcome(results) : IDENTITY_OUTCOME_DONE, 0);
    }
    forget(password, sizeof(password));
    return result;
}

int command_passwd(const struct arguments *arguments) {
    RPC_CALL(call);
    struct session_change_password_results results;
    char old[PASSWORD_BYTES + 1], password[PASSWORD_BYTES + 1];
    int result = COMMAND_FAILED;
    if (!granted("passwd")) {
        return COMMAND_FAILED;
    }
    if (arguments->count > 1 && !str_equal(arguments->words[1], self.name)) {
        return set_password(arguments->words[1]);
    }
    if (self.role == ROLE_GUEST) {
        return fail("passwd: a guest has no password\n");
    }
    if (ask("old password: ", true, old, sizeof(old)) && ask_new(password)) {
        const status_t status =
            session_call_change_password(current(), &call, secret_of(old), secret_of(password), rpc_patience(), &results);
        result = ended("passwd", &call, status, status_ok(status) ? session_change_password_results_get_outcome(results) : IDENTITY_OUTCOME_DONE,
                       status_ok(status) ? session_change_password_results_get_retry_ms(results) : 0);
    }
    forget(old, sizeof(old));
    forget(password, sizeof(password));
    return result;
}

static int allow_guests(bool allowed) {
    RPC_CALL(call);
    struct session_allow_guests_results results;
    const status_t status = session_call_allow_guests(current(), &call, allowed, rpc_patience(), &results);
    return ended("users", &call, status, status_ok(status) ? session_allow_guests_results_get_outcome(results) : IDENTITY_OUTCOME_DONE, 0);
}

int command_users(const struct arguments *arguments) {
    const uint64_t now = tess_now_ns();
    const char *word = arguments->count == 3 && str_equal(arguments->words[1], "guests") ? arguments->words[2] : "";
    if (arguments->count > 1 && !str_equal(word, "on") && !str_equal(word, "off")) {
        return misused("usage: users [guests on|off]\n");
    }
    if (arguments->count > 1) {
        return may_manage("users") ? allow_guests(str_equal(word, "on")) : COMMAND_FAILED;
    }
    if (!granted("users") || identity_check("users", "accounts", nullptr) != COMMAND_OK) {
        return COMMAND_FAILED;
    }
    if (!self.claimed) {
        out("there is no account yet; `adduser NAME` makes the first, an administrator's\n");
        return COMMAND_OK;
    }
    table_begin(&shell.table, "NAME ROLE >SESSIONS >AGE", out_sink, nullptr);
    for (uint32_t first = 0, total = 1; first < total;) {
        RPC_CALL(call);
        struct session_accounts_results results;
        const status_t status = session_call_accounts(current(), &call, first, rpc_patience(), &results);
        const enum identity_outcome outcome = status_ok(status) ? session_accounts_results_get_outcome(results) : IDENTITY_OUTCOME_DONE;
        if (!status_ok(status) || outcome != IDENTITY_OUTCOME_DONE) {
            return ended("users", &call, status, outcome, 0);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct account_info_list list = session_accounts_results_get_accounts(results);
        const uint32_t count = account_info_list_count(list);
        total = count > 0 ? session_accounts_results_get_total(results) : first;
        for (uint32_t i = 0; i < count; i++, first++) {
            const struct account_info info = account_info_list_get(list, i);
            const uint64_t created = account_info_get_created_ns(info);
            char name[NAME_BYTES], text[SHELL_NUMBER_BYTES];
            table_cell(&shell.table, "%s", shown(name, sizeof(name), account_info_get_name(info)));
            table_cell(&shell.table, "%s", role_name(account_info_get_role(info)));
            table_cell(&shell.table, "%u", account_info_get_sessions(info));
            table_cell(&shell.table, "%s", shell_duration(text, now > created ? now - created : 0));
        }
    }
    table_end(&shell.table);
    return COMMAND_OK;
}
