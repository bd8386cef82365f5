// Address spaces: placement, protection, commitment, cutting, and what may never be mapped.
#include "tests/abi/child.h"
#include "tests/abi/suite.h"

constexpr uint64_t RW = PROT_READ | PROT_WRITE;
constexpr uint64_t SPOT = 0x7000'0000; // free in the suite's address space

static volatile uint8_t *at(uint64_t address) {
    return (volatile uint8_t *)(uintptr_t)address;
}

static uint64_t mappings(void) {
    uint64_t count = 0;
    EXPECT_OK(tess_vspace_info(suite.vspace, &count, nullptr, nullptr));
    return count;
}

CASE(mapping_shows_the_memory_and_commits_on_touch) {
    handle_t vmo;
    uint64_t address = 0, second = 0, committed, done;
    uint8_t byte = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 16 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, 16 * PAGE_BYTES, 0, RW, &address));
    EXPECT(address >= USER_LOWEST);
    EXPECT_EQ(address % PAGE_BYTES, 0);
    EXPECT_OK(tess_vmo_info(vmo, nullptr, &committed));
    EXPECT_EQ(committed, 0);
    EXPECT_EQ(at(address)[5 * PAGE_BYTES + 3], 0);
    at(address)[9 * PAGE_BYTES] = 0x5a;
    EXPECT_OK(tess_vmo_info(vmo, nullptr, &committed));
    EXPECT(committed <= 2 * PAGE_BYTES);
    EXPECT(committed >= PAGE_BYTES);
    EXPECT_OK(tess_vmo_read(vmo, 9 * PAGE_BYTES, (uint64_t)(uintptr_t)&byte, 1, &done));
    EXPECT_EQ(byte, 0x5a);
    // A second view of the same page.
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 9 * PAGE_BYTES, PAGE_BYTES, 0, PROT_READ, &second));
    EXPECT_EQ(at(second)[0], 0x5a);
    at(address)[9 * PAGE_BYTES + 1] = 0xa5;
    EXPECT_EQ(at(second)[1], 0xa5);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, 16 * PAGE_BYTES));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, second, PAGE_BYTES));
    suite_close(vmo);
}

CASE(memory_never_becomes_writable_and_executable) {
    handle_t vmo;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    REFUSED(VSPACE_MAP, NOT_ALLOWED,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, RW | PROT_EXECUTE, &address));
    // What is mapped at all is readable, so this is no protection in the first place.
    REFUSED(VSPACE_MAP, BAD_ARGUMENT,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_WRITE | PROT_EXECUTE, &address));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &address));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED,
            tess_vspace_protect(suite.vspace, address, PAGE_BYTES, RW | PROT_EXECUTE));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(vmo);
}

CASE(protection_stays_within_the_handle) {
    handle_t vmo;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    handle_t read_only = suite_copy(vmo, RIGHT_READ_BIT | RIGHT_MAP_BIT);
    handle_t no_map = suite_copy(vmo, RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT);
    REFUSED(VSPACE_MAP, NO_RIGHT, tess_vspace_map(suite.vspace, read_only, 0, PAGE_BYTES, 0, RW, &address));
    REFUSED(VSPACE_MAP, NO_RIGHT,
            tess_vspace_map(suite.vspace, read_only, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &address));
    REFUSED(VSPACE_MAP, NO_RIGHT,
            tess_vspace_map(suite.vspace, no_map, 0, PAGE_BYTES, 0, PROT_READ, &address));
    REQUIRE_OK(tess_vspace_map(suite.vspace, read_only, 0, PAGE_BYTES, 0, PROT_READ, &address));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED, tess_vspace_protect(suite.vspace, address, PAGE_BYTES, RW));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED,
            tess_vspace_protect(suite.vspace, address, PAGE_BYTES, PROT_READ | PROT_EXECUTE));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(read_only);
    suite_close(no_map);
    suite_close(vmo);
}

