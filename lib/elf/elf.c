#include "lib/elf/elf.h"

#include "abi/message.h"
#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

// The file's structures as the gABI lays them out.
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
static_assert(sizeof(struct elf_header) == 64);

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
static_assert(sizeof(struct elf_phdr) == 56);

struct elf_dynamic {
    int64_t tag;
    uint64_t value;
};

struct elf_rela {
    uint64_t offset, info;
    int64_t addend;
};
static_assert(sizeof(struct elf_rela) == 24);

enum { ET_EXEC = 2, ET_DYN = 3 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_TLS = 7 };
constexpr uint32_t PT_GNU_RELRO = 0x6474'e552;
enum { PF_X = 1, PF_W = 2, PF_R = 4 };
enum {
    DT_NULL = 0,
    DT_NEEDED = 1,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_REL = 17,
    DT_TEXTREL = 22,
    DT_JMPREL = 23,
    DT_RELR = 36,
};
constexpr uint32_t PHDRS_MAX = 64;

static const char *const error_texts[ELF_ERROR_COUNT] = {
    [ELF_OK] = "nothing is wrong",
    [ELF_TRUNCATED_HEADER] = "the file is cut off in its header",
    [ELF_BAD_MAGIC] = "it does not begin with the ELF magic number",
    [ELF_BAD_CLASS] = "it is not a 64-bit little-endian ELF file",
    [ELF_BAD_VERSION] = "its ELF version is not 1",
    [ELF_WRONG_MACHINE] = "it is made for another processor",
    [ELF_BAD_TYPE] = "it is neither an executable nor a position-independent executable",
    [ELF_BAD_PROGRAM_HEADERS] = "its program header table has a wrong entry size or lies outside the file",
    [ELF_NO_SEGMENTS] = "it has no loadable segment",
    [ELF_TOO_MANY_SEGMENTS] = "it has too many segments",
    [ELF_SEGMENT_OUTSIDE_FILE] = "a segment lies outside the file",
    [ELF_SEGMENT_BAD_SIZE] = "a segment is larger in the file than in memory, or a read-only one smaller",
    [ELF_SEGMENT_MISALIGNED] =
        "a segment's address and file offset do not match, or its alignment is unusable",
    [ELF_SEGMENT_OVERLAP] = "two segments overlap, share a page, or are out of order",
    [ELF_SEGMENT_WRITE_EXECUTE] = "a segment is both writable and executable",
    [ELF_SEGMENT_UNREADABLE] = "a segment is not readable",
    [ELF_SEGMENT_BAD_ADDRESS] = "a segment's address is none that a program can have",
    [ELF_TOO_LARGE] = "it spans more than 256 MiB",
    [ELF_BAD_ENTRY] = "its entry point is not in an executable segment",
    [ELF_NEEDS_INTERPRETER] = "it is dynamically linked",
    [ELF_BAD_DYNAMIC] = "its dynamic section is malformed",
    [ELF_BAD_RELOCATION_TABLE] = "its relocation table is malformed or of a kind that is not supported",
    [ELF_BAD_RELOCATION] = "a relocation is of another kind than `relative`, or not into writable data",
    [ELF_BAD_TLS] = "its thread-local storage segment is malformed",
    [ELF_BAD_RELRO] = "its RELRO range is not within one writable segment",
};

const char *elf_error_text(enum elf_error error) {
    return error < ELF_ERROR_COUNT ? error_texts[error] : "unknown error";
}

static enum elf_error check_header(const uint8_t *image, size_t len, struct elf_target target,
                                   struct elf_header *out) {
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    if (len < sizeof magic || memcmp(image, magic, sizeof magic) != 0) {
        return len < sizeof magic ? ELF_TRUNCATED_HEADER : ELF_BAD_MAGIC;
    }
    if (len < sizeof *out) {
        return ELF_TRUNCATED_HEADER;
    }
    memcpy(out, image, sizeof *out);
    if (out->ident[4] != 2 || out->ident[5] != 1) {
        return ELF_BAD_CLASS;
    }
    if (out->ident[6] != 1 || out->version != 1) {
        return ELF_BAD_VERSION;
    }
    if (out->machine != target.machine) {
        return ELF_WRONG_MACHINE;
    }
    if (out->type != ET_EXEC && out->type != ET_DYN) {
        return ELF_BAD_TYPE;
    }
    if (out->phentsize != sizeof(struct elf_phdr) || out->phnum > PHDRS_MAX ||
        !range_within(out->phoff, (uint64_t)out->phnum * sizeof(struct elf_phdr), len)) {
        return ELF_BAD_PROGRAM_HEADERS;
    }
    return out->phnum == 0 ? ELF_NO_SEGMENTS : ELF_OK;
}

static struct elf_phdr read_phdr(const uint8_t *image, const struct elf_header *header, uint32_t index) {
    struct elf_phdr phdr;
    memcpy(&phdr, image + header->phoff + index * sizeof phdr, sizeof phdr);
    return phdr;
}

