#include "base/test.h"

#include <sodium.h>

#include "lib/keystore/keystore.h"

constexpr uint64_t ANNA = 7, BERTA = 8;

static struct keystore store;
static uint8_t next_seed;

static const char *name_of(const char *name, char field[NAME_BYTES]) {
    CHECK(name_put(field, name, strlen(name)));
    return field;
}

// A key of drawn bytes that differ each time.
static struct keystore_key *make(uint64_t holder, const char *name) {
    uint8_t drawn[KEYSTORE_DRAWN_BYTES];
    char field[NAME_BYTES];
    struct keystore_key *key = nullptr;
    memset(drawn, ++next_seed, sizeof(drawn));
    CHECK_EQ(keystore_generate(&store, holder, name_of(name, field), 1, drawn, &key).code, 0);
    return key;
}

static void from_hex(const char *hex, uint8_t *out, size_t len) {
    size_t got;
    CHECK(sodium_hex2bin(out, len, hex, strlen(hex), nullptr, &got, nullptr) == 0 && got == len);
}

static bool contains(const void *memory, size_t size, const void *bytes, size_t len) {
    for (size_t i = 0; i + len <= size; i++) {
        if (memcmp((const uint8_t *)memory + i, bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds(const void *bytes, size_t len) {
    return contains(&store, sizeof(store), bytes, len);
}

// RFC 8032, section 7.1: TEST 1 to 3.
TEST(signatures_are_those_of_the_standard) {
    static const struct {
        const char *seed, *public_key, *message, *signature;
    } vectors[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    keystore_init(&store);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t drawn[KEYSTORE_DRAWN_BYTES] = {}, public_key[32], message[2], expected[64], signature[64];
        const size_t len = strlen(vectors[i].message) / 2;
        char name[NAME_BYTES] = {(char)('a' + i)};
        struct keystore_key *key;
        from_hex(vectors[i].seed, drawn, KEYSTORE_SEED_BYTES);
        from_hex(vectors[i].public_key, public_key, sizeof(public_key));
        from_hex(vectors[i].message, message, len);
        from_hex(vectors[i].signature, expected, sizeof(expected));
        drawn[sizeof(drawn) - 4] = (uint8_t)(i + 1);
        REQUIRE(status_ok(keystore_generate(&store, ANNA, name, 1, drawn, &key)));
        CHECK_MEM_EQ(key->public_key, public_key, sizeof(public_key));
        keystore_sign(&store, key, message, len, signature);
        CHECK_MEM_EQ(signature, expected, sizeof(expected));
        CHECK(keystore_verify(public_key, 32, message, len, signature, 64));
        signature[5] ^= 1;
        CHECK(!keystore_verify(public_key, 32, message, len, signature, 64));
    }
}

TEST(what_cannot_be_a_signature_is_none) {
    uint8_t signature[64] = {}, zero_key[32] = {};
    keystore_init(&store);
    struct keystore_key *key = make(ANNA, "key");
    keystore_sign(&store, key, "message", 7, signature);
    CHECK(keystore_verify(key->public_key, 32, "message", 7, signature, 64));
    CHECK(!keystore_verify(key->public_key, 32, "message", 6, signature, 64));
    CHECK(!keystore_verify(key->public_key, 31, "message", 7, signature, 64));
    CHECK(!keystore_verify(key->public_key, 32, "message", 7, signature, 63));
    CHECK(!keystore_verify(zero_key, 32, "message", 7, signature, 64)); // a point of small order
    // S is the scalar of the second half: with the group's order added to it the equation holds still (RFC 8032, 8.4).
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    sodium_add(signature + 32, order, 32);
    CHECK(!keystore_verify(key->public_key, 32, "message", 7, signature, 64));
}

// The expected bytes are those of OpenSSL's ChaCha20-Poly1305 under a key of HChaCha20 in another language.
TEST(sealing_is_the_construction) {
    static const uint8_t expected[] = {0x01, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73,
        0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x8f, 0xce, 0x0c, 0x34, 0xdb, 0x91, 0x45, 0x49, 0x7b, 0xf5, 0xcc, 0x5b, 0x4f, 0x2f,
        0x61, 0x49, 0x5d, 0xf4, 0xa3, 0x8c, 0x04, 0x03, 0xa0, 0x80, 0xa8, 0x11, 0x4b};
    uint8_t drawn[KEYSTORE_DRAWN_BYTES], nonce[KEYSTORE_NONCE_BYTES], out[11 + KEYSTORE_SEAL_OVERHEAD];
    char field[NAME_BYTES];
    struct keystore_key *key;
    keystore_init(&store);
    for (uint8_t i = 0; i < sizeof(drawn); i++) {
        drawn[i] = i;
    }
    for (uint8_t i = 0; i < sizeof(nonce); i++) {
        nonce[i] = (uint8_t)(100 + i);
    }
    REQUIRE(status_ok(keystore_generate(&store, ANNA, name_of("key", field), 1, drawn, &key)));
    CHECK_EQ(keystore_seal(&store, key, "disk 1", 6, "the message", 11, nonce, out).code, 0);
    CHECK_EQ(sizeof(expected), sizeof(out));
    CHECK_MEM_EQ(out, expected, sizeof(out));
}

TEST(what_is_sealed_opens_for_key_and_context_only) {
    uint8_t nonce[KEYSTORE_NONCE_BYTES] = {1}, sealed[11 + KEYSTORE_SEAL_OVERHEAD], out[11] = {};
    keystore_init(&store);
    struct keystore_key *key = make(ANNA, "one"), *other = make(ANNA, "two");
    CHECK_EQ(keystore_seal(&store, key, "disk", 4, "the message", 11, nonce, sealed).code, 0);
    CHECK(!contains(sealed, sizeof(sealed), "message", 7));
    CHECK_EQ(keystore_unseal(&store, key, "disk", 4, sealed, sizeof(sealed), out).code, 0);
    CHECK_MEM_EQ(out, "the message", 11);
    memset(out, 0, sizeof(out));
    CHECK_EQ(keystore_unseal(&store, other, "disk", 4, sealed, sizeof(sealed), out).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(keystore_unseal(&store, key, "dis", 3, sealed, sizeof(sealed), out).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(keystore_unseal(&store, key, nullptr, 0, sealed, sizeof(sealed), out).code, STATUS_BAD_ARGUMENT.code);
    for (size_t len = 0; len < sizeof(sealed); len++) {
        CHECK_EQ(keystore_unseal(&store, key, "disk", 4, sealed, len, out).code, STATUS_BAD_ARGUMENT.code);
    }
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 0x10;
        CHECK_EQ(keystore_unseal(&store, key, "disk", 4, sealed, sizeof(sealed), out).code, STATUS_BAD_ARGUMENT.code);
        sealed[i] ^= 0x10;
    }
    CHECK_MEM_EQ(out, "\0\0\0\0\0\0\0\0\0\0\0", 11); // nothing came out of any of them
    CHECK_EQ(store.refused, 3 + 2 * sizeof(sealed));
    CHECK_EQ(keystore_seal(&store, key, "disk", 65, out, 0, nonce, sealed).code, STATUS_TOO_LARGE.code);
    CHECK_EQ(keystore_seal(&store, key, "disk", 4, out, KEYSTORE_MESSAGE_MAX + 1, nonce, sealed).code, STATUS_TOO_LARGE.code);
}

// The bytes are OpenSSL's signature over what the contract says is signed.
TEST(an_attestation_says_who_speaks) {
    static const uint8_t expected[] = {0xe1, 0xf5, 0x05, 0xdd, 0x42, 0x68, 0x09, 0x60, 0x5f, 0x47, 0x20, 0xe2, 0x99, 0x81, 0x95, 0x40, 0x1e,
        0x3f, 0x23, 0xad, 0xf8, 0x35, 0x97, 0x4b, 0x0d, 0x9e, 0x36, 0x14, 0x36, 0xc8, 0x33, 0xf0, 0x21, 0x59, 0xbd, 0x68, 0xd3, 0x4c, 0xf7,
        0xfb, 0xf3, 0xbf, 0xee, 0xe9, 0x52, 0x1f, 0xd2, 0xfd, 0x84, 0x46, 0x22, 0xe9, 0xc1, 0x23, 0x7d, 0x19, 0x7e, 0x70, 0x7c, 0x9d, 0xac,
        0x81, 0xf2, 0x0a};
    char speaker[NAME_BYTES];
    uint8_t seed[32], other[32] = {}, signature[64];
    for (uint8_t i = 0; i < sizeof(seed); i++) {
        seed[i] = i;
    }
    keystore_init(&store);
    keystore_make_device(&store, seed);
    keystore_make_device(&store, other); // once is enough
    CHECK_EQ(keystore_attest(&store, name_of("logd", speaker), "it is me", 8, signature).code, 0);
    CHECK_MEM_EQ(signature, expected, sizeof(expected));
    CHECK_EQ(keystore_attest(&store, speaker, signature, KEYSTORE_STATEMENT_MAX + 1, signature).code, STATUS_TOO_LARGE.code);
}

TEST(names_are_the_holders_own) {
    uint32_t total;
    char field[NAME_BYTES];
    keystore_init(&store);
    struct keystore_key *annas = make(ANNA, "key"), *bertas = make(BERTA, "key");
    CHECK(annas != bertas && annas->number != bertas->number);
    CHECK(keystore_find_named(&store, ANNA, "key") == annas && keystore_find_named(&store, BERTA, "key") == bertas);
    CHECK_EQ(keystore_may_generate(&store, ANNA, name_of("key", field)).code, STATUS_IN_USE.code);
    CHECK(keystore_find(&store, annas->number) == annas && keystore_find(&store, 0) == nullptr);
    CHECK(keystore_at(&store, ANNA, 0, &total) == annas && total == 1);
    CHECK(keystore_at(&store, ANNA, 1, &total) == nullptr && total == 1);
    CHECK(keystore_at(&store, 9, 0, &total) == nullptr && total == 0);
}

static bool is_it(void *context, uint64_t holder) {
    return holder == *(const uint64_t *)context;
}

TEST(what_was_destroyed_is_nowhere) {
    uint8_t secret[32], seal_key[32];
    keystore_init(&store);
    struct keystore_key *key = make(ANNA, "key");
    const uint64_t number = key->number;
    memcpy(secret, key->secret, sizeof(secret));
    memcpy(seal_key, key->seal_key, sizeof(seal_key));
    CHECK(holds(secret, 16) && holds(seal_key, 16));
    (void)make(BERTA, "key");
    (void)make(ANNA, "another");
    uint64_t lives = BERTA;
    CHECK_EQ(keystore_sweep(&store, is_it, &lives), 2);
    CHECK_EQ(keystore_sweep(&store, is_it, &lives), 0);
    CHECK_EQ(store.count, 1);
    CHECK(keystore_find(&store, number) == nullptr && !holds(secret, 16) && !holds(seal_key, 16));
}

TEST(there_is_a_limit_for_each_and_one_for_all) {
    char name[NAME_BYTES] = {};
    keystore_init(&store);
    next_seed = 0;
    for (uint64_t holder = 1; holder <= 4; holder++) {
        for (char i = 0; i < 16; i++) {
            name[0] = (char)('a' + i);
            (void)make(holder, name);
        }
        name[0] = 'z';
        CHECK_EQ(keystore_may_generate(&store, holder, name).code, STATUS_NO_HANDLES.code);
    }
    CHECK_EQ(keystore_may_generate(&store, 5, name).code, STATUS_NO_MEMORY.code);
    keystore_destroy(&store, keystore_find_named(&store, 2, "b"));
    CHECK_EQ(keystore_may_generate(&store, 5, name).code, 0);
    CHECK_EQ(keystore_may_generate(&store, 2, name).code, 0);
}

TEST(a_number_is_given_once) {
    uint8_t drawn[KEYSTORE_DRAWN_BYTES] = {}, other[KEYSTORE_DRAWN_BYTES] = {1};
    char field[NAME_BYTES];
    struct keystore_key *key;
    keystore_init(&store);
    CHECK_EQ(keystore_generate(&store, ANNA, name_of("a", field), 1, drawn, &key).code, STATUS_BAD_STATE.code); // zero is no number
    drawn[64] = other[64] = 5;
    CHECK_EQ(keystore_generate(&store, ANNA, name_of("a", field), 1, drawn, &key).code, 0);
    CHECK_EQ(keystore_generate(&store, ANNA, name_of("b", field), 1, other, &key).code, STATUS_BAD_STATE.code);
    CHECK_EQ(store.count, 1);
}

TEST(keys_are_handed_over) {
    static struct keystore successor;
    alignas(16) static uint8_t saved[64 * 1024];
    uint8_t seed[KEYSTORE_SEED_BYTES] = {7}, before[KEYSTORE_SIGNATURE_BYTES], after[KEYSTORE_SIGNATURE_BYTES];
    char speaker[NAME_BYTES];
    keystore_init(&store);
    keystore_make_device(&store, seed);
    struct keystore_key *key = make(ANNA, "key");
    keystore_sign(&store, key, "message", 7, before);
    REQUIRE(keystore_save(&store, nullptr, 0) <= sizeof(saved));
    const size_t len = keystore_save(&store, saved, sizeof(saved));
    CHECK(len > 0 && len < keystore_save(&store, nullptr, 0)); // what is not there takes no room
    CHECK_EQ(keystore_save(&store, saved, len - 1), 0);
    REQUIRE(keystore_adopt(&successor, saved, len));
    struct keystore_key *found = keystore_find(&successor, key->number);
    REQUIRE(found != nullptr);
    keystore_sign(&successor, found, "message", 7, after);
    CHECK_MEM_EQ(after, before, sizeof(before));
    CHECK_EQ(keystore_attest(&store, name_of("logd", speaker), "x", 1, before).code, 0);
    CHECK_EQ(keystore_attest(&successor, speaker, "x", 1, after).code, 0);
    CHECK_MEM_EQ(after, before, sizeof(before));
    CHECK(!keystore_adopt(&successor, saved, len - 1));
    saved[0] ^= 1;
    CHECK(!keystore_adopt(&successor, saved, len));
    saved[0] ^= 1;
    struct keystore_key *last = (struct keystore_key *)(saved + len) - 1;
    last->public_key[3] ^= 4; // the pair would not be one
    CHECK(!keystore_adopt(&successor, saved, len));
    last->public_key[3] ^= 4;
    memset(last->name, 'x', NAME_BYTES);
    CHECK(!keystore_adopt(&successor, saved, len));
    CHECK(keystore_find(&successor, key->number) == found);
    keystore_destroy(&successor, found);
    const size_t without = keystore_save(&successor, saved, sizeof(saved));
    CHECK_EQ(without, len - sizeof(*last));
    CHECK(keystore_adopt(&successor, saved, without));
    CHECK_EQ(successor.count, 0);
    for (size_t i = 1; i < KEYSTORE_KEYS_MAX; i++) {
        make(100 + i, "one-of-many");
    }
    CHECK_EQ(keystore_save(&store, saved, sizeof(saved)), keystore_save(&store, nullptr, 0));
    CHECK(keystore_adopt(&successor, saved, keystore_save(&store, nullptr, 0)));
    CHECK_EQ(successor.count, KEYSTORE_KEYS_MAX);
}

TEST(badges_carry_number_and_uses) {
    const uint64_t badge = keystore_badge(0x00ab'cdef'0123'4567, KEYSTORE_SIGN | KEYSTORE_UNSEAL);
    CHECK(badge_is_made(badge) && !badge_controls(badge));
    CHECK_EQ(keystore_badge_number(badge), 0x00ab'cdef'0123'4567);
    CHECK_EQ(keystore_badge_uses(badge), KEYSTORE_SIGN | KEYSTORE_UNSEAL);
    CHECK_EQ(keystore_badge_uses(keystore_badge(1, 0xff)), KEYSTORE_ALL_USES);
}
