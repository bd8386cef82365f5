// A small static PIE is built by hand; every field of it is then made wrong in turn, the file is cut
// off at every length, and random bytes of it are changed.
#include "lib/elf/elf.h"

#include <stdlib.h>

#include "abi/message.h"
#include "base/checked.h"
#include "base/test.h"

constexpr struct elf_target TARGET = {.machine = 62, .relative_type = 8};

enum {
    EHDR_TYPE = 16,
    EHDR_MACHINE = 18,
    EHDR_VERSION = 20,
    EHDR_ENTRY = 24,
    EHDR_PHOFF = 32,
    EHDR_PHENTSIZE = 54,
    EHDR_PHNUM = 56
};
enum {
    PHDR_TYPE = 0,
    PHDR_FLAGS = 4,
    PHDR_OFFSET = 8,
    PHDR_VADDR = 16,
    PHDR_FILESZ = 32,
    PHDR_MEMSZ = 40,
    PHDR_ALIGN = 48
};
enum { LOAD_R, LOAD_RX, LOAD_RW, DYNAMIC, TLS, RELRO, PHDRS };

constexpr size_t FILE_BYTES = 0x3000;
constexpr uint64_t RELA_AT = 0x300, TLS_AT = 0x2ff0, DYNAMIC_AT = 0x2010;

static uint8_t file[FILE_BYTES];

static void put(size_t at, uint64_t value, size_t size) {
    memcpy(file + at, &value, size);
}

static size_t phdr(uint32_t index, size_t field) {
    return 64 + index * 56 + field;
}

static void put_phdr(uint32_t index, uint32_t type, uint32_t flags, uint64_t offset, uint64_t vaddr,
                     uint64_t filesz, uint64_t memsz, uint64_t align) {
    put(phdr(index, PHDR_TYPE), type, 4);
    put(phdr(index, PHDR_FLAGS), flags, 4);
    put(phdr(index, PHDR_OFFSET), offset, 8);
    put(phdr(index, PHDR_VADDR), vaddr, 8);
    put(phdr(index, PHDR_FILESZ), filesz, 8);
    put(phdr(index, PHDR_MEMSZ), memsz, 8);
    put(phdr(index, PHDR_ALIGN), align, 8);
}

static void build(void) {
    memset(file, 0, sizeof file);
    memcpy(file, "\177ELF\2\1\1", 7);
    put(EHDR_TYPE, 3, 2);
    put(EHDR_MACHINE, 62, 2);
    put(EHDR_VERSION, 1, 4);
    put(EHDR_ENTRY, 0x1010, 8);
    put(EHDR_PHOFF, 64, 8);
    put(EHDR_PHENTSIZE, 56, 2);
    put(EHDR_PHNUM, PHDRS, 2);
    put_phdr(LOAD_R, 1, 4, 0, 0, 0x800, 0x800, 0x1000);
    put_phdr(LOAD_RX, 1, 5, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000);
    put_phdr(LOAD_RW, 1, 6, 0x2000, 0x2000, 0x1000, 0x5000, 0x1000);
    put_phdr(DYNAMIC, 2, 6, DYNAMIC_AT, DYNAMIC_AT, 0x60, 0x60, 8);
    put_phdr(TLS, 7, 4, TLS_AT, TLS_AT, 0x10, 0x40, 16);
    put_phdr(RELRO, 0x6474'e552, 4, 0x2000, 0x2000, 0x1000, 0x1000, 1);
    uint64_t dynamic[] = {7, RELA_AT, 8, 48, 9, 24, 5, 0x123, 0, 0};
    memcpy(file + DYNAMIC_AT, dynamic, sizeof dynamic);
    uint64_t rela[] = {0x2100, 8, 0x1234, 0x2ff8, 8, 0x10};
    memcpy(file + RELA_AT, rela, sizeof rela);
}

static enum elf_error plan_of(struct elf_plan *plan, size_t len) {
    // An exact copy on the heap, so that ASan sees every byte read beyond the end.
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, file, len);
    enum elf_error error = elf_plan(copy, len, TARGET, plan);
    free(copy);
    return error;
}

static enum elf_error plan_error(void) {
    struct elf_plan plan;
    return plan_of(&plan, FILE_BYTES);
}

TEST(good_file_gives_its_plan) {
    build();
    struct elf_plan plan;
    CHECK_EQ(plan_of(&plan, FILE_BYTES), ELF_OK);
    CHECK(plan.position_independent);
    CHECK_EQ(plan.entry, 0x1010);
    CHECK_EQ(plan.low, 0);
    CHECK_EQ(plan.high, 0x7000);
    CHECK_EQ(plan.segment_count, 3);
    CHECK_EQ(plan.segments[1].protection, PROT_READ | PROT_EXECUTE);
    CHECK_EQ(plan.segments[2].memory_bytes, 0x5000);
    CHECK_EQ(plan.relro_address, 0x2000);
    CHECK_EQ(plan.relro_bytes, 0x1000);
    CHECK_EQ(plan.relocation_count, 2);
    CHECK_EQ(plan.relocation_offset, RELA_AT);
    CHECK_EQ(plan.tls_memory_bytes, 0x40);
    CHECK_EQ(plan.tls_align, 16);
}

