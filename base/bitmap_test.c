#include "base/bitmap.h"

#include "base/test.h"

enum { BITS = 200 };

TEST(bitmap_single_bits) {
    uint64_t map[BITMAP_WORDS(BITS)] = {};
    CHECK_EQ(sizeof(map), 32);
    bitmap_set(map, 0);
    bitmap_set(map, 63);
    bitmap_set(map, 64);
    bitmap_set(map, 199);
    CHECK(bitmap_test(map, 0) && bitmap_test(map, 63) && bitmap_test(map, 64) && bitmap_test(map, 199));
    CHECK(!bitmap_test(map, 1) && !bitmap_test(map, 65));
    CHECK_EQ(bitmap_count(map, BITS), 4);
    bitmap_clear(map, 63);
    bitmap_assign(map, 1, true);
    bitmap_assign(map, 0, false);
    CHECK_EQ(bitmap_find_set(map, BITS, 0), 1);
    CHECK_EQ(bitmap_find_set(map, BITS, 2), 64);
    CHECK_EQ(bitmap_find_set(map, BITS, 65), 199);
    CHECK_EQ(bitmap_find_set(map, 199, 65), BITMAP_NONE);
    bitmap_zero(map, BITS);
    CHECK_EQ(bitmap_count(map, BITS), 0);
}

TEST(bitmap_ranges_agree_with_single_bits) {
    for (size_t first = 0; first < BITS; first += 7) {
        for (size_t count = 0; first + count <= BITS; count += 5) {
            uint64_t map[BITMAP_WORDS(BITS)] = {};
            uint64_t other[BITMAP_WORDS(BITS)];
            memset(other, 0xff, sizeof(other));
            bitmap_set_range(map, first, count);
            bitmap_clear_range(other, first, count);
            for (size_t bit = 0; bit < BITS; bit++) {
                bool inside = bit >= first && bit < first + count;
                REQUIRE(bitmap_test(map, bit) == inside);
                REQUIRE(bitmap_test(other, bit) != inside);
            }
            CHECK_EQ(bitmap_count(map, BITS), count);
            CHECK_EQ(bitmap_find_set(map, BITS, 0), count == 0 ? BITMAP_NONE : first);
            CHECK_EQ(bitmap_find_clear(other, BITS, 0), count == 0 ? BITMAP_NONE : first);
        }
    }
}

TEST(bitmap_finds_runs) {
    uint64_t map[BITMAP_WORDS(BITS)] = {};
    bitmap_set_range(map, 0, BITS);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 0, 1), BITMAP_NONE);
    bitmap_clear_range(map, 10, 3);
    bitmap_clear_range(map, 60, 10);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 0, 3), 10);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 0, 4), 60);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 0, 10), 60);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 0, 11), BITMAP_NONE);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 11, 2), 11);
    bitmap_clear_range(map, 195, 5);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 100, 5), 195);
    CHECK_EQ(bitmap_find_clear_run(map, BITS, 100, 6), BITMAP_NONE);
}
