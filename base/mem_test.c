// The host's C library has functions of the same names, so ours are compiled in here under others.
#include "base/test.h"

#define memcpy our_memcpy
#define memmove our_memmove
#define memset our_memset
#define memcmp our_memcmp
#define memchr our_memchr
#include "base/mem.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr

enum { SIZE = 160 };

static void fill(unsigned char *bytes) {
    for (int i = 0; i < SIZE; i++) {
        bytes[i] = (unsigned char)(i * 37 + 11);
    }
}

TEST(memcpy_all_alignments_and_lengths) {
    unsigned char from[SIZE];
    fill(from);
    for (size_t to_at = 0; to_at < 9; to_at++) {
        for (size_t from_at = 0; from_at < 9; from_at++) {
            for (size_t len = 0; len < 80; len++) {
                unsigned char saw[SIZE] = {};
                unsigned char expected[SIZE] = {};
                for (size_t i = 0; i < len; i++) {
                    expected[to_at + i] = from[from_at + i];
                }
                REQUIRE(our_memcpy(saw + to_at, from + from_at, len) == saw + to_at);
                REQUIRE(memcmp(saw, expected, SIZE) == 0);
            }
        }
    }
}

TEST(memmove_all_overlaps) {
    for (size_t to_at = 0; to_at < 40; to_at++) {
        for (size_t from_at = 0; from_at < 40; from_at++) {
            for (size_t len = 0; len < 70; len += 3) {
                unsigned char saw[SIZE];
                unsigned char expected[SIZE];
                fill(saw);
                fill(expected);
                memmove(expected + to_at, expected + from_at, len);
                REQUIRE(our_memmove(saw + to_at, saw + from_at, len) == saw + to_at);
                REQUIRE(memcmp(saw, expected, SIZE) == 0);
            }
        }
    }
}

TEST(memset_touches_only_its_range) {
    for (size_t at = 0; at < 9; at++) {
        for (size_t len = 0; len < 100; len++) {
            unsigned char saw[SIZE];
            fill(saw);
            our_memset(saw + at, 0x1a5, len);
            for (size_t i = 0; i < SIZE; i++) {
                unsigned char expected = i >= at && i < at + len ? 0xa5 : (unsigned char)(i * 37 + 11);
                REQUIRE(saw[i] == expected);
            }
        }
    }
}

TEST(memcmp_orders_by_unsigned_bytes) {
    unsigned char a[SIZE];
    unsigned char b[SIZE];
    fill(a);
    fill(b);
    CHECK_EQ(our_memcmp(a, b, SIZE), 0);
    CHECK_EQ(our_memcmp("x", "y", 0), 0);
    for (size_t at = 0; at < SIZE; at++) {
        a[at] = 0x7f;
        b[at] = 0x80;
        CHECK_EQ(our_memcmp(a, b, SIZE), -1);
        CHECK_EQ(our_memcmp(b, a, SIZE), 1);
        CHECK_EQ(our_memcmp(a, b, at), 0);
        b[at] = a[at];
    }
}

TEST(memchr_finds_the_first) {
    const char *text = "abcabc";
    CHECK(our_memchr(text, 'c', 6) == text + 2);
    CHECK(our_memchr(text, 'c', 2) == nullptr);
    CHECK(our_memchr(text, 'z', 6) == nullptr);
}
