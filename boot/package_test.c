#include "boot/package.h"

#include <stdlib.h>

#include "abi/boot_package.h"
#include "base/test.h"
#include "base/xxh64.h"

static struct boot_info info;

// A program of one page of code and two of data.
static const struct {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_bytes, program_entry_bytes, program_count, section_entry_bytes, section_count, section_names;
    struct {
        uint32_t type, flags;
        uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
    } programs[2];
} init_file = {
    .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
    .type = 2,
    .machine = ELF_X86_64,
    .version = 1,
    .entry = 0x40'0100,
    .program_offset = 64,
    .header_bytes = 64,
    .program_entry_bytes = 56,
    .program_count = 2,
    .programs = {{1, 5, 0, 0x40'0000, 0, 0x200, 0x200, 4096}, {1, 6, 0x1000, 0x40'1000, 0, 16, 0x1800, 4096}},
};

// Init, a manifest and a program in four pages.
enum { INIT, MANIFEST, PROGRAM, ENTRIES };
constexpr uint64_t TOTAL = 5 * 4096;
static const uint8_t build_id[20] = {0xde, 0xad, 0xbe, 0xef, 5, 6, 7};

static void seal(struct boot_package_header *h) {
    h->checksum = 0;
    h->checksum = xxh64(h, TOTAL, 0);
}

// On the heap with exactly its size, so that a read beyond it is seen.
static struct boot_package_header *good_package(void) {
    struct boot_package_header *h = aligned_alloc(4096, TOTAL);
    memset(h, 0, TOTAL);
    memset((char *)h + 4096, 0x5a, TOTAL - 4096);
    memcpy((char *)h + 4096, &init_file, sizeof init_file);
    h->magic = BOOT_PACKAGE_MAGIC;
    h->version = BOOT_PACKAGE_VERSION;
    h->entry_count = ENTRIES;
    h->total_bytes = TOTAL;
    memcpy(h->build_id, build_id, sizeof build_id);
    h->entries[INIT] = (struct boot_package_entry){"init", BOOT_ENTRY_INIT, 0, 4096, 5000};
    h->entries[MANIFEST] = (struct boot_package_entry){"test.manifest", BOOT_ENTRY_MANIFEST, 0, 3 * 4096, 100};
    h->entries[PROGRAM] = (struct boot_package_entry){"logd", BOOT_ENTRY_PROGRAM, 0, 4 * 4096, 4096};
    seal(h);
    return h;
}

// What is wrong with it; empty: nothing.
static const char *complaint_of(const void *package, uint64_t len) {
    info = (struct boot_info){.package_phys = (uint64_t)package, .package_bytes = len};
    boot_package_read(&info, ELF_X86_64);
    CHECK((info.init_segment_count == 0) == (info.package_complaint[0] != 0));
    return info.package_complaint;
}

// Frees the package.
static void check_package(struct boot_package_header *h, uint64_t len, const char *expected) {
    CHECK_STR_EQ(complaint_of(h, len), expected);
    free(h);
}

static void check_sealed(struct boot_package_header *h, const char *expected) {
    seal(h);
    check_package(h, TOTAL, expected);
}

TEST(good_package) {
    struct boot_package_header *h = good_package();
    check_package(h, TOTAL, "");
    CHECK(memcmp(info.package_build_id, build_id, sizeof build_id) == 0);
    CHECK_EQ(info.init_entry, 0x40'0100u);
    CHECK_EQ(info.init_base, 0u);
    REQUIRE(info.init_segment_count == 2);
    const struct boot_segment *code = &info.init_segments[0], *data = &info.init_segments[1];
    CHECK(code->address == 0x40'0000 && code->len_bytes == 4096 && code->package_offset == 4096 && code->file_bytes == 0x200);
    CHECK(code->executable && !code->writable);
    CHECK(data->address == 0x40'1000 && data->len_bytes == 8192 && data->package_offset == 8192 && data->file_bytes == 16);
    CHECK(data->writable && !data->executable);
}

TEST(no_package) {
    info = (struct boot_info){};
    boot_package_read(&info, ELF_X86_64);
    CHECK_STR_EQ(info.package_complaint, "");
}

TEST(init_is_none) {
    struct boot_package_header *h = good_package();
    ((uint8_t *)h)[4096] = 0;
    check_sealed(h, "init: this is no little-endian ELF64 file");
}

TEST(package_header) {
    struct boot_package_header *h = good_package();
    h->magic = 7;
    check_sealed(h, "it is no boot package: 20480 bytes without a header");
    h = good_package();
    h->version = 9;
    check_sealed(h, "version at offset 8 is 9, this kernel knows 1");
    h = good_package();
    h->zero[11] = 1;
    check_sealed(h, "3 entries do not fit, or reserved bytes at offset 52 are not zero");
    h = good_package();
    h->entry_count = 0;
    check_sealed(h, "it has 0 init programs, expected 1");
    h = good_package();
    h->entry_count = 257;
    check_sealed(h, "257 entries do not fit, or reserved bytes at offset 52 are not zero");
}

TEST(package_length) {
    check_package(good_package(), 10, "it is no boot package: 10 bytes without a header");
    check_package(good_package(), TOTAL - 1,
                  "it is cut off: 20479 bytes were loaded, its header says 20480 (in whole pages)");
    check_package(good_package(), TOTAL - 4096,
                  "it is cut off: 16384 bytes were loaded, its header says 20480 (in whole pages)");
    struct boot_package_header *h = good_package();
    h->total_bytes = TOTAL - 4096;
    check_package(h, TOTAL, "something follows its end: 20480 bytes were loaded, its header says 16384 (in whole "
                            "pages)");
    h = good_package();
    h->total_bytes = TOTAL - 5;
    check_package(h, TOTAL - 5, "something follows its end: 20475 bytes were loaded, its header says 20475 (in "
                                "whole pages)");
}

TEST(package_entries) {
    struct boot_package_header *h = good_package();
    h->entries[PROGRAM].offset_bytes += 1;
    check_sealed(h, "entry 2, 4096 bytes at offset 0x4001, is not on a page boundary, or beyond the end at 0x5000");
    h = good_package();
    h->entries[PROGRAM].len_bytes = 4097;
    check_sealed(h, "entry 2, 4097 bytes at offset 0x4000, is not on a page boundary, or beyond the end at 0x5000");
    h = good_package();
    h->entries[INIT].offset_bytes = (uint64_t)-4096;
    check_sealed(h, "entry 0, 5000 bytes at offset 0xfffffffffffff000, is not on a page boundary, or beyond the end at "
                    "0x5000");
    h = good_package();
    h->entries[PROGRAM].kind = BOOT_ENTRY_INIT;
    check_sealed(h, "it has 2 init programs, expected 1");
}

TEST(every_changed_byte_is_noticed) {
    for (uint64_t at = 0; at < TOTAL; at += at < 256 ? 1 : 61) {
        struct boot_package_header *h = good_package();
        ((uint8_t *)h)[at] ^= 0x10;
        CHECK(complaint_of(h, TOTAL)[0] != 0);
        free(h);
    }
}

TEST(every_truncation_is_noticed) {
    for (uint64_t len = 0; len < TOTAL; len += 97) {
        struct boot_package_header *good = good_package();
        uint8_t *cut = aligned_alloc(16, (len + 15) / 16 * 16 + 16);
        memcpy(cut, good, len);
        CHECK(complaint_of(cut, len)[0] != 0);
        free(cut);
        free(good);
    }
}
