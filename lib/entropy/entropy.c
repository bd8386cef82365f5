#include "lib/entropy/entropy.h"

#include <sodium.h>

#include "base/mem.h"
#include "base/str.h"

static_assert(ENTROPY_KEY_BYTES == crypto_stream_chacha20_KEYBYTES);
static_assert(sizeof((struct entropy){}.pool) == crypto_generichash_BYTES_MAX);

void entropy_init(struct entropy *entropy) {
    *entropy = (struct entropy){.next = ENTROPY_BATCH_BYTES};
}

// One domain each, so that no two uses of the pool ever hash the same bytes.
enum domain : uint8_t { DOMAIN_INPUT = 1, DOMAIN_KEY = 2, DOMAIN_NEXT_POOL = 3 };

// BLAKE2b, under the pool as its key, of a domain and two pieces.
static void hash(const struct entropy *entropy, enum domain domain, const void *first, size_t first_len, const void *second,
                 size_t second_len, uint8_t *out, size_t out_len) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, entropy->pool, sizeof(entropy->pool), out_len);
    crypto_generichash_update(&state, &(const uint8_t){domain}, 1);
    crypto_generichash_update(&state, first, first_len);
    crypto_generichash_update(&state, second, second_len);
    crypto_generichash_final(&state, out, out_len);
    sodium_memzero(&state, sizeof(state));
}

// The next key: of the pool and of the last one, so that it is not worse than either. The numbers left are thrown away.
static void rekey(struct entropy *entropy) {
    uint8_t pool[sizeof(entropy->pool)];
    hash(entropy, DOMAIN_KEY, entropy->batch, ENTROPY_KEY_BYTES, nullptr, 0, entropy->batch, ENTROPY_KEY_BYTES);
    hash(entropy, DOMAIN_NEXT_POOL, nullptr, 0, nullptr, 0, pool, sizeof(pool));
    memcpy(entropy->pool, pool, sizeof(pool));
    sodium_memzero(pool, sizeof(pool));
    sodium_memzero(entropy->batch + ENTROPY_KEY_BYTES, ENTROPY_BATCH_BYTES - ENTROPY_KEY_BYTES);
    entropy->next = ENTROPY_BATCH_BYTES;
    entropy->fresh_bits = 0;
    entropy->keys++;
}

static struct entropy_source *source_called(struct entropy *entropy, const char *name) {
    for (size_t i = 0; i < entropy->source_count; i++) {
        if (str_equal(entropy->sources[i].name, name)) {
            return &entropy->sources[i];
        }
    }
    if (entropy->source_count == ENTROPY_SOURCES_MAX) {
        return nullptr;
    }
    struct entropy_source *source = &entropy->sources[entropy->source_count++];
    *source = (struct entropy_source){};
    (void)str_copy(source->name, sizeof(source->name), name); // its length was checked
    return source;
}

status_t entropy_add(struct entropy *entropy, const char *name, const void *bytes, size_t len, uint32_t bits) {
    const size_t name_len = strnlen(name, ENTROPY_NAME_BYTES);
    if (name_len == 0 || name_len == ENTROPY_NAME_BYTES || len > ENTROPY_INPUT_MAX || bits > len * 8) {
        return STATUS_BAD_ARGUMENT;
    }
    struct entropy_source *source = source_called(entropy, name);
    if (source == nullptr) {
        return STATUS_TOO_LARGE;
    }
    uint8_t pool[sizeof(entropy->pool)];
    hash(entropy, DOMAIN_INPUT, source->name, sizeof(source->name), bytes, len, pool, sizeof(pool));
    memcpy(entropy->pool, pool, sizeof(pool));
    sodium_memzero(pool, sizeof(pool));
    source->times++;
    source->bytes += len;
    source->bits += bits;
    entropy->fresh_bits += bits;
    if (entropy->fresh_bits >= ENTROPY_ENOUGH_BITS) {
        rekey(entropy);
    }
    return STATUS_OK;
}

// A batch under the key at its beginning, which the next key takes the place of.
static void make_batch(struct entropy *entropy) {
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES]; // a key is used for one batch alone
    uint8_t key[ENTROPY_KEY_BYTES];
    memcpy(key, entropy->batch, sizeof(key));
    crypto_stream_chacha20(entropy->batch, sizeof(entropy->batch), nonce, key);
    sodium_memzero(key, sizeof(key));
    entropy->next = ENTROPY_KEY_BYTES;
}

status_t entropy_draw(struct entropy *entropy, void *out, size_t len) {
    if (!entropy_is_seeded(entropy)) {
        return STATUS_BAD_STATE;
    }
    entropy->drawn_bytes += len;
    for (uint8_t *to = out; len > 0;) {
        if (entropy->next == ENTROPY_BATCH_BYTES) {
            make_batch(entropy);
        }
        const size_t left = ENTROPY_BATCH_BYTES - entropy->next;
        const size_t count = len < left ? len : left;
        memcpy(to, entropy->batch + entropy->next, count);
        memset(entropy->batch + entropy->next, 0, count);
        entropy->next += count;
        to += count;
        len -= count;
    }
    return STATUS_OK;
}
