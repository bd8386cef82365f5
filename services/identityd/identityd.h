// The parts of identityd, and the state that they share.
//
//   identityd.c  who asks for what, and what needs no password
//   password.c   what needs one: a queue, the thread that hashes, and answers that come later
#pragma once

#include "idl/identity.capnp.h"
#include "idl/log.capnp.h"
#include "lib/accounts/accounts.h"
#include "lib/roster/roster.h"
#include "lib/rpc/serve.h"

constexpr uint32_t PASSWORDS_MAX = 8;   // that are looked at, or wait for it
constexpr uint64_t PASSWORD_BIT = 1; // of the notification: one has been hashed

struct identityd {
    struct accounts accounts;
    const struct roster *roster;
    bool changed; // since it was kept
};

extern struct identityd self;

// ---- identityd.c ----

// What has changed is kept, so that somebody may hear of it.
void keep_changes(void);

// A capability to the session, minted here.
status_t mint(const struct accounts_session *session, bool acts, struct session *out);

// Who did what, for whoever reads the log. Nobody waits long for a log that does not listen.
[[gnu::format(printf, 2, 3)]] void note(enum log_level level, const char *format, ...);

// ---- password.c ----

enum wish : uint8_t { WISH_LOGIN, WISH_SET_UP, WISH_UNLOCK, WISH_CHANGE, WISH_ADD, WISH_SET };

// What somebody wants who gives a password, or two.
struct wanted {
    enum wish wish;
    uint64_t badge;  // of the request
    uint64_t holder; // who asks, or who opened the session that asks
    char name[NAME_BYTES];
    enum accounts_role role;
    struct accounts_drawn drawn;
    struct secret {
        size_t len;
        uint8_t bytes[PASSWORD_MAX_BYTES];
    } password, second; // the second of WISH_CHANGE is the new one
    struct rpc_deferred answer;
};

// The notification that says that one has been hashed.
extern handle_t password_done;

// Creates what the answers take.
status_t passwords_init(void);

// How many answers are owed.
size_t passwords_waiting(void);

// The place for what this holder wants, all zero; or the refusal: too many wait, or one of the same holder's does.
status_t password_place(struct rpc_request *request, enum wish wish, uint64_t holder, struct wanted **out);

void password_take(struct secret *to, struct capnp_data password); // the contract bounds it

// Answers what stands there as soon as can be, now or later.
status_t password_ask(struct rpc_request *request, struct wanted *wanted);

// The thread has hashed.
void password_hashed(void);

// Overwrites what nobody waits for any more.
void passwords_wipe(void);
