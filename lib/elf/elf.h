// ELF64 executables: is this file one that the loader takes, and what is to be mapped where?
//
// Pure: reads bytes, allocates nothing, and believes none of them. Everything that a plan says lies
// inside the file and inside the address range that it spans, so the loader checks nothing again.
//
// Taken: little-endian ELF64 of the target's machine, ET_EXEC or static PIE (ET_DYN without an
// interpreter or needed libraries), whose only relocations are "relative" ones into writable segments,
// and no segment of which is writable and executable.
// References: System V gABI chapter 4 and 5; the psABI of each machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint32_t ELF_MAX_SEGMENTS = 16;
constexpr uint64_t ELF_MAX_SPAN = 256ull << 20; // address range of one program, bytes
constexpr uint64_t ELF_MAX_ALIGN = 64 * 1024;   // of a segment
constexpr uint64_t ELF_MAX_TLS_ALIGN = 256;

// What differs between machines (lib/tess/arch/*/tess_arch.h has the running one's).
struct elf_target {
    uint16_t machine;       // e_machine
    uint32_t relative_type; // R_..._RELATIVE
};

enum elf_error : uint32_t {
    ELF_OK = 0,
    ELF_TRUNCATED_HEADER,
    ELF_BAD_MAGIC,
    ELF_BAD_CLASS,
    ELF_BAD_VERSION,
    ELF_WRONG_MACHINE,
    ELF_BAD_TYPE,
    ELF_BAD_PROGRAM_HEADERS,
    ELF_NO_SEGMENTS,
    ELF_TOO_MANY_SEGMENTS,
    ELF_SEGMENT_OUTSIDE_FILE,
    ELF_SEGMENT_BAD_SIZE,
    ELF_SEGMENT_MISALIGNED,
    ELF_SEGMENT_OVERLAP,
    ELF_SEGMENT_WRITE_EXECUTE,
    ELF_SEGMENT_UNREADABLE,
    ELF_SEGMENT_BAD_ADDRESS,
    ELF_TOO_LARGE,
    ELF_BAD_ENTRY,
    ELF_NEEDS_INTERPRETER,
    ELF_BAD_DYNAMIC,
    ELF_BAD_RELOCATION_TABLE,
    ELF_BAD_RELOCATION,
    ELF_BAD_TLS,
    ELF_BAD_RELRO,
    ELF_ERROR_COUNT,
};

// One loadable segment. Addresses are the file's own, before the load bias is added.
struct elf_segment {
    uint64_t address;      // of its first byte; its page offset equals that of file_offset
    uint64_t memory_bytes; // > 0; what lies beyond file_bytes is zero
    uint64_t file_offset;
    uint64_t file_bytes;
    uint32_t protection; // PROT_* of abi/message.h
};

struct elf_plan {
    bool position_independent; // may be loaded at any bias that is a multiple of ELF_MAX_ALIGN
    uint64_t entry;
    uint64_t low, high; // page-aligned range that all segments lie in
    uint32_t segment_count;
    struct elf_segment segments[ELF_MAX_SEGMENTS]; // ascending; no two share a page

    // Made read-only after relocation; page-aligned, inside one writable segment. 0 bytes: nothing.
    uint64_t relro_address, relro_bytes;

    // Relocations: `relocation_count` entries of 24 bytes at this place in the file, all checked.
    uint64_t relocation_offset, relocation_count;

    // Thread-local storage image; memory_bytes 0 when there is none.
    uint64_t tls_file_offset, tls_file_bytes, tls_memory_bytes, tls_align;
};

// Checks `image` and fills *out. On an error *out is undefined.
[[nodiscard]] enum elf_error elf_plan(const uint8_t *image, size_t len_bytes, struct elf_target target,
                                      struct elf_plan *out);

// What is wrong with the file, as the end of a sentence: "the file is cut off in its header".
const char *elf_error_text(enum elf_error error);

// Carries out those relocations that fall into `segment`, a writable one of the plan, on `bytes`, a
// copy of its file contents, for a program loaded at `bias`.
void elf_relocate(const uint8_t *image, const struct elf_plan *plan, const struct elf_segment *segment,
                  uint64_t bias, uint8_t *bytes);
