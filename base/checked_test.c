#include "base/checked.h"

#include "base/test.h"

TEST(checked_writes_only_on_success) {
    uint64_t out = 42;
    CHECK(!checked_add_u64(UINT64_MAX, 1, &out));
    CHECK_EQ(out, 42);
    CHECK(!checked_mul_u64(UINT64_MAX / 2 + 1, 2, &out));
    CHECK_EQ(out, 42);
    CHECK(checked_add_u64(UINT64_MAX - 1, 1, &out));
    CHECK_EQ(out, UINT64_MAX);
    CHECK(checked_mul_u64(UINT32_MAX, UINT32_MAX, &out));
    CHECK_EQ(out, UINT64_C(0xfffffffe00000001));
}

TEST(checked_sizes) {
    size_t out = 7;
    CHECK(!checked_mul_size(SIZE_MAX, 2, &out));
    CHECK_EQ(out, 7);
    CHECK(checked_mul_size(SIZE_MAX, 0, &out));
    CHECK_EQ(out, 0);
}

TEST(checked_align_up) {
    uint64_t out = 0;
    CHECK(checked_align_up_u64(1, 4096, &out));
    CHECK_EQ(out, 4096);
    CHECK(checked_align_up_u64(UINT64_MAX - 4095, 4096, &out));
    CHECK_EQ(out, UINT64_MAX - 4095);
    CHECK(!checked_align_up_u64(UINT64_MAX - 4094, 4096, &out));
}

TEST(checked_ranges) {
    CHECK(range_within(0, 0, 0));
    CHECK(range_within(10, 0, 10));
    CHECK(!range_within(11, 0, 10));
    CHECK(range_within(4, 6, 10));
    CHECK(!range_within(4, 7, 10));
    CHECK(!range_within(1, UINT64_MAX, 10));
    CHECK(ranges_overlap(0, 10, 9, 1));
    CHECK(!ranges_overlap(0, 10, 10, 1));
    CHECK(!ranges_overlap(10, 1, 0, 10));
    CHECK(!ranges_overlap(5, 0, 0, 10));
    CHECK(ranges_overlap(5, 1, 0, 10));
}

TEST(checked_saturation) {
    CHECK_EQ(saturating_add_u64(UINT64_MAX, 5), UINT64_MAX);
    CHECK_EQ(saturating_add_u64(2, 5), 7);
    CHECK_EQ(saturating_sub_u64(2, 5), 0);
    CHECK_EQ(saturating_mul_u64(UINT64_MAX, 2), UINT64_MAX);
}