CASE(mapping_arguments_are_checked) {
    handle_t vmo, notification;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    static const struct {
        uint64_t offset, len, address, protection;
    } bad[] = {
        {1, PAGE_BYTES, 0, PROT_READ},                         // misaligned offset
        {0, PAGE_BYTES + 1, 0, PROT_READ},                     // misaligned length
        {0, 0, 0, PROT_READ},                                  // nothing
        {0, PAGE_BYTES, SPOT + 8, PROT_READ},                  // misaligned address
        {0, 5 * PAGE_BYTES, 0, PROT_READ},                     // beyond the VMO
        {4 * PAGE_BYTES, PAGE_BYTES, 0, PROT_READ},            // behind the VMO
        {UINT64_MAX - 4095, 2 * PAGE_BYTES, 0, PROT_READ},     // offset + length wraps
        {PAGE_BYTES, UINT64_MAX - 4095, 0, PROT_READ},         // length wraps
        {0, PAGE_BYTES, PAGE_BYTES, PROT_READ},                // the lowest 64 KiB
        {0, PAGE_BYTES, USER_LOWEST - PAGE_BYTES, PROT_READ},  // just below
        {0, PAGE_BYTES, USER_END, PROT_READ},                  // no user address
        {0, 2 * PAGE_BYTES, USER_END - PAGE_BYTES, PROT_READ}, // runs out of user space
        {0, PAGE_BYTES, 0x8000'0000'0000, PROT_READ},          // not canonical
        {0, PAGE_BYTES, 0xffff'8000'0000'0000, PROT_READ},     // the kernel's
        {0, PAGE_BYTES, 0xffff'ffff'8000'0000, RW},            // the kernel's image
        {0, PAGE_BYTES, UINT64_MAX - 4095, RW},                // address + length wraps
        {0, PAGE_BYTES, SPOT, 8 | PROT_READ},                  // unknown protection bit
        {0, PAGE_BYTES, SPOT, 1ull << 32 | PROT_READ},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        status_t status = tess_vspace_map(suite.vspace, vmo, bad[i].offset, bad[i].len, bad[i].address,
                                          bad[i].protection, &address);
        suite_check_refused(OP_VSPACE_MAP, status, STATUS_BAD_ARGUMENT, "vspace.map row", __FILE__, (int)i);
        if (status_ok(status)) {
            EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
        }
    }
    REFUSED(VSPACE_MAP, BAD_HANDLE,
            tess_vspace_map(suite.vspace, (handle_t){0}, 0, PAGE_BYTES, 0, PROT_READ, &address));
    REFUSED(VSPACE_MAP, WRONG_TYPE,
            tess_vspace_map(suite.vspace, notification, 0, PAGE_BYTES, 0, PROT_READ, &address));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, 2 * PAGE_BYTES, SPOT, PROT_READ, &address));
    EXPECT_EQ(address, SPOT);
    REFUSED(VSPACE_MAP, IN_USE, tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, SPOT, PROT_READ, &address));
    REFUSED(VSPACE_MAP, IN_USE,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, SPOT + PAGE_BYTES, PROT_READ, &address));
    REFUSED(VSPACE_MAP, IN_USE,
            tess_vspace_map(suite.vspace, vmo, 0, 2 * PAGE_BYTES, SPOT - PAGE_BYTES, RW, &address));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, SPOT, 2 * PAGE_BYTES));
    static const struct {
        uint64_t address, len;
    } bad_range[] = {{SPOT + 1, PAGE_BYTES},
                     {SPOT, 0},
                     {SPOT, 100},
                     {USER_END, PAGE_BYTES},
                     {SPOT, UINT64_MAX - 4095},
                     {0xffff'8000'0000'0000, PAGE_BYTES},
                     {UINT64_MAX - 4095, PAGE_BYTES}};
    for (size_t i = 0; i < sizeof bad_range / sizeof bad_range[0]; i++) {
        REFUSED(VSPACE_UNMAP, BAD_ARGUMENT,
                tess_vspace_unmap(suite.vspace, bad_range[i].address, bad_range[i].len));
        REFUSED(VSPACE_PROTECT, BAD_ARGUMENT,
                tess_vspace_protect(suite.vspace, bad_range[i].address, bad_range[i].len, PROT_READ));
    }
    REFUSED(VSPACE_PROTECT, BAD_ARGUMENT, tess_vspace_protect(suite.vspace, SPOT, PAGE_BYTES, 64));
    suite_close(notification);
    suite_close(vmo);
}

