#include "kernel/object/vmo.h"

#include <stdlib.h>

#include "abi/gen/methods.h"
#include "abi/message.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/objects.h"
#include "kernel/arch/host/usage.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"

constexpr uint64_t ARENA = 64 << 20;

static struct account *root;
static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

[[gnu::constructor]] static void begin(void) {
    host_memory_init(ARENA);
    root = account_create_root(ARENA / 2);
}

static uint64_t used(void) {
    return account_usage(root).used_bytes;
}

static void put(struct vmo *vmo) {
    object_put(&vmo->object);
    host_reap();
}

TEST(lengths) {
    struct vmo *vmo;
    CHECK(status_is(vmo_create(root, 0, &vmo), STATUS_BAD_ARGUMENT));
    CHECK(status_is(vmo_create(root, VMO_MAX_BYTES + 1, &vmo), STATUS_BAD_ARGUMENT));
    CHECK(status_is(vmo_create(root, UINT64_MAX, &vmo), STATUS_BAD_ARGUMENT));
    REQUIRE(status_ok(vmo_create(root, 1, &vmo)));
    CHECK_EQ(vmo_len_bytes(vmo), PAGE_BYTES);
    CHECK_EQ(vmo_committed_bytes(vmo), 0u);
    put(vmo);
    REQUIRE(status_ok(vmo_create(root, VMO_MAX_BYTES, &vmo)));
    CHECK_EQ(vmo_len_bytes(vmo), VMO_MAX_BYTES);
    put(vmo);
    CHECK_EQ(used(), 0u);
}

TEST(small_vmos_pay_for_pages_only) {
    struct vmo *vmo;
    paddr_t frame;
    bool fresh;
    REQUIRE(status_ok(vmo_create(root, VMO_INLINE_PAGES * PAGE_BYTES, &vmo)));
    for (uint64_t page = 0; page < VMO_INLINE_PAGES; page++) {
        CHECK(!vmo_peek(vmo, page, &frame));
        REQUIRE(status_ok(vmo_commit(vmo, page, &frame, &fresh)));
        CHECK(fresh);
        paddr_t again;
        REQUIRE(status_ok(vmo_commit(vmo, page, &again, &fresh)));
        CHECK(!fresh && again.v == frame.v);
        CHECK(vmo_peek(vmo, page, &again) && again.v == frame.v);
    }
    CHECK_EQ(used(), VMO_INLINE_PAGES * PAGE_BYTES + slab_charge(&vmo_cache));
    CHECK_EQ(vmo_all_committed_bytes(), VMO_INLINE_PAGES * PAGE_BYTES);
    put(vmo);
    CHECK_EQ(used(), 0u);
    CHECK_EQ(vmo_all_committed_bytes(), 0u);
}

static bool page_is(paddr_t frame, uint8_t byte) {
    const uint8_t *bytes = phys_to_virt(frame);
    for (uint64_t i = 0; i < PAGE_BYTES; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return true;
}

// Random touches of one VMO against a plain array.
static void touch_randomly(uint64_t pages, uint64_t touches) {
    struct vmo *vmo;
    paddr_t *model = calloc(touches, sizeof(*model));
    uint64_t *at = calloc(touches, sizeof(*at));
    uint64_t count = 0;
    REQUIRE(status_ok(vmo_create(root, pages * PAGE_BYTES, &vmo)));
    for (uint64_t i = 0; i < touches; i++) {
        uint64_t page = random_below(3) == 0 ? random_below(pages) : (i * 7) % pages;
        paddr_t frame;
        bool fresh;
        uint64_t known = 0;
        while (known < count && at[known] != page) {
            known++;
        }
        REQUIRE(status_ok(vmo_commit(vmo, page, &frame, &fresh)));
        CHECK_EQ(fresh, known == count);
        if (known == count) {
            CHECK(page_is(frame, 0));
            memset(phys_to_virt(frame), (int)(page & 0xff) | 1, PAGE_BYTES);
            at[count] = page;
            model[count++] = frame;
        } else {
            CHECK_EQ(frame.v, model[known].v);
        }
    }
    CHECK_EQ(vmo_committed_bytes(vmo), count * PAGE_BYTES);
    for (uint64_t k = 0; k < count; k++) {
        paddr_t frame;
        CHECK(vmo_peek(vmo, at[k], &frame) && frame.v == model[k].v &&
              page_is(frame, (uint8_t)(at[k] & 0xff) | 1));
        struct vmo_page run[64];
        spin_lock(&vmo->lock);
        const uint32_t there = vmo_page_run(vmo, at[k], 64, run);
        spin_unlock(&vmo->lock);
        for (uint64_t i = 0; i < there; i++) {
            CHECK(vmo_peek(vmo, at[k] + i, &frame) && run[i].frame.v == frame.v);
        }
        CHECK(there == 64 || !vmo_peek(vmo, at[k] + there, &frame)); // nor is a page beyond the end
    }
    object_put(&vmo->object);
    uint32_t steps = host_reap();
    CHECK(steps >= count / 96); // a leaf is finished once begun
    CHECK_EQ(used(), 0u);
    free(at);
    free(model);
}

TEST(random_touches) {
    const uint64_t sizes[] = {1, 3, 8, 9, 63, 64, 65, 4096, 4097, 300000, VMO_MAX_BYTES / PAGE_BYTES};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t frames = frame_free_bytes();
        touch_randomly(sizes[i], 400);
        // Slab caches keep one spare page each.
        CHECK(frames - frame_free_bytes() <= 4 * PAGE_BYTES || frame_free_bytes() > frames);
    }
}

