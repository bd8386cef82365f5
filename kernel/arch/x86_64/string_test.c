// The assembly of string.S under other names, against plain loops: all lengths and alignments.
#include <stddef.h>
#include <stdint.h>

#include "base/test.h"

void *kernel_memcpy(void *to, const void *from, size_t len);
void *kernel_memset(void *to, int byte, size_t len);

constexpr size_t LONGEST = 200;
constexpr size_t AREA = 3 * LONGEST;

static uint8_t seen[AREA], expected[AREA];

static void begin(void) {
    for (size_t i = 0; i < AREA; i++) {
        seen[i] = expected[i] = (uint8_t)(i * 31 + 7);
    }
}

static void check(const void *result, const void *to, size_t to_at, size_t from_at, size_t len) {
    if (result != to || memcmp(seen, expected, AREA) != 0) {
        CHECK_EQ(to_at, AREA); // shows which case it was
        CHECK_EQ(from_at, AREA);
        CHECK_EQ(len, AREA);
    }
}

TEST(copies_of_all_lengths) {
    for (size_t len = 0; len <= LONGEST; len++) {
        for (size_t to = 0; to < 9; to++) {
            for (size_t from = 0; from < 9; from++) {
                begin();
                for (size_t i = 0; i < len; i++) {
                    expected[to + i] = expected[LONGEST + 50 + from + i];
                }
                check(kernel_memcpy(seen + to, seen + LONGEST + 50 + from, len), seen + to, to, from, len);
            }
        }
    }
}

TEST(sets_of_all_lengths) {
    for (size_t len = 0; len <= LONGEST; len++) {
        for (size_t to = 0; to < 9; to++) {
            begin();
            for (size_t i = 0; i < len; i++) {
                expected[to + i] = 0xa5;
            }
            check(kernel_memset(seen + to, 0x7fa5, len), seen + to, to, 0, len);
        }
    }
}
