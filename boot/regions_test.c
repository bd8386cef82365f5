#include "boot/regions.h"

#include "base/test.h"

static struct boot_info info;

static void reset(void) {
    memset(&info, 0, sizeof(info));
}

static void check_region(uint32_t at, uint64_t base, uint64_t end, enum boot_mem_kind kind) {
    CHECK(at < info.region_count);
    CHECK_EQ(info.regions[at].base, base);
    CHECK_EQ(info.regions[at].base + info.regions[at].len_bytes, end);
    CHECK_EQ(info.regions[at].kind, kind);
}

TEST(regions_usable_shrinks_and_others_grow_to_pages) {
    reset();
    boot_regions_add(&info, 0x1001, 0x4000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x9001, 1, BOOT_MEM_RESERVED);
    boot_regions_add(&info, 0xa001, 0xffe, BOOT_MEM_USABLE);
    CHECK_EQ(info.region_count, 2);
    check_region(0, 0x2000, 0x5000, BOOT_MEM_USABLE);
    check_region(1, 0x9000, 0xa000, BOOT_MEM_RESERVED);
}

TEST(regions_later_lies_over_earlier) {
    reset();
    boot_regions_add(&info, 0, 0x10000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x4000, 0x2000, BOOT_MEM_KERNEL);
    boot_regions_add(&info, 0x5000, 0x3000, BOOT_MEM_PACKAGE);
    CHECK_EQ(info.region_count, 4);
    check_region(0, 0, 0x4000, BOOT_MEM_USABLE);
    check_region(1, 0x4000, 0x5000, BOOT_MEM_KERNEL);
    check_region(2, 0x5000, 0x8000, BOOT_MEM_PACKAGE);
    check_region(3, 0x8000, 0x10000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x3000, 0x9000, BOOT_MEM_RESERVED);
    CHECK_EQ(info.region_count, 3);
    check_region(1, 0x3000, 0xc000, BOOT_MEM_RESERVED);
}

TEST(regions_join_equal_neighbours) {
    reset();
    boot_regions_add(&info, 0x2000, 0x1000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x0000, 0x1000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x1000, 0x1000, BOOT_MEM_USABLE);
    CHECK_EQ(info.region_count, 1);
    check_region(0, 0, 0x3000, BOOT_MEM_USABLE);
}

TEST(regions_at_the_end_of_the_address_space) {
    reset();
    boot_regions_add(&info, UINT64_MAX - 0x1fff, 0x2000, BOOT_MEM_RESERVED);
    boot_regions_add(&info, UINT64_MAX - 0xff, UINT64_MAX, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x1000, UINT64_MAX, BOOT_MEM_ACPI_NVS);
    CHECK_EQ(info.region_count, 1);
    check_region(0, 0x1000, UINT64_MAX - 0xfff, BOOT_MEM_ACPI_NVS);
}

TEST(regions_overfull_is_remembered) {
    reset();
    for (uint64_t i = 0; i < BOOT_INFO_MAX_REGIONS; i++) {
        boot_regions_add(&info, i * 0x10000, 0x3000, BOOT_MEM_USABLE);
    }
    CHECK_EQ(info.region_count, BOOT_INFO_MAX_REGIONS);
    boot_regions_add(&info, 0x1000, 0x1000, BOOT_MEM_RESERVED);
    CHECK_EQ(info.region_count, BOOT_INFO_MAX_REGIONS + 1);
    boot_regions_add(&info, 0, 0x100000000, BOOT_MEM_RESERVED);
    CHECK_EQ(info.region_count, BOOT_INFO_MAX_REGIONS + 1);
}

// Against a plain array of pages, under random additions.
TEST(regions_agree_with_a_page_array) {
    enum { PAGES = 64 };
    uint32_t random = 3;
    for (int round = 0; round < 300; round++) {
        uint32_t pages[PAGES] = {};
        reset();
        for (int step = 0; step < 20; step++) {
            random = random * 1664525u + 1013904223u;
            uint32_t first = (random >> 8) % PAGES;
            uint32_t count = 1 + (random >> 16) % 12;
            uint32_t kind = 1 + (random >> 24) % 7;
            count = count < PAGES - first ? count : PAGES - first;
            boot_regions_add(&info, first * 0x1000, count * 0x1000, (enum boot_mem_kind)kind);
            for (uint32_t i = first; i < first + count; i++) {
                pages[i] = kind;
            }
        }
        uint32_t at = 0;
        for (uint32_t page = 0; page < PAGES; page++) {
            if (at < info.region_count && info.regions[at].base + info.regions[at].len_bytes <= page * 0x1000) {
                at++;
            }
            uint32_t saw = at < info.region_count && info.regions[at].base <= page * 0x1000 ? info.regions[at].kind : 0;
            REQUIRE(saw == pages[page]);
        }
    }
}

TEST(regions_start_is_the_highest_below_one_mib) {
    reset();
    CHECK_EQ(boot_regions_set_start_aside(&info), 0);
    CHECK_EQ(info.region_count, 0);
    boot_regions_add(&info, 0, 0x9f000, BOOT_MEM_USABLE);
    boot_regions_add(&info, 0x100000, 0x100000, BOOT_MEM_USABLE);
    CHECK_EQ(boot_regions_set_start_aside(&info), 0x9e000);
    CHECK_EQ(info.region_count, 3);
    check_region(0, 0, 0x9e000, BOOT_MEM_USABLE);
    check_region(1, 0x9e000, 0x9f000, BOOT_MEM_START);
}

TEST(regions_start_is_cut_out_and_never_page_0) {
    reset();
    boot_regions_add(&info, 0, 0x1000, BOOT_MEM_USABLE);
    CHECK_EQ(boot_regions_set_start_aside(&info), 0);
    CHECK_EQ(info.region_count, 1);
    boot_regions_add(&info, 0xf0000, 0x20000, BOOT_MEM_USABLE);
    CHECK_EQ(boot_regions_set_start_aside(&info), 0xff000);
    CHECK_EQ(info.region_count, 4);
    check_region(2, 0xff000, 0x100000, BOOT_MEM_START);
    check_region(3, 0x100000, 0x110000, BOOT_MEM_USABLE);
}