// The account runs dry at every possible moment: nothing may be lost, and what was there stays.
TEST(no_memory_at_each_step) {
    for (uint64_t allowance = 0; allowance < 40000; allowance += 100) {
        struct account *poor;
        struct vmo *vmo = nullptr;
        REQUIRE(status_ok(account_create(root, allowance + 1, &poor)));
        paddr_t frame;
        if (status_ok(vmo_create(poor, 100000 * PAGE_BYTES, &vmo))) {
            const uint64_t pages[] = {0, 1, 70, 5000, 99999};
            uint64_t committed = 0;
            for (int i = 0; i < 5; i++) {
                if (status_ok(vmo_commit(vmo, pages[i], &frame, nullptr))) {
                    committed++;
                } else {
                    CHECK(!vmo_peek(vmo, pages[i], &frame));
                }
            }
            CHECK_EQ(vmo_committed_bytes(vmo), committed * PAGE_BYTES);
            object_put(&vmo->object);
        }
        object_put(&poor->object);
        host_reap();
        CHECK_EQ(used(), 0u);
    }
}

// Nodes made before a page could not be paid for are work as well.
TEST(destruction_goes_in_bounded_steps) {
    constexpr uint64_t LEAVES = 1000, LEAF_PAGES = 64, MOST = 64;
    const uint64_t before = used();
    struct vmo *vmo;
    paddr_t frame;
    REQUIRE(status_ok(vmo_create(root, LEAVES * LEAF_PAGES * PAGE_BYTES, &vmo)));
    for (uint64_t i = 0; i < LEAVES; i++) {
        struct account_usage usage = account_usage(root);
        const uint64_t rest = usage.limit_bytes - usage.used_bytes - PAGE_BYTES + 1;
        REQUIRE(status_ok(account_charge(root, rest)));
        CHECK(status_is(vmo_commit(vmo, i * LEAF_PAGES, &frame, nullptr), STATUS_NO_MEMORY));
        account_uncharge(root, rest);
    }
    uint64_t steps = 1;
    while (!vmo_destroy_step(&vmo->object)) {
        steps++;
    }
    CHECK(steps >= LEAVES / MOST);
    put(vmo);
    CHECK_EQ(used(), before);
}

TEST(physical_ranges_cost_only_their_object) {
    struct vmo *vmo;
    paddr_t frame;
    CHECK(status_is(vmo_create_physical(root, (paddr_t){0x1001}, PAGE_BYTES, &vmo), STATUS_BAD_ARGUMENT));
    REQUIRE(status_ok(vmo_create_physical(root, (paddr_t){0x4000}, 3 * PAGE_BYTES - 5, &vmo)));
    CHECK_EQ(vmo_committed_bytes(vmo), 3 * PAGE_BYTES);
    bool fresh = true;
    CHECK(status_ok(vmo_commit(vmo, 2, &frame, &fresh)));
    CHECK_EQ(frame.v, 0x6000u);
    CHECK(!fresh);
    CHECK(vmo_peek(vmo, 1, &frame));
    CHECK_EQ(frame.v, 0x5000u);
    CHECK_EQ(used(), slab_charge(&vmo_cache));
    put(vmo);
    CHECK_EQ(used(), 0u);
}

