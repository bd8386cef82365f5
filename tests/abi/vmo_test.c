// VMOs: contents, sizes, and the fault-safe copies of read and write.
#include "lib/tess/capset.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static uint64_t address_of(const volatile void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

CASE(vmo_starts_zeroed_and_keeps_what_is_written) {
    static uint8_t out[3 * PAGE_BYTES], in[3 * PAGE_BYTES];
    handle_t vmo;
    uint64_t done = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    __builtin_memset(in, 0xaa, sizeof in);
    EXPECT_OK(tess_vmo_read(vmo, 100, address_of(in), sizeof in, &done));
    EXPECT_EQ(done, sizeof in);
    uint32_t nonzero = 0;
    for (size_t i = 0; i < sizeof in; i++) {
        nonzero += in[i] != 0;
    }
    EXPECT_EQ(nonzero, 0);
    for (size_t i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(i * 31 + i / 256);
    }
    EXPECT_OK(tess_vmo_write(vmo, 777, address_of(out), sizeof out, &done)); // across page borders
    EXPECT_EQ(done, sizeof out);
    EXPECT_OK(tess_vmo_read(vmo, 777, address_of(in), sizeof in, &done));
    EXPECT(__builtin_memcmp(in, out, sizeof in) == 0);
    suite_close(vmo);
}

CASE(vmo_reading_commits_nothing) {
    static uint8_t buffer[PAGE_BYTES];
    handle_t vmo;
    uint64_t done, len, committed;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 64 * PAGE_BYTES, &vmo));
    for (uint64_t page = 0; page < 64; page++) {
        EXPECT_OK(tess_vmo_read(vmo, page * PAGE_BYTES, address_of(buffer), PAGE_BYTES, &done));
    }
    EXPECT_OK(tess_vmo_info(vmo, &len, &committed));
    EXPECT_EQ(committed, 0);
    suite_close(vmo);
}

CASE(vmo_ranges_are_checked) {
    static uint8_t buffer[64];
    handle_t vmo;
    uint64_t done;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 2 * PAGE_BYTES, &vmo));
    static const struct {
        uint64_t offset, len;
    } bad[] = {{2 * PAGE_BYTES, 1},      {2 * PAGE_BYTES - 1, 2}, {0, 2 * PAGE_BYTES + 1},
               {UINT64_MAX, 1},          {UINT64_MAX - 7, 16},    {1, UINT64_MAX},
               {1ull << 63, 1ull << 63}, {0, 64 * 1024 + 1},      {PAGE_BYTES, UINT64_MAX - 4095}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(VMO_READ, BAD_ARGUMENT,
                tess_vmo_read(vmo, bad[i].offset, address_of(buffer), bad[i].len, &done));
        REFUSED(VMO_WRITE, BAD_ARGUMENT,
                tess_vmo_write(vmo, bad[i].offset, address_of(buffer), bad[i].len, &done));
    }
    suite_close(vmo);
}

// Addresses that are no memory of the suite's: unmapped, the kernel's, not canonical, across an edge.
CASE(vmo_copies_survive_every_address) {
    handle_t vmo;
    uint64_t done;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 2 * PAGE_BYTES, &vmo));
    static const uint64_t bad[] = {0,
                                   8,
                                   0x1000,
                                   0xffff,
                                   0x6fff'0000'0000,
                                   USER_END - 16,
                                   USER_END - 1,
                                   USER_END,
                                   USER_END + PAGE_BYTES,
                                   0x8000'0000'0000,
                                   0xffff'7fff'ffff'ffff,
                                   0xffff'8000'0000'0000,
                                   0xffff'8000'0010'0000,
                                   0xffff'c000'0000'0000,
                                   0xffff'ffff'8000'0000,
                                   0xffff'ffff'8020'0000,
                                   UINT64_MAX - 4095,
                                   UINT64_MAX - 31,
                                   UINT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(VMO_READ, BAD_ADDRESS, tess_vmo_read(vmo, 0, bad[i], 32, &done));
        REFUSED(VMO_WRITE, BAD_ADDRESS, tess_vmo_write(vmo, 0, bad[i], 32, &done));
    }
    // Into memory that is only readable: the suite's own text.
    REFUSED(VMO_READ, BAD_ADDRESS, tess_vmo_read(vmo, 0, address_of((void *)address_of), 32, &done));
    // The good half of a range that runs into a hole.
    uint64_t hole = 0;
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &hole));
    REFUSED(VMO_READ, BAD_ADDRESS, tess_vmo_read(vmo, 0, hole + PAGE_BYTES - 8, 64, &done));
    EXPECT_OK(tess_vmo_read(vmo, 0, hole + PAGE_BYTES - 64, 64, &done));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, hole, PAGE_BYTES));
    suite_close(vmo);
}

