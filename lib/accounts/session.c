// What a session is, and how it ends.
#include "base/mem.h"
#include "base/str.h"
#include "lib/accounts/parts.h"

constexpr uint64_t NUMBER_MASK = (1ull << 56) - 1;
constexpr uint64_t ACTS = 1ull << 56;

static uint64_t since(uint64_t from_ns, uint64_t now_ns) {
    return now_ns > from_ns ? now_ns - from_ns : 0;
}

uint64_t accounts_session_ends_ns(const struct accounts_session *session) {
    const uint64_t unused = session->used_ns + ACCOUNTS_END_NS, longest = session->started_ns + ACCOUNTS_LONGEST_NS;
    return unused < longest ? unused : longest;
}

// Brings it to what it is now.
static void age(struct accounts_session *session, uint64_t now_ns) {
    if (session->number != 0 && now_ns >= accounts_session_ends_ns(session)) {
        accounts_logout(session);
    } else if (session->number != 0 && session->account != nullptr && since(session->used_ns, now_ns) >= ACCOUNTS_LOCK_NS) {
        session->locked = true;
    }
}

// ---- opening ----

// The session that is to make room for another one of this holder; null when none has to.
static struct accounts_session *oldest_of_too_many(struct accounts *accounts, uint64_t holder) {
    struct accounts_session *oldest = nullptr;
    size_t count = 0;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        struct accounts_session *session = &accounts->sessions[i];
        if (session->number != 0 && session->holder == holder) {
            oldest = oldest == nullptr || session->used_ns < oldest->used_ns ? session : oldest;
            count++;
        }
    }
    return count >= ACCOUNTS_OF_HOLDER_MAX ? oldest : nullptr;
}

static struct accounts_session *free_place(struct accounts *accounts) {
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        if (accounts->sessions[i].number == 0) {
            return &accounts->sessions[i];
        }
    }
    return nullptr;
}

enum accounts_result accounts_open(struct accounts *accounts, uint64_t holder, const struct accounts_account *account,
                                   uint64_t number, uint64_t now_ns, struct accounts_session **out) {
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        age(&accounts->sessions[i], now_ns);
    }
    struct accounts_session *place = oldest_of_too_many(accounts, holder);
    place = place != nullptr ? place : free_place(accounts);
    if (place == nullptr) {
        return ACCOUNTS_FULL;
    }
    // One of 2^56: zero, or another session's, never comes but from a broken source.
    number &= NUMBER_MASK;
    if (number == 0 || accounts_find(accounts, number, now_ns) != nullptr) {
        return ACCOUNTS_FULL;
    }
    *place = (struct accounts_session){
        .number = number, .id = ++accounts->last_id, .holder = holder, .account = account, .started_ns = now_ns, .used_ns = now_ns};
    *out = place;
    return ACCOUNTS_DONE;
}

// ---- being there ----

struct accounts_session *accounts_find(struct accounts *accounts, uint64_t number, uint64_t now_ns) {
    for (size_t i = 0; number != 0 && i < ACCOUNTS_SESSIONS_MAX; i++) {
        struct accounts_session *session = &accounts->sessions[i];
        if (session->number == number) {
            age(session, now_ns);
            return session->number != 0 ? session : nullptr;
        }
    }
    return nullptr;
}

const char *accounts_session_name(const struct accounts_session *session) {
    return session->account != nullptr ? session->account->name : "guest";
}

enum accounts_role accounts_session_role(const struct accounts_session *session) {
    return session->account != nullptr ? session->account->role : ACCOUNTS_GUEST;
}

uint32_t accounts_sessions_of(const struct accounts *accounts, const struct accounts_account *account) {
    uint32_t count = 0;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        count += accounts->sessions[i].number != 0 && accounts->sessions[i].account == account;
    }
    return count;
}

void accounts_use(struct accounts_session *session, uint64_t now_ns) {
    session->used_ns = now_ns > session->used_ns ? now_ns : session->used_ns;
}

enum accounts_result accounts_lock(struct accounts_session *session) {
    if (session->account == nullptr) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    session->locked = true;
    return ACCOUNTS_DONE;
}

enum accounts_result accounts_unlock(struct accounts *accounts, struct accounts_session *session, const struct password *hashed,
                                     uint64_t now_ns, uint64_t *wait_ns) {
    struct accounts_account *account;
    if (session->account == nullptr) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    const struct accounts_claim claim = {.name = session->account->name, .hashed = hashed};
    const enum accounts_result result = accounts_prove(accounts, claim, now_ns, &account, wait_ns);
    if (result == ACCOUNTS_DONE) {
        session->locked = false;
        accounts_use(session, now_ns);
    }
    return result;
}

void accounts_logout(struct accounts_session *session) {
    memset(session, 0, sizeof(*session));
}

uint32_t accounts_sweep(struct accounts *accounts, accounts_lives_fn *lives, void *context) {
    uint32_t ended = 0;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        if (accounts->sessions[i].number != 0 && !lives(context, accounts->sessions[i].holder)) {
            accounts_logout(&accounts->sessions[i]);
            ended++;
        }
    }
    return ended;
}

// Guests see their own session; there is no account that they share.
static bool sees(const struct accounts_session *to, const struct accounts_session *session) {
    return session == to || accounts_session_role(to) == ACCOUNTS_ADMINISTRATOR ||
           (to->account != nullptr && session->account == to->account);
}

const struct accounts_session *accounts_visible(struct accounts *accounts, const struct accounts_session *to, uint32_t index,
                                                uint64_t now_ns, uint32_t *total) {
    const struct accounts_session *found = nullptr;
    *total = 0;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        struct accounts_session *session = &accounts->sessions[i];
        age(session, now_ns);
        if (session->number != 0 && sees(to, session)) {
            found = *total == index ? session : found;
            ++*total;
        }
    }
    return found;
}

enum accounts_result accounts_end(struct accounts *accounts, const struct accounts_session *by, uint32_t id, uint64_t now_ns) {
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        struct accounts_session *session = &accounts->sessions[i];
        age(session, now_ns);
        if (session->number != 0 && session->id == id && sees(by, session)) {
            accounts_logout(session);
            return ACCOUNTS_DONE;
        }
    }
    return ACCOUNTS_NOT_FOUND; // whether others have one of this number is not theirs to know
}

// ---- badges ----

uint64_t accounts_badge(uint64_t number, bool acts) {
    return BADGE_MADE | (acts ? ACTS : 0) | number;
}

uint64_t accounts_badge_number(uint64_t badge) {
    return badge & NUMBER_MASK;
}

bool accounts_badge_acts(uint64_t badge) {
    return (badge & ACTS) != 0;
}
