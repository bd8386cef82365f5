#include "lib/tess/heap_core.h"

#include <stdlib.h>

#include "base/test.h"

static size_t regions_out;
static bool exhausted;

static void *region_alloc(size_t len_bytes) {
    if (exhausted) {
        return nullptr;
    }
    regions_out++;
    void *region = aligned_alloc(4096, len_bytes);
    memset(region, 0, len_bytes);
    return region;
}

static void region_free(void *region, size_t len_bytes) {
    memset(region, 0xdd, len_bytes);
    regions_out--;
    free(region);
}

static void begin(struct heap *heap) {
    regions_out = 0;
    exhausted = false;
    heap_init(heap, region_alloc, region_free);
}

static void end(struct heap *heap) {
    CHECK_EQ(heap->used_bytes, 0);
    CHECK(list_empty(&heap->free_blocks));
    CHECK_EQ(regions_out, heap->spare != nullptr ? 1 : 0);
    if (heap->spare != nullptr) {
        region_free(heap->spare, HEAP_REGION_BYTES);
    }
}

TEST(blocks_are_aligned_and_large_enough) {
    struct heap heap;
    begin(&heap);
    void *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = heap_alloc(&heap, i * 37);
        REQUIRE(blocks[i] != nullptr);
        CHECK_EQ((uintptr_t)blocks[i] % HEAP_ALIGN, 0);
        CHECK(heap_capacity(blocks[i]) >= i * 37);
        memset(blocks[i], (int)i, i * 37);
    }
    CHECK(heap_check(&heap));
    for (size_t i = 0; i < 64; i++) {
        heap_free(&heap, blocks[i]);
    }
    end(&heap);
}

TEST(neighbours_join_in_every_order) {
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        struct heap heap;
        begin(&heap);
        void *blocks[3] = {heap_alloc(&heap, 100), heap_alloc(&heap, 200), heap_alloc(&heap, 300)};
        for (size_t j = 0; j < 3; j++) {
            heap_free(&heap, blocks[orders[i][j]]);
            CHECK(heap_check(&heap));
        }
        end(&heap);
    }
}

TEST(large_blocks_go_back_at_once) {
    struct heap heap;
    begin(&heap);
    void *block = heap_alloc(&heap, HEAP_LARGE_BYTES);
    CHECK_EQ(regions_out, 1);
    memset(block, 1, HEAP_LARGE_BYTES);
    heap_free(&heap, block);
    CHECK_EQ(regions_out, 0);
    end(&heap);
}

TEST(absurd_sizes_and_exhaustion_give_null) {
    struct heap heap;
    begin(&heap);
    CHECK(heap_alloc(&heap, SIZE_MAX) == nullptr);
    CHECK(heap_alloc(&heap, SIZE_MAX - 15) == nullptr);
    exhausted = true;
    CHECK(heap_alloc(&heap, 10) == nullptr);
    CHECK(heap_alloc(&heap, HEAP_LARGE_BYTES * 3) == nullptr);
    heap_free(&heap, nullptr);
    end(&heap);
}

TEST(random_use_keeps_contents_and_returns_everything) {
    struct heap heap;
    begin(&heap);
    static struct {
        uint8_t *bytes;
        size_t size;
        uint8_t mark;
    } held[300];
    uint64_t random = 88172645463325252ull;
    for (size_t step = 0; step < 200'000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t i = random % 300;
        if (held[i].bytes != nullptr) {
            CHECK(held[i].size == 0 ||
                  (held[i].bytes[0] == held[i].mark && held[i].bytes[held[i].size - 1] == held[i].mark));
            heap_free(&heap, held[i].bytes);
            held[i].bytes = nullptr;
        } else {
            held[i].size = (random >> 20) % ((random >> 40) % 16 == 0 ? 40'000 : 600);
            held[i].mark = (uint8_t)(random >> 50);
            held[i].bytes = heap_alloc(&heap, held[i].size);
            REQUIRE(held[i].bytes != nullptr);
            memset(held[i].bytes, held[i].mark, held[i].size);
        }
        if (step % 1000 == 0) {
            REQUIRE(heap_check(&heap));
        }
    }
    for (size_t i = 0; i < 300; i++) {
        heap_free(&heap, held[i].bytes);
        held[i].bytes = nullptr;
    }
    end(&heap);
}