CASE(vmo_copies_commit_the_buffer_on_touch) {
    handle_t vmo, buffer;
    uint64_t at = 0, done, committed;
    static const char text[] = "touched by the kernel";
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_vmo(suite.account, 2 * PAGE_BYTES, &buffer));
    REQUIRE_OK(tess_vspace_map(suite.vspace, buffer, 0, 2 * PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &at));
    EXPECT_OK(tess_vmo_write(vmo, 0, address_of(text), sizeof text, &done));
    EXPECT_OK(tess_vmo_read(vmo, 0, at + PAGE_BYTES - 8, sizeof text, &done));
    EXPECT(__builtin_memcmp((const void *)(uintptr_t)(at + PAGE_BYTES - 8), text, sizeof text) == 0);
    EXPECT_OK(tess_vmo_info(buffer, nullptr, &committed));
    EXPECT_EQ(committed, 2 * PAGE_BYTES);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, 2 * PAGE_BYTES));
    suite_close(vmo);
    suite_close(buffer);
}

// A buffer page that its account cannot pay for.
CASE(vmo_read_into_memory_that_cannot_be_paid_for) {
    handle_t account, poor, source;
    uint64_t at = 0, done, page = 0;
    uint8_t byte = 3;
    REQUIRE_OK(tess_account_create_account(suite.account, 32 * 1024, &account));
    REQUIRE_OK(tess_account_create_vmo(account, 64 * PAGE_BYTES, &poor));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &source));
    EXPECT_OK(tess_vmo_write(source, 0, address_of(&byte), 1, &done));
    while (page < 64 && status_ok(tess_vmo_write(poor, page * PAGE_BYTES, address_of(&byte), 1, &done))) {
        page++;
    }
    REQUIRE(page < 64);
    REQUIRE_OK(tess_vspace_map(suite.vspace, poor, 0, 64 * PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &at));
    REFUSED(VMO_READ, NO_MEMORY, tess_vmo_read(source, 0, at + page * PAGE_BYTES, 8, &done));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, 64 * PAGE_BYTES));
    suite_close(poor);
    suite_close(source);
    suite_close(account);
}

// ---- Length, commitment, contents ----------------------------------------------------------------------

static uint64_t committed(handle_t vmo) {
    uint64_t bytes = 0;
    EXPECT_OK(tess_vmo_info(vmo, nullptr, &bytes));
    return bytes;
}

static void put_byte(handle_t vmo, uint64_t offset, uint8_t byte) {
    EXPECT_OK(tess_vmo_write(vmo, offset, address_of(&byte), 1, nullptr));
}

static uint8_t get_byte(handle_t vmo, uint64_t offset) {
    uint8_t byte = 0xee;
    EXPECT_OK(tess_vmo_read(vmo, offset, address_of(&byte), 1, nullptr));
    return byte;
}

static volatile uint8_t *show(handle_t vmo, uint64_t len, uint64_t protection) {
    uint64_t address = 0;
    EXPECT_OK(tess_vspace_map(suite.vspace, vmo, 0, len, 0, protection, &address));
    return (volatile uint8_t *)(uintptr_t)address;
}

static void hide(const volatile uint8_t *place, uint64_t len) {
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address_of(place), len));
}

// Whether a copy from there finds memory.
static bool readable(handle_t scratch, const volatile uint8_t *place) {
    return status_ok(tess_vmo_write(scratch, 0, address_of(place), 1, nullptr));
}