static enum elf_error add_segment(const struct elf_phdr *phdr, size_t len, struct elf_plan *plan) {
    if (phdr->memsz == 0 && phdr->filesz == 0) {
        return ELF_OK;
    }
    if (plan->segment_count == ELF_MAX_SEGMENTS) {
        return ELF_TOO_MANY_SEGMENTS;
    }
    if (!range_within(phdr->offset, phdr->filesz, len)) {
        return ELF_SEGMENT_OUTSIDE_FILE;
    }
    if (phdr->filesz > phdr->memsz || ((phdr->flags & PF_W) == 0 && phdr->filesz != phdr->memsz)) {
        return ELF_SEGMENT_BAD_SIZE;
    }
    if (phdr->align > ELF_MAX_ALIGN || (phdr->align > 1 && !is_power_of_two(phdr->align)) ||
        phdr->vaddr % PAGE_BYTES != phdr->offset % PAGE_BYTES ||
        (phdr->align > 1 && (phdr->vaddr ^ phdr->offset) % phdr->align != 0)) {
        return ELF_SEGMENT_MISALIGNED;
    }
    if ((phdr->flags & PF_R) == 0) {
        return ELF_SEGMENT_UNREADABLE;
    }
    if ((phdr->flags & PF_W) != 0 && (phdr->flags & PF_X) != 0) {
        return ELF_SEGMENT_WRITE_EXECUTE;
    }
    if (!range_within(phdr->vaddr, phdr->memsz, USER_END)) {
        return ELF_SEGMENT_BAD_ADDRESS;
    }
    uint64_t first_page = align_down(phdr->vaddr, PAGE_BYTES);
    if (plan->segment_count > 0 && first_page < plan->high) {
        return ELF_SEGMENT_OVERLAP;
    }
    if (plan->segment_count == 0) {
        plan->low = first_page;
    }
    plan->high = align_up(phdr->vaddr + phdr->memsz, PAGE_BYTES);
    if (plan->high - plan->low > ELF_MAX_SPAN) {
        return ELF_TOO_LARGE;
    }
    plan->segments[plan->segment_count++] = (struct elf_segment){
        .address = phdr->vaddr,
        .memory_bytes = phdr->memsz,
        .file_offset = phdr->offset,
        .file_bytes = phdr->filesz,
        .protection = PROT_READ | ((phdr->flags & PF_W) != 0 ? PROT_WRITE : 0) |
                      ((phdr->flags & PF_X) != 0 ? PROT_EXECUTE : 0),
    };
    return ELF_OK;
}

// The segment that wholly contains the range with its file bytes, or null.
static const struct elf_segment *segment_of(const struct elf_plan *plan, uint64_t address, uint64_t len,
                                            uint32_t protection) {
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        if (address >= segment->address &&
            range_within(address - segment->address, len, segment->file_bytes) &&
            (segment->protection & protection) == protection) {
            return segment;
        }
    }
    return nullptr;
}

static enum elf_error check_tls(const struct elf_phdr *phdr, size_t len, struct elf_plan *plan) {
    uint64_t align = phdr->align == 0 ? 1 : phdr->align;
    if (plan->tls_memory_bytes != 0 || phdr->filesz > phdr->memsz || phdr->memsz > ELF_MAX_ALIGN ||
        !range_within(phdr->offset, phdr->filesz, len) || !is_power_of_two(align) ||
        align > ELF_MAX_TLS_ALIGN) {
        return ELF_BAD_TLS;
    }
    plan->tls_file_offset = phdr->offset;
    plan->tls_file_bytes = phdr->filesz;
    plan->tls_memory_bytes = phdr->memsz;
    plan->tls_align = align;
    return ELF_OK;
}

// The linker ends RELRO on a page boundary of the address space; only whole pages can be protected.
static enum elf_error check_relro(const struct elf_phdr *phdr, struct elf_plan *plan) {
    if (phdr->memsz == 0) {
        return ELF_OK;
    }
    uint64_t end;
    if (!checked_add_u64(phdr->vaddr, phdr->memsz, &end)) {
        return ELF_BAD_RELRO;
    }
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        uint64_t first = align_down(segment->address, PAGE_BYTES);
        uint64_t last = align_up(segment->address + segment->memory_bytes, PAGE_BYTES);
        if ((segment->protection & PROT_WRITE) != 0 && phdr->vaddr >= first && end <= last) {
            plan->relro_address = align_up(phdr->vaddr, PAGE_BYTES);
            uint64_t relro_end = align_down(end, PAGE_BYTES);
            // A range that begins inside the segment's first page starts with nothing but padding.
            if (align_down(phdr->vaddr, PAGE_BYTES) == first && phdr->vaddr <= segment->address) {
                plan->relro_address = first;
            }
            plan->relro_bytes = relro_end > plan->relro_address ? relro_end - plan->relro_address : 0;
            return ELF_OK;
        }
    }
    return ELF_BAD_RELRO;
}

