#include "base/elf_image.h"

#include "base/align.h"
#include "base/checked.h"

constexpr uint64_t PAGE_BYTES = 4096;

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_bytes, program_entry_bytes, program_count;
    uint16_t section_entry_bytes, section_count, section_names;
};
struct elf_program {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_program) == 56);

enum {
    TYPE_EXEC = 2,
    TYPE_DYN = 3,
    PROGRAM_LOAD = 1,
    PROGRAM_INTERPRETER = 3,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
    MAX_PROGRAMS = 32,
};

static const char *check_header(const struct elf_header *h, uint64_t len, uint16_t machine) {
    static const uint8_t IDENT[7] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */, 1};
    if (len < sizeof *h) {
        return "the file is shorter than an ELF header";
    }
    for (size_t i = 0; i < sizeof IDENT; i++) {
        if (h->ident[i] != IDENT[i]) {
            return "this is no little-endian ELF64 file";
        }
    }
    if (h->machine != machine) {
        return "the file is for another processor";
    }
    if (h->type != TYPE_EXEC && h->type != TYPE_DYN) {
        return "the file is no program";
    }
    if (h->program_entry_bytes != sizeof(struct elf_program) || h->program_count == 0 ||
        h->program_count > MAX_PROGRAMS) {
        return "the program headers have a wrong size or number";
    }
    if (h->program_offset % 8 != 0 || h->program_offset > len ||
        h->program_count * sizeof(struct elf_program) > len - h->program_offset) {
        return "the program headers lie outside the file";
    }
    return nullptr;
}

static const char *add_segment(const struct elf_program *p, uint64_t len, const struct elf_rules *rules,
                               struct elf_image *out) {
    uint64_t address;
    if (p->file_bytes > p->memory_bytes) {
        return "a segment has more bytes in the file than in memory";
    }
    if (p->offset > len || p->file_bytes > len - p->offset) {
        return "a segment lies outside the file";
    }
    if (p->offset % PAGE_BYTES != p->address % PAGE_BYTES) {
        return "a segment's address and file offset do not match";
    }
    if ((p->flags & (FLAG_WRITE | FLAG_EXECUTE)) == (FLAG_WRITE | FLAG_EXECUTE)) {
        return "a segment is writable and executable";
    }
    if (p->memory_bytes == 0) {
        return nullptr;
    }
    if (!checked_add_u64(p->address, out->base, &address) || address < rules->low ||
        !range_within(address - rules->low, p->memory_bytes, rules->high - rules->low)) {
        return "a segment lies outside its addresses";
    }
    if (out->segment_count == ELF_MAX_SEGMENTS) {
        return "there are too many segments";
    }
    const uint64_t lead = address % PAGE_BYTES;
    struct elf_segment *s = &out->segments[out->segment_count];
    *s = (struct elf_segment){
        .address = address - lead,
        .len_bytes = align_up(p->memory_bytes + lead, PAGE_BYTES),
        .file_offset = p->offset - lead,
        .file_bytes = p->file_bytes == 0 ? 0 : p->file_bytes + lead,
        .writable = (p->flags & FLAG_WRITE) != 0,
        .executable = (p->flags & FLAG_EXECUTE) != 0,
    };
    if (out->segment_count > 0 && s->address < s[-1].address + s[-1].len_bytes) {
        return "segments overlap, or are not in order";
    }
    if (!s->writable && s->len_bytes > align_up(s->file_bytes, PAGE_BYTES)) {
        return "a read-only segment has memory beyond the file's";
    }
    out->segment_count++;
    return nullptr;
}

const char *elf_parse(const void *file, uint64_t len_bytes, const struct elf_rules *rules, struct elf_image *out) {
    const struct elf_header *h = file;
    *out = (struct elf_image){};
    const char *error = check_header(h, len_bytes, rules->machine);
    if (error != nullptr) {
        return error;
    }
    out->base = h->type == TYPE_DYN ? rules->dyn_base : 0;
    const struct elf_program *programs = (const void *)((const char *)file + h->program_offset);
    for (uint32_t i = 0; i < h->program_count; i++) {
        if (programs[i].type == PROGRAM_INTERPRETER) {
            return "the program wants a dynamic loader";
        }
        if (programs[i].type == PROGRAM_LOAD &&
            (error = add_segment(&programs[i], len_bytes, rules, out)) != nullptr) {
            return error;
        }
    }
    out->entry = h->entry + out->base;
    for (uint32_t i = 0; i < out->segment_count; i++) {
        const struct elf_segment *s = &out->segments[i];
        if (s->executable && out->entry >= s->address && out->entry - s->address < s->len_bytes) {
            return nullptr;
        }
    }
    return "the entry point is in no executable segment";
}
