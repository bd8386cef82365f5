// Checks a kernel ELF file before a boot path believes it. Pure C, host-tested.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t ELF_IMAGE_MAX_SEGMENTS = 8;

struct elf_segment {
    uint64_t file_offset;
    uint64_t file_bytes;
    uint64_t virt;
    uint64_t memory_bytes; // >= file_bytes; the rest is zero
};

struct elf_image {
    uint64_t entry;        // inside an executable segment
    uint64_t memory_bytes; // from the base that was asked for to the end of the last segment
    size_t segment_count;
    struct elf_segment segments[ELF_IMAGE_MAX_SEGMENTS]; // in rising order, without overlaps
};

// Reads the program headers of a fixed-address ELF64 x86-64 executable that must lie at or above
// `virt_base` and reach no further than `limit_bytes` above it. Returns nullptr and fills *out, or
// says in a few words what is wrong with the file.
[[nodiscard]] const char *elf_image_parse(const void *bytes, size_t len, uint64_t virt_base, uint64_t limit_bytes,
                                          struct elf_image *out);
