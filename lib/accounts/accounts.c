// Accounts, and coming in. What sessions do is in session.c.
#include "lib/accounts/accounts.h"

#include "base/mem.h"
#include "base/str.h"
#include "lib/accounts/parts.h"

void accounts_init(struct accounts *accounts, struct password_cost cost, const uint64_t throttle_key[2]) {
    memset(accounts, 0, sizeof(*accounts));
    accounts->cost = cost;
    accounts->nobody.password.cost = cost; // a hash of zeros, which no password has
    throttle_init(&accounts->throttle, throttle_key);
}

// ---- accounts ----

uint32_t accounts_count(const struct accounts *accounts) {
    uint32_t count = 0;
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        count += accounts->list[i].name[0] != '\0';
    }
    return count;
}

const struct accounts_account *accounts_at(const struct accounts *accounts, uint32_t index) {
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        if (accounts->list[i].name[0] != '\0' && index-- == 0) {
            return &accounts->list[i];
        }
    }
    return nullptr;
}

static struct accounts_account *find_account(struct accounts *accounts, const char *name) {
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        if (name[0] != '\0' && str_equal(accounts->list[i].name, name)) {
            return &accounts->list[i];
        }
    }
    return nullptr;
}

static uint32_t administrators(const struct accounts *accounts) {
    uint32_t count = 0;
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        count += accounts->list[i].name[0] != '\0' && accounts->list[i].role == ACCOUNTS_ADMINISTRATOR;
    }
    return count;
}

// Small letters, so that no two names look alike.
static bool is_good_name(const char *name) {
    const size_t len = strlen(name);
    bool good = len > 0 && len < NAME_BYTES && name[0] >= 'a' && name[0] <= 'z' && !str_equal(name, "guest");
    for (size_t i = 1; good && i < len; i++) {
        const char c = name[i];
        good = (c >= 'a' && c <= 'z') || char_is_digit(c) || c == '-' || c == '_';
    }
    return good;
}

static bool is_good_password(size_t len) {
    return len >= PASSWORD_MIN_BYTES && len <= PASSWORD_MAX_BYTES;
}

struct password accounts_salt(const struct accounts *accounts, const char *name) {
    const struct accounts_account *account = find_account((struct accounts *)accounts, name); // only read
    struct password password = account != nullptr ? account->password : accounts->nobody.password;
    memset(password.hash, 0, sizeof(password.hash));
    return password;
}

struct password accounts_new_salt(const struct accounts *accounts, const struct accounts_drawn *drawn) {
    struct password password = {.cost = accounts->cost};
    memcpy(password.salt, drawn->salt, sizeof(password.salt));
    return password;
}

static enum accounts_result make_account(struct accounts *accounts, enum accounts_role role, struct accounts_claim claim, uint64_t now_ns,
                                         struct accounts_account **out) {
    if (!is_good_name(claim.name)) {
        return ACCOUNTS_BAD_NAME;
    }
    if (!is_good_password(claim.len)) {
        return ACCOUNTS_BAD_PASSWORD;
    }
    if (find_account(accounts, claim.name) != nullptr) {
        return ACCOUNTS_TAKEN;
    }
    struct accounts_account *account = accounts->list;
    for (; account < accounts->list + ACCOUNTS_MAX && account->name[0] != '\0'; account++) {
    }
    if (account == accounts->list + ACCOUNTS_MAX) {
        return ACCOUNTS_FULL;
    }
    if (claim.hashed == nullptr) {
        return ACCOUNTS_HASH_FIRST;
    }
    *account = (struct accounts_account){.role = role, .created_ns = now_ns, .password = *claim.hashed};
    (void)str_copy(account->name, sizeof(account->name), claim.name); // it is not longer
    *out = account;
    return ACCOUNTS_DONE;
}

enum accounts_result accounts_prove(struct accounts *accounts, struct accounts_claim claim, uint64_t now_ns,
                                    struct accounts_account **out, uint64_t *wait_ns) {
    struct accounts_account *account = find_account(accounts, claim.name);
    *wait_ns = throttle_wait_ns(&accounts->throttle, claim.name, now_ns);
    if (*wait_ns > 0) {
        return ACCOUNTS_WAIT;
    }
    if (claim.hashed == nullptr) {
        return ACCOUNTS_HASH_FIRST;
    }
    if (account == nullptr || !password_equal(claim.hashed, &account->password)) {
        throttle_failed(&accounts->throttle, claim.name, now_ns);
        return ACCOUNTS_WRONG;
    }
    throttle_succeeded(&accounts->throttle, claim.name);
    *out = account;
    return ACCOUNTS_DONE;
}

