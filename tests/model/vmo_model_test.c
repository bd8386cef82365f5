// Memory, exhaustively: every sequence of creating, cloning, writing, reading, resizing, decommitting, sealing, mapping,
// faulting, supplying and writing back up to a depth, over the real VMOs and address spaces, beside a model in which a
// clone is a copy. After each step every page must read as the model's, what is mapped must be the VMO's own frames and
// writable only where that is allowed, and frames must be shared exactly by those who refer to them. After each sequence
// every byte is back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/message.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/objects.h"
#include "kernel/arch/host/usage.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"

constexpr uint32_t VMOS_MOST = 3, PAGES = 2, PAGES_MOST = 3, DEPTH_MOST = 6;
constexpr uint64_t SPOT = 0x4000'0000; // VMO i is mapped i MiB above
constexpr uint32_t NONE = UINT32_MAX;

enum op_kind : uint8_t {
    OP_CREATE, OP_CREATE_PAGED, OP_CLONE, OP_DROP, OP_MAP, OP_UNMAP, OP_SEAL, OP_SHRINK, OP_GROW, OP_WRITE_BACK, // a VMO
    OP_WRITE, OP_TOUCH, OP_READ_TOUCH, OP_DECOMMIT, OP_SUPPLY,                                                  // a page
    OP_KINDS,
};
constexpr enum op_kind FIRST_OF_A_PAGE = OP_WRITE;

struct op {
    enum op_kind kind;
    uint8_t vmo, page; // OP_CLONE: page is the clone
};

struct model_page {
    bool there, dirty;
    uint8_t value;
};

struct model_vmo {
    struct vmo *vmo; // null: there is none
    uint32_t pages;
    bool resizable, paged, sealed;
    uint32_t mapped; // so many pages, 0: not
    uint32_t origin; // of a clone of paged memory
    struct model_page page[PAGES_MOST];
};

static struct {
    struct account *root;
    struct vspace *vspace;
    struct vmo *scratch;
    struct endpoint pager;
    struct model_vmo vmos[VMOS_MOST];
    uint32_t vmo_count;
    struct op path[DEPTH_MOST];
    uint8_t stamp;
    uint64_t states;
    bool good; // each step came to what the model expects
} world;

[[gnu::constructor]] static void begin(void) {
    host_memory_init(32 << 20);
    world.root = account_create_root(16 << 20);
    world.pager.object.references = 1'000'000;
}

static uint8_t *byte_at(paddr_t frame) {
    return phys_to_virt(frame);
}

// ---- The model's view ----

// What an access to a page comes to before it is there; and brings it in from its origin as the real one does.
static status_t model_access(struct model_vmo *vmo, uint32_t page) {
    if (page >= vmo->pages) {
        return STATUS_NOT_FOUND;
    }
    if (vmo->page[page].there || !vmo->paged) {
        return STATUS_OK;
    }
    if (vmo->origin == NONE) {
        return STATUS_TIMED_OUT;
    }
    const struct model_vmo *origin = &world.vmos[vmo->origin];
    if (page >= origin->pages) {
        return STATUS_NOT_FOUND;
    }
    if (!origin->page[page].there) {
        return STATUS_TIMED_OUT;
    }
    vmo->page[page] = (struct model_page){.there = true, .value = origin->page[page].value};
    return STATUS_OK;
}

static bool tracked(const struct model_vmo *vmo) {
    return vmo->paged && vmo->origin == NONE;
}

static void model_written(struct model_vmo *vmo, uint32_t page) {
    vmo->page[page] = (struct model_page){true, tracked(vmo), ++world.stamp};
}

static void model_create(struct model_vmo *vmo, uint32_t pages, bool paged) {
    *vmo = (struct model_vmo){.vmo = vmo->vmo, .pages = pages, .paged = paged, .resizable = true, .origin = NONE};
}

static bool is_origin(uint32_t index) {
    for (uint32_t i = 0; i < world.vmo_count; i++) {
        if (world.vmos[i].vmo != nullptr && world.vmos[i].paged && world.vmos[i].origin == index) {
            return true;
        }
    }
    return false;
}

// ---- Steps ----

static void expect(bool held) {
    world.good = world.good && held;
}

static uint64_t address_of(uint32_t index, uint32_t page) {
    return SPOT + index * (1ull << 20) + page * PAGE_BYTES;
}

static void expect_absent(uint32_t index, uint32_t page) {
    const struct model_vmo *vmo = &world.vmos[index];
    const uint32_t asked = vmo->origin == NONE ? index : vmo->origin;
    expect(this_cpu()->absent_vmo == world.vmos[asked].vmo && this_cpu()->absent_page == page);
}

