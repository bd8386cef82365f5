// ELF64 as in the System V gABI, chapters 4 and 5; only what a statically linked kernel has.
#include "boot/elf_image.h"

#include "base/checked.h"
#include "base/mem.h"

struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t phoff;
    uint64_t shoff;
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize;
    uint16_t phnum;
    uint16_t shentsize;
    uint16_t shnum;
    uint16_t shstrndx;
};

struct elf_program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
    uint64_t align;
};

constexpr uint8_t ELF_CLASS_64 = 2;
constexpr uint8_t ELF_LITTLE_ENDIAN = 1;
constexpr uint16_t ELF_TYPE_EXEC = 2;
constexpr uint16_t ELF_MACHINE_X86_64 = 62;
constexpr uint32_t ELF_SEGMENT_LOAD = 1;
constexpr uint32_t ELF_FLAG_EXECUTE = 1;

static const char *check_header(const struct elf_header *header, size_t len) {
    if (header->ident[0] != 0x7f || header->ident[1] != 'E' || header->ident[2] != 'L' || header->ident[3] != 'F') {
        return "not an ELF file";
    }
    if (header->ident[4] != ELF_CLASS_64 || header->ident[5] != ELF_LITTLE_ENDIAN ||
        header->machine != ELF_MACHINE_X86_64) {
        return "an ELF file for another machine";
    }
    if (header->type != ELF_TYPE_EXEC) {
        return "not an executable of fixed address";
    }
    if (header->phentsize != sizeof(struct elf_program_header) || header->phnum == 0 ||
        !range_within(header->phoff, (uint64_t)header->phnum * header->phentsize, len)) {
        return "program headers outside the file";
    }
    return nullptr;
}

const char *elf_image_parse(const void *bytes, size_t len, uint64_t virt_base, uint64_t limit_bytes,
                            struct elf_image *out) {
    struct elf_header header;
    struct elf_image image = {};
    bool entry_found = false;
    if (len < sizeof(header)) {
        return "shorter than an ELF header";
    }
    memcpy(&header, bytes, sizeof(header));
    const char *error = check_header(&header, len);
    if (error != nullptr) {
        return error;
    }
    for (size_t i = 0; i < header.phnum; i++) {
        struct elf_program_header segment;
        memcpy(&segment, (const uint8_t *)bytes + header.phoff + i * sizeof(segment), sizeof(segment));
        if (segment.type != ELF_SEGMENT_LOAD || segment.memsz == 0) {
            continue;
        }
        if (!range_within(segment.offset, segment.filesz, len)) {
            return "a segment reaches beyond the end of the file";
        }
        if (segment.filesz > segment.memsz) {
            return "a segment is larger in the file than in memory";
        }
        if (segment.vaddr < virt_base || !range_within(segment.vaddr - virt_base, segment.memsz, limit_bytes)) {
            return "a segment lies outside the kernel's addresses";
        }
        if (segment.vaddr - virt_base < image.memory_bytes) {
            return "segments overlap or are out of order";
        }
        if (image.segment_count == ELF_IMAGE_MAX_SEGMENTS) {
            return "too many segments";
        }
        entry_found |= (segment.flags & ELF_FLAG_EXECUTE) != 0 && header.entry >= segment.vaddr &&
                       header.entry - segment.vaddr < segment.filesz;
        image.segments[image.segment_count++] = (struct elf_segment){
            .file_offset = segment.offset,
            .file_bytes = segment.filesz,
            .virt = segment.vaddr,
            .memory_bytes = segment.memsz,
        };
        image.memory_bytes = segment.vaddr - virt_base + segment.memsz;
    }
    if (!entry_found) {
        return "the entry point is in no executable segment";
    }
    image.entry = header.entry;
    *out = image;
    return nullptr;
}
