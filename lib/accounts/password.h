// Passwords as they are kept: Argon2id (RFC 9106), with its parameters, so that what was made with others stays good.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"

constexpr size_t PASSWORD_SALT_BYTES = 16;
constexpr size_t PASSWORD_HASH_BYTES = 32;
constexpr size_t PASSWORD_MIN_BYTES = 8; // of a new one
constexpr size_t PASSWORD_MAX_BYTES = 128;

struct password_cost {
    uint32_t passes;
    uint32_t memory_kib; // is needed while one is hashed
};

// What it takes to try one: 4 MiB and nine passes, as much work as the choice with the least memory that OWASP lists (7 MiB and
// five), for machines that have less.
constexpr struct password_cost PASSWORD_COST = {.passes = 9, .memory_kib = 4096};

struct password {
    struct password_cost cost;
    uint8_t salt[PASSWORD_SALT_BYTES];
    uint8_t hash[PASSWORD_HASH_BYTES];
};

// Hashes these bytes with the cost and the salt that are there. Takes long. NO_MEMORY.
status_t password_hash(struct password *password, const void *bytes, size_t len);

// Whether both are hashes of the same bytes, made alike. Compared in the same time whatever differs in the hashes.
bool password_equal(const struct password *one, const struct password *other);