static void write_page(uint32_t index, uint32_t page) {
    struct model_vmo *vmo = &world.vmos[index];
    paddr_t frame;
    const status_t expected = page >= vmo->pages ? STATUS_BAD_ARGUMENT
                              : vmo->sealed      ? STATUS_NOT_ALLOWED
                                                 : model_access(vmo, page);
    status_t status;
    while (status_is(status = vmo_page_hold(vmo->vmo, page, true, &frame), STATUS_TIMED_OUT)) {
        status = vmo_fetch(vmo->vmo, page);
        if (!status_ok(status)) {
            break;
        }
    }
    expect(status.code == expected.code);
    if (status_is(status, STATUS_TIMED_OUT)) {
        expect_absent(index, page);
    } else if (status_ok(status)) {
        model_written(vmo, page);
        *byte_at(frame) = world.stamp;
        vmo_page_drop(vmo->vmo, page, true, frame);
    }
}

static void touch_page(uint32_t index, uint32_t page, uint32_t access) {
    struct model_vmo *vmo = &world.vmos[index];
    const status_t expected = page < vmo->mapped ? model_access(vmo, page) : STATUS_NOT_FOUND;
    status_t status;
    paddr_t frame;
    uint32_t prot = 0;
    bool entered = false;
    for (uint32_t tries = 0; tries < 3 && !entered; tries++) { // a page that was fetched is entered the next time
        status = vspace_fault(world.vspace, address_of(index, page), access);
        expect(status.code == expected.code);
        entered = page_tables_query(&world.vspace->space, address_of(index, page), &frame, &prot);
        if (!status_ok(status)) {
            expect(!entered);
            if (status_is(status, STATUS_TIMED_OUT)) {
                expect_absent(index, page);
            }
            return;
        }
    }
    expect(entered && (prot & access) == access);
    if ((access & PROT_WRITE) != 0) {
        model_written(vmo, page);
        *byte_at(frame) = world.stamp;
    }
    vmo->page[page].there = true;
}

static void supply_page(struct model_vmo *vmo, uint32_t page) {
    paddr_t frame;
    uint64_t first = page, end = page + 1, from_first = 0;
    expect(status_ok(vmo_commit(world.scratch, 0, &frame, nullptr)));
    *byte_at(frame) = ++world.stamp;
    expect(status_ok(vmo_supply_some(vmo->vmo, &first, &end, world.scratch, &from_first)));
    expect(first == end && !vmo_peek(world.scratch, 0, &frame));
    if (!vmo->page[page].there) {
        vmo->page[page] = (struct model_page){.there = true, .value = world.stamp};
    }
}

static void clone(struct model_vmo *from, uint32_t from_index, struct model_vmo *to) {
    uint64_t first = 0, end = from->pages;
    expect(status_ok(vmo_create_child(world.root, end * PAGE_BYTES, from->vmo, 0, &to->vmo)));
    expect(status_ok(vmo_clone_some(from->vmo, &first, &end, to->vmo, 0)));
    const uint32_t origin = !from->paged ? NONE : from->origin == NONE ? from_index : from->origin;
    model_create(to, from->pages, from->paged);
    to->resizable = false;
    to->origin = origin;
    for (uint32_t i = 0; i < from->pages; i++) {
        to->page[i] = from->page[i];
        to->page[i].dirty = false;
    }
}

static void resize(struct model_vmo *vmo, uint32_t pages) {
    bool done;
    status_t status = vmo_resize_some(vmo->vmo, pages, &done);
    expect(status.code == (!vmo->resizable || vmo->sealed ? STATUS_BAD_STATE : STATUS_OK).code);
    if (status_ok(status)) {
        expect(done);
        for (uint32_t i = pages; i < PAGES_MOST; i++) {
            vmo->page[i] = (struct model_page){};
        }
        vmo->pages = pages;
    }
}

static void decommit(struct model_vmo *vmo, uint32_t page) {
    uint64_t first = page, end = page + 1;
    status_t status = vmo_decommit_some(vmo->vmo, &first, &end);
    expect(status.code == (vmo->sealed ? STATUS_BAD_STATE : STATUS_OK).code);
    if (status_ok(status) && !vmo->page[page].dirty) {
        vmo->page[page] = (struct model_page){};
    }
}