CASE(vmo_resizes_and_what_is_cut_off_is_gone) {
    constexpr uint64_t PAGES = 600; // more than one step takes away
    handle_t vmo, scratch, fixed;
    uint64_t len;
    REQUIRE_OK(tess_account_create_resizable_vmo(suite.account, PAGES * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &scratch));
    volatile uint8_t *place = show(vmo, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE);
    for (uint64_t page = 0; page < PAGES; page++) {
        place[page * PAGE_BYTES] = (uint8_t)(page + 1);
    }
    EXPECT_EQ(committed(vmo), PAGES * PAGE_BYTES);
    EXPECT_OK(tess_vmo_resize(vmo, 5 * PAGE_BYTES - 100));
    EXPECT_OK(tess_vmo_info(vmo, &len, nullptr));
    EXPECT_EQ(len, 5 * PAGE_BYTES);
    EXPECT_EQ(committed(vmo), 5 * PAGE_BYTES);
    EXPECT_EQ(place[4 * PAGE_BYTES], 5);
    EXPECT(!readable(scratch, place + 5 * PAGE_BYTES));
    EXPECT(!readable(scratch, place + (PAGES - 1) * PAGE_BYTES));
    REFUSED(VMO_WRITE, BAD_ARGUMENT, tess_vmo_write(vmo, 5 * PAGE_BYTES, address_of("x"), 1, nullptr));
    EXPECT_OK(tess_vmo_resize(vmo, 100'000 * PAGE_BYTES)); // a taller tree
    EXPECT_EQ(place[5 * PAGE_BYTES], 0);
    EXPECT_EQ(place[4 * PAGE_BYTES], 5);
    put_byte(vmo, 99'999 * PAGE_BYTES, 7);
    EXPECT_EQ(get_byte(vmo, 99'999 * PAGE_BYTES), 7);
    hide(place, PAGES * PAGE_BYTES);
    REFUSED(VMO_RESIZE, BAD_ARGUMENT, tess_vmo_resize(vmo, 0));
    REFUSED(VMO_RESIZE, BAD_ARGUMENT, tess_vmo_resize(vmo, 1ull << 63));
    REFUSED(VMO_RESIZE, BAD_STATE, tess_vmo_resize(scratch, 2 * PAGE_BYTES));
    REFUSED(ACCOUNT_CREATE_RESIZABLE_VMO, BAD_ARGUMENT,
            tess_account_create_resizable_vmo(suite.account, 0, &fixed));
    suite_close(scratch);
    suite_close(vmo);
}

CASE(vmo_resize_that_cannot_be_paid_for) {
    handle_t account, vmo;
    uint64_t limit, used;
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REQUIRE_OK(tess_account_create_resizable_vmo(account, 64 * PAGE_BYTES, &vmo));
    put_byte(vmo, 0, 1); // from here on a taller tree needs a node
    for (uint64_t page = 1; page < 64; page++) {
        uint8_t byte = 1;
        if (!status_ok(tess_vmo_write(vmo, page * PAGE_BYTES, address_of(&byte), 1, nullptr))) {
            break;
        }
    }
    EXPECT_OK(tess_account_info(account, &limit, &used, nullptr, nullptr));
    handle_t rest;
    EXPECT_OK(tess_account_create_account(account, limit - used - 640, &rest));
    REFUSED(VMO_RESIZE, NO_MEMORY, tess_vmo_resize(vmo, 1ull << 40));
    EXPECT_EQ(get_byte(vmo, 0), 1);
    suite_close(rest);
    suite_close(vmo);
    suite_close(account);
}

CASE(vmo_commits_and_decommits_ranges) {
    constexpr uint64_t PAGES = 1200;
    handle_t vmo, physical, poor, account;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGES * PAGE_BYTES, &vmo));
    EXPECT_OK(tess_vmo_commit(vmo, PAGE_BYTES, (PAGES - 1) * PAGE_BYTES)); // 512 of them as one large page
    EXPECT_EQ(committed(vmo), (PAGES - 1) * PAGE_BYTES);
    volatile uint8_t *place = show(vmo, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE);
    EXPECT_EQ(address_of(place) % (2 << 20), 0);
    for (uint64_t page = 0; page < PAGES; page++) {
        EXPECT_EQ(place[page * PAGE_BYTES], 0);
        place[page * PAGE_BYTES + 8] = (uint8_t)page;
    }
    // Out of the middle of the large page.
    EXPECT_OK(tess_vmo_decommit(vmo, 700 * PAGE_BYTES, 10 * PAGE_BYTES));
    EXPECT_EQ(committed(vmo), (PAGES - 10) * PAGE_BYTES);
    EXPECT_EQ(place[699 * PAGE_BYTES + 8], 699 % 256);
    EXPECT_EQ(place[705 * PAGE_BYTES + 8], 0);
    EXPECT_EQ(place[710 * PAGE_BYTES + 8], 710 % 256);
    EXPECT_OK(tess_vspace_protect(suite.vspace, address_of(place) + 600 * PAGE_BYTES, PAGE_BYTES, PROT_READ));
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_read(vmo, 0, address_of(place) + 600 * PAGE_BYTES, 1, nullptr));
    EXPECT_EQ(place[600 * PAGE_BYTES + 8], 600 % 256);
    EXPECT_OK(tess_vmo_decommit(vmo, 0, PAGES * PAGE_BYTES));
    EXPECT_EQ(committed(vmo), 0);
    EXPECT_EQ(place[600 * PAGE_BYTES + 8], 0);
    hide(place, PAGES * PAGE_BYTES);
    REFUSED(VMO_COMMIT, BAD_ARGUMENT, tess_vmo_commit(vmo, 1, PAGE_BYTES));
    REFUSED(VMO_COMMIT, BAD_ARGUMENT, tess_vmo_commit(vmo, PAGE_BYTES, PAGES * PAGE_BYTES));
    REFUSED(VMO_DECOMMIT, BAD_ARGUMENT, tess_vmo_decommit(vmo, 0, 100));
    REFUSED(VMO_DECOMMIT, BAD_ARGUMENT, tess_vmo_decommit(vmo, UINT64_MAX - 4095, 2 * PAGE_BYTES));
    REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, 3 * PAGE_BYTES, &physical));
    EXPECT_EQ(committed(physical), 3 * PAGE_BYTES);
    EXPECT_EQ(get_byte(physical, 3 * PAGE_BYTES - 1), 0);
    REFUSED(VMO_DECOMMIT, BAD_STATE, tess_vmo_decommit(physical, 0, PAGE_BYTES));
    suite_close(physical);
    REFUSED(ACCOUNT_CREATE_CONTIGUOUS_VMO, BAD_ARGUMENT,
            tess_account_create_contiguous_vmo(suite.account, (4 << 20) + 1, &physical));
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REQUIRE_OK(tess_account_create_vmo(account, PAGES * PAGE_BYTES, &poor));
    REFUSED(VMO_COMMIT, NO_MEMORY, tess_vmo_commit(poor, 0, PAGES * PAGE_BYTES));
    EXPECT(committed(poor) > 0); // what came first stays
    suite_close(poor);
    suite_close(account);
    suite_close(vmo);
}

