#include "lib/tess/tls.h"

#include "base/align.h"
#include "base/mem.h"

// The linker's own view of the image: start and end of its initialised part, and the program headers.
struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

extern const unsigned char __ehdr_start[] __attribute__((visibility("hidden")));

constexpr uint32_t PT_TLS = 7;
constexpr size_t PHOFF_AT = 32, PHNUM_AT = 56, TYPE_AT = 16;
constexpr uint16_t ET_DYN = 3;

static bool find_tls(struct elf_phdr *out) {
    uint64_t phoff;
    uint16_t phnum;
    memcpy(&phoff, __ehdr_start + PHOFF_AT, sizeof phoff);
    memcpy(&phnum, __ehdr_start + PHNUM_AT, sizeof phnum);
    for (uint16_t i = 0; i < phnum; i++) {
        memcpy(out, __ehdr_start + phoff + i * sizeof *out, sizeof *out);
        if (out->type == PT_TLS && out->memsz != 0) {
            return true;
        }
    }
    return false;
}

struct tess_tls_layout tess_tls_layout(void) {
    struct elf_phdr tls;
    if (!find_tls(&tls)) {
        return (struct tess_tls_layout){.image_bytes = 0, .align = alignof(struct tess_thread_block)};
    }
    size_t align =
        tls.align > alignof(struct tess_thread_block) ? tls.align : alignof(struct tess_thread_block);
    return (struct tess_tls_layout){.image_bytes = align_up(tls.memsz, align), .align = align};
}

void tess_tls_fill(struct tess_thread_block *block) {
    struct elf_phdr tls;
    if (find_tls(&tls)) {
        uint16_t type;
        memcpy(&type, __ehdr_start + TYPE_AT, sizeof type);
        const unsigned char *image =
            type == ET_DYN ? __ehdr_start + tls.vaddr : (const unsigned char *)tls.vaddr;
        uint64_t below = align_up(tls.memsz, tls.align == 0 ? 1 : tls.align);
        memcpy((unsigned char *)block - below, image, tls.filesz);
    }
    block->self = block;
}