TEST(relocations_add_the_bias) {
    build();
    struct elf_plan plan;
    REQUIRE(plan_of(&plan, FILE_BYTES) == ELF_OK);
    static uint8_t copy[0x1000];
    memcpy(copy, file + 0x2000, sizeof copy);
    elf_relocate(file, &plan, &plan.segments[2], 0x10'0000, copy);
    uint64_t value;
    memcpy(&value, copy + 0x100, 8);
    CHECK_EQ(value, 0x10'1234);
    memcpy(&value, copy + 0xff8, 8);
    CHECK_EQ(value, 0x10'0010);
}

struct change {
    size_t at;
    uint64_t value;
    uint32_t size;
    enum elf_error expect;
};

TEST(each_wrong_field_has_its_error) {
    const struct change changes[] = {
        {0, 0, 1, ELF_BAD_MAGIC},
        {4, 1, 1, ELF_BAD_CLASS},
        {5, 2, 1, ELF_BAD_CLASS},
        {6, 2, 1, ELF_BAD_VERSION},
        {EHDR_VERSION, 9, 4, ELF_BAD_VERSION},
        {EHDR_MACHINE, 183, 2, ELF_WRONG_MACHINE},
        {EHDR_TYPE, 1, 2, ELF_BAD_TYPE},
        {EHDR_ENTRY, 0x10, 8, ELF_BAD_ENTRY},
        {EHDR_ENTRY, UINT64_MAX, 8, ELF_BAD_ENTRY},
        {EHDR_PHOFF, UINT64_MAX - 8, 8, ELF_BAD_PROGRAM_HEADERS},
        {EHDR_PHOFF, FILE_BYTES - 8, 8, ELF_BAD_PROGRAM_HEADERS},
        {EHDR_PHENTSIZE, 32, 2, ELF_BAD_PROGRAM_HEADERS},
        {EHDR_PHNUM, 0, 2, ELF_NO_SEGMENTS},
        {EHDR_PHNUM, 65535, 2, ELF_BAD_PROGRAM_HEADERS},
        {phdr(LOAD_R, PHDR_OFFSET), 0x1'0000, 8, ELF_SEGMENT_OUTSIDE_FILE},
        {phdr(LOAD_RW, PHDR_FILESZ), UINT64_MAX, 8, ELF_SEGMENT_OUTSIDE_FILE},
        {phdr(LOAD_RW, PHDR_MEMSZ), 0x10, 8, ELF_SEGMENT_BAD_SIZE},
        {phdr(LOAD_R, PHDR_MEMSZ), 0x900, 8, ELF_SEGMENT_BAD_SIZE},
        {phdr(LOAD_R, PHDR_VADDR), 0x10, 8, ELF_SEGMENT_MISALIGNED},
        {phdr(LOAD_R, PHDR_ALIGN), 0x1001, 8, ELF_SEGMENT_MISALIGNED},
        {phdr(LOAD_R, PHDR_ALIGN), 0x20'0000, 8, ELF_SEGMENT_MISALIGNED},
        {phdr(LOAD_RX, PHDR_VADDR), 0, 8, ELF_SEGMENT_OVERLAP},
        {phdr(LOAD_RX, PHDR_VADDR), 0x2000, 8, ELF_SEGMENT_OVERLAP},
        {phdr(LOAD_RX, PHDR_FLAGS), 7, 4, ELF_SEGMENT_WRITE_EXECUTE},
        {phdr(LOAD_RX, PHDR_FLAGS), 1, 4, ELF_SEGMENT_UNREADABLE},
        {phdr(LOAD_RX, PHDR_FLAGS), 4, 4, ELF_BAD_ENTRY},
        {phdr(LOAD_RW, PHDR_VADDR), 0xffff'8000'0000'2000, 8, ELF_SEGMENT_BAD_ADDRESS},
        {phdr(LOAD_RW, PHDR_MEMSZ), UINT64_MAX - 0x1000, 8, ELF_SEGMENT_BAD_ADDRESS},
        {phdr(LOAD_RW, PHDR_MEMSZ), 0x2000'0000, 8, ELF_TOO_LARGE},
        {phdr(TLS, PHDR_TYPE), 3, 4, ELF_NEEDS_INTERPRETER},
        {phdr(TLS, PHDR_ALIGN), 48, 8, ELF_BAD_TLS},
        {phdr(TLS, PHDR_OFFSET), FILE_BYTES, 8, ELF_BAD_TLS},
        {phdr(RELRO, PHDR_VADDR), 0x1000, 8, ELF_BAD_RELRO},
        {phdr(RELRO, PHDR_MEMSZ), UINT64_MAX, 8, ELF_BAD_RELRO},
        {phdr(DYNAMIC, PHDR_FILESZ), 0x40, 8, ELF_BAD_DYNAMIC},
        {phdr(DYNAMIC, PHDR_OFFSET), UINT64_MAX, 8, ELF_BAD_DYNAMIC},
        {DYNAMIC_AT, 1, 8, ELF_NEEDS_INTERPRETER},
        {DYNAMIC_AT, 17, 8, ELF_BAD_RELOCATION_TABLE},
        {DYNAMIC_AT, 36, 8, ELF_BAD_RELOCATION_TABLE},
        {DYNAMIC_AT + 8, 0x7f0, 8, ELF_BAD_RELOCATION_TABLE},
        {DYNAMIC_AT + 24, 47, 8, ELF_BAD_RELOCATION_TABLE},
        {DYNAMIC_AT + 40, 16, 8, ELF_BAD_RELOCATION_TABLE},
        {RELA_AT, 0x1100, 8, ELF_BAD_RELOCATION},
        {RELA_AT, 0x2ff9, 8, ELF_BAD_RELOCATION},
        {RELA_AT + 8, 6, 8, ELF_BAD_RELOCATION},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        build();
        put(changes[i].at, changes[i].value, changes[i].size);
        enum elf_error error = plan_error();
        CHECK_STR_EQ(elf_error_text(error), elf_error_text(changes[i].expect));
    }
}

TEST(every_error_has_a_text) {
    for (uint32_t i = 0; i < ELF_ERROR_COUNT; i++) {
        CHECK(elf_error_text((enum elf_error)i) != nullptr);
    }
    CHECK_STR_EQ(elf_error_text((enum elf_error)1000), "unknown error");
}

TEST(too_many_segments) {
    build();
    put(EHDR_PHNUM, ELF_MAX_SEGMENTS + 1, 2);
    for (uint32_t i = 0; i <= ELF_MAX_SEGMENTS; i++) {
        put_phdr(i, 1, 5, 0, i * 0x1000, 0x10, 0x10, 0x1000);
    }
    CHECK_EQ(plan_error(), ELF_TOO_MANY_SEGMENTS);
}

TEST(cut_off_anywhere_is_refused) {
    build();
    struct elf_plan plan;
    for (size_t len = 0; len < FILE_BYTES; len++) {
        CHECK(plan_of(&plan, len) != ELF_OK);
    }
}

// What a plan promises to its user, whatever the file says.
static void check_promises(const struct elf_plan *plan) {
    CHECK(plan->segment_count > 0 && plan->segment_count <= ELF_MAX_SEGMENTS);
    CHECK(plan->high - plan->low <= ELF_MAX_SPAN);
    uint64_t end = 0;
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        CHECK(segment->address >= end && segment->memory_bytes >= segment->file_bytes);
        CHECK(range_within(segment->file_offset, segment->file_bytes, FILE_BYTES));
        CHECK((segment->protection & (PROT_WRITE | PROT_EXECUTE)) != (PROT_WRITE | PROT_EXECUTE));
        end = segment->address + segment->memory_bytes;
        CHECK(end <= plan->high && segment->address >= plan->low);
    }
    CHECK(range_within(plan->relocation_offset, plan->relocation_count * 24, FILE_BYTES));
    CHECK(plan->relro_bytes % PAGE_BYTES == 0);
}

TEST(random_changes_never_break_a_promise) {
    uint64_t random = 0x9e37'79b9'7f4a'7c15;
    uint32_t accepted = 0;
    for (uint32_t round = 0; round < 60'000; round++) {
        build();
        for (uint32_t i = 0; i < 1 + round % 4; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Where the structure is: headers, dynamic section, relocations.
            static const size_t where[] = {0, 64, 64 + 56, 64 + 112, DYNAMIC_AT, RELA_AT};
            file[where[random % 6] + (random >> 8) % 64] = (uint8_t)(random >> 32);
        }
        struct elf_plan plan;
        if (elf_plan(file, FILE_BYTES, TARGET, &plan) != ELF_OK) {
            continue;
        }
        accepted++;
        check_promises(&plan);
        for (uint32_t i = 0; i < plan.segment_count; i++) {
            const struct elf_segment *segment = &plan.segments[i];
            if ((segment->protection & PROT_WRITE) != 0 && segment->file_bytes > 0) {
                uint8_t *copy = malloc(segment->file_bytes);
                memcpy(copy, file + segment->file_offset, segment->file_bytes);
                elf_relocate(file, &plan, segment, 0x10'0000, copy);
                free(copy);
            }
        }
    }
    CHECK(accepted > 1000);
}
