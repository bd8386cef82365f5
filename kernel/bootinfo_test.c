#include "kernel/bootinfo.h"

#include <stdlib.h>

#include "base/test.h"
#include "base/xxh64.h"

// ---- Boot info: every field, one at a time ----

static struct boot_info machine;
const struct boot_info *const boot_machine = &machine;

static struct boot_info good_info(void) {
    return (struct boot_info){
        .magic = BOOT_INFO_MAGIC,
        .version = BOOT_INFO_VERSION,
        .size_bytes = sizeof(struct boot_info),
        .loader = "pvh",
        .kernel_phys_base = 0x20'0000,
        .kernel_phys_bytes = 0x5'0000,
        .package_phys = 0x40'0000,
        .package_bytes = 0x1'2345,
        .region_count = 5,
        .regions =
            {
                {0x0, 0x9'f000, BOOT_MEM_USABLE, 0},
                {0x20'0000, 0x5'0000, BOOT_MEM_KERNEL, 0},
                {0x25'0000, 0x1000, BOOT_MEM_BOOT_INFO, 0},
                {0x40'0000, 0x1'3000, BOOT_MEM_PACKAGE, 0},
                {0x50'0000, 0x100'0000, BOOT_MEM_USABLE, 0},
            },
    };
}

static void check_info(struct boot_info info, const char *expected) {
    CHECK_STR_EQ(boot_info_check(&info), expected);
}

TEST(good_boot_info) {
    struct boot_info info = good_info();
    check_info(info, nullptr);
    CHECK_EQ(boot_info_bytes(&info, 1u << BOOT_MEM_USABLE), 0x109'f000);
    CHECK_EQ(boot_info_bytes(&info, 1u << BOOT_MEM_KERNEL | 1u << BOOT_MEM_BOOT_INFO), 0x5'1000);
    info.package_phys = 0; // the kernel says that in its own words
    check_info(info, nullptr);
}

TEST(bad_boot_info_header) {
    struct boot_info info = good_info();
    info.magic = 1;
    check_info(info, "magic 0x1, version 6, 8032 bytes; expected 0x31304f464e495354, 6, 8032: loader and kernel do not fit "
                     "together");
    info = good_info();
    info.version = 1;
    check_info(info, "magic 0x31304f464e495354, version 1, 8032 bytes; expected 0x31304f464e495354, 6, 8032: loader and "
                     "kernel do not fit together");
    info = good_info();
    info.size_bytes = 8;
    check_info(info, "magic 0x31304f464e495354, version 6, 8 bytes; expected 0x31304f464e495354, 6, 8032: loader and "
                     "kernel do not fit together");
    info = good_info();
    memset(info.loader, 'x', sizeof info.loader);
    check_info(info, "the loader's name, the command line or the complaint has no end");
    info = good_info();
    memset(info.cmdline, 'x', sizeof info.cmdline);
    check_info(info, "the loader's name, the command line or the complaint has no end");
}

TEST(bad_boot_info_machine) {
    struct boot_info info = good_info();
    memset(info.complaint, 'x', sizeof info.complaint);
    check_info(info, "the loader's name, the command line or the complaint has no end");
    info = good_info();
    info.cpu_count = 65;
    check_info(info, "65 processors, expected at most 64");
    info = good_info();
    info.device_count = 17;
    check_info(info, "17 devices, expected at most 16");
    info = good_info();
    info.line_count = 17;
    check_info(info, "17 lines, expected at most 16");
    info = good_info();
    info.port_count = 9;
    check_info(info, "9 ranges of ports, expected at most 8");
    info = good_info();
    info.device_count = 1;
    info.devices[0] = (struct boot_device){.phys = 0x1000};
    check_info(info, "device 0, 0 bytes at 0x1000, is no range of memory");
    info.devices[0] = (struct boot_device){.phys = 0x1000, .len_bytes = UINT64_MAX};
    check_info(info, "device 0, 0xffffffffffffffff bytes at 0x1000, is no range of memory");
}

TEST(what_the_kernel_owns) {
    machine = good_info();
    machine.device_count = 2;
    machine.devices[1] = (struct boot_device){.phys = 0xfec0'0000, .len_bytes = 0x1000};
    machine.port_count = 1;
    machine.ports[0] = (struct boot_ports){0x20, 2};
    CHECK(!boot_owns_memory(0xfebf'f000, 0x1000));
    CHECK(boot_owns_memory(0xfebf'f000, 0x1001));
    CHECK(boot_owns_memory(0xfec0'0fff, 1));
    CHECK(!boot_owns_memory(0xfec0'1000, 0x1000));
    CHECK(!boot_owns_ports(0x1f, 1));
    CHECK(boot_owns_ports(0, 0x100));
    CHECK(!boot_owns_ports(0x22, 1));
}

TEST(bad_boot_info_regions) {
    struct boot_info info = good_info();
    info.region_count = 0;
    check_info(info, "0 memory regions, expected 1 to 256");
    info.region_count = 257;
    check_info(info, "257 memory regions, expected 1 to 256");
    info = good_info();
    info.regions[4].kind = 9;
    check_info(info, "memory region 4, kind 9, 0x1000000 bytes at 0x500000, is not whole pages behind the one before it");
    info = good_info();
    info.regions[4].base = 0x50'0001;
    check_info(info, "memory region 4, kind 1, 0x1000000 bytes at 0x500001, is not whole pages behind the one before it");
    info = good_info();
    info.regions[4].len_bytes = 0;
    check_info(info, "memory region 4, kind 1, 0 bytes at 0x500000, is not whole pages behind the one before it");
    info = good_info();
    info.regions[4].len_bytes = (uint64_t)-0x1000;
    check_info(info, "memory region 4, kind 1, 0xfffffffffffff000 bytes at 0x500000, is not whole pages behind the one "
                     "before it");
    info = good_info();
    info.regions[4].base = 0x41'2000;
    check_info(info, "memory region 4, kind 1, 0x1000000 bytes at 0x412000, is not whole pages behind the one before it");
}

TEST(bad_boot_info_places) {
    struct boot_info info = good_info();
    info.kernel_phys_base = 0x21'0000;
    check_info(info, "the kernel, 0x50000 bytes at 0x210000, is in no memory region of its own");
    info = good_info();
    info.kernel_phys_bytes = 0x5'1000;
    check_info(info, "the kernel, 0x51000 bytes at 0x200000, is in no memory region of its own");
    info = good_info();
    info.package_phys = 0x40'0800;
    check_info(info, "the boot package, 0x12345 bytes at 0x400800, is in no memory region of its own");
    info = good_info();
    info.package_bytes = UINT64_MAX;
    check_info(info,
               "the boot package, 0xffffffffffffffff bytes at 0x400000, is in no memory region of its own");
}

TEST(numbers_on_the_command_line) {
    struct boot_info info = good_info();
    CHECK_EQ(boot_info_number(&info, "maxcpus", 64), 64);
    strcpy(info.cmdline, "maxcpus=7");
    CHECK_EQ(boot_info_number(&info, "maxcpus", 64), 7);
    strcpy(info.cmdline, "a xmaxcpus=1 maxcpus= maxcpus=2x maxcpus maxcpus=12 b");
    CHECK_EQ(boot_info_number(&info, "maxcpus", 64), 12);
    strcpy(info.cmdline, "maxcpus=99999999999999");
    CHECK_EQ(boot_info_number(&info, "maxcpus", 64), 64);
}

// ---- Boot package: init, a manifest and a program in four pages ----

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
    h->magic = BOOT_PACKAGE_MAGIC;
    h->version = BOOT_PACKAGE_VERSION;
    h->entry_count = ENTRIES;
    h->total_bytes = TOTAL;
    memcpy(h->build_id, build_id, sizeof build_id);
    h->entries[INIT] = (struct boot_package_entry){"init", BOOT_ENTRY_INIT, 0, 4096, 5000};
    h->entries[MANIFEST] = (struct boot_package_entry){"test.system", BOOT_ENTRY_MANIFEST, 0, 3 * 4096, 100};
    h->entries[PROGRAM] = (struct boot_package_entry){"logd", BOOT_ENTRY_PROGRAM, 0, 4 * 4096, 4096};
    seal(h);
    return h;
}

// Frees the package. `expected` null: it must be accepted.
static void check_package(struct boot_package_header *h, uint64_t len, const char *expected) {
    const struct boot_package_entry *init = nullptr;
    CHECK_STR_EQ(boot_package_check(h, len, build_id, &init), expected);
    CHECK(expected != nullptr || init == &h->entries[INIT]);
    free(h);
}

static void check_sealed(struct boot_package_header *h, const char *expected) {
    seal(h);
    check_package(h, TOTAL, expected);
}

TEST(good_package) {
    struct boot_package_header *h = good_package();
    check_package(h, TOTAL, nullptr);
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
    h = good_package();
    h->build_id[0] = 0;
    check_sealed(h, "it was made for kernel 00adbeef, this is kernel deadbeef");
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
        const struct boot_package_entry *init;
        CHECK(boot_package_check(h, TOTAL, build_id, &init) != nullptr);
        free(h);
    }
}

TEST(every_truncation_is_noticed) {
    for (uint64_t len = 0; len < TOTAL; len += 97) {
        struct boot_package_header *good = good_package();
        uint8_t *cut = aligned_alloc(16, (len + 15) / 16 * 16 + 16);
        memcpy(cut, good, len);
        const struct boot_package_entry *init;
        CHECK(boot_package_check(cut, len, build_id, &init) != nullptr);
        free(cut);
        free(good);
    }
}