static void do_op(const struct op *op) {
    struct model_vmo *vmo = &world.vmos[op->vmo];
    uint64_t first = 0, end = vmo->pages, address = address_of(op->vmo, 0);
    switch (op->kind) {
    case OP_CREATE:
        expect(status_ok(vmo_create_resizable(world.root, PAGES * PAGE_BYTES, &vmo->vmo)));
        model_create(vmo, PAGES, false);
        break;
    case OP_CREATE_PAGED:
        expect(status_ok(vmo_create_paged(world.root, PAGES * PAGE_BYTES, &world.pager, 1, 2, &vmo->vmo)));
        model_create(vmo, PAGES, true);
        break;
    case OP_CLONE: clone(vmo, op->vmo, &world.vmos[op->page]); break;
    case OP_DROP:
        object_put(&vmo->vmo->object);
        (void)host_reap();
        vmo->vmo = nullptr;
        break;
    case OP_MAP: {
        status_t status = vspace_map(world.vspace, vmo->vmo, 0, vmo->pages * PAGE_BYTES, &address,
                                     PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
        expect(status.code == (vmo->sealed ? STATUS_NOT_ALLOWED : STATUS_OK).code);
        vmo->mapped = status_ok(status) ? vmo->pages : 0;
        break;
    }
    case OP_UNMAP:
        expect(status_ok(vspace_unmap(world.vspace, address, PAGES_MOST * PAGE_BYTES)));
        vmo->mapped = 0;
        break;
    case OP_SEAL: {
        status_t status = vmo_seal(vmo->vmo);
        expect(status.code == (vmo->mapped != 0 ? STATUS_IN_USE : STATUS_OK).code);
        vmo->sealed |= status_ok(status);
        break;
    }
    case OP_SHRINK: resize(vmo, 1); break;
    case OP_GROW: resize(vmo, PAGES_MOST); break;
    case OP_WRITE_BACK:
        CHECK(status_ok(vmo_clean_some(vmo->vmo, &first, &end)));
        for (uint32_t i = 0; i < vmo->pages; i++) {
            vmo->page[i].dirty = false;
        }
        break;
    case OP_WRITE: write_page(op->vmo, op->page); break;
    case OP_TOUCH: touch_page(op->vmo, op->page, PROT_WRITE); break;
    case OP_READ_TOUCH: touch_page(op->vmo, op->page, PROT_READ); break;
    case OP_DECOMMIT: decommit(vmo, op->page); break;
    case OP_SUPPLY: supply_page(vmo, op->page); break;
    case OP_KINDS: break;
    }
}

// Whether a step makes sense, so that the model can say what it does.
static bool possible(const struct op *op) {
    const struct model_vmo *vmo = &world.vmos[op->vmo];
    const bool there = vmo->vmo != nullptr;
    switch (op->kind) {
    case OP_CREATE:
    case OP_CREATE_PAGED: return !there;
    case OP_CLONE: return there && world.vmos[op->page].vmo == nullptr;
    case OP_DROP: return there && vmo->mapped == 0 && !is_origin(op->vmo);
    case OP_MAP: return there && vmo->mapped == 0;
    case OP_UNMAP: return there && vmo->mapped != 0;
    case OP_SEAL: return there && !vmo->sealed;
    case OP_SHRINK: return there && vmo->pages != 1;
    case OP_GROW: return there && vmo->pages != PAGES_MOST;
    case OP_WRITE_BACK: return there && tracked(vmo);
    case OP_TOUCH:
    case OP_READ_TOUCH: return there && vmo->mapped != 0;
    case OP_SUPPLY: return there && tracked(vmo) && op->page < vmo->pages;
    default: return there;
    }
}

// ---- Agreement ----

static uint32_t referrers(paddr_t frame) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < world.vmo_count; i++) {
        for (uint32_t page = 0; world.vmos[i].vmo != nullptr && page < world.vmos[i].pages; page++) {
            paddr_t other;
            count += vmo_peek(world.vmos[i].vmo, page, &other) && other.v == frame.v;
        }
    }
    return count;
}

static bool page_agrees(uint32_t index, uint32_t page) {
    const struct model_vmo *vmo = &world.vmos[index];
    const struct model_page *expected = &vmo->page[page];
    paddr_t frame = {0}, mapped;
    uint32_t prot;
    uint64_t first = page, end;
    const bool there = vmo_peek(vmo->vmo, page, &frame);
    vmo_dirty_some(vmo->vmo, &first, &end);
    bool good = there == expected->there && (first == page && end > first) == expected->dirty;
    if (there) {
        good = good && *byte_at(frame) == expected->value && frame_is_shared(frame) == (referrers(frame) > 1);
    }
    if (page_tables_query(&world.vspace->space, address_of(index, page), &mapped, &prot)) {
        good = good && page < vmo->mapped && there && mapped.v == frame.v;
        good = good && ((prot & PROT_WRITE) == 0 || (referrers(frame) == 1 && (!tracked(vmo) || expected->dirty)));
    }
    return good;
}

