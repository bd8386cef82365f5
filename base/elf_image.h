// The two ELF files of a boot, the kernel's and that of init: all other programs are loaded in user space.
//
// Strict (System V ABI, ELF-64 object file format 1.5): what will be loaded or mapped is checked whole before anything
// is. Pure, host-tested.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint32_t ELF_MAX_SEGMENTS = 8;

struct elf_segment {
    uint64_t address;     // first page
    uint64_t len_bytes;   // in memory, whole pages
    uint64_t file_offset; // of the first page, page-aligned
    uint64_t file_bytes;  // how much of the memory, from its start, comes from the file; the rest is zero
    bool writable, executable; // not both
};

struct elf_image {
    uint64_t entry;
    uint64_t base; // load bias
    uint32_t segment_count;
    struct elf_segment segments[ELF_MAX_SEGMENTS];
};

// What is taken.
struct elf_rules {
    uint16_t machine;
    uint64_t dyn_base;  // where an ET_DYN file is put
    uint64_t low, high; // addresses that segments may have; page-aligned
};

// Null on success, else what is wrong (static text). The file must begin on a page boundary of what is mapped.
const char *elf_parse(const void *file, uint64_t len_bytes, const struct elf_rules *rules, struct elf_image *out);
