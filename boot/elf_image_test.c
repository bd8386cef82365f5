#include "boot/elf_image.h"

#include <stdlib.h>

#include "base/test.h"

constexpr uint64_t BASE = 0xffffffff80000000;
constexpr uint64_t LIMIT = 64 << 20;

// Two segments: text 0x1000 bytes at BASE, data 0x100 of 0x3000 bytes at BASE + 0x1000.
static uint8_t file[0x3000];

static void put(size_t at, uint64_t value, size_t bytes) {
    memcpy(file + at, &value, bytes);
}

static void put_segment(size_t at, uint32_t flags, uint64_t offset, uint64_t vaddr, uint64_t filesz, uint64_t memsz) {
    put(at, 1, 4);
    put(at + 4, flags, 4);
    put(at + 8, offset, 8);
    put(at + 16, vaddr, 8);
    put(at + 32, filesz, 8);
    put(at + 40, memsz, 8);
}

static void make_good(void) {
    memset(file, 0, sizeof(file));
    memcpy(file, "\x7f" "ELF\x02\x01\x01", 7);
    put(16, 2, 2);
    put(18, 62, 2);
    put(24, BASE + 0x10, 8);
    put(32, 64, 8);
    put(54, 56, 2);
    put(56, 2, 2);
    put_segment(64, 5, 0x1000, BASE, 0x1000, 0x1000);
    put_segment(120, 6, 0x2000, BASE + 0x1000, 0x100, 0x3000);
}

static const char *parse(struct elf_image *image) {
    return elf_image_parse(file, sizeof(file), BASE, LIMIT, image);
}

TEST(elf_image_accepts_a_kernel) {
    struct elf_image image;
    make_good();
    CHECK_STR_EQ(parse(&image), nullptr);
    CHECK_EQ(image.segment_count, 2);
    CHECK_EQ(image.entry, BASE + 0x10);
    CHECK_EQ(image.memory_bytes, 0x4000);
    CHECK_EQ(image.segments[1].file_bytes, 0x100);
}

static void check_refused(size_t at, uint64_t value, size_t bytes, const char *expected) {
    struct elf_image image = {.entry = 42};
    make_good();
    put(at, value, bytes);
    CHECK_STR_EQ(parse(&image), expected);
    CHECK_EQ(image.entry, 42);
}

TEST(elf_image_refuses_each_bad_field) {
    check_refused(0, 0, 1, "not an ELF file");
    check_refused(4, 1, 1, "an ELF file for another machine");
    check_refused(18, 183, 2, "an ELF file for another machine");
    check_refused(16, 3, 2, "not an executable of fixed address");
    check_refused(54, 32, 2, "program headers outside the file");
    check_refused(56, 0, 2, "program headers outside the file");
    check_refused(32, UINT64_MAX - 8, 8, "program headers outside the file");
    check_refused(24, BASE + 0x1000, 8, "the entry point is in no executable segment");
    check_refused(64 + 8, UINT64_MAX - 8, 8, "a segment reaches beyond the end of the file");
    check_refused(64 + 40, 8, 8, "a segment is larger in the file than in memory");
    check_refused(64 + 16, 0x200000, 8, "a segment lies outside the kernel's addresses");
    check_refused(120 + 40, UINT64_MAX, 8, "a segment lies outside the kernel's addresses");
    check_refused(120 + 16, BASE + 0xfff, 8, "segments overlap or are out of order");
}

TEST(elf_image_survives_every_truncation) {
    make_good();
    for (size_t len = 1; len < sizeof(file); len += 7) {
        struct elf_image image;
        uint8_t *copy = malloc(len); // exactly as long, so that the sanitizer sees every read beyond
        memcpy(copy, file, len);
        const char *error = elf_image_parse(copy, len, BASE, LIMIT, &image);
        CHECK((error == nullptr) == (len >= 0x2100));
        free(copy);
    }
}
