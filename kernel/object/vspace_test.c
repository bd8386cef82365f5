#include "kernel/object/vspace.h"

#include "abi/gen/methods.h"
#include "abi/message.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/objects.h"
#include "kernel/arch/host/usage.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/vmo.h"

constexpr uint64_t ARENA = 64 << 20;
constexpr uint32_t RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXECUTE, RWX = RW | PROT_EXECUTE;

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

static struct vspace *new_vspace(void) {
    struct vspace *vspace = nullptr;
    CHECK(status_ok(vspace_create(root, &vspace)));
    return vspace;
}

static struct vmo *new_vmo(uint64_t pages) {
    struct vmo *vmo = nullptr;
    CHECK(status_ok(vmo_create(root, pages * PAGE_BYTES, &vmo)));
    return vmo;
}

// Drops the last references; everything must have been given back.
static void end(struct vspace *vspace, struct vmo *vmo) {
    object_put(&vspace->object);
    if (vmo != nullptr) {
        object_put(&vmo->object);
    }
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    CHECK_EQ(host_live_objects(), 1u);
    CHECK_EQ(page_table_bytes(), 0u);
}

static status_t map_at(struct vspace *vspace, struct vmo *vmo, uint64_t address, uint64_t pages,
                       uint32_t prot) {
    return vspace_map(vspace, vmo, 0, pages * PAGE_BYTES, &address, prot, RWX);
}

static status_t vspace_protect(struct vspace *vspace, uint64_t address, uint64_t len_bytes, uint32_t prot) {
    do {
        TRY(vspace_protect_some(vspace, &address, &len_bytes, prot));
    } while (len_bytes != 0);
    return STATUS_OK;
}

