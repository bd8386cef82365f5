#include "kernel/mm/frame.h"

#include <stdlib.h>

#include "abi/boot_info.h"
#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/mm/direct_map.h"
#include "kernel/percpu.h"

constexpr uint64_t PAGE = 4096;
constexpr uint64_t MIB = 1 << 20;

static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static bool begin(uint64_t arena, const struct host_range ranges[], uint32_t count) {
    host_arena_init(arena);
    struct boot_info boot = host_boot_info(ranges, count);
    frame_early_init(&boot);
    return frame_init(&boot);
}

// Takes every single frame; each must lie in one of the ranges and come once. Then gives all back.
static void check_all_frames(const struct host_range ranges[], uint32_t count, uint64_t arena) {
    uint64_t expected = frame_free_bytes() / PAGE;
    uint8_t *seen = calloc(arena / PAGE, 1);
    paddr_t *taken = calloc(arena / PAGE, sizeof(*taken));
    uint64_t n = 0;
    while (n <= expected && status_ok(frame_alloc(0, &taken[n]))) {
        bool inside = false;
        for (uint32_t i = 0; i < count; i++) {
            inside |=
                taken[n].v >= ranges[i].base && taken[n].v + PAGE <= ranges[i].base + ranges[i].len_bytes;
        }
        CHECK(inside && taken[n].v != 0 && taken[n].v % PAGE == 0);
        CHECK_EQ(seen[taken[n].v / PAGE], 0);
        seen[taken[n].v / PAGE] = 1;
        memset(phys_to_virt(taken[n]), 0xee, PAGE); // nothing that is given out is needed any more
        n++;
    }
    CHECK_EQ(n, expected);
    CHECK_EQ(frame_free_bytes(), 0u);
    while (n > 0) {
        frame_free(taken[--n], 0);
    }
    CHECK_EQ(frame_free_bytes(), expected * PAGE);
    free(taken);
    free(seen);
}

TEST(sixteen_mebibytes_with_a_hole) {
    const struct host_range ranges[] = {{0, 0x9f000}, {MIB, 15 * MIB}};
    REQUIRE(begin(16 * MIB, ranges, 2));
    CHECK_EQ(frame_free_bytes(), 0x9e000u + 15 * MIB - 2 * PAGE); // two bytes a frame
    check_all_frames(ranges, 2, 16 * MIB);
}

TEST(ragged_regions) {
    const struct host_range ranges[] = {{3 * PAGE, PAGE},
                                        {5 * PAGE, 7 * PAGE},
                                        {13 * PAGE, 1000 * PAGE},
                                        {1014 * PAGE, PAGE},
                                        {1016 * PAGE, 2000 * PAGE}};
    REQUIRE(begin(16 * MIB, ranges, 5));
    check_all_frames(ranges, 5, 16 * MIB);
}

TEST(early_frames_are_not_given_out_again) {
    const struct host_range ranges[] = {{MIB, 4 * MIB}, {6 * MIB, MIB}};
    host_arena_init(8 * MIB);
    struct boot_info boot = host_boot_info(ranges, 2);
    frame_early_init(&boot);
    paddr_t early[5];
    for (int i = 0; i < 5; i++) {
        REQUIRE(frame_early_alloc(&early[i]));
        memset(phys_to_virt(early[i]), 0x55, PAGE);
    }
    REQUIRE(frame_init(&boot));
    check_all_frames(ranges, 2, 8 * MIB);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(*(uint8_t *)phys_to_virt(early[i]), 0x55);
    }
    paddr_t late;
    CHECK(!frame_early_alloc(&late));
}

TEST(a_region_across_four_gibibytes) {
    constexpr uint64_t GIB = 1ull << 30;
    const struct host_range ranges[] = {{MIB, 5 * GIB - MIB}};
    host_arena_init(5 * GIB);
    struct boot_info boot = host_boot_info(ranges, 1);
    frame_early_init(&boot);
    paddr_t early;
    REQUIRE(frame_early_alloc(&early));
    CHECK_EQ(early.v, 4 * GIB - PAGE);
    REQUIRE(frame_init(&boot));
    uint64_t bookkeeping = (2 * ((5 * GIB - MIB) / PAGE) + PAGE - 1) / PAGE;
    CHECK_EQ(frame_free_bytes(), 5 * GIB - MIB - PAGE - bookkeeping * PAGE);
}

