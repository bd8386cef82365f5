#include "lib/accounts/password.h"

#include <sodium.h>

#include "base/mem.h"

static_assert(PASSWORD_SALT_BYTES == crypto_pwhash_SALTBYTES);

// The heap gives the memory back as soon as it is done; without it there is no hash.
static status_t hash(const struct password *password, const void *bytes, size_t len, uint8_t out[PASSWORD_HASH_BYTES]) {
    const int made = crypto_pwhash(out, PASSWORD_HASH_BYTES, bytes, len, password->salt, password->cost.passes,
                                   (size_t)password->cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    return made == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

status_t password_make(struct password *password, struct password_cost cost, const uint8_t salt[PASSWORD_SALT_BYTES],
                       const void *bytes, size_t len) {
    struct password made = {.cost = cost};
    memcpy(made.salt, salt, PASSWORD_SALT_BYTES);
    TRY(hash(&made, bytes, len, made.hash));
    *password = made;
    return STATUS_OK;
}

status_t password_check(const struct password *password, const void *bytes, size_t len, bool *good) {
    uint8_t tried[PASSWORD_HASH_BYTES];
    TRY(hash(password, bytes, len, tried));
    *good = sodium_memcmp(tried, password->hash, PASSWORD_HASH_BYTES) == 0;
    sodium_memzero(tried, sizeof(tried));
    return STATUS_OK;
}
