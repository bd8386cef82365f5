#include "base/elf_image.h"

#include "base/test.h"

// A small good program: text and read-write data. The fields of the file are changed one at a time.
struct file {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_bytes, program_entry_bytes, program_count;
    uint16_t section_entry_bytes, section_count, section_names;
    struct {
        uint32_t type, flags;
        uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
    } programs[3];
    uint8_t body[0x3000];
};

static struct file good(void) {
    return (struct file){
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 3,
        .machine = 62,
        .version = 1,
        .entry = 0x1010,
        .program_offset = 64,
        .header_bytes = 64,
        .program_entry_bytes = 56,
        .program_count = 3,
        .programs =
            {
                {.type = 1,
                 .flags = 4,
                 .offset = 0,
                 .address = 0,
                 .file_bytes = 0x300,
                 .memory_bytes = 0x300},
                {.type = 1,
                 .flags = 5,
                 .offset = 0x1000,
                 .address = 0x1000,
                 .file_bytes = 0x80,
                 .memory_bytes = 0x80},
                {.type = 1,
                 .flags = 6,
                 .offset = 0x1080,
                 .address = 0x2080,
                 .file_bytes = 0x100,
                 .memory_bytes = 0x1000},
            },
    };
}

constexpr uint64_t BASE = 0x40'0000;
static const struct elf_rules rules = {.machine = 62, .dyn_base = BASE, .low = 0x1'0000, .high = 0x7fff'ffff'0000};

static void check(struct file file, const char *expected) {
    struct elf_image image;
    const char *saw = elf_parse(&file, sizeof file, &rules, &image);
    CHECK_STR_EQ(saw == nullptr ? "accepted" : saw, expected == nullptr ? "accepted" : expected);
}

TEST(good_dynamic) {
    struct file file = good();
    struct elf_image image;
    REQUIRE(elf_parse(&file, sizeof file, &rules, &image) == nullptr);
    CHECK_EQ(image.base, BASE);
    CHECK_EQ(image.entry, BASE + 0x1010);
    REQUIRE(image.segment_count == 3);
    const struct elf_segment *data = &image.segments[2];
    CHECK_EQ(data->address, BASE + 0x2000);
    CHECK_EQ(data->len_bytes, 0x2000);
    CHECK_EQ(data->file_offset, 0x1000);
    CHECK_EQ(data->file_bytes, 0x180);
    CHECK(data->writable && !data->executable);
    CHECK(!image.segments[1].writable && image.segments[1].executable);
    CHECK(!image.segments[0].writable && !image.segments[0].executable);
}

TEST(good_fixed) {
    struct file file = good();
    struct elf_image image;
    file.type = 2;
    for (int i = 0; i < 3; i++) {
        file.programs[i].address += 0x20'0000;
    }
    file.entry += 0x20'0000;
    REQUIRE(elf_parse(&file, sizeof file, &rules, &image) == nullptr);
    CHECK_EQ(image.base, 0);
    CHECK_EQ(image.entry, 0x20'1010);
    CHECK_EQ(image.segments[2].address, 0x20'2000);
}

TEST(good_kernel) {
    constexpr uint64_t HIGH = 0xffff'ffff'8000'0000;
    const struct elf_rules kernel = {.machine = 62, .low = HIGH, .high = HIGH + (64 << 20)};
    struct file file = good();
    struct elf_image image;
    file.type = 2;
    CHECK_STR_EQ(elf_parse(&file, sizeof file, &kernel, &image), "a segment lies outside its addresses");
    for (int i = 0; i < 3; i++) {
        file.programs[i].address += HIGH;
    }
    file.entry += HIGH;
    REQUIRE(elf_parse(&file, sizeof file, &kernel, &image) == nullptr);
    CHECK_EQ(image.entry, HIGH + 0x1010);
    CHECK_EQ(image.segments[2].address + image.segments[2].len_bytes, HIGH + 0x4000);
    file.programs[2].memory_bytes = 64 << 20;
    CHECK_STR_EQ(elf_parse(&file, sizeof file, &kernel, &image), "a segment lies outside its addresses");
}

TEST(zero_filled_only) {
    struct file file = good();
    struct elf_image image;
    file.programs[2].file_bytes = 0;
    REQUIRE(elf_parse(&file, sizeof file, &rules, &image) == nullptr);
    CHECK_EQ(image.segments[2].file_bytes, 0);
}

TEST(header) {
    struct file file = good();
    file.ident[1] = 'e';
    check(file, "this is no little-endian ELF64 file");
    file = good();
    file.ident[4] = 1;
    check(file, "this is no little-endian ELF64 file");
    file = good();
    file.machine = 183;
    check(file, "the file is for another processor");
    file = good();
    file.type = 1;
    check(file, "the file is no program");
    file = good();
    file.program_entry_bytes = 55;
    check(file, "the program headers have a wrong size or number");
    file = good();
    file.program_count = 33;
    check(file, "the program headers have a wrong size or number");
    file = good();
    file.program_offset = sizeof file - 56;
    check(file, "the program headers lie outside the file");
    file.program_offset = UINT64_MAX - 7;
    check(file, "the program headers lie outside the file");
    file.program_offset = 65;
    check(file, "the program headers lie outside the file");
}

TEST(segments) {
    struct file file = good();
    file.programs[1].file_bytes = 0x81;
    check(file, "a segment has more bytes in the file than in memory");
    file = good();
    file.programs[2].offset = sizeof file - 8;
    check(file, "a segment lies outside the file");
    file.programs[2].offset = UINT64_MAX;
    check(file, "a segment lies outside the file");
    file = good();
    file.programs[2].offset++;
    check(file, "a segment's address and file offset do not match");
    file = good();
    file.programs[2].flags = 7;
    check(file, "a segment is writable and executable");
    file = good();
    file.programs[2].address = 0x7fff'ffff'f080;
    check(file, "a segment lies outside its addresses");
    file.programs[2].address = 0xffff'ffff'ffc0'1080; // would wrap to BASE
    check(file, "a segment lies outside its addresses");
    file = good();
    file.programs[2].memory_bytes = UINT64_MAX;
    check(file, "a segment lies outside its addresses");
    file = good();
    file.type = 2;
    check(file, "a segment lies outside its addresses"); // at address 0
    file = good();
    file.programs[2].address = 0x1080;
    check(file, "segments overlap, or are not in order");
    file = good();
    file.programs[1].memory_bytes = 0x1001;
    check(file, "a read-only segment has memory beyond the file's");
    file = good();
    file.programs[0].type = 3;
    check(file, "the program wants a dynamic loader");
}

TEST(entry) {
    struct file file = good();
    file.entry = 0x10;
    check(file, "the entry point is in no executable segment");
    file.entry = UINT64_MAX;
    check(file, "the entry point is in no executable segment");
    file = good();
    file.programs[1].memory_bytes = file.programs[1].file_bytes = 0;
    check(file, "the entry point is in no executable segment");
}

TEST(truncated_anywhere) {
    struct file file = good();
    struct elf_image image;
    for (uint64_t len = 0; len < 0x1180; len++) {
        CHECK(elf_parse(&file, len, &rules, &image) != nullptr);
    }
}

TEST(too_many_segments) {
    static struct {
        uint8_t header[64];
        uint8_t programs[9][56];
        uint8_t body[0x1000];
    } big;
    struct file file = good();
    file.program_count = 9;
    memcpy(big.header, &file, 64);
    for (uint64_t i = 0; i < 9; i++) {
        file.programs[0].address = i * 0x1000;
        file.programs[0].flags = 5;
        memcpy(big.programs[i], &file.programs[0], 56);
    }
    struct elf_image image;
    const char *saw = elf_parse(&big, sizeof big, &rules, &image);
    CHECK_STR_EQ(saw == nullptr ? "accepted" : saw, "there are too many segments");
}
