// Who is at the machine: the state of the one authority for accounts and sessions (services/identityd).
//
// An account is a name, a role and a password. A session is an account, or nobody in particular (a guest), and ends when it is
// told to, when it was not used for long, or when it has been there for long; before that it locks itself. Sessions go by random
// numbers, which no two ever share, not even those of two lives of the service.
//
// Pure; no locks. Random bytes are the caller's to bring, and the hashes of passwords, which take long: whoever asks with a password
// that is not hashed yet learns whether that is needed.
#pragma once

#include "lib/badge/badge.h"
#include "lib/accounts/password.h"
#include "lib/accounts/throttle.h"

constexpr size_t ACCOUNTS_MAX = 32;
constexpr size_t ACCOUNTS_SESSIONS_MAX = 64;
constexpr size_t ACCOUNTS_OF_HOLDER_MAX = 8;
constexpr uint64_t ACCOUNTS_LOCK_NS = 900'000'000'000;
constexpr uint64_t ACCOUNTS_END_NS = 14'400'000'000'000;
constexpr uint64_t ACCOUNTS_LONGEST_NS = 86'400'000'000'000;

// As in the contract.
enum accounts_role : uint8_t { ACCOUNTS_GUEST, ACCOUNTS_USER, ACCOUNTS_ADMINISTRATOR };

enum accounts_result : uint8_t {
    ACCOUNTS_DONE,
    ACCOUNTS_WRONG,
    ACCOUNTS_WAIT,
    ACCOUNTS_LOCKED,
    ACCOUNTS_NOT_ALLOWED,
    ACCOUNTS_BAD_NAME,
    ACCOUNTS_BAD_PASSWORD,
    ACCOUNTS_TAKEN,
    ACCOUNTS_NOT_FOUND,
    ACCOUNTS_FULL,
    ACCOUNTS_LAST_ADMINISTRATOR,
    ACCOUNTS_HASH_FIRST, // nothing else speaks against it: hash the password, and ask once more. Nothing was changed or counted
};

struct accounts_account {
    char name[NAME_BYTES]; // "": no account
    enum accounts_role role;
    uint64_t created_ns;
    struct password password;
};

struct accounts_session {
    uint64_t number; // 0: no session
    uint32_t id;
    bool locked;
    uint64_t holder;                        // who opened it
    const struct accounts_account *account; // null: a guest
    uint64_t started_ns, used_ns;
};

struct accounts {
    struct password_cost cost; // of new passwords
    struct accounts_account list[ACCOUNTS_MAX];
    struct accounts_account nobody; // whose password is looked at when there is no such account; nobody knows it
    struct accounts_session sessions[ACCOUNTS_SESSIONS_MAX];
    struct throttle throttle;
    uint32_t last_id;
    bool no_guests;
};

// Fresh random bytes, for a session's number or a password's salt.
struct accounts_drawn {
    uint64_t number;
    uint8_t salt[PASSWORD_SALT_BYTES];
};

// What somebody says: who one is, and the proof; or who somebody is to be, and the password.
struct accounts_claim {
    const char *name;
    size_t len;                    // of the password
    const struct password *hashed; // with accounts_salt or accounts_new_salt; null: not yet
};

void accounts_init(struct accounts *accounts, struct password_cost cost, const uint64_t throttle_key[2]);

// What a password that is to prove that one has this name is hashed with. Of a name that there is not it takes as long.
struct password accounts_salt(const struct accounts *accounts, const char *name);

// What a new one is hashed with.
struct password accounts_new_salt(const struct accounts *accounts, const struct accounts_drawn *drawn);

uint32_t accounts_count(const struct accounts *accounts);
const struct accounts_account *accounts_at(const struct accounts *accounts, uint32_t index); // null behind the last
uint32_t accounts_sessions_of(const struct accounts *accounts, const struct accounts_account *account);

// ---- coming in. On DONE *out is the session; on WAIT *wait_ns says how long ----

enum accounts_result accounts_set_up(struct accounts *accounts, uint64_t holder, struct accounts_claim claim,
                                     const struct accounts_drawn *drawn, uint64_t now_ns, struct accounts_session **out);
enum accounts_result accounts_login(struct accounts *accounts, uint64_t holder, struct accounts_claim claim,
                                    const struct accounts_drawn *drawn, uint64_t now_ns, struct accounts_session **out,
                                    uint64_t *wait_ns);
enum accounts_result accounts_guest(struct accounts *accounts, uint64_t holder, const struct accounts_drawn *drawn,
                                    uint64_t now_ns, struct accounts_session **out);

// ---- being there ----

// The session of this number as it is now: one that has ended is null, one that was not used for long is locked.
struct accounts_session *accounts_find(struct accounts *accounts, uint64_t number, uint64_t now_ns);

const char *accounts_session_name(const struct accounts_session *session);
enum accounts_role accounts_session_role(const struct accounts_session *session);

// When it ends if nothing is done.
uint64_t accounts_session_ends_ns(const struct accounts_session *session);

void accounts_use(struct accounts_session *session, uint64_t now_ns);
enum accounts_result accounts_lock(struct accounts_session *session);
enum accounts_result accounts_unlock(struct accounts *accounts, struct accounts_session *session, const struct password *hashed,
                                     uint64_t now_ns, uint64_t *wait_ns);
void accounts_logout(struct accounts_session *session);

// Ends the sessions that were opened by holders that are gone; returns how many.
typedef bool accounts_lives_fn(void *context, uint64_t holder);
uint32_t accounts_sweep(struct accounts *accounts, accounts_lives_fn *lives, void *context);

// The session number `index` of those that this one may see; null behind the last. *total says how many there are.
const struct accounts_session *accounts_visible(struct accounts *accounts, const struct accounts_session *to, uint32_t index,
                                                uint64_t now_ns, uint32_t *total);
enum accounts_result accounts_end(struct accounts *accounts, const struct accounts_session *by, uint32_t id, uint64_t now_ns);

// `len` is that of the new one.
enum accounts_result accounts_change_password(struct accounts *accounts, struct accounts_session *session, const struct password *old,
                                              size_t len, const struct password *hashed, uint64_t now_ns, uint64_t *wait_ns);

// ---- for administrators; NOT_ALLOWED for others ----

enum accounts_result accounts_add(struct accounts *accounts, const struct accounts_session *by, enum accounts_role role,
                                  struct accounts_claim claim, uint64_t now_ns);
enum accounts_result accounts_remove(struct accounts *accounts, const struct accounts_session *by, const char *name);
enum accounts_result accounts_set_password(struct accounts *accounts, const struct accounts_session *by,
                                           struct accounts_claim claim);
enum accounts_result accounts_allow_guests(struct accounts *accounts, const struct accounts_session *by, bool allowed);

// ---- for another process of the service, in its place (lib/service): with all that is secret ----

size_t accounts_save(const struct accounts *accounts, void *to, size_t room); // the length; with too little room 0, with none what it would be
bool accounts_adopt(struct accounts *accounts, const void *from, size_t len);  // false: not understood, and nothing is changed

// ---- badges of capabilities to sessions ----

// Bits 0 to 55: the number; 56: may act, not only be asked who it is; BADGE_MADE.
uint64_t accounts_badge(uint64_t number, bool acts);
uint64_t accounts_badge_number(uint64_t badge);
bool accounts_badge_acts(uint64_t badge);