// Cuts a mapping in the middle, protects a part, and looks at what each page still allows.
CASE(unmapping_a_part_leaves_the_rest) {
    handle_t vmo;
    uint64_t address = 0, before = mappings(), done;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 8 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, 8 * PAGE_BYTES, SPOT, RW, &address));
    for (uint64_t i = 0; i < 8; i++) {
        at(SPOT)[i * PAGE_BYTES] = (uint8_t)(i + 1);
    }
    EXPECT_OK(tess_vspace_unmap(suite.vspace, SPOT + 3 * PAGE_BYTES, 2 * PAGE_BYTES));
    EXPECT_EQ(mappings(), before + 2);
    for (uint64_t i = 0; i < 8; i++) {
        status_t status = tess_vmo_write(vmo, 0, SPOT + i * PAGE_BYTES, 1, &done); // reads the page
        if (i == 3 || i == 4) {
            EXPECT_STATUS(BAD_ADDRESS, status);
        } else {
            EXPECT_OK(status);
        }
    }
    EXPECT_EQ(at(SPOT)[5 * PAGE_BYTES], 6);
    EXPECT_EQ(at(SPOT)[7 * PAGE_BYTES], 8);
    // The hole can be used again, and a range with a hole cannot be protected as a whole.
    REFUSED(VSPACE_PROTECT, NOT_FOUND, tess_vspace_protect(suite.vspace, SPOT, 8 * PAGE_BYTES, PROT_READ));
    EXPECT_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, SPOT + 3 * PAGE_BYTES, PROT_READ, &address));
    EXPECT_OK(tess_vspace_protect(suite.vspace, SPOT + PAGE_BYTES, PAGE_BYTES, PROT_READ));
    EXPECT_OK(tess_vmo_write(vmo, 0, SPOT + PAGE_BYTES, 1, &done));
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_read(vmo, 0, SPOT + PAGE_BYTES, 1, &done));
    EXPECT_OK(tess_vmo_read(vmo, 0, SPOT, 1, &done));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, SPOT, 8 * PAGE_BYTES)); // holes are no matter
    EXPECT_OK(tess_vspace_unmap(suite.vspace, SPOT, 8 * PAGE_BYTES));
    EXPECT_EQ(mappings(), before);
    suite_close(vmo);
}

CASE(a_mapping_keeps_the_memory_without_the_handle) {
    handle_t vmo;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, RW, &address));
    at(address)[10] = 99;
    suite_close(vmo);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_EQ(at(address)[10], 99);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
}

CASE(chosen_addresses_do_not_touch) {
    handle_t vmo;
    uint64_t address[16] = {};
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    for (size_t i = 0; i < 16; i++) {
        EXPECT_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, RW, &address[i]));
    }
    for (size_t i = 0; i < 16; i++) {
        for (size_t j = 0; j < i; j++) {
            uint64_t gap = address[i] > address[j] ? address[i] - address[j] : address[j] - address[i];
            EXPECT(gap >= 2 * PAGE_BYTES);
        }
    }
    for (size_t i = 0; i < 16; i++) {
        EXPECT_OK(tess_vspace_unmap(suite.vspace, address[i], PAGE_BYTES));
    }
    suite_close(vmo);
}

CASE(highest_and_lowest_user_pages_can_be_used) {
    handle_t vmo;
    uint64_t address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    static const uint64_t edges[] = {0x3fff'ffff'f000, USER_END - PAGE_BYTES};
    for (size_t i = 0; i < 2; i++) {
        REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, edges[i], RW, &address));
        at(edges[i])[PAGE_BYTES - 1] = 1;
        EXPECT_EQ(at(edges[i])[PAGE_BYTES - 1], 1);
        EXPECT_OK(tess_vspace_unmap(suite.vspace, edges[i], PAGE_BYTES));
    }
    suite_close(vmo);
}

// Mappings are paid for by the account of their address space.
CASE(mappings_are_charged) {
    struct child child;
    handle_t account, vmo;
    uint64_t address = 0, count = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 96 * 1024, &account));
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    if (!child_create(&child, account)) {
        return;
    }
    status_t status = STATUS_OK;
    uint64_t first = 0;
    while (count < 20'000 && status_ok(status = tess_vspace_map(child.vspace, vmo, 0, 3 * PAGE_BYTES, 0,
                                                                PROT_READ, &address))) {
        if (count++ == 0) {
            first = address;
        }
    }
    suite_check_refused(OP_VSPACE_MAP, status, STATUS_NO_MEMORY, "mappings beyond the account", __FILE__,
                        __LINE__);
    EXPECT(count > 8);
    // A cut in the middle, and a protection in the middle, need one more mapping each.
    REFUSED(VSPACE_UNMAP, NO_MEMORY, tess_vspace_unmap(child.vspace, first + PAGE_BYTES, PAGE_BYTES));
    REFUSED(VSPACE_PROTECT, NO_MEMORY, tess_vspace_protect(child.vspace, first + PAGE_BYTES, PAGE_BYTES, 0));
    EXPECT_OK(tess_vspace_unmap(child.vspace, first, 3 * PAGE_BYTES));
    child_destroy(&child);
    suite_close(vmo);
    suite_close(account);
}

