// What needs a password. To hash one takes long, so a second thread does it, one after the other in the order in which they came; who
// asked is answered when it is through, and everybody else meanwhile. Nothing changes between two requests but here: when a password
// has been hashed all is asked once more, as it is then.
#include <sodium.h>

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/thread.h"
#include "services/identityd/identityd.h"

static struct wanted queue[PASSWORDS_MAX]; // the first is being looked at, if any is
static uint32_t waiting;

// What the thread works on. It belongs to the thread as long as there is one.
static struct {
    struct tess_thread *thread;
    const struct wanted *wanted;
    struct password hashed[2];
    status_t status;
} work;
handle_t password_done;

static void nothing(void *) {
}

// A thread's place stays when it is over: it is made now, so that what the service holds is the same before and after a password.
static status_t make_place(void) {
    const struct tess_thread_options options = {.band = BAND_NORMAL};
    struct tess_thread *thread;
    TRY(tess_thread_create(nothing, nullptr, &options, &thread));
    return tess_thread_join(thread, DEADLINE_NEVER);
}

status_t passwords_init(void) {
    TRY(make_place());
    return tess_account_create_notification(tess_self_account(), &password_done);
}

size_t passwords_waiting(void) {
    return waiting;
}

// ---- asking ----

status_t password_place(struct rpc_request *request, enum wish wish, uint64_t holder, struct wanted **out) {
    for (uint32_t i = 0; i < waiting; i++) {
        if (queue[i].holder == holder) {
            return rpc_refuse(request, RPC_OVERLOADED, "another password from there is being looked at");
        }
    }
    if (waiting == PASSWORDS_MAX) {
        return rpc_refuse(request, RPC_OVERLOADED, "%u passwords wait to be looked at already", PASSWORDS_MAX);
    }
    *out = &queue[waiting];
    sodium_memzero(*out, sizeof(**out));
    (*out)->wish = wish;
    (*out)->badge = request->badge;
    (*out)->holder = holder;
    return STATUS_OK;
}

void password_take(struct secret *to, struct capnp_data password) {
    to->len = password.len;
    memcpy(to->bytes, password.bytes, password.len);
}

// ---- hashing ----

static void hash(void *) {
    const struct wanted *wanted = work.wanted;
    work.status = password_hash(&work.hashed[0], wanted->password.bytes, wanted->password.len);
    if (status_ok(work.status) && wanted->wish == WISH_CHANGE) {
        work.status = password_hash(&work.hashed[1], wanted->second.bytes, wanted->second.len);
    }
    (void)tess_signal(password_done, PASSWORD_BIT); // it is bound, and this process holds it
}

// False: there is no memory for the thread.
static bool begin_hashing(const struct wanted *wanted) {
    const bool proves = wanted->wish == WISH_LOGIN || wanted->wish == WISH_UNLOCK || wanted->wish == WISH_CHANGE;
    const struct tess_thread_options options = {.band = BAND_NORMAL}; // behind the one that answers
    work.wanted = wanted;
    work.hashed[0] = proves ? accounts_salt(&self.accounts, wanted->name) : accounts_new_salt(&self.accounts, &wanted->drawn);
    work.hashed[1] = accounts_new_salt(&self.accounts, &wanted->drawn);
    return status_ok(tess_thread_create(hash, nullptr, &options, &work.thread));
}

// ---- what comes of it ----

struct outcome {
    enum accounts_result result;
    struct accounts_session *session; // that was opened
    uint64_t wait_ns;
    bool is_gone; // the session that asked
};