// ---- coming in ----

enum accounts_result accounts_set_up(struct accounts *accounts, uint64_t holder, struct accounts_claim claim,
                                     const struct accounts_drawn *drawn, uint64_t now_ns, struct accounts_session **out) {
    struct accounts_account *account;
    if (accounts_count(accounts) > 0) {
        return ACCOUNTS_TAKEN;
    }
    const enum accounts_result result = make_account(accounts, ACCOUNTS_ADMINISTRATOR, claim, now_ns, &account);
    return result == ACCOUNTS_DONE ? accounts_open(accounts, holder, account, drawn->number, now_ns, out) : result;
}

enum accounts_result accounts_login(struct accounts *accounts, uint64_t holder, struct accounts_claim claim,
                                    const struct accounts_drawn *drawn, uint64_t now_ns, struct accounts_session **out,
                                    uint64_t *wait_ns) {
    struct accounts_account *account;
    const enum accounts_result result = accounts_prove(accounts, claim, now_ns, &account, wait_ns);
    return result == ACCOUNTS_DONE ? accounts_open(accounts, holder, account, drawn->number, now_ns, out) : result;
}

enum accounts_result accounts_guest(struct accounts *accounts, uint64_t holder, const struct accounts_drawn *drawn,
                                    uint64_t now_ns, struct accounts_session **out) {
    return accounts->no_guests ? ACCOUNTS_NOT_ALLOWED
                               : accounts_open(accounts, holder, nullptr, drawn->number, now_ns, out);
}

// ---- passwords ----

enum accounts_result accounts_change_password(struct accounts *accounts, struct accounts_session *session, const struct password *old,
                                              size_t len, const struct password *hashed, uint64_t now_ns, uint64_t *wait_ns) {
    struct accounts_account *account;
    if (session->account == nullptr) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    if (!is_good_password(len)) {
        return ACCOUNTS_BAD_PASSWORD;
    }
    const struct accounts_claim claim = {.name = session->account->name, .hashed = old};
    const enum accounts_result proved = accounts_prove(accounts, claim, now_ns, &account, wait_ns);
    if (proved == ACCOUNTS_DONE) {
        account->password = *hashed;
    }
    return proved;
}

// ---- for administrators ----

static bool administers(const struct accounts_session *session) {
    return accounts_session_role(session) == ACCOUNTS_ADMINISTRATOR;
}

static void end_sessions_of(struct accounts *accounts, const struct accounts_account *account) {
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        if (accounts->sessions[i].number != 0 && accounts->sessions[i].account == account) {
            accounts_logout(&accounts->sessions[i]);
        }
    }
}

enum accounts_result accounts_add(struct accounts *accounts, const struct accounts_session *by, enum accounts_role role,
                                  struct accounts_claim claim, uint64_t now_ns) {
    struct accounts_account *account;
    if (!administers(by) || (role != ACCOUNTS_USER && role != ACCOUNTS_ADMINISTRATOR)) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    return make_account(accounts, role, claim, now_ns, &account);
}

enum accounts_result accounts_remove(struct accounts *accounts, const struct accounts_session *by, const char *name) {
    struct accounts_account *account = find_account(accounts, name);
    if (!administers(by)) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    if (account == nullptr) {
        return ACCOUNTS_NOT_FOUND;
    }
    if (account->role == ACCOUNTS_ADMINISTRATOR && administrators(accounts) == 1) {
        return ACCOUNTS_LAST_ADMINISTRATOR;
    }
    end_sessions_of(accounts, account);
    memset(account, 0, sizeof(*account));
    return ACCOUNTS_DONE;
}

enum accounts_result accounts_set_password(struct accounts *accounts, const struct accounts_session *by,
                                           struct accounts_claim claim) {
    struct accounts_account *account = find_account(accounts, claim.name);
    if (!administers(by)) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    if (account == nullptr) {
        return ACCOUNTS_NOT_FOUND;
    }
    if (!is_good_password(claim.len)) {
        return ACCOUNTS_BAD_PASSWORD;
    }
    if (claim.hashed == nullptr) {
        return ACCOUNTS_HASH_FIRST;
    }
    account->password = *claim.hashed;
    end_sessions_of(accounts, account);
    return ACCOUNTS_DONE;
}

enum accounts_result accounts_allow_guests(struct accounts *accounts, const struct accounts_session *by, bool allowed) {
    if (!administers(by)) {
        return ACCOUNTS_NOT_ALLOWED;
    }
    accounts->no_guests = !allowed;
    if (!allowed) {
        end_sessions_of(accounts, nullptr);
    }
    return ACCOUNTS_DONE;
}