// More pages than the kernel changes in one step: the call goes on by itself until all is done.
CASE(large_ranges_change_in_steps)
{
    constexpr uint64_t PAGES = 8192, BYTES = PAGES * PAGE_BYTES;
    handle_t account, vmo;
    uint64_t address, mapped_before, mapped, done;
    REQUIRE_OK(tess_account_create_account(suite.account, BYTES + (1 << 20), &account));
    REQUIRE_OK(tess_account_create_vmo(account, BYTES, &vmo));
    EXPECT_OK(tess_vspace_info(suite.vspace, nullptr, &mapped_before, nullptr));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, BYTES, 0, PROT_READ | PROT_WRITE, &address));
    for (uint64_t page = 0; page < PAGES; page++)
        *(volatile uint64_t *)(uintptr_t)(address + page * PAGE_BYTES) = page;
    EXPECT_OK(tess_vspace_protect(suite.vspace, address, BYTES, PROT_READ));
    // The kernel may not write there now, at either end or in the middle; the contents are as they were.
    for (uint64_t page = 0; page < PAGES; page += PAGES / 2 - 1) {
        const uint64_t at = address + page * PAGE_BYTES;
        EXPECT_STATUS(BAD_ADDRESS, tess_vmo_read(vmo, 0, at, 8, &done));
        EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)at, page);
    }
    EXPECT_OK(tess_vspace_protect(suite.vspace, address, BYTES, 0));
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_write(vmo, 0, address + BYTES - PAGE_BYTES, 8, &done));
    EXPECT_OK(tess_vspace_protect(suite.vspace, address, BYTES, PROT_READ | PROT_WRITE));
    EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)(address + BYTES - PAGE_BYTES), PAGES - 1);
    // All but the first and the last page; then those.
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address + PAGE_BYTES, BYTES - 2 * PAGE_BYTES));
    EXPECT_OK(tess_vspace_info(suite.vspace, nullptr, &mapped, nullptr));
    EXPECT_EQ(mapped, mapped_before + 2 * PAGE_BYTES);
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_write(vmo, 0, address + BYTES / 2, 8, &done));
    EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)(address + BYTES - PAGE_BYTES), PAGES - 1);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, BYTES));
    EXPECT_OK(tess_vspace_info(suite.vspace, nullptr, &mapped, nullptr));
    EXPECT_EQ(mapped, mapped_before);
    suite_close(vmo);
    suite_close(account);
}

// Two memory objects of 2 MiB, each aligned: the second one needs no table of its own.
CASE(aligned_ranges_are_mapped_with_large_pages)
{
    constexpr uint64_t BYTES = 2 << 20;
    handle_t vmo[2];
    uint64_t address[2], tables[2];
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, BYTES, &vmo[i]));
        REQUIRE_OK(tess_vspace_map(suite.vspace, vmo[i], 0, BYTES, 0, PROT_READ | PROT_WRITE, &address[i]));
        EXPECT_EQ(address[i] % BYTES, 0u);
        for (uint64_t at = 0; at < BYTES; at += PAGE_BYTES) {
            EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)(address[i] + at), 0u);
            *(volatile uint64_t *)(uintptr_t)(address[i] + at) = at;
        }
        EXPECT_OK(tess_vspace_info(suite.vspace, nullptr, nullptr, &tables[i]));
    }
    EXPECT_EQ(tables[1], tables[0]);
    // A part of it has its own rights from now on, and the rest is as it was.
    EXPECT_OK(tess_vspace_protect(suite.vspace, address[1] + PAGE_BYTES, PAGE_BYTES, PROT_READ));
    EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)(address[1] + PAGE_BYTES), PAGE_BYTES);
    *(volatile uint64_t *)(uintptr_t)(address[1] + 2 * PAGE_BYTES) = 1;
    EXPECT_EQ(*(volatile uint64_t *)(uintptr_t)(address[1] + BYTES - PAGE_BYTES), BYTES - PAGE_BYTES);
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(tess_vspace_unmap(suite.vspace, address[i], BYTES));
        suite_close(vmo[i]);
    }
}

