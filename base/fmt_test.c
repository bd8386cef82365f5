#include "base/fmt.h"

#include <limits.h>
#include <stdio.h>

#include "base/test.h"

// Ours against the C library's, on the same arguments.
#define SAME(...) \
    do { \
        char saw[256]; \
        char expected[256]; \
        size_t saw_len = fmt_snprintf(saw, sizeof(saw), __VA_ARGS__); \
        int expected_len = snprintf(expected, sizeof(expected), __VA_ARGS__); \
        CHECK_STR_EQ(saw, expected); \
        CHECK_EQ(saw_len, (size_t)expected_len); \
    } while (0)

TEST(fmt_integers) {
    SAME("%d %d %d", 0, -1, INT_MIN);
    SAME("%ld %lld %lld", LONG_MIN, LLONG_MIN, LLONG_MAX);
    SAME("%u %lu %llu", UINT_MAX, ULONG_MAX, ULLONG_MAX);
    SAME("%x %X %o %#x %#o %#X", 48879u, 48879u, 511u, 255u, 8u, 171u);
    SAME("%zu %zd %jd %td", (size_t)7, (ptrdiff_t)-7, (intmax_t)-9, (ptrdiff_t)11);
    SAME("%hhd %hhu %hd %hu", (signed char)-3, (unsigned char)253, (short)-300, (unsigned short)65000);
    SAME("%+d % d %+d", 5, 5, -5);
}

TEST(fmt_width_and_precision) {
    SAME("[%5d][%-5d][%05d][%.3d][%8.3d][%-8.3d]", 42, 42, 42, 7, 7, 7);
    SAME("[%016lx][%016lx][%#010x]", 0x1234ul, ULONG_MAX, 0xabu);
    SAME("[%06d][%+06d]", -42, 42);
    SAME("[%*d][%-*d][%*d]", 6, 1, 6, 2, -6, 3);
    SAME("[%.*s][%.*d]", 3, "abcdef", -1, 9);
    SAME("[%.0d][%5.0d]", 0, 0);
    SAME("[%10s][%-10s][%.2s][%c][%3c][%-3c]", "right", "left", "cut", 'x', 'y', 'z');
    SAME("100%% of %s", "it");
}

TEST(fmt_pointers_and_null) {
    char saw[64];
    fmt_snprintf(saw, sizeof(saw), "%p", (void *)(uintptr_t)0xffffffff80000000);
    CHECK_STR_EQ(saw, "0xffffffff80000000");
    fmt_snprintf(saw, sizeof(saw), "%p", (void *)nullptr);
    CHECK_STR_EQ(saw, "0x0");
    const char *volatile nothing = nullptr;
    fmt_snprintf(saw, sizeof(saw), "%s", nothing);
    CHECK_STR_EQ(saw, "(null)");
}

TEST(fmt_cuts_and_reports_the_whole_length) {
    char saw[5] = "zzzz";
    CHECK_EQ(fmt_snprintf(saw, sizeof(saw), "%s", "truncated"), 9);
    CHECK_STR_EQ(saw, "trun");
    CHECK_EQ(fmt_snprintf(saw, 1, "abc"), 3);
    CHECK_STR_EQ(saw, "");
    CHECK_EQ(fmt_snprintf(nullptr, 0, "abc"), 3);
}

static void count_bytes(void *context, const char *bytes, size_t len) {
    (void)bytes;
    *(size_t *)context += len;
}

TEST(fmt_sink_sees_every_byte) {
    size_t seen = 0;
    CHECK_EQ(fmt_print(count_bytes, &seen, "%-40s|%d\n", "x", 12345), 47);
    CHECK_EQ(seen, 47);
}

TEST(fmt_unknown_conversions_stay_visible) {
    char saw[32];
    const char *volatile bad = "a%qb %";
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-security"
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    fmt_snprintf(saw, sizeof(saw), bad);
#pragma clang diagnostic pop
    CHECK_STR_EQ(saw, "a%qb %");
}