TEST(memory_behind_a_vast_hole_is_left_out) {
    const struct host_range ranges[] = {{MIB, 7 * MIB}, {64ull << 30, MIB}};
    REQUIRE(begin(8 * MIB, ranges, 2));
    CHECK_EQ(frame_free_bytes(), 7 * MIB - PAGE);
}

TEST(no_memory_at_all_is_refused) {
    struct boot_info boot = host_boot_info(nullptr, 0);
    frame_early_init(&boot);
    paddr_t frame;
    CHECK(!frame_early_alloc(&frame));
    CHECK(!frame_init(&boot));
    const struct host_range one_page = {PAGE, PAGE};
    CHECK(!begin(MIB, &one_page, 1));
}

TEST(reclaimed_ranges_join) {
    struct host_range ranges[] = {{4 * MIB, 2 * MIB}, {6 * MIB, 2 * MIB}, {8 * MIB, 8 * MIB}};
    host_arena_init(16 * MIB);
    struct boot_info boot = host_boot_info(ranges, 3);
    boot.regions[0].kind = BOOT_MEM_BOOT_INFO;
    frame_early_init(&boot);
    REQUIRE(frame_init(&boot));
    uint64_t free_bytes = frame_free_bytes();
    frame_add_range((paddr_t){4 * MIB}, 2 * MIB);
    CHECK_EQ(frame_free_bytes(), free_bytes + 2 * MIB);
    paddr_t block; // 4..8 MiB is one block now
    CHECK(status_ok(frame_alloc(FRAME_MAX_ORDER, &block)));
    CHECK_EQ(block.v, 4 * MIB);
    frame_free(block, FRAME_MAX_ORDER);
    frame_add_range((paddr_t){1ull << 40}, 2 * MIB); // outside of what is known: left out
    CHECK_EQ(frame_free_bytes(), free_bytes + 2 * MIB);
}

TEST(orders) {
    CHECK_EQ(frame_order_for(1), 0u);
    CHECK_EQ(frame_order_for(PAGE), 0u);
    CHECK_EQ(frame_order_for(PAGE + 1), 1u);
    CHECK_EQ(frame_order_for(2 * PAGE), 1u);
    CHECK_EQ(frame_order_for(2 * PAGE + 1), 2u);
    const struct host_range range = {PAGE, 4 * MIB};
    REQUIRE(begin(8 * MIB, &range, 1));
    paddr_t out = {1};
    CHECK(status_is(frame_alloc(FRAME_MAX_ORDER + 1, &out), STATUS_NO_MEMORY));
    CHECK(status_is(frame_alloc(FRAME_MAX_ORDER, &out), STATUS_NO_MEMORY)); // no aligned block is whole
    CHECK_EQ(out.v, 1u);
}

static bool is_zeroed(paddr_t frame) {
    const uint64_t *words = phys_to_virt(frame);
    for (uint64_t i = 0; i < PAGE / sizeof(*words); i++) {
        if (words[i] != 0) {
            return false;
        }
    }
    return true;
}

// Zeroed ahead or not, what is asked for zeroed is, and frames that were zeroed in vain are frames as any other.
TEST(zeroed_frames_are_zeroed) {
    const struct host_range ranges[] = {{MIB, 4 * MIB}};
    REQUIRE(begin(8 * MIB, ranges, 1));
    paddr_t held[200];
    for (int round = 0; round < 20; round++) {
        check_all_frames(ranges, 1, 8 * MIB); // leaves none that is zero
        const uint64_t before = frame_free_bytes();
        for (int i = 0; i < round; i++) {
            frame_zero_ahead();
        }
        CHECK_EQ(frame_free_bytes(), before);
        for (int i = 0; i < 200; i++) {
            const bool zeroed = (i + round) % 3 != 0;
            if (zeroed) {
                REQUIRE((held[i] = frame_alloc_zeroed()).v != 0);
            } else {
                REQUIRE(status_ok(frame_alloc(0, &held[i])));
            }
            CHECK(!zeroed || is_zeroed(held[i]));
            memset(phys_to_virt(held[i]), i, PAGE);
        }
        CHECK_EQ(frame_free_bytes(), before - 200 * PAGE);
        for (int i = 0; i < 200; i++) {
            CHECK_EQ(*((uint8_t *)phys_to_virt(held[i]) + PAGE - 1), (uint8_t)i);
            frame_free(held[i], 0);
        }
    }
}