CASE(vmo_sealed_never_changes) {
    handle_t vmo;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_resizable_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    volatile uint8_t *place = show(vmo, 4 * PAGE_BYTES, PROT_READ | PROT_WRITE);
    place[0] = 9;
    REFUSED(VMO_SEAL, IN_USE, tess_vmo_seal(vmo));
    EXPECT_OK(tess_vspace_protect(suite.vspace, address_of(place), 4 * PAGE_BYTES, PROT_READ));
    EXPECT_OK(tess_vmo_seal(vmo));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED,
            tess_vspace_protect(suite.vspace, address_of(place), 4 * PAGE_BYTES, PROT_READ | PROT_WRITE));
    REFUSED(VSPACE_MAP, NOT_ALLOWED,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    REFUSED(VMO_WRITE, NOT_ALLOWED, tess_vmo_write(vmo, 0, address_of("x"), 1, nullptr));
    REFUSED(VMO_RESIZE, BAD_STATE, tess_vmo_resize(vmo, PAGE_BYTES));
    REFUSED(VMO_DECOMMIT, BAD_STATE, tess_vmo_decommit(vmo, 0, PAGE_BYTES));
    EXPECT_EQ(place[0], 9);
    hide(place, 4 * PAGE_BYTES);
    suite_close(vmo);
}

