// Accounts and sessions on their way to another process of the service.
#include "base/mem.h"
#include "base/str.h"
#include "lib/accounts/accounts.h"

constexpr uint64_t VERSION = 1;
constexpr uint8_t NOBODY = UINT8_MAX;

struct saved {
    uint64_t version, len_bytes;
    struct accounts accounts;                  // whose sessions point nowhere
    uint8_t account_of[ACCOUNTS_SESSIONS_MAX]; // but have their account's place here, or NOBODY
};

static_assert(ACCOUNTS_MAX < NOBODY);

size_t accounts_save(const struct accounts *accounts, void *to, size_t room) {
    struct saved *saved = to;
    if (room < sizeof(*saved)) {
        return room == 0 ? sizeof(*saved) : 0;
    }
    memset(saved, 0, sizeof(*saved)); // padding, too
    saved->version = VERSION;
    saved->len_bytes = sizeof(*saved);
    saved->accounts = *accounts;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        const struct accounts_account *account = accounts->sessions[i].account;
        saved->account_of[i] = account != nullptr ? (uint8_t)(account - accounts->list) : NOBODY;
        saved->accounts.sessions[i].account = nullptr;
    }
    return sizeof(*saved);
}

// Whether every name has an end, every role is one, and every session is of an account that there is.
static bool is_whole(const struct saved *saved) {
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        const struct accounts_account *account = &saved->accounts.list[i];
        if (strnlen(account->name, NAME_BYTES) == NAME_BYTES || account->role > ACCOUNTS_ADMINISTRATOR) {
            return false;
        }
    }
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        const uint8_t place = saved->account_of[i];
        if (saved->accounts.sessions[i].account != nullptr ||
            (place != NOBODY && (place >= ACCOUNTS_MAX || saved->accounts.list[place].name[0] == '\0'))) {
            return false;
        }
    }
    return true;
}

bool accounts_adopt(struct accounts *accounts, const void *from, size_t len) {
    const struct saved *saved = from;
    if (len != sizeof(*saved) || saved->version != VERSION || saved->len_bytes != len || !is_whole(saved)) {
        return false;
    }
    *accounts = saved->accounts;
    for (size_t i = 0; i < ACCOUNTS_SESSIONS_MAX; i++) {
        const uint8_t place = saved->account_of[i];
        accounts->sessions[i].account = place != NOBODY ? &accounts->list[place] : nullptr;
    }
    return true;
}