static enum elf_error check_relocations(const uint8_t *image, struct elf_target target, struct elf_plan *plan,
                                        uint64_t address, uint64_t bytes) {
    const struct elf_segment *holder = segment_of(plan, address, bytes, PROT_READ);
    if (holder == nullptr || bytes % sizeof(struct elf_rela) != 0) {
        return ELF_BAD_RELOCATION_TABLE;
    }
    plan->relocation_offset = holder->file_offset + (address - holder->address);
    plan->relocation_count = bytes / sizeof(struct elf_rela);
    const uint8_t *at = image + plan->relocation_offset;
    const struct elf_segment *into = nullptr;
    for (uint64_t i = 0; i < plan->relocation_count; i++, at += sizeof(struct elf_rela)) {
        struct elf_rela rela;
        memcpy(&rela, at, sizeof rela);
        if (rela.info != target.relative_type) {
            return ELF_BAD_RELOCATION;
        }
        if (into != nullptr && rela.offset >= into->address &&
            range_within(rela.offset - into->address, sizeof(uint64_t), into->file_bytes)) {
            continue; // in the same segment as the one before, as nearly all are
        }
        into = segment_of(plan, rela.offset, sizeof(uint64_t), PROT_WRITE);
        if (into == nullptr) {
            return ELF_BAD_RELOCATION;
        }
    }
    return ELF_OK;
}

static enum elf_error check_dynamic(const uint8_t *image, size_t len, struct elf_target target,
                                    const struct elf_phdr *phdr, struct elf_plan *plan) {
    if (!range_within(phdr->offset, phdr->filesz, len)) {
        return ELF_BAD_DYNAMIC;
    }
    uint64_t rela = 0, rela_bytes = 0, rela_entry = sizeof(struct elf_rela);
    bool ended = false;
    for (uint64_t at = 0; !ended && range_within(at, sizeof(struct elf_dynamic), phdr->filesz);
         at += sizeof(struct elf_dynamic)) {
        struct elf_dynamic entry;
        memcpy(&entry, image + phdr->offset + at, sizeof entry);
        switch (entry.tag) {
        case DT_NULL: ended = true; break;
        case DT_NEEDED: return ELF_NEEDS_INTERPRETER;
        case DT_RELA: rela = entry.value; break;
        case DT_RELASZ: rela_bytes = entry.value; break;
        case DT_RELAENT: rela_entry = entry.value; break;
        case DT_REL:
        case DT_RELR:
        case DT_JMPREL:
        case DT_TEXTREL: return ELF_BAD_RELOCATION_TABLE;
        default: break; // symbol tables and flags: not needed to run
        }
    }
    if (!ended) {
        return ELF_BAD_DYNAMIC;
    }
    if (rela_bytes == 0) {
        return ELF_OK;
    }
    if (rela_entry != sizeof(struct elf_rela)) {
        return ELF_BAD_RELOCATION_TABLE;
    }
    return check_relocations(image, target, plan, rela, rela_bytes);
}

enum elf_error elf_plan(const uint8_t *image, size_t len_bytes, struct elf_target target,
                        struct elf_plan *out) {
    struct elf_header header;
    enum elf_error error = check_header(image, len_bytes, target, &header);
    if (error != ELF_OK) {
        return error;
    }
    *out = (struct elf_plan){.position_independent = header.type == ET_DYN, .entry = header.entry};
    for (uint32_t i = 0; i < header.phnum; i++) {
        struct elf_phdr phdr = read_phdr(image, &header, i);
        if (phdr.type == PT_INTERP) {
            return ELF_NEEDS_INTERPRETER;
        }
        if (phdr.type == PT_LOAD && (error = add_segment(&phdr, len_bytes, out)) != ELF_OK) {
            return error;
        }
    }
    if (out->segment_count == 0) {
        return ELF_NO_SEGMENTS;
    }
    if (segment_of(out, out->entry, 1, PROT_EXECUTE) == nullptr) {
        return ELF_BAD_ENTRY;
    }
    // The rest refers to segments, which had to be known first.
    for (uint32_t i = 0; i < header.phnum && error == ELF_OK; i++) {
        struct elf_phdr phdr = read_phdr(image, &header, i);
        if (phdr.type == PT_TLS && phdr.memsz != 0) {
            error = check_tls(&phdr, len_bytes, out);
        } else if (phdr.type == PT_GNU_RELRO) {
            error = check_relro(&phdr, out);
        } else if (phdr.type == PT_DYNAMIC) {
            error = check_dynamic(image, len_bytes, target, &phdr, out);
        }
    }
    return error;
}

void elf_relocate(const uint8_t *image, const struct elf_plan *plan, const struct elf_segment *segment,
                  uint64_t bias, uint8_t *bytes) {
    const uint8_t *at = image + plan->relocation_offset;
    for (uint64_t i = 0; i < plan->relocation_count; i++, at += sizeof(struct elf_rela)) {
        struct elf_rela rela;
        memcpy(&rela, at, sizeof rela);
        uint64_t place = rela.offset - segment->address;
        if (rela.offset >= segment->address && range_within(place, sizeof(uint64_t), segment->file_bytes)) {
            uint64_t value = bias + (uint64_t)rela.addend;
            memcpy(bytes + place, &value, sizeof value);
        }
    }
}
