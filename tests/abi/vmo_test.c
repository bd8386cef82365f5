// VMOs: contents, sizes, and the fault-safe copies of read and write.
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
    REFUSED(VMO_READ, BAD_ADDRESS, tess_vmo_read(source, 0, at + page * PAGE_BYTES, 8, &done));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, 64 * PAGE_BYTES));
    suite_close(poor);
    suite_close(source);
    suite_close(account);
}
