#include "base/test.h"

#include <sodium.h>

#include "lib/entropy/entropy.h"

static struct entropy entropy;

static uint8_t counted[64];

static void setup(void) {
    entropy_init(&entropy);
    for (uint8_t i = 0; i < sizeof(counted); i++) {
        counted[i] = i;
    }
}

static bool holds(const void *bytes, size_t len) {
    const uint8_t *state = (const uint8_t *)&entropy;
    for (size_t i = 0; i + len <= sizeof(entropy); i++) {
        if (memcmp(state + i, bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

TEST(nothing_is_drawn_before_it_is_seeded) {
    setup();
    uint8_t out[8] = {7};
    CHECK_EQ(entropy_draw(&entropy, out, sizeof(out)).code, STATUS_BAD_STATE.code);
    CHECK_EQ(entropy_add(&entropy, "jitter", counted, 64, 0).code, STATUS_OK.code);
    CHECK_EQ(entropy_add(&entropy, "device", counted, 16, ENTROPY_ENOUGH_BITS - 1).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&entropy, out, sizeof(out)).code, STATUS_BAD_STATE.code);
    CHECK_EQ(out[0], 7);
    CHECK_EQ(entropy_add(&entropy, "device", counted, 1, 1).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&entropy, out, sizeof(out)).code, STATUS_OK.code);
}

// Against a model of the same construction in another language and another implementation of both primitives.
TEST(numbers_are_those_of_the_construction) {
    static const uint8_t first[16] = {0xdd, 0x12, 0x8e, 0x57, 0x13, 0x5c, 0xe2, 0x34, 0xfa, 0x47, 0xd0, 0xac, 0xc0, 0xb3, 0xfa, 0x0a};
    static const uint8_t over_the_end[20] = {0x28, 0x58, 0xb1, 0xd1, 0xce, 0x6a, 0x9b, 0xe8, 0x97, 0xc4, 0xca, 0xfc, 0xb0, 0xff, 0xf4, 0x2c, 0x0a, 0x4a, 0xef, 0x6a};
    uint8_t out[490];
    setup();
    CHECK_EQ(entropy_add(&entropy, "test", counted, 32, 256).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&entropy, out, 3).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&entropy, out + 3, sizeof(out) - 3).code, STATUS_OK.code);
    CHECK_MEM_EQ(out, first, sizeof(first));
    CHECK_MEM_EQ(out + 470, over_the_end, sizeof(over_the_end));
}

TEST(what_was_drawn_is_forgotten) {
    uint8_t out[600], key[ENTROPY_KEY_BYTES];
    setup();
    CHECK_EQ(entropy_add(&entropy, "test", counted, 64, 512).code, STATUS_OK.code);
    CHECK(!holds(counted, 16));
    memcpy(key, entropy.batch, sizeof(key));
    CHECK_EQ(entropy_draw(&entropy, out, sizeof(out)).code, STATUS_OK.code);
    for (size_t i = 0; i + 16 <= sizeof(out); i += 16) {
        CHECK(!holds(out + i, 16));
    }
    CHECK(!holds(key, 16));
}

TEST(more_entropy_changes_the_key_at_once) {
    struct entropy twin;
    uint8_t here[32], there[32];
    setup();
    CHECK_EQ(entropy_add(&entropy, "test", counted, 64, 512).code, STATUS_OK.code);
    twin = entropy;
    CHECK_EQ(entropy_add(&entropy, "test", counted, 16, 127).code, STATUS_OK.code); // not enough yet
    CHECK_EQ(entropy_draw(&entropy, here, sizeof(here)).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&twin, there, sizeof(there)).code, STATUS_OK.code);
    CHECK_MEM_EQ(here, there, sizeof(here));
    CHECK_EQ(entropy_add(&entropy, "test", counted, 1, 1).code, STATUS_OK.code);
    CHECK_EQ(entropy.keys, 2);
    CHECK_EQ(entropy_draw(&entropy, here, sizeof(here)).code, STATUS_OK.code);
    CHECK_EQ(entropy_draw(&twin, there, sizeof(there)).code, STATUS_OK.code);
    CHECK(memcmp(here, there, sizeof(here)) != 0);
}

TEST(sources_are_accounted_for) {
    setup();
    CHECK_EQ(entropy_add(&entropy, "processor", counted, 32, 128).code, STATUS_OK.code);
    CHECK_EQ(entropy_add(&entropy, "clock", counted, 8, 0).code, STATUS_OK.code);
    CHECK_EQ(entropy_add(&entropy, "processor", counted, 32, 64).code, STATUS_OK.code);
    REQUIRE(entropy.source_count == 2);
    CHECK_STR_EQ(entropy.sources[0].name, "processor");
    CHECK_EQ(entropy.sources[0].times, 2);
    CHECK_EQ(entropy.sources[0].bytes, 64);
    CHECK_EQ(entropy.sources[0].bits, 192);
    CHECK_EQ(entropy.sources[1].bits, 0);
}

TEST(what_cannot_be_is_refused) {
    static uint8_t long_input[ENTROPY_INPUT_MAX + 1];
    setup();
    CHECK_EQ(entropy_add(&entropy, "", counted, 8, 8).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(entropy_add(&entropy, "a-name-that-is-too-long-x", counted, 8, 8).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(entropy_add(&entropy, "test", counted, 8, 65).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(entropy_add(&entropy, "test", long_input, sizeof(long_input), 0).code, STATUS_BAD_ARGUMENT.code);
    for (size_t i = 0; i < ENTROPY_SOURCES_MAX; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        CHECK_EQ(entropy_add(&entropy, name, counted, 1, 0).code, STATUS_OK.code);
    }
    CHECK_EQ(entropy_add(&entropy, "one-more", counted, 8, 64).code, STATUS_TOO_LARGE.code);
    CHECK_EQ(entropy_add(&entropy, "a", counted, 16, 128).code, STATUS_OK.code);
}

// What the port computes is what the standards say: one known answer for each part of libsodium that the system uses.
TEST(cryptography_gives_known_answers) {
    // RFC 7693, appendix A, cut to 16 bytes.
    static const uint8_t abc[16] = {0xba, 0x80, 0xa5, 0x3f, 0x98, 0x1c, 0x4d, 0x0d, 0x6a, 0x27, 0x97, 0xb6, 0x9f, 0x12, 0xf6, 0xe9};
    uint8_t hash[64];
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)"abc", 3, nullptr, 0);
    CHECK_MEM_EQ(hash, abc, sizeof(abc));
    // RFC 8032, section 7.1, test 1: the key of this seed, and the signature of nothing.
    static const uint8_t seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                     0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    static const uint8_t public_start[8] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7};
    static const uint8_t signature_start[8] = {0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72};
    uint8_t public[32], secret[64], signature[64];
    CHECK_EQ(crypto_sign_seed_keypair(public, secret, seed), 0);
    CHECK_MEM_EQ(public, public_start, sizeof(public_start));
    CHECK_EQ(crypto_sign_detached(signature, nullptr, nullptr, 0, secret), 0);
    CHECK_MEM_EQ(signature, signature_start, sizeof(signature_start));
    CHECK_EQ(crypto_sign_verify_detached(signature, nullptr, 0, public), 0);
    signature[63] ^= 1;
    CHECK_EQ(crypto_sign_verify_detached(signature, nullptr, 0, public), -1);
}
