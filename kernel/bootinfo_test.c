#include "kernel/bootinfo.h"

#include "base/test.h"

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
    check_info(info, "magic 0x1, version 9, 8632 bytes; expected 0x31304f464e495354, 9, 8632: loader and kernel do not fit "
                     "together");
    info = good_info();
    info.version = 1;
    check_info(info, "magic 0x31304f464e495354, version 1, 8632 bytes; expected 0x31304f464e495354, 9, 8632: loader and "
                     "kernel do not fit together");
    info = good_info();
    info.size_bytes = 8;
    check_info(info, "magic 0x31304f464e495354, version 9, 8 bytes; expected 0x31304f464e495354, 9, 8632: loader and "
                     "kernel do not fit together");
    info = good_info();
    memset(info.loader, 'x', sizeof info.loader);
    check_info(info, "the loader's name, the command line or a complaint has no end");
    info = good_info();
    memset(info.cmdline, 'x', sizeof info.cmdline);
    check_info(info, "the loader's name, the command line or a complaint has no end");
}

TEST(bad_boot_info_machine) {
    struct boot_info info = good_info();
    memset(info.package_complaint, 'x', sizeof info.package_complaint);
    check_info(info, "the loader's name, the command line or a complaint has no end");
    info = good_info();
    info.init_segment_count = 9;
    check_info(info, "9 segments of init, expected at most 8");
    info = good_info();
    info.init_segment_count = 1;
    info.init_segments[0] = (struct boot_segment){.package_offset = 0x1'2000, .file_bytes = 0x346};
    check_info(info, "segment 0 of init, 0x346 bytes at offset 0x12000, is beyond the package");
    info = good_info();
    memset(info.complaint, 'x', sizeof info.complaint);
    check_info(info, "the loader's name, the command line or a complaint has no end");
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

TEST(package_for_this_kernel) {
    static const uint8_t build_id[20] = {0xde, 0xad, 0xbe, 0xef, 5, 6, 7};
    struct boot_info info = good_info();
    CHECK_STR_EQ(boot_package_check(&info, build_id), "it was made for kernel 00000000, this is kernel deadbeef");
    memcpy(info.package_build_id, build_id, sizeof build_id);
    CHECK_EQ(boot_package_check(&info, build_id), nullptr);
    strcpy(info.package_complaint, "it is too blue");
    CHECK_STR_EQ(boot_package_check(&info, build_id), "it is too blue");
    info.package_phys = 0;
    CHECK_STR_EQ(boot_package_check(&info, build_id), "there is none; the loader must pass boot.pkg as the first module");
}