// What the package and a view of its second page, or of all of it, show must be the same, and nobody can change it.
CASE(vmo_views_of_the_package_only_show_it) {
    handle_t package, view, second, account;
    uint64_t len, used, now, address;
    static uint8_t whole[PAGE_BYTES], part[PAGE_BYTES];
    REQUIRE_OK(tess_cap("package", 0, &package));
    REQUIRE_OK(tess_vmo_info(package, &len, nullptr));
    REQUIRE_OK(tess_account_info(suite.account, nullptr, &used, nullptr, nullptr));
    REQUIRE_OK(tess_vmo_clone(package, PAGE_BYTES, len - PAGE_BYTES, suite.account, &view));
    REQUIRE_OK(tess_account_info(suite.account, nullptr, &now, nullptr, nullptr));
    EXPECT(now - used < PAGE_BYTES); // the object, not the pages
    REQUIRE_OK(tess_vmo_clone(view, PAGE_BYTES, 2 * PAGE_BYTES, suite.account, &second));
    EXPECT_OK(tess_vmo_read(package, 2 * PAGE_BYTES, address_of(whole), PAGE_BYTES, nullptr));
    EXPECT_OK(tess_vmo_read(view, PAGE_BYTES, address_of(part), PAGE_BYTES, nullptr));
    EXPECT(__builtin_memcmp(whole, part, PAGE_BYTES) == 0);
    const volatile uint8_t *place = show(second, 2 * PAGE_BYTES, PROT_READ);
    for (size_t i = 0; i < PAGE_BYTES; i++) {
        if (place[i] != whole[i]) {
            EXPECT_EQ(place[i], whole[i]);
            break;
        }
    }
    suite_close(view); // a view of a view is one of the package
    EXPECT_EQ(place[PAGE_BYTES - 1], whole[PAGE_BYTES - 1]);
    EXPECT_STATUS(NO_RIGHT, tess_vmo_write(second, 0, address_of(whole), 1, nullptr));
    EXPECT_STATUS(NO_RIGHT,
                  tess_vspace_map(suite.vspace, second, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    EXPECT_STATUS(NO_RIGHT, tess_vmo_seal(second));
    EXPECT_STATUS(BAD_ARGUMENT, tess_vmo_clone(package, PAGE_BYTES, len, suite.account, &view));
    REQUIRE_OK(tess_account_create_account(suite.account, PAGE_BYTES, &account));
    handle_t views[64];
    size_t count = 0;
    status_t status = STATUS_OK;
    while (count < 64 && status_ok(status = tess_vmo_clone(package, 0, len, account, &views[count]))) {
        count++;
    }
    EXPECT_STATUS(NO_MEMORY, status);
    while (count > 0) {
        suite_close(views[--count]);
    }
    hide(place, 2 * PAGE_BYTES);
    suite_close(second);
    suite_close(account);
}

CASE(a_file_of_the_package_is_granted_to_be_read) {
    handle_t file;
    uint64_t len, address;
    char text[16] = {};
    REQUIRE_OK(tess_cap("license", 0, &file));
    REQUIRE_OK(tess_vmo_info(file, &len, nullptr));
    EXPECT_EQ(len, PAGE_BYTES);
    EXPECT_OK(tess_vmo_read(file, 0, address_of(text), 11, nullptr));
    EXPECT(__builtin_memcmp(text, "MIT License", 11) == 0);
    const volatile uint8_t *place = show(file, PAGE_BYTES, PROT_READ);
    EXPECT_EQ(place[PAGE_BYTES - 1], 0);
    hide(place, PAGE_BYTES);
    EXPECT_STATUS(NO_RIGHT, tess_vmo_write(file, 0, address_of(text), 1, nullptr));
    EXPECT_STATUS(NO_RIGHT,
                  tess_vspace_map(suite.vspace, file, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &address));
}

CASE(vmo_clones_share_until_written) {
    constexpr uint64_t PAGES = 200; // several steps
    handle_t parent, child, grandchild, account;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGES * PAGE_BYTES, &parent));
    volatile uint8_t *place = show(parent, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE);
    for (uint64_t page = 0; page < PAGES; page += 2) {
        place[page * PAGE_BYTES] = (uint8_t)(page + 1);
    }
    REQUIRE_OK(tess_vmo_clone(parent, 0, PAGES * PAGE_BYTES, suite.account, &child));
    REQUIRE_OK(tess_vmo_clone(child, 2 * PAGE_BYTES, 100 * PAGE_BYTES, suite.account, &grandchild));
    volatile uint8_t *second = show(child, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE);
    EXPECT_EQ(committed(child), PAGES / 2 * PAGE_BYTES); // each pays for what it refers to
    EXPECT_EQ(committed(grandchild), 50 * PAGE_BYTES);
    for (uint64_t page = 0; page < PAGES; page++) {
        EXPECT_EQ(second[page * PAGE_BYTES], page % 2 == 0 ? (uint8_t)(page + 1) : 0);
    }
    place[4 * PAGE_BYTES] = 0xa1; // the parent's own now
    second[6 * PAGE_BYTES] = 0xa2;
    put_byte(grandchild, 6 * PAGE_BYTES, 0xa3); // page 8 of the other two
    EXPECT_EQ(place[4 * PAGE_BYTES], 0xa1);
    EXPECT_EQ(second[4 * PAGE_BYTES], 5);
    EXPECT_EQ(get_byte(grandchild, 2 * PAGE_BYTES), 5);
    EXPECT_EQ(place[6 * PAGE_BYTES], 7);
    EXPECT_EQ(second[6 * PAGE_BYTES], 0xa2);
    EXPECT_EQ(get_byte(grandchild, 4 * PAGE_BYTES), 7);
    EXPECT_EQ(place[8 * PAGE_BYTES], 9);
    EXPECT_EQ(second[8 * PAGE_BYTES], 9);
    EXPECT_EQ(get_byte(grandchild, 6 * PAGE_BYTES), 0xa3);
    // The parent goes; what the others share stays.
    hide(place, PAGES * PAGE_BYTES);
    suite_close(parent);
    EXPECT_EQ(second[10 * PAGE_BYTES], 11);
    second[10 * PAGE_BYTES] = 0xa4;
    EXPECT_EQ(get_byte(grandchild, 8 * PAGE_BYTES), 11);
    hide(second, PAGES * PAGE_BYTES);
    REFUSED(VMO_CLONE, BAD_ARGUMENT, tess_vmo_clone(child, 0, 0, suite.account, &parent));
    REFUSED(VMO_CLONE, BAD_ARGUMENT, tess_vmo_clone(child, 1, PAGE_BYTES, suite.account, &parent));
    REFUSED(VMO_CLONE, BAD_ARGUMENT,
            tess_vmo_clone(child, PAGE_BYTES, PAGES * PAGE_BYTES, suite.account, &parent));
    REFUSED(VMO_CLONE, BAD_HANDLE, tess_vmo_clone(child, 0, PAGE_BYTES, (handle_t){0}, &parent));
    REFUSED(VMO_CLONE, WRONG_TYPE, tess_vmo_clone(child, 0, PAGE_BYTES, child, &parent));
    handle_t no_create = suite_copy(suite.account, RIGHTS_ALL_BITS & ~RIGHT_CREATE_BIT);
    REFUSED(VMO_CLONE, NO_RIGHT, tess_vmo_clone(child, 0, PAGE_BYTES, no_create, &parent));
    // A clone that its account cannot pay for leaves nothing.
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REFUSED(VMO_CLONE, NO_MEMORY, tess_vmo_clone(child, 0, PAGES * PAGE_BYTES, account, &parent));
    REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, PAGE_BYTES, &parent));
    REFUSED(VMO_CLONE, BAD_STATE, tess_vmo_clone(parent, 0, PAGE_BYTES, suite.account, &account));
    suite_close(parent);
    suite_close(account);
    suite_close(no_create);
    suite_close(child);
    suite_close(grandchild);
}

