// Address space randomisation: the image moves itself to another address before kernel_main.
//
// It is linked for the lowest address of the top 2 GiB, where boot paths map it with 2 MiB pages. The linker kept
// what it filled in (tools/mksyms.py), and the same boot tables can show the image at a second place: it is mapped
// there, changed in place, and entered.
#include "slide.h"

#include "abi/boot_info.h"
#include "base/str.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"

// First the places that hold an address in 64 bits, then those in 32; as offsets from the image's start.
struct relocations {
    uint32_t wide_count, narrow_count;
    uint32_t offsets[];
};

// Such a place: an instruction's may begin anywhere.
union [[gnu::packed]] unaligned {
    uint64_t wide;
    uint32_t narrow;
};

extern char __image_start[], __boot_end[];

bool slide_is_wanted(const struct boot_info *boot) {
    return boot->magic == BOOT_INFO_MAGIC && str_find_word(boot->cmdline, "nokaslr") == nullptr;
}

// Maps the image at `steps` more large pages up. The directory serves both GiB: its index wraps around.
static void map_again(uint64_t steps, uint64_t pages) {
    constexpr uint64_t TOP = PTE_PER_TABLE - 1;
    const uint64_t *root = (const uint64_t *)(arch_read_root() & PTE_FRAME_MASK);
    uint64_t *second = (uint64_t *)(root[TOP] & PTE_FRAME_MASK);
    uint64_t *directory = (uint64_t *)(second[TOP - 1] & PTE_FRAME_MASK);
    second[TOP] = second[TOP - 1];
    for (uint64_t i = 0; i < pages; i++) {
        directory[(i + steps) % PTE_PER_TABLE] = directory[i];
    }
    arch_write_root(arch_read_root());
}

uint64_t kernel_slide(uint64_t boot_info_phys) {
    constexpr unsigned STEP_SHIFT = 21;
    constexpr uint64_t STEP = 1ull << STEP_SHIFT;
    const uint64_t pages = ((uint64_t)(__boot_end - __image_start) + STEP - 1) >> STEP_SHIFT;
    if (!slide_is_wanted((const struct boot_info *)boot_info_phys)) {
        return 0;
    }
    // In either GiB, but clear of the image's first place and of the last page of all.
    const uint64_t random = arch_random();
    const uint64_t places = PTE_PER_TABLE - 2 * pages;
    const uint64_t steps = (random & 1) * PTE_PER_TABLE + pages + (random >> 1) % places;
    map_again(steps, pages);
    const uint64_t slide = steps << STEP_SHIFT;
    // Taken so that the compiler keeps no address of the image in its own instructions, which change meanwhile.
    char *image;
    const struct relocations *relocs;
    __asm__("lea __image_start(%%rip), %0" : "=r"(image));
    __asm__("lea __relocs(%%rip), %0" : "=r"(relocs));
    const uint32_t *offset = relocs->offsets;
    for (uint32_t i = 0; i < relocs->wide_count; i++) {
        ((union unaligned *)(image + *offset++))->wide += slide;
    }
    for (uint32_t i = 0; i < relocs->narrow_count; i++) {
        ((union unaligned *)(image + *offset++))->narrow += (uint32_t)slide;
    }
    return slide;
}
