#include "lib/accounts/password.h"

#include <sodium.h>

#include "base/mem.h"

static_assert(PASSWORD_SALT_BYTES == crypto_pwhash_SALTBYTES);

// The heap gives the memory back as soon as it is done; without it there is no hash.
status_t password_hash(struct password *password, const void *bytes, size_t len) {
    const int made = crypto_pwhash(password->hash, PASSWORD_HASH_BYTES, bytes, len, password->salt, password->cost.passes,
                                   (size_t)password->cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    return made == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

bool password_equal(const struct password *one, const struct password *other) {
    return one->cost.passes == other->cost.passes && one->cost.memory_kib == other->cost.memory_kib &&
           memcmp(one->salt, other->salt, PASSWORD_SALT_BYTES) == 0 && sodium_memcmp(one->hash, other->hash, PASSWORD_HASH_BYTES) == 0;
}