// ---- Several processors --------------------------------------------------------------------------------

static bool stopped(const struct peer *peer) {
    return __atomic_load_n((const volatile uint64_t *)(uintptr_t)peer->arg[1], __ATOMIC_ACQUIRE) != 0;
}

// Counts in the page, and looks that it never goes back.
static void count_in_page(struct peer *self) {
    uint64_t *word = (uint64_t *)(uintptr_t)self->arg[0], last = 0;
    while (!stopped(self)) {
        const uint64_t saw = __atomic_add_fetch(word, 1, __ATOMIC_RELAXED);
        self->result[1] += saw <= last;
        last = saw;
        self->result[0]++;
    }
}

static void watch_page(struct peer *self) {
    const uint64_t *word = (const uint64_t *)(uintptr_t)self->arg[0];
    for (uint64_t last = 0; !stopped(self); self->result[0]++) {
        const uint64_t saw = __atomic_load_n(word, __ATOMIC_RELAXED);
        self->result[1] += saw < last;
        last = saw;
    }
}

// While all processors write to and read a page, it is cloned again and again. Each time its frame is replaced under
// them: no write may go to the old one, nobody may still read it, and a clone never changes.
CASE(a_replaced_frame_is_seen_by_no_processor) {
    const uint64_t end = suite_after_ms(500);
    struct peer peers[PEER_COUNT] = {};
    uint64_t stop = 0, sum = 0, first = 0, again = 0;
    handle_t vmo, clone;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    volatile uint8_t *place = show(vmo, PAGE_BYTES, PROT_READ | PROT_WRITE);
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        peers[i].arg[0] = address_of(place);
        peers[i].arg[1] = address_of(&stop);
        REQUIRE(peer_start(&peers[i], i, PEER_WITHOUT_PAGE, i < 2 ? count_in_page : watch_page));
    }
    while (suite_now_ns() < end) {
        EXPECT_OK(tess_vmo_clone(vmo, 0, PAGE_BYTES, suite.account, &clone));
        EXPECT_OK(tess_vmo_read(clone, 0, address_of(&first), sizeof first, nullptr));
        tess_yield();
        EXPECT_OK(tess_vmo_read(clone, 0, address_of(&again), sizeof again, nullptr));
        EXPECT_EQ(again, first);
        suite_close(clone);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        REQUIRE(peer_join(&peers[i]));
        EXPECT_EQ(peers[i].result[1], 0);
        sum += i < 2 ? peers[i].result[0] : 0;
    }
    EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)address_of(place), sum);
    hide(place, PAGE_BYTES);
    suite_close(vmo);
}