// Of a session, whose name is looked up anew: the account may have ended meanwhile.
static struct outcome carry_out_for(const struct wanted *wanted, struct accounts_session *by, const struct password *hashed, uint64_t now_ns) {
    struct accounts *accounts = &self.accounts;
    const struct accounts_claim claim = {wanted->name, wanted->password.len, hashed};
    struct outcome outcome = {.result = ACCOUNTS_LOCKED};
    if (wanted->wish == WISH_UNLOCK) {
        outcome.result = accounts_unlock(accounts, by, hashed, now_ns, &outcome.wait_ns);
    } else if (by->locked) {
        return outcome;
    } else if (wanted->wish == WISH_CHANGE) {
        outcome.result = accounts_change_password(accounts, by, hashed, wanted->second.len, hashed != nullptr ? &hashed[1] : nullptr, now_ns,
                                                  &outcome.wait_ns);
    } else if (wanted->wish == WISH_ADD) {
        outcome.result = accounts_add(accounts, by, wanted->role, claim, now_ns);
    } else {
        outcome.result = accounts_set_password(accounts, by, claim);
    }
    return outcome;
}

// As far as it can be done; `hashed` is null before the password was looked at.
static struct outcome carry_out(const struct wanted *wanted, const struct password *hashed) {
    const struct accounts_claim claim = {wanted->name, wanted->password.len, hashed};
    const uint64_t now_ns = tess_now_ns();
    struct outcome outcome = {};
    if (wanted->wish == WISH_LOGIN) {
        outcome.result = accounts_login(&self.accounts, wanted->holder, claim, &wanted->drawn, now_ns, &outcome.session, &outcome.wait_ns);
    } else if (wanted->wish == WISH_SET_UP) {
        outcome.result = accounts_set_up(&self.accounts, wanted->holder, claim, &wanted->drawn, now_ns, &outcome.session);
    } else {
        struct accounts_session *by = accounts_find(&self.accounts, accounts_badge_number(wanted->badge), now_ns);
        if (by != nullptr) {
            return carry_out_for(wanted, by, hashed, now_ns);
        }
        outcome = (struct outcome){.result = ACCOUNTS_NOT_FOUND, .is_gone = true};
    }
    return outcome;
}

// For the log. What was typed may be a password wherever the name was to be.
static void tell(const struct wanted *wanted, enum accounts_result result) {
    char holder[NAME_BYTES];
    const struct accounts_session *by = accounts_find(&self.accounts, accounts_badge_number(wanted->badge), tess_now_ns());
    roster_name(self.roster, wanted->holder, holder);
    if (result == ACCOUNTS_WRONG) {
        note(LOG_LEVEL_WARNING, "wrong name or password at %s", holder);
    }
    if (result != ACCOUNTS_DONE) {
        return;
    }
    switch (wanted->wish) {
    case WISH_LOGIN: note(LOG_LEVEL_INFO, "%s logged in at %s", wanted->name, holder); break;
    case WISH_SET_UP: note(LOG_LEVEL_INFO, "set up, with %s as administrator", wanted->name); break;
    case WISH_ADD: note(LOG_LEVEL_INFO, "%s added the account %s", by != nullptr ? accounts_session_name(by) : "?", wanted->name); break;
    case WISH_SET: note(LOG_LEVEL_INFO, "the password of %s was set anew by an administrator", wanted->name); break;
    case WISH_CHANGE: note(LOG_LEVEL_INFO, "%s has a new password", wanted->name); break;
    case WISH_UNLOCK: break;
    }
}

// ---- answering ----

static void put_login(struct capnp_struct_builder to, const struct outcome *outcome, uint64_t wait_ms, struct session made) {
    const struct identity_login_results_builder results = {to};
    identity_login_results_set_outcome(results, (enum identity_outcome)outcome->result);
    identity_login_results_set_retry_ms(results, wait_ms);
    if (outcome->session != nullptr) {
        identity_login_results_give_session(results, made);
    }
}

static void put_set_up(struct capnp_struct_builder to, const struct outcome *outcome, struct session made) {
    const struct identity_control_set_up_results_builder results = {to};
    identity_control_set_up_results_set_outcome(results, (enum identity_outcome)outcome->result);
    if (outcome->session != nullptr) {
        identity_control_set_up_results_give_session(results, made);
    }
}