static bool agree(void) {
    bool good = world.good && vspace_check(world.vspace);
    for (uint32_t i = 0; i < world.vmo_count; i++) {
        const struct model_vmo *vmo = &world.vmos[i];
        uint64_t there = 0;
        for (uint32_t page = 0; vmo->vmo != nullptr && page < PAGES_MOST; page++) {
            there += vmo->page[page].there;
            good = good && (page < vmo->pages ? page_agrees(i, page) : !vmo->page[page].there);
        }
        good = good && (vmo->vmo == nullptr || (vmo_committed_bytes(vmo->vmo) == there * PAGE_BYTES &&
                                                vmo_len_bytes(vmo->vmo) == vmo->pages * PAGE_BYTES));
    }
    return good;
}

// ---- The search ----

static void clear(void) {
    for (uint32_t i = 0; i < world.vmo_count; i++) {
        if (world.vmos[i].mapped != 0) {
            do_op(&(struct op){OP_UNMAP, (uint8_t)i, 0});
        }
    }
    for (uint32_t i = 0; i < world.vmo_count; i++) {
        if (world.vmos[i].vmo != nullptr) {
            object_put(&world.vmos[i].vmo->object);
        }
    }
    (void)host_reap();
    memset(world.vmos, 0, sizeof(world.vmos));
    world.stamp = 0;
}

static void replay(uint32_t depth) {
    clear();
    for (uint32_t i = 0; i < depth; i++) {
        do_op(&world.path[i]);
    }
}

static void explore(uint32_t depth, uint32_t deepest) {
    if (depth == deepest) {
        return;
    }
    for (uint8_t kind = 0; kind < OP_KINDS; kind++) {
        const bool pages = kind >= FIRST_OF_A_PAGE;
        const uint32_t seconds = pages ? PAGES : kind == OP_CLONE ? world.vmo_count : 1;
        for (uint8_t vmo = 0; vmo < world.vmo_count; vmo++) {
            for (uint8_t second = 0; second < seconds; second++) {
                const struct op op = {(enum op_kind)kind, vmo, second};
                replay(depth);
                if (!possible(&op)) {
                    continue;
                }
                world.path[depth] = op;
                do_op(&op);
                world.states++;
                if (!agree()) {
                    for (uint32_t i = 0; i <= depth; i++) {
                        fprintf(stderr, " (%u vmo %u page %u)", world.path[i].kind, world.path[i].vmo, world.path[i].page);
                    }
                    test_fail(__FILE__, __LINE__, "the model and the memory differ after these steps");
                    exit(1);
                }
                explore(depth + 1, deepest);
            }
        }
    }
}

// Nothing is left of what a sequence made, but page tables, and what caches of the allocator keep.
static void search(uint32_t vmos, uint32_t deepest) {
    world.vmo_count = vmos;
    world.states = 0;
    world.good = true;
    REQUIRE(status_ok(vspace_create(world.root, &world.vspace)));
    REQUIRE(status_ok(vmo_create(world.root, PAGE_BYTES, &world.scratch)));
    for (uint8_t i = 0; i < vmos; i++) { // all tables and slabs are there
        do_op(&(struct op){OP_CREATE, i, 0});
        do_op(&(struct op){OP_MAP, i, 0});
        do_op(&(struct op){OP_TOUCH, i, 0});
    }
    clear();
    const uint64_t used = account_usage(world.root).used_bytes, frames = frame_free_bytes();
    explore(0, deepest);
    clear();
    CHECK_EQ(account_usage(world.root).used_bytes, used);
    CHECK_EQ(frame_free_bytes(), frames);
    printf("vmo_model: %u VMOs, %u steps: %llu states\n", vmos, deepest, (unsigned long long)world.states);
    CHECK(world.states > 1000);
    object_put(&world.scratch->object);
    object_put(&world.vspace->object);
    (void)host_reap();
    CHECK_EQ(account_usage(world.root).used_bytes, 0u);
}

TEST(every_sequence_over_two_vmos) {
    search(2, 5);
}

TEST(every_sequence_over_three_vmos) {
    search(3, 4);
}