// What another processor has at hand, zeroed or not, comes back when memory runs out, for single frames and for blocks.
TEST(nothing_is_kept_back) {
    static struct percpu second = {.self = &second, .id = {1}};
    const struct host_range ranges[] = {{MIB, 4 * MIB}};
    REQUIRE(begin(8 * MIB, ranges, 1));
    cpu_add(&second);
    for (int round = 0; round < 2; round++) {
        const uint64_t before = frame_free_bytes();
        paddr_t single, block;
        host_this_cpu = &second;
        REQUIRE(status_ok(frame_alloc(0, &single)));
        frame_zero_ahead();
        frame_free(single, 0);
        CHECK(__atomic_load_n(&second.frames.zeroed, __ATOMIC_RELAXED) > 0);
        host_this_cpu = &boot_percpu;
        CHECK_EQ(frame_free_bytes(), before);
        if (round == 0) {
            check_all_frames(ranges, 1, 8 * MIB);
        } else {
            CHECK(status_is(frame_alloc(FRAME_MAX_ORDER, &block), STATUS_NO_MEMORY)); // but it might have completed one
        }
        CHECK_EQ(__atomic_load_n(&second.frames.count, __ATOMIC_RELAXED), 0u);
    }
    cpus_online = 1;
}

struct block {
    paddr_t base;
    unsigned order;
};

TEST(random_blocks_never_overlap) {
    const struct host_range ranges[] = {{PAGE, 37 * PAGE}, {64 * PAGE, 2000 * PAGE}};
    REQUIRE(begin(16 * MIB, ranges, 2));
    uint64_t before = frame_free_bytes();
    static uint8_t owner[4096];
    struct block held[256];
    uint32_t count = 0;
    memset(owner, 0, sizeof(owner));
    for (int step = 0; step < 200000; step++) {
        if (count < 256 && random_below(2) == 0) {
            struct block b = {.order = (unsigned)random_below(random_below(8) == 0 ? 9 : 3)};
            if (!status_ok(frame_alloc(b.order, &b.base))) {
                continue;
            }
            CHECK_EQ(b.base.v % (PAGE << b.order), 0u);
            for (uint64_t i = 0; i < 1ull << b.order; i++) {
                CHECK_EQ(owner[b.base.v / PAGE + i], 0);
                owner[b.base.v / PAGE + i] = 1;
            }
            memset(phys_to_virt(b.base), 0xaa, PAGE << b.order);
            held[count++] = b;
        } else if (count > 0) {
            uint32_t i = (uint32_t)random_below(count);
            struct block b = held[i];
            held[i] = held[--count];
            memset(&owner[b.base.v / PAGE], 0, 1u << b.order);
            frame_free(b.base, b.order);
        }
    }
    uint64_t used = 0;
    for (uint32_t i = 0; i < sizeof(owner); i++) {
        used += owner[i];
    }
    CHECK_EQ(before - frame_free_bytes(), used * PAGE);
    while (count > 0) {
        count--;
        frame_free(held[count].base, held[count].order);
    }
    CHECK_EQ(frame_free_bytes(), before);
    check_all_frames(ranges, 2, 16 * MIB);
}

// Operations over 16 frames: 0 to 3 take a block of that order, 4 and 5 give back the oldest or newest.
static void explore(const struct host_range *range, const uint8_t ops[], unsigned length) {
    REQUIRE(begin(MIB, range, 1));
    uint64_t before = frame_free_bytes();
    struct block held[8];
    unsigned first = 0, end = 0;
    uint64_t used = 0;
    for (unsigned i = 0; i < length; i++) {
        if (ops[i] < 4) {
            struct block b = {.order = ops[i]};
            if (status_ok(frame_alloc(b.order, &b.base))) {
                for (unsigned k = first; k < end; k++) {
                    CHECK(b.base.v >= held[k].base.v + (PAGE << held[k].order) ||
                          held[k].base.v >= b.base.v + (PAGE << b.order));
                }
                used += PAGE << b.order;
                held[end++] = b;
            } else {
                CHECK(before - used < 16 * PAGE); // with all free there is always room
            }
        } else if (first < end) {
            struct block b = ops[i] == 4 ? held[first++] : held[--end];
            used -= PAGE << b.order;
            frame_free(b.base, b.order);
        }
        CHECK_EQ(frame_free_bytes(), before - used);
    }
}

TEST(all_sequences_of_six) {
    const struct host_range range = {16 * PAGE, 17 * PAGE}; // 16 frames and one for the bookkeeping
    uint8_t ops[6] = {};
    for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 6 * 6; n++) {
        unsigned rest = n;
        for (unsigned i = 0; i < 6; i++, rest /= 6) {
            ops[i] = (uint8_t)(rest % 6);
        }
        explore(&range, ops, 6);
    }
}
