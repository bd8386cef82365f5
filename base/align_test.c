#include "base/align.h"

#include "base/test.h"

TEST(align_rounds_both_ways) {
    CHECK_EQ(align_up(0, 4096), 0);
    CHECK_EQ(align_up(1, 4096), 4096);
    CHECK_EQ(align_up(4096, 4096), 4096);
    CHECK_EQ(align_down(8191, 4096), 4096);
    CHECK(is_aligned(8192, 4096));
    CHECK(!is_aligned(8193, 4096));
    CHECK_EQ(div_round_up(0, 3), 0);
    CHECK_EQ(div_round_up(7, 3), 3);
    CHECK_EQ(div_round_up(UINT64_MAX, 2), UINT64_C(1) << 63);
}

TEST(align_powers_of_two) {
    CHECK(!is_power_of_two(0));
    CHECK(is_power_of_two(1));
    CHECK(is_power_of_two(UINT64_C(1) << 63));
    CHECK(!is_power_of_two(6));
    CHECK_EQ(log2_floor(1), 0);
    CHECK_EQ(log2_floor(4097), 12);
    CHECK_EQ(log2_ceil(1), 0);
    CHECK_EQ(log2_ceil(4096), 12);
    CHECK_EQ(log2_ceil(4097), 13);
}