TEST(faults_fill_the_tables) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(4);
    paddr_t frame, entered;
    uint32_t prot;
    REQUIRE(status_ok(map_at(vspace, vmo, 0x40'0000, 4, RW)));
    CHECK(!page_tables_query(&vspace->space, 0x40'1000, &entered, &prot));
    REQUIRE(status_ok(vspace_fault(vspace, 0x40'1fff, PROT_WRITE)));
    REQUIRE(page_tables_query(&vspace->space, 0x40'1000, &entered, &prot));
    CHECK(vmo_peek(vmo, 1, &frame) && frame.v == entered.v);
    CHECK_EQ(prot, RW);
    CHECK_EQ(vmo_committed_bytes(vmo), PAGE_BYTES); // exactly the page that was touched
    CHECK(status_is(vspace_fault(vspace, 0x40'1000, PROT_EXECUTE), STATUS_NOT_ALLOWED));
    CHECK(status_is(vspace_fault(vspace, 0x40'4000, PROT_READ), STATUS_NOT_FOUND));
    CHECK(status_is(vspace_fault(vspace, 0x3f'ffff, PROT_READ), STATUS_NOT_FOUND));
    CHECK(status_is(vspace_fault(vspace, 0, PROT_READ), STATUS_NOT_FOUND));
    CHECK(status_is(vspace_fault(vspace, UINT64_MAX, PROT_READ), STATUS_NOT_FOUND));
    CHECK(status_is(vspace_fault(vspace, USER_END, PROT_READ), STATUS_NOT_FOUND));
    end(vspace, vmo);
}

TEST(pages_already_there_come_with_their_neighbours) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(40);
    paddr_t frame;
    uint32_t prot;
    for (uint64_t page = 0; page < 40; page++) {
        if (page != 20) {
            REQUIRE(status_ok(vmo_commit(vmo, page, &frame, nullptr)));
        }
    }
    REQUIRE(status_ok(map_at(vspace, vmo, 0x40'0000, 40, PROT_READ)));
    REQUIRE(status_ok(vspace_fault(vspace, 0x41'2000, PROT_READ)));
    for (uint64_t page = 0; page < 40; page++) {
        bool expected = page >= 16 && page < 20; // up to the one that is not there
        CHECK_EQ(page_tables_query(&vspace->space, 0x40'0000 + page * PAGE_BYTES, &frame, &prot), expected);
    }
    CHECK_EQ(vmo_committed_bytes(vmo), 39 * PAGE_BYTES);
    end(vspace, vmo);
}

TEST(bad_arguments) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(4);
    const struct {
        uint64_t offset, len, address;
        uint32_t prot, max_prot;
        status_t expected;
    } cases[] = {
        {0, 0, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {1, PAGE_BYTES, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, 1, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, 5 * PAGE_BYTES, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {4 * PAGE_BYTES, PAGE_BYTES, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {1ull << 63, PAGE_BYTES, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {PAGE_BYTES, -PAGE_BYTES, 0, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0xf000, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0x1'0001, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, USER_END, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, 2 * PAGE_BYTES, USER_END - PAGE_BYTES, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, -PAGE_BYTES, RW, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0, 0, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0, PROT_WRITE, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0, 8 | PROT_READ, RWX, STATUS_BAD_ARGUMENT},
        {0, PAGE_BYTES, 0, RWX, RWX, STATUS_NOT_ALLOWED},
        {0, PAGE_BYTES, 0, RW, PROT_READ, STATUS_NOT_ALLOWED},
        {0, PAGE_BYTES, USER_END - PAGE_BYTES, RW, RWX, STATUS_OK},
        {0, PAGE_BYTES, USER_LOWEST, RW, RWX, STATUS_OK},
        {0, PAGE_BYTES, USER_LOWEST, RW, RWX, STATUS_IN_USE},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t address = cases[i].address;
        CHECK_EQ(
            vspace_map(vspace, vmo, cases[i].offset, cases[i].len, &address, cases[i].prot, cases[i].max_prot)
                .code,
            cases[i].expected.code);
        CHECK_EQ(address, cases[i].address);
    }
    CHECK(status_is(vspace_unmap(vspace, USER_LOWEST, 0), STATUS_BAD_ARGUMENT));
    CHECK(status_is(vspace_unmap(vspace, 0, PAGE_BYTES), STATUS_BAD_ARGUMENT));
    CHECK(status_is(vspace_unmap(vspace, USER_LOWEST, USER_END), STATUS_BAD_ARGUMENT));
    CHECK(status_ok(vspace_unmap(vspace, USER_LOWEST + PAGE_BYTES, PAGE_BYTES))); // nothing there
    CHECK(status_is(vspace_protect(vspace, USER_LOWEST, PAGE_BYTES, RWX), STATUS_NOT_ALLOWED));
    CHECK(status_is(vspace_protect(vspace, USER_LOWEST, 2 * PAGE_BYTES, RW), STATUS_NOT_FOUND));
    CHECK(status_is(vspace_protect(vspace, USER_LOWEST, PAGE_BYTES, PROT_EXECUTE), STATUS_BAD_ARGUMENT));
    CHECK(vspace_check(vspace));
    end(vspace, vmo);
}

TEST(chosen_places_are_reused_and_apart) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(4);
    uint64_t at[5] = {};
    for (int i = 0; i < 5; i++) {
        REQUIRE(status_ok(vspace_map(vspace, vmo, 0, (uint64_t)(i % 3 + 1) * PAGE_BYTES, &at[i], RW, RWX)));
        if (i > 0) {
            CHECK(at[i] > at[i - 1] + (uint64_t)((i - 1) % 3 + 1) * PAGE_BYTES); // at least one page between
        }
    }
    REQUIRE(status_ok(vspace_unmap(vspace, at[2], 3 * PAGE_BYTES)));
    uint64_t again = 0;
    REQUIRE(
        status_ok(vspace_map(vspace, vmo, 0, 4 * PAGE_BYTES, &again, RW, RWX))); // does not fit in the hole
    CHECK(again > at[4]);
    again = 0;
    REQUIRE(status_ok(vspace_map(vspace, vmo, 0, 3 * PAGE_BYTES, &again, RW, RWX)));
    CHECK_EQ(again, at[2]);
    // A neighbour that was placed by hand without a gap keeps the kernel's next one away.
    REQUIRE(status_ok(vspace_unmap(vspace, at[2], 3 * PAGE_BYTES)));
    REQUIRE(status_ok(map_at(vspace, vmo, at[1] + 2 * PAGE_BYTES, 1, RW)));
    again = 0;
    REQUIRE(status_ok(vspace_map(vspace, vmo, 0, PAGE_BYTES, &again, RW, RWX)));
    CHECK_EQ(again, at[2] + PAGE_BYTES);
    CHECK(vspace_check(vspace));
    uint64_t tables = vspace->space.table_bytes;
    for (int i = 0; i < 3000; i++) { // mapping and unmapping for ever takes no more and more tables
        uint64_t address = 0;
        REQUIRE(status_ok(vspace_map(vspace, vmo, 0, 4 * PAGE_BYTES, &address, RW, RWX)));
        REQUIRE(status_ok(vspace_fault(vspace, address, PROT_WRITE)));
        REQUIRE(status_ok(vspace_unmap(vspace, address, 4 * PAGE_BYTES)));
    }
    CHECK(vspace->space.table_bytes <= tables + 3 * PAGE_BYTES);
    end(vspace, vmo);
}

TEST(mappings_keep_their_memory) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(1);
    REQUIRE(status_ok(map_at(vspace, vmo, 0x40'0000, 1, RW)));
    object_put(&vmo->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 3u);
    CHECK(status_ok(vspace_fault(vspace, 0x40'0000, PROT_WRITE)));
    REQUIRE(status_ok(vspace_unmap(vspace, 0x40'0000, PAGE_BYTES)));
    host_reap();
    CHECK_EQ(host_live_objects(), 2u);
    end(vspace, nullptr);
}

// ---- Against a model: what every page of a small window should be ----

constexpr uint64_t WINDOW_PAGES = 48;
constexpr uint64_t WINDOW = 0x3f'0000 - 8 * PAGE_BYTES; // crosses the border of a leaf table

struct model_page {
    struct vmo *vmo; // null: not mapped
    uint64_t page;
    uint32_t prot, max_prot;
};

static void check_model(struct vspace *vspace, const struct model_page model[]) {
    CHECK(vspace_check(vspace));
    for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
        paddr_t entered, frame;
        uint32_t prot;
        if (page_tables_query(&vspace->space, WINDOW + i * PAGE_BYTES, &entered, &prot)) {
            REQUIRE(model[i].vmo != nullptr);
            CHECK(vmo_peek(model[i].vmo, model[i].page, &frame) && frame.v == entered.v);
            CHECK_EQ(prot, model[i].prot);
        }
    }
}

// Whether a page of memory that is to have `prot` has the opposite of it elsewhere.
static bool conflicts(const struct model_page model[], const struct vmo *vmo, uint64_t page, uint32_t prot,
                      uint64_t except) {
    bool found = false;
    for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
        const uint32_t both = prot | model[i].prot;
        found |= i != except && model[i].vmo == vmo && model[i].page == page && (both & PROT_WRITE) &&
                 (both & PROT_EXECUTE);
    }
    return found;
}

static void random_map(struct vspace *vspace, struct vmo *vmos[3], struct model_page model[], uint64_t first,
                       uint64_t pages) {
    struct vmo *vmo = vmos[random_below(3)];
    uint64_t page = random_below(16);
    uint32_t prot = (uint32_t[]){PROT_READ, RW, RX}[random_below(3)];
    uint32_t max_prot = prot | (uint32_t)random_below(8);
    bool taken = false, refused = false;
    for (uint64_t i = first; i < first + pages; i++) {
        taken |= model[i].vmo != nullptr;
        refused |= conflicts(model, vmo, page + i - first, prot, WINDOW_PAGES);
    }
    uint64_t address = WINDOW + first * PAGE_BYTES;
    status_t status =
        vspace_map(vspace, vmo, page * PAGE_BYTES, pages * PAGE_BYTES, &address, prot, max_prot);
    CHECK_EQ(status.code, taken ? STATUS_IN_USE.code : refused ? STATUS_NOT_ALLOWED.code : 0);
    for (uint64_t i = 0; i < pages && !taken && !refused; i++) {
        model[first + i] = (struct model_page){vmo, page + i, prot, max_prot};
    }
}

static void random_protect(struct vspace *vspace, struct model_page model[], uint64_t first, uint64_t pages) {
    uint32_t prot = (uint32_t[]){0, PROT_READ, RW, RX}[random_below(4)];
    uint32_t expected = 0;
    for (uint64_t i = first; i < first + pages && expected == 0; i++) {
        expected = model[i].vmo == nullptr       ? STATUS_NOT_FOUND.code
                   : (prot & ~model[i].max_prot) ||
                           conflicts(model, model[i].vmo, model[i].page, prot, i)
                       ? STATUS_NOT_ALLOWED.code
                       : 0;
    }
    CHECK_EQ(vspace_protect(vspace, WINDOW + first * PAGE_BYTES, pages * PAGE_BYTES, prot).code, expected);
    for (uint64_t i = first; i < first + pages && expected == 0; i++) {
        model[i].prot = prot;
    }
}

static void random_fault(struct vspace *vspace, const struct model_page *page, uint64_t index) {
    uint32_t access = 1u << random_below(3);
    uint32_t expected = page->vmo == nullptr                        ? STATUS_NOT_FOUND.code
                        : page->prot == 0 || (access & ~page->prot) ? STATUS_NOT_ALLOWED.code
                                                                    : 0;
    uint64_t address = WINDOW + index * PAGE_BYTES;
    CHECK_EQ(vspace_fault(vspace, address + random_below(PAGE_BYTES), access).code, expected);
    paddr_t frame;
    uint32_t prot;
    CHECK(expected != 0 || page_tables_query(&vspace->space, address, &frame, &prot));
}

TEST(random_operations_agree_with_a_model) {
    for (int round = 0; round < 20; round++) {
        struct vspace *vspace = new_vspace();
        struct vmo *vmos[3] = {new_vmo(32), new_vmo(32), nullptr};
        REQUIRE(status_ok(vmo_create_physical(root, (paddr_t){0}, 32 * PAGE_BYTES, &vmos[2])));
        struct model_page model[WINDOW_PAGES] = {};
        for (int step = 0; step < 1500; step++) {
            uint64_t first = random_below(WINDOW_PAGES);
            uint64_t pages = 1 + random_below(WINDOW_PAGES - first < 12 ? WINDOW_PAGES - first : 12);
            switch (random_below(8)) {
            case 0:
            case 1: random_map(vspace, vmos, model, first, pages); break;
            case 2:
                CHECK(status_ok(vspace_unmap(vspace, WINDOW + first * PAGE_BYTES, pages * PAGE_BYTES)));
                memset(&model[first], 0, pages * sizeof(model[0]));
                break;
            case 3: random_protect(vspace, model, first, pages); break;
            default: random_fault(vspace, &model[first], first); break;
            }
            check_model(vspace, model);
        }
        object_put(&vmos[1]->object);
        object_put(&vmos[2]->object);
        end(vspace, vmos[0]);
    }
}

// The account runs dry at every possible moment.
TEST(no_memory_at_each_step) {
    for (uint64_t allowance = 1; allowance < 60000; allowance += 60) {
        struct account *poor;
        struct vspace *vspace;
        REQUIRE(status_ok(account_create(root, allowance, &poor)));
        struct vmo *vmo = new_vmo(600);
        if (status_ok(vspace_create(poor, &vspace))) {
            (void)map_at(vspace, vmo, 0x40'0000, 600, RW);
            (void)vspace_fault(vspace, 0x40'0000, PROT_WRITE);
            (void)vspace_fault(vspace, 0x40'0000 + 599 * PAGE_BYTES, PROT_WRITE);
            (void)vspace_unmap(vspace, 0x41'0000, PAGE_BYTES);
            (void)vspace_protect(vspace, 0x42'0000, PAGE_BYTES, PROT_READ);
            (void)map_at(vspace, vmo, 0x7000'0000'0000, 1, RW);
            (void)vspace_fault(vspace, 0x7000'0000'0000, PROT_READ);
            CHECK(vspace_check(vspace));
            object_put(&vspace->object);
        }
        object_put(&vmo->object);
        object_put(&poor->object);
        host_reap();
        CHECK_EQ(account_usage(root).used_bytes, 0u);
        CHECK_EQ(page_table_bytes(), 0u);
    }
}

// Cutting makes mappings as well as mapping does.
TEST(the_number_of_mappings_is_bounded) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo; // physical: its own number of mappings is not bounded
    REQUIRE(status_ok(
        vmo_create_physical(root, (paddr_t){0}, (2 * VSPACE_MAX_MAPPINGS + 2) * PAGE_BYTES, &vmo)));
    constexpr uint64_t BASE = 0x1000'0000;
    REQUIRE(status_ok(map_at(vspace, vmo, BASE, 2 * VSPACE_MAX_MAPPINGS + 2, PROT_READ)));
    // A hole needs two for a moment.
    for (uint64_t i = 1; i < VSPACE_MAX_MAPPINGS - 1; i++) {
        REQUIRE(status_ok(vspace_unmap(vspace, BASE + 2 * i * PAGE_BYTES, PAGE_BYTES)));
    }
    REQUIRE(status_ok(map_at(vspace, vmo, 0x20'0000'0000, 1, PROT_READ)));
    constexpr uint64_t LAST = BASE + 2 * VSPACE_MAX_MAPPINGS * PAGE_BYTES;
    const uint64_t used = account_usage(root).used_bytes;
    CHECK(status_is(vspace_unmap(vspace, LAST, PAGE_BYTES), STATUS_NO_MEMORY));
    CHECK(status_is(vspace_protect(vspace, LAST, PAGE_BYTES, 0), STATUS_NO_MEMORY));
    CHECK(status_is(map_at(vspace, vmo, 0x10'0000'0000, 1, PROT_READ), STATUS_NO_MEMORY));
    CHECK_EQ(account_usage(root).used_bytes, used);
    CHECK(vspace_check(vspace));
    CHECK(status_ok(vspace_unmap(vspace, BASE, 4 * PAGE_BYTES))); // two whole ones
    CHECK(status_ok(vspace_unmap(vspace, LAST, PAGE_BYTES)));
    end(vspace, vmo);
}

TEST(destruction_goes_in_bounded_steps) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(1);
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t address = 0x40'0000 + i * 0x4000'0000; // a table of its own each
        REQUIRE(status_ok(map_at(vspace, vmo, address, 1, RW)));
        REQUIRE(status_ok(vspace_fault(vspace, address, PROT_WRITE)));
    }
    page_tables_activate(&vspace->space);
    object_put(&vspace->object);
    CHECK(host_reap() >= 400 / 32 + 800 / 33);
    CHECK(arch_read_root() == 0); // nobody walks it any more
    object_put(&vmo->object);
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    CHECK_EQ(page_table_bytes(), 0u);
}

TEST(methods) {
    struct vspace *vspace = new_vspace();
    struct vmo *vmo = new_vmo(4);
    const uint32_t all = RIGHT_MAP_BIT | RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT;
    uint64_t full = host_handle(&vmo->object, all);
    uint64_t read_only = host_handle(&vmo->object, RIGHT_MAP_BIT | RIGHT_READ_BIT);
    uint64_t no_map = host_handle(&vmo->object, RIGHT_READ_BIT);
    uint64_t other = host_handle(&vspace->object, all);
    const struct {
        uint64_t words[8];
        status_t expected;
    } cases[] = {
        {{0, 0, PAGE_BYTES, 0, RW}, STATUS_BAD_HANDLE},
        {{other, 0, PAGE_BYTES, 0, RW}, STATUS_WRONG_TYPE},
        {{no_map, 0, PAGE_BYTES, 0, PROT_READ}, STATUS_NO_RIGHT},
        {{read_only, 0, PAGE_BYTES, 0, RW}, STATUS_NO_RIGHT},
        {{full, 0, PAGE_BYTES, 0, RWX}, STATUS_NOT_ALLOWED},
        {{full, 0, PAGE_BYTES, 0, 8}, STATUS_BAD_ARGUMENT},
        {{full, 0, PAGE_BYTES, 0, 1ull << 32 | RW}, STATUS_BAD_ARGUMENT},
        {{read_only, 0, 4 * PAGE_BYTES, 0x40'0000, PROT_READ}, STATUS_OK},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t words[8];
        memcpy(words, cases[i].words, sizeof(words));
        CHECK_EQ(host_invoke(invoke_vspace_map, &vspace->object, words).code, cases[i].expected.code);
    }
    uint64_t widen[8] = {0x40'0000, PAGE_BYTES, RW}; // the handle that mapped it did not allow writing
    CHECK(status_is(host_invoke(invoke_vspace_protect, &vspace->object, widen), STATUS_NOT_ALLOWED));
    uint64_t strange[8] = {0x40'0000, PAGE_BYTES, 1ull << 32 | PROT_READ};
    CHECK(status_is(host_invoke(invoke_vspace_protect, &vspace->object, strange), STATUS_BAD_ARGUMENT));
    uint64_t cut[8] = {0x40'1000, PAGE_BYTES};
    CHECK(status_ok(host_invoke(invoke_vspace_unmap, &vspace->object, cut)));
    uint64_t info[8] = {};
    REQUIRE(status_ok(host_invoke(invoke_vspace_info, &vspace->object, info)));
    CHECK_EQ(info[0], 2u);
    CHECK_EQ(info[1], 3 * PAGE_BYTES);
    CHECK_EQ(info[2], PAGE_BYTES);
    end(vspace, vmo);
}

// A place that the kernel chose is likely to be chosen again, one that a program chose is not.
TEST(the_place_unmapped_last_is_used_again) {
    struct vspace *vspace = new_vspace();
    struct vmo *text = new_vmo(40), *vmo = new_vmo(1);
    uint64_t first = 0, again = 0;
    REQUIRE(status_ok(map_at(vspace, text, 0x40'0000, 40, RW)));
    REQUIRE(status_ok(vspace_map(vspace, vmo, 0, PAGE_BYTES, &first, RW, RWX)));
    uint64_t used = 0;
    for (uint64_t i = 0; i < 50; i++) {
        used = i == 10 ? account_usage(root).used_bytes : used; // all tables are there
        const uint64_t at = 0x6000'0000 + (i % 4) * 2 * PAGE_BYTES;
        REQUIRE(status_ok(map_at(vspace, vmo, at, 1, RW)));
        REQUIRE(status_ok(vspace_fault(vspace, i % 2 == 0 ? at : 0x40'0000, PROT_WRITE)));
        REQUIRE(status_ok(vspace_unmap(vspace, at, PAGE_BYTES)));
        again = 0;
        REQUIRE(status_ok(vspace_map(vspace, vmo, 0, PAGE_BYTES, &again, RW, RWX)));
        CHECK_EQ(again, first + 2 * PAGE_BYTES);
        REQUIRE(status_ok(vspace_fault(vspace, again, PROT_WRITE)));
        REQUIRE(status_ok(vspace_unmap(vspace, again, PAGE_BYTES)));
        CHECK(status_is(vspace_fault(vspace, again, PROT_READ), STATUS_NOT_FOUND));
        CHECK(vspace_check(vspace));
        // Whoever asks for the very place gets it.
        REQUIRE(i % 3 != 0 || status_ok(map_at(vspace, vmo, again, 1, RW)));
        REQUIRE(status_ok(vspace_unmap(vspace, again, PAGE_BYTES)));
    }
    CHECK_EQ(account_usage(root).used_bytes, used);
    object_put(&vmo->object);
    end(vspace, text);
}