static void write_bytes(struct peer *self) {
    static uint8_t bytes[PAGE_BYTES];
    for (uint8_t byte = 1; !stopped(self) && status_ok(self->status); byte++) {
        __builtin_memset(bytes, byte, sizeof bytes);
        self->status = tess_vmo_write(self->handle[0], 0, address_of(bytes), sizeof bytes, nullptr);
    }
}

// Neither a clone nor a sealed VMO changes by a write that began before.
CASE(a_write_under_way_changes_nothing_that_is_final) {
    static uint8_t first[PAGE_BYTES], again[PAGE_BYTES];
    const uint64_t end = suite_after_ms(500);
    while (suite_now_ns() < end) {
        struct peer peer = {};
        uint64_t stop = 0;
        handle_t vmo, clone;
        REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
        peer.handle[0] = vmo;
        peer.arg[1] = address_of(&stop);
        REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, write_bytes));
        for (uint32_t i = 0; i < 4; i++) {
            EXPECT_OK(tess_vmo_clone(vmo, 0, PAGE_BYTES, suite.account, &clone));
            EXPECT_OK(tess_vmo_read(clone, 0, address_of(first), sizeof first, nullptr));
            tess_yield();
            EXPECT_OK(tess_vmo_read(clone, 0, address_of(again), sizeof again, nullptr));
            EXPECT(__builtin_memcmp(first, again, sizeof first) == 0);
            suite_close(clone);
        }
        status_t status;
        while (status_is(status = tess_vmo_seal(vmo), STATUS_IN_USE)) {
            tess_yield();
        }
        EXPECT_OK(status);
        EXPECT_OK(tess_vmo_read(vmo, 0, address_of(first), sizeof first, nullptr));
        tess_yield();
        EXPECT_OK(tess_vmo_read(vmo, 0, address_of(again), sizeof again, nullptr));
        EXPECT(__builtin_memcmp(first, again, sizeof first) == 0);
        __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
        REQUIRE(peer_join(&peer));
        EXPECT(status_ok(peer.status) || status_is(peer.status, STATUS_NOT_ALLOWED));
        suite_close(vmo);
    }
}
