#include "base/xxh64.h"

#include "base/test.h"

// Reference values come from xxhsum 0.8.
TEST(xxh64_known_vectors) {
    CHECK_EQ(xxh64("", 0, 0), UINT64_C(0xef46db3751d8e999));
    CHECK_EQ(xxh64("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    CHECK_EQ(xxh64("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
    const char *text = "Nobody inspects the spammish repetition";
    CHECK_EQ(xxh64(text, strlen(text), 0), UINT64_C(0xfbcea83c8a378bf1));
}

static void fill(uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 131 + 7);
    }
}

TEST(xxh64_around_the_stripe_length) {
    uint8_t bytes[1000];
    fill(bytes, sizeof(bytes));
    CHECK_EQ(xxh64(bytes, 31, 0), UINT64_C(0x6711d55e306b5d8f));
    CHECK_EQ(xxh64(bytes, 32, 0), UINT64_C(0x07f7b8e3bc5d6e25));
    CHECK_EQ(xxh64(bytes, 33, 0), UINT64_C(0x09f85eeb4e1cbe9f));
    CHECK_EQ(xxh64(bytes, 63, 0), UINT64_C(0xb7c9968c066cb6a5));
    CHECK_EQ(xxh64(bytes, 1000, 0), UINT64_C(0x0bf0bdbcc82eb373));
}

TEST(xxh64_in_pieces_is_the_same) {
    uint8_t bytes[1000];
    fill(bytes, sizeof(bytes));
    for (size_t piece = 1; piece < 80; piece++) {
        struct xxh64 state;
        xxh64_init(&state, 0);
        for (size_t at = 0; at < sizeof(bytes); at += piece) {
            size_t rest = sizeof(bytes) - at;
            xxh64_update(&state, bytes + at, rest < piece ? rest : piece);
        }
        CHECK_EQ(xxh64_digest(&state), UINT64_C(0x0bf0bdbcc82eb373));
    }
}

TEST(xxh64_seed_and_single_bits_matter) {
    uint8_t bytes[100] = {};
    uint64_t plain = xxh64(bytes, sizeof(bytes), 0);
    CHECK(xxh64(bytes, sizeof(bytes), 1) != plain);
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(xxh64(bytes, sizeof(bytes), 0) != plain);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
