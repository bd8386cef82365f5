#include "lib/keystore/keystore.h"

#include <sodium.h>

#include "base/mem.h"
#include "base/str.h"

static_assert(KEYSTORE_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES && KEYSTORE_SECRET_BYTES == crypto_sign_SECRETKEYBYTES &&
              KEYSTORE_SEED_BYTES == crypto_sign_SEEDBYTES && KEYSTORE_SIGNATURE_BYTES == crypto_sign_BYTES);
static_assert(KEYSTORE_SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
              KEYSTORE_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
              KEYSTORE_SEAL_OVERHEAD == 1 + KEYSTORE_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES);

constexpr uint64_t NUMBER_MASK = (1ull << 56) - 1;
constexpr unsigned USES_SHIFT = 56;
constexpr uint8_t SEAL_VERSION = 1;

void keystore_init(struct keystore *store) {
    sodium_memzero(store, sizeof(*store));
}

// ---- which keys there are ----

struct keystore_key *keystore_find(struct keystore *store, uint64_t number) {
    for (size_t i = 0; number != 0 && i < KEYSTORE_KEYS_MAX; i++) {
        if (store->keys[i].number == number) {
            return &store->keys[i];
        }
    }
    return nullptr;
}

struct keystore_key *keystore_find_named(struct keystore *store, uint64_t holder, const char *name) {
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        struct keystore_key *key = &store->keys[i];
        if (key->number != 0 && key->holder == holder && str_equal(key->name, name)) {
            return key;
        }
    }
    return nullptr;
}

const struct keystore_key *keystore_at(const struct keystore *store, uint64_t holder, uint32_t index, uint32_t *total) {
    const struct keystore_key *found = nullptr;
    *total = 0;
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        const struct keystore_key *key = &store->keys[i];
        if (key->number != 0 && key->holder == holder) {
            found = *total == index ? key : found;
            ++*total;
        }
    }
    return found;
}

status_t keystore_may_generate(const struct keystore *store, uint64_t holder, const char name[NAME_BYTES]) {
    uint32_t held = 0;
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        const struct keystore_key *key = &store->keys[i];
        if (key->number == 0 || key->holder != holder) {
            continue;
        }
        if (str_equal(key->name, name)) {
            return STATUS_IN_USE;
        }
        held++;
    }
    if (held >= KEYSTORE_OF_HOLDER_MAX) {
        return STATUS_NO_HANDLES;
    }
    return store->count < KEYSTORE_KEYS_MAX ? STATUS_OK : STATUS_NO_MEMORY;
}

// ---- from the cradle to the grave ----

static void make_pair(struct keystore_key *key, const uint8_t seed[KEYSTORE_SEED_BYTES]) {
    const int made = crypto_sign_seed_keypair(key->public_key, key->secret, seed);
    (void)made; // of a seed there is always a pair
}

status_t keystore_generate(struct keystore *store, uint64_t holder, const char name[NAME_BYTES], uint64_t now_ns,
                           const uint8_t drawn[KEYSTORE_DRAWN_BYTES], struct keystore_key **out) {
    uint64_t number;
    TRY(keystore_may_generate(store, holder, name));
    memcpy(&number, drawn + KEYSTORE_SEED_BYTES + KEYSTORE_SEAL_KEY_BYTES, sizeof(number));
    number &= NUMBER_MASK;
    if (number == 0 || keystore_find(store, number) != nullptr) {
        return STATUS_BAD_STATE;
    }
    struct keystore_key *key = store->keys;
    for (; key->number != 0; key++) {
    }
    *key = (struct keystore_key){.number = number, .holder = holder, .created_ns = now_ns};
    memcpy(key->name, name, NAME_BYTES);
    make_pair(key, drawn);
    memcpy(key->seal_key, drawn + KEYSTORE_SEED_BYTES, KEYSTORE_SEAL_KEY_BYTES);
    store->count++;
    store->generated++;
    *out = key;
    return STATUS_OK;
}

void keystore_make_device(struct keystore *store, const uint8_t seed[KEYSTORE_SEED_BYTES]) {
    if (!store->has_device) {
        make_pair(&store->device, seed);
        store->has_device = true;
    }
}

void keystore_destroy(struct keystore *store, struct keystore_key *key) {
    if (key->number != 0) {
        sodium_memzero(key, sizeof(*key));
        store->count--;
    }
}

