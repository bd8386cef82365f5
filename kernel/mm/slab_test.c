#include "kernel/mm/slab.h"

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/mm/frame.h"

constexpr uint64_t PAGE = 4096;

struct thing {
    uint64_t words[12];
};
static SLAB_CACHE(thing_cache, struct thing);
static SLAB_CACHE_BYTES(line_cache, "line", 64);
static SLAB_CACHE_BYTES(half_cache, "half", 1984);

static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

[[gnu::constructor]] static void begin(void) {
    host_memory_init(32 << 20);
}

static bool all_bytes(const void *memory, uint8_t byte, size_t len) {
    const uint8_t *bytes = memory;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return true;
}

TEST(objects_are_zeroed_aligned_and_apart) {
    struct thing *things[200];
    for (int i = 0; i < 200; i++) {
        things[i] = slab_alloc(&thing_cache);
        REQUIRE(things[i] != nullptr);
        CHECK(all_bytes(things[i], 0, sizeof(struct thing)));
        CHECK_EQ((uintptr_t)things[i] % 16, 0u);
        memset(things[i], i, sizeof(struct thing));
    }
    for (int i = 0; i < 200; i++) {
        CHECK(all_bytes(things[i], (uint8_t)i, sizeof(struct thing)));
        slab_free(&thing_cache, things[i]);
    }
    struct thing *again = slab_alloc(&thing_cache);
    CHECK(all_bytes(again, 0, sizeof(*again)));
    slab_free(&thing_cache, again);
}

TEST(lines_are_aligned_to_lines) {
    void *a = slab_alloc(&line_cache), *b = slab_alloc(&line_cache);
    CHECK_EQ((uintptr_t)a % 64, 0u);
    CHECK_EQ((uintptr_t)b % 64, 0u);
    slab_free(&line_cache, a);
    slab_free(&line_cache, b);
}

// FPU state is allocated so, and the processor insists.
TEST(lengths_of_whole_lines_are_aligned_to_lines) {
    for (size_t bytes = 64; bytes <= 2 * PAGE; bytes += 64) {
        void *held[80]; // more than a page of the smallest
        for (size_t i = 0; i < 80; i++) {
            held[i] = kalloc(bytes);
            REQUIRE(held[i] != nullptr && (uintptr_t)held[i] % 64 == 0);
        }
        for (size_t i = 0; i < 80; i++) {
            kfree(held[i], bytes);
        }
    }
}

TEST(the_charge_pays_for_the_page) {
    CHECK_EQ(half_cache.per_page, 2u);
    CHECK_EQ(slab_charge(&half_cache), 2048u);
    CHECK(slab_charge(&thing_cache) * thing_cache.per_page >= PAGE);
    CHECK(slab_charge(&line_cache) * line_cache.per_page >= PAGE);
    for (size_t bytes = 1; bytes <= 5 * PAGE; bytes++) {
        CHECK(kalloc_charge(bytes) >= bytes);
    }
    CHECK_EQ(kalloc_charge(1985), PAGE);
    CHECK_EQ(kalloc_charge(PAGE + 1), 2 * PAGE);
}

TEST(empty_pages_go_back_but_one) {
    uint64_t before = slab_total_bytes();
    void *held[20];
    for (int i = 0; i < 20; i++) {
        held[i] = slab_alloc(&half_cache);
    }
    CHECK_EQ(slab_total_bytes(), before + 10 * PAGE);
    for (int i = 0; i < 20; i++) {
        slab_free(&half_cache, held[i]);
    }
    CHECK_EQ(slab_total_bytes(), before + PAGE);
    void *one = slab_alloc(&half_cache); // from the spare
    CHECK_EQ(slab_total_bytes(), before + PAGE);
    slab_free(&half_cache, one);
}

// Fills all memory, so it must run with every page given back at its end.
TEST(exhaustion_is_an_ordinary_answer) {
    uint64_t before = frame_free_bytes();
    void *chain = nullptr;
    for (void *m; (m = slab_alloc(&half_cache)) != nullptr; chain = m) {
        *(void **)m = chain;
    }
    CHECK(frame_free_bytes() == 0);
    CHECK(kalloc(100000) == nullptr);
    while (chain != nullptr) {
        void *next = *(void **)chain;
        slab_free(&half_cache, chain);
        chain = next;
    }
    CHECK(before - frame_free_bytes() <= PAGE);
}

TEST(random_sizes) {
    struct {
        uint8_t *memory;
        size_t bytes;
        uint8_t mark;
    } held[128] = {};
    uint64_t before = frame_free_bytes();
    for (int step = 0; step < 100000; step++) {
        uint32_t i = (uint32_t)random_below(128);
        if (held[i].memory == nullptr) {
            held[i].bytes = 1 + random_below(random_below(4) == 0 ? 20000 : 2100);
            held[i].mark = (uint8_t)step;
            held[i].memory = kalloc(held[i].bytes);
            REQUIRE(held[i].memory != nullptr);
            CHECK(all_bytes(held[i].memory, 0, held[i].bytes));
            memset(held[i].memory, held[i].mark, held[i].bytes);
        } else {
            CHECK(all_bytes(held[i].memory, held[i].mark, held[i].bytes));
            kfree(held[i].memory, held[i].bytes);
            held[i].memory = nullptr;
        }
    }
    for (uint32_t i = 0; i < 128; i++) {
        if (held[i].memory != nullptr) {
            kfree(held[i].memory, held[i].bytes);
        }
    }
    CHECK(before - frame_free_bytes() <= 16 * PAGE); // the spare pages
}
