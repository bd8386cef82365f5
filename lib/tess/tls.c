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

const struct tess_tls *tess_tls(void) {
    static struct tess_tls tls; // who looks it up at the same time finds the same
    if (__atomic_load_n(&tls.align, __ATOMIC_ACQUIRE) != 0) {
        return &tls;
    }
    struct elf_phdr phdr = {};
    size_t align = alignof(struct tess_thread_block);
    if (find_tls(&phdr)) {
        uint16_t type;
        memcpy(&type, __ehdr_start + TYPE_AT, sizeof type);
        tls.image = type == ET_DYN ? __ehdr_start + phdr.vaddr : (const unsigned char *)phdr.vaddr;
        tls.file_bytes = phdr.filesz;
        tls.image_bytes = align_up(phdr.memsz, phdr.align == 0 ? 1 : phdr.align);
        align = phdr.align > align ? phdr.align : align;
    }
    __atomic_store_n(&tls.align, align, __ATOMIC_RELEASE);
    return &tls;
}

void tess_tls_fill(struct tess_thread_block *block) {
    const struct tess_tls *tls = tess_tls();
    if (tls->file_bytes != 0) {
        memcpy((unsigned char *)block - tls->image_bytes, tls->image, tls->file_bytes);
    }
    block->self = block;
}