uint32_t keystore_sweep(struct keystore *store, keystore_lives_fn *lives, void *context) {
    uint32_t destroyed = 0;
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        if (store->keys[i].number != 0 && !lives(context, store->keys[i].holder)) {
            keystore_destroy(store, &store->keys[i]);
            destroyed++;
        }
    }
    return destroyed;
}

// ---- signatures ----

void keystore_sign(struct keystore *store, struct keystore_key *key, const void *message, size_t len,
                   uint8_t signature[KEYSTORE_SIGNATURE_BYTES]) {
    const int made = crypto_sign_detached(signature, nullptr, message, len, key->secret);
    (void)made; // signing cannot fail
    key->signatures++;
    store->signatures++;
}

bool keystore_verify(const uint8_t *public_key, size_t public_len, const void *message, size_t len, const uint8_t *signature,
                     size_t signature_len) {
    return public_len == KEYSTORE_PUBLIC_BYTES && signature_len == KEYSTORE_SIGNATURE_BYTES &&
           crypto_sign_verify_detached(signature, message, len, public_key) == 0;
}

status_t keystore_attest(struct keystore *store, const char speaker[NAME_BYTES], const void *statement, size_t len,
                         uint8_t signature[KEYSTORE_SIGNATURE_BYTES]) {
    static const char domain[] = "tessera attestation 1"; // with its NUL
    uint8_t said[sizeof(domain) + NAME_BYTES + KEYSTORE_STATEMENT_MAX];
    if (len > KEYSTORE_STATEMENT_MAX) {
        return STATUS_TOO_LARGE;
    }
    memcpy(said, domain, sizeof(domain));
    memcpy(said + sizeof(domain), speaker, NAME_BYTES);
    memcpy(said + sizeof(domain) + NAME_BYTES, statement, len);
    keystore_sign(store, &store->device, said, sizeof(domain) + NAME_BYTES + len, signature);
    return STATUS_OK;
}

// ---- sealing ----

// What is authenticated beside the message: what it is, and the context.
struct bound {
    uint8_t bytes[1 + KEYSTORE_CONTEXT_MAX];
    size_t len;
};

static struct bound bind_to(const void *context, size_t len) {
    struct bound bound = {.bytes = {SEAL_VERSION}, .len = 1 + len};
    memcpy(bound.bytes + 1, context, len);
    return bound;
}

status_t keystore_seal(struct keystore *store, struct keystore_key *key, const void *context, size_t context_len,
                       const void *message, size_t len, const uint8_t nonce[KEYSTORE_NONCE_BYTES], uint8_t *out) {
    if (context_len > KEYSTORE_CONTEXT_MAX || len > KEYSTORE_MESSAGE_MAX) {
        return STATUS_TOO_LARGE;
    }
    const struct bound bound = bind_to(context, context_len);
    out[0] = SEAL_VERSION;
    memcpy(out + 1, nonce, KEYSTORE_NONCE_BYTES);
    const int sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + KEYSTORE_NONCE_BYTES, nullptr, message, len, bound.bytes,
                                                                  bound.len, nullptr, nonce, key->seal_key);
    (void)sealed; // encrypting cannot fail
    key->seals++;
    store->seals++;
    return STATUS_OK;
}

status_t keystore_unseal(struct keystore *store, struct keystore_key *key, const void *context, size_t context_len,
                         const uint8_t *sealed, size_t len, uint8_t *out) {
    if (context_len <= KEYSTORE_CONTEXT_MAX && len >= KEYSTORE_SEAL_OVERHEAD &&
        len <= KEYSTORE_MESSAGE_MAX + KEYSTORE_SEAL_OVERHEAD && sealed[0] == SEAL_VERSION) {
        const struct bound bound = bind_to(context, context_len);
        const uint8_t *nonce = sealed + 1;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, nullptr, nullptr, sealed + 1 + KEYSTORE_NONCE_BYTES,
                                                       len - 1 - KEYSTORE_NONCE_BYTES, bound.bytes, bound.len, nonce,
                                                       key->seal_key) == 0) {
            return STATUS_OK;
        }
    }
    store->refused++;
    return STATUS_BAD_ARGUMENT;
}

// ---- badges ----

uint64_t keystore_badge(uint64_t number, uint8_t uses) {
    return BADGE_MADE | (uint64_t)(uses & KEYSTORE_ALL_USES) << USES_SHIFT | number;
}

uint64_t keystore_badge_number(uint64_t badge) {
    return badge & NUMBER_MASK;
}

uint8_t keystore_badge_uses(uint64_t badge) {
    return (uint8_t)(badge >> USES_SHIFT) & KEYSTORE_ALL_USES;
}