static void put(enum wish wish, struct capnp_struct_builder to, const struct outcome *outcome, struct session made) {
    const enum identity_outcome result = (enum identity_outcome)outcome->result;
    const uint64_t wait_ms = (outcome->wait_ns + TESS_NS_PER_MS - 1) / TESS_NS_PER_MS;
    switch (wish) {
    case WISH_LOGIN: put_login(to, outcome, wait_ms, made); break;
    case WISH_SET_UP: put_set_up(to, outcome, made); break;
    case WISH_UNLOCK:
        session_unlock_results_set_outcome((struct session_unlock_results_builder){to}, result);
        session_unlock_results_set_retry_ms((struct session_unlock_results_builder){to}, wait_ms);
        break;
    case WISH_CHANGE:
        session_change_password_results_set_outcome((struct session_change_password_results_builder){to}, result);
        session_change_password_results_set_retry_ms((struct session_change_password_results_builder){to}, wait_ms);
        break;
    case WISH_ADD: session_add_account_results_set_outcome((struct session_add_account_results_builder){to}, result); break;
    case WISH_SET: session_set_password_results_set_outcome((struct session_set_password_results_builder){to}, result); break;
    }
}

static void answer(struct wanted *wanted, struct outcome *outcome) {
    static struct rpc_answer late; // large
    struct session made = {};
    self.changed = self.changed || outcome->result == ACCOUNTS_DONE || outcome->result == ACCOUNTS_WRONG;
    tell(wanted, outcome->result);
    if (outcome->is_gone) {
        rpc_answer_refuse(&wanted->answer, RPC_DISCONNECTED, "the session has ended");
    } else if (outcome->session != nullptr && !status_ok(mint(outcome->session, true, &made))) {
        accounts_logout(outcome->session);
        rpc_answer_refuse(&wanted->answer, RPC_OVERLOADED, "there is no memory for a session");
    } else {
        keep_changes();
        put(wanted->wish, rpc_answer_begin(&late, &wanted->answer), outcome, made);
        rpc_answer_send(&late);
        sodium_memzero(late.page, sizeof(late.page));
    }
}

// The first is through.
static void leave(void) {
    waiting--;
    memmove(&queue[0], &queue[1], waiting * sizeof(queue[0]));
    sodium_memzero(&queue[waiting], sizeof(queue[0]));
    sodium_memzero(work.hashed, sizeof(work.hashed));
}

// Answers one after the other, until one has to be hashed.
static void proceed(void) {
    while (waiting > 0) {
        struct outcome outcome = carry_out(&queue[0], nullptr);
        if (outcome.result != ACCOUNTS_HASH_FIRST) {
            answer(&queue[0], &outcome);
        } else if (begin_hashing(&queue[0])) {
            return;
        } else {
            rpc_answer_refuse(&queue[0].answer, RPC_OVERLOADED, "there is no memory to look at a password");
        }
        leave();
    }
}

status_t password_ask(struct rpc_request *request, struct wanted *wanted) {
    TRY(rpc_defer(request, &wanted->answer));
    waiting++;
    if (work.thread == nullptr) {
        proceed();
    }
    return STATUS_OK;
}

void password_hashed(void) {
    if (work.thread == nullptr || !status_ok(tess_thread_join(work.thread, DEADLINE_NEVER))) { // it has only to return
        return;
    }
    work.thread = nullptr;
    if (status_ok(work.status)) {
        struct outcome outcome = carry_out(&queue[0], work.hashed);
        answer(&queue[0], &outcome);
    } else {
        rpc_answer_refuse(&queue[0].answer, RPC_OVERLOADED, "there is no memory to look at a password");
    }
    leave();
    proceed();
}

void passwords_wipe(void) {
    sodium_memzero(&queue[waiting], (PASSWORDS_MAX - waiting) * sizeof(queue[0]));
}
