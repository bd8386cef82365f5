// Keys that never leave: the state of the one authority for them (services/keystored).
//
// A key is a pair for signatures (Ed25519, RFC 8032) and a secret of its own for sealing (XChaCha20-Poly1305; its nonces are
// long enough to be drawn at random). What is sealed opens with the same key and the same context only: the context is
// authenticated, and not kept in it. Keys go by random numbers, which no two keys ever share, not even those of two lives
// of the service.
//
// Pure; no locks. Random bytes are the caller's to bring, and to forget.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"
#include "lib/badge/badge.h"

constexpr size_t KEYSTORE_KEYS_MAX = 64;
constexpr size_t KEYSTORE_OF_HOLDER_MAX = 16;
constexpr size_t KEYSTORE_PUBLIC_BYTES = 32;
constexpr size_t KEYSTORE_SIGNATURE_BYTES = 64;
constexpr size_t KEYSTORE_SECRET_BYTES = 64; // the seed and the public key, as libsodium has them
constexpr size_t KEYSTORE_SEAL_KEY_BYTES = 32;
constexpr size_t KEYSTORE_NONCE_BYTES = 24;
constexpr size_t KEYSTORE_SEAL_OVERHEAD = 1 + KEYSTORE_NONCE_BYTES + 16;
constexpr size_t KEYSTORE_MESSAGE_MAX = 3072;
constexpr size_t KEYSTORE_CONTEXT_MAX = 64;
constexpr size_t KEYSTORE_STATEMENT_MAX = 1024;

// What a key is made of: the seed of the pair (RFC 8032's secret key), the secret for sealing, and the number.
constexpr size_t KEYSTORE_SEED_BYTES = 32;
constexpr size_t KEYSTORE_DRAWN_BYTES = KEYSTORE_SEED_BYTES + KEYSTORE_SEAL_KEY_BYTES + sizeof(uint64_t);

// What a capability to a key allows beside verifying. They are bits of its badge, above the key's number.
enum keystore_use : uint8_t {
    KEYSTORE_SIGN = 1,
    KEYSTORE_SEAL = 2,
    KEYSTORE_UNSEAL = 4,
    KEYSTORE_DESTROY = 8,
    KEYSTORE_ALL_USES = 15,
};

struct keystore_key {
    uint64_t number; // 0: no key
    uint64_t holder; // who made it; 0: the machine's own
    char name[NAME_BYTES];
    uint64_t created_ns;
    uint64_t signatures, seals;
    uint8_t public_key[KEYSTORE_PUBLIC_BYTES];
    uint8_t secret[KEYSTORE_SECRET_BYTES];
    uint8_t seal_key[KEYSTORE_SEAL_KEY_BYTES];
};

struct keystore {
    struct keystore_key keys[KEYSTORE_KEYS_MAX];
    struct keystore_key device; // of use once there is one
    bool has_device;
    uint32_t count;
    uint64_t generated, signatures, seals, refused;
};

void keystore_init(struct keystore *store);

// Whether this holder may have another key, of this name. IN_USE: it has one that is called so; NO_HANDLES: it has as many as it may;
// NO_MEMORY: there is no room for anybody's.
status_t keystore_may_generate(const struct keystore *store, uint64_t holder, const char name[NAME_BYTES]);

// Makes a key of what was drawn. Statuses as of keystore_may_generate; and BAD_STATE: the number is taken, draw anew.
status_t keystore_generate(struct keystore *store, uint64_t holder, const char name[NAME_BYTES], uint64_t now_ns,
                           const uint8_t drawn[KEYSTORE_DRAWN_BYTES], struct keystore_key **out);

// Makes the machine's own; once.
void keystore_make_device(struct keystore *store, const uint8_t seed[KEYSTORE_SEED_BYTES]);

// Null when there is none (any more).
struct keystore_key *keystore_find(struct keystore *store, uint64_t number);
struct keystore_key *keystore_find_named(struct keystore *store, uint64_t holder, const char *name);

// The holder's key number `index` of how many *total says; null behind the last.
const struct keystore_key *keystore_at(const struct keystore *store, uint64_t holder, uint32_t index, uint32_t *total);

// Overwrites everything that was known of it.
void keystore_destroy(struct keystore *store, struct keystore_key *key);

// Destroys the keys of holders that are gone; returns how many.
typedef bool keystore_lives_fn(void *context, uint64_t holder);
uint32_t keystore_sweep(struct keystore *store, keystore_lives_fn *lives, void *context);

// ---- what is done with a key ----

void keystore_sign(struct keystore *store, struct keystore_key *key, const void *message, size_t len,
                   uint8_t signature[KEYSTORE_SIGNATURE_BYTES]);

// False also for lengths that no key or signature has.
bool keystore_verify(const uint8_t *public_key, size_t public_len, const void *message, size_t len, const uint8_t *signature,
                     size_t signature_len);

// The machine's signature over the statement of whoever is called so; see Keys.attest. TOO_LARGE.
status_t keystore_attest(struct keystore *store, const char speaker[NAME_BYTES], const void *statement, size_t len,
                         uint8_t signature[KEYSTORE_SIGNATURE_BYTES]);

// Writes len + KEYSTORE_SEAL_OVERHEAD bytes. `nonce` is random and new. TOO_LARGE.
status_t keystore_seal(struct keystore *store, struct keystore_key *key, const void *context, size_t context_len,
                       const void *message, size_t len, const uint8_t nonce[KEYSTORE_NONCE_BYTES], uint8_t *out);

// Writes len - KEYSTORE_SEAL_OVERHEAD bytes. BAD_ARGUMENT, with nothing written: another key's, another context's, or changed.
status_t keystore_unseal(struct keystore *store, struct keystore_key *key, const void *context, size_t context_len,
                         const uint8_t *sealed, size_t len, uint8_t *out);

// ---- for another process of the service, in its place (lib/service): with all that is secret ----

size_t keystore_save(const struct keystore *store, void *to, size_t room); // the length; with too little room 0, with none at most what it may be
bool keystore_adopt(struct keystore *store, const void *from, size_t len);  // false: not understood, and nothing is changed

// ---- badges of capabilities to keys ----

// Bits 0 to 55: the number; 56 to 59: uses; BADGE_MADE.
uint64_t keystore_badge(uint64_t number, uint8_t uses);
uint64_t keystore_badge_number(uint64_t badge);
uint8_t keystore_badge_uses(uint64_t badge);