TEST(read_and_write) {
    struct vmo *vmo;
    static uint8_t out[70000], in[70000];
    REQUIRE(status_ok(vmo_create(root, 20 * PAGE_BYTES, &vmo)));
    for (unsigned i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7);
    }
    uint64_t words[8] = {100, (uint64_t)out, 64 * 1024};
    REQUIRE(status_ok(host_invoke(invoke_vmo_write, &vmo->object, words)));
    CHECK_EQ(words[0], 64 * 1024u);
    uint64_t read[8] = {50, (uint64_t)in, 64 * 1024};
    REQUIRE(status_ok(host_invoke(invoke_vmo_read, &vmo->object, read)));
    CHECK_EQ(in[49], 0);
    CHECK_MEM_EQ(in + 50, out, 64 * 1024 - 50);
    uint64_t committed = vmo_committed_bytes(vmo);
    uint64_t zeros[8] = {18 * PAGE_BYTES, (uint64_t)in, 2 * PAGE_BYTES}; // never touched: reads as zero
    REQUIRE(status_ok(host_invoke(invoke_vmo_read, &vmo->object, zeros)));
    CHECK_EQ(in[0], 0);
    CHECK_EQ(in[2 * PAGE_BYTES - 1], 0);
    CHECK_EQ(vmo_committed_bytes(vmo), committed);

    const struct {
        uint64_t offset, len;
    } bad[] = {
        {0, 64 * 1024 + 1}, {20 * PAGE_BYTES, 1}, {20 * PAGE_BYTES + 1, 0}, {UINT64_MAX, 2}, {1, UINT64_MAX}};
    for (int i = 0; i < 5; i++) {
        uint64_t w[8] = {bad[i].offset, (uint64_t)in, bad[i].len};
        CHECK(status_is(host_invoke(invoke_vmo_read, &vmo->object, w), STATUS_BAD_ARGUMENT));
        CHECK(status_is(host_invoke(invoke_vmo_write, &vmo->object, w), STATUS_BAD_ARGUMENT));
    }
    uint64_t empty[8] = {20 * PAGE_BYTES, 0, 0};
    CHECK(status_ok(host_invoke(invoke_vmo_read, &vmo->object, empty)));

    // A buffer that ends in nowhere: what was done counts, or the error when nothing was.
    host_bad_user_start = (uint64_t)in + PAGE_BYTES;
    host_bad_user_end = (uint64_t)in + sizeof(in);
    uint64_t partly[8] = {0, (uint64_t)in, 3 * PAGE_BYTES};
    REQUIRE(status_ok(host_invoke(invoke_vmo_read, &vmo->object, partly)));
    CHECK_EQ(partly[0], PAGE_BYTES);
    uint64_t nothing[8] = {0, (uint64_t)in + PAGE_BYTES, 8};
    CHECK(status_is(host_invoke(invoke_vmo_read, &vmo->object, nothing), STATUS_BAD_ADDRESS));
    CHECK(status_is(host_invoke(invoke_vmo_write, &vmo->object, nothing), STATUS_BAD_ADDRESS));
    host_bad_user_start = host_bad_user_end = 0;

    uint64_t info[8] = {};
    REQUIRE(status_ok(host_invoke(invoke_vmo_info, &vmo->object, info)));
    CHECK_EQ(info[0], 20 * PAGE_BYTES);
    CHECK_EQ(info[1], committed);
    put(vmo);
    CHECK_EQ(used(), 0u);
}

// What a method checked before, another processor may have cut off since.
TEST(pages_that_were_cut_off_are_a_bad_argument) {
    struct vmo *vmo;
    bool done;
    paddr_t frame;
    uint64_t first = 0, end = 8;
    REQUIRE(status_ok(vmo_create_resizable(root, 8 * PAGE_BYTES, &vmo)));
    REQUIRE(status_ok(vmo_resize_some(vmo, 4, &done)) && done);
    CHECK(status_is(vmo_commit_some(vmo, &first, &end), STATUS_BAD_ARGUMENT));
    CHECK_EQ(first, 4u);
    CHECK(status_is(vmo_page_hold(vmo, 4, true, &frame), STATUS_BAD_ARGUMENT));
    CHECK(status_is(vmo_page_hold(vmo, 4, false, &frame), STATUS_BAD_ARGUMENT));
    put(vmo);
    CHECK_EQ(used(), 0u);
}