CASE(reserved_ranges_are_given_away_only_on_request)
{
    constexpr uint64_t BYTES = 16 * PAGE_BYTES;
    handle_t vmo, account;
    uint64_t range = 0, guard = 0, address = 0, before = mappings();
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_reserve(suite.vspace, 0, BYTES, 0, &range));
    REQUIRE_OK(tess_vspace_reserve(suite.vspace, SPOT, PAGE_BYTES, 1, &guard));
    EXPECT_EQ(guard, SPOT);
    REFUSED(VSPACE_MAP, IN_USE, tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, range, RW, &address));
    REFUSED(VSPACE_MAP, IN_USE,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, guard, RW | MAP_RESERVED, &address));
    REFUSED(VSPACE_MAP, NOT_FOUND,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, SPOT + PAGE_BYTES, RW | MAP_RESERVED, &address));
    REFUSED(VSPACE_MAP, BAD_ARGUMENT,
            tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, RW | MAP_RESERVED, &address));
    // Out of the middle, then the whole first part.
    const uint64_t middle = range + 4 * PAGE_BYTES;
    EXPECT_OK(tess_vspace_map(suite.vspace, vmo, 0, 4 * PAGE_BYTES, middle, RW | MAP_RESERVED, &address));
    EXPECT_EQ(address, middle);
    EXPECT_OK(tess_vspace_map(suite.vspace, vmo, 0, 4 * PAGE_BYTES, range, RW | MAP_RESERVED, &address));
    EXPECT_EQ(mappings(), before + 4);
    at(range)[0] = 0x5a;
    EXPECT_EQ(at(middle)[0], 0x5a);
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_read(vmo, 0, middle + 4 * PAGE_BYTES, 1, nullptr));
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_read(vmo, 0, guard, 1, nullptr));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED, tess_vspace_protect(suite.vspace, guard, PAGE_BYTES, PROT_READ));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, range, BYTES));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, guard, PAGE_BYTES));
    EXPECT_EQ(mappings(), before);
    REFUSED(VSPACE_RESERVE, BAD_ARGUMENT, tess_vspace_reserve(suite.vspace, 0, 0, 0, &range));
    REFUSED(VSPACE_RESERVE, BAD_ARGUMENT, tess_vspace_reserve(suite.vspace, SPOT + 1, PAGE_BYTES, 0, &range));
    REFUSED(VSPACE_RESERVE, BAD_ARGUMENT, tess_vspace_reserve(suite.vspace, SPOT, PAGE_BYTES, 2, &range));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, SPOT, RW, &address));
    REFUSED(VSPACE_RESERVE, IN_USE, tess_vspace_reserve(suite.vspace, SPOT, PAGE_BYTES, 0, &range));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, SPOT, PAGE_BYTES));
    suite_close(vmo);
    struct child child;
    REQUIRE_OK(tess_account_create_account(suite.account, 128 * 1024, &account));
    REQUIRE(child_create(&child, account));
    status_t status = STATUS_OK;
    for (uint64_t i = 0; status_ok(status) && i < 2000; i++) {
        status = tess_vspace_reserve(child.vspace, 0, PAGE_BYTES, 0, &range);
    }
    suite_check_refused(OP_VSPACE_RESERVE, status, STATUS_NO_MEMORY, "vspace.reserve", __FILE__, __LINE__);
    child_destroy(&child);
    suite_close(account);
}

// Not even through two handles to the same memory.
CASE(no_page_is_writable_here_and_executable_there)
{
    handle_t vmo;
    uint64_t code = 0, data = 0, address = 0;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &code));
    REFUSED(VSPACE_MAP, NOT_ALLOWED, tess_vspace_map(suite.vspace, vmo, 0, 2 * PAGE_BYTES, 0, RW, &address));
    REFUSED(VMO_WRITE, NOT_ALLOWED, tess_vmo_write(vmo, 0, (uint64_t)(uintptr_t)"x", 1, nullptr));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, PAGE_BYTES, PAGE_BYTES, 0, RW, &data)); // other pages
    REFUSED(VSPACE_MAP, NOT_ALLOWED,
            tess_vspace_map(suite.vspace, vmo, 0, 2 * PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &address));
    EXPECT_OK(tess_vspace_protect(suite.vspace, code, PAGE_BYTES, RW));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, RW, &address));
    REFUSED(VSPACE_PROTECT, NOT_ALLOWED,
            tess_vspace_protect(suite.vspace, code, PAGE_BYTES, PROT_READ | PROT_EXECUTE));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    EXPECT_OK(tess_vspace_protect(suite.vspace, code, PAGE_BYTES, PROT_READ | PROT_EXECUTE));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, code, PAGE_BYTES));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, data, PAGE_BYTES));
    suite_close(vmo);
}
