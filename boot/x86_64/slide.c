// Address space randomisation: the image moves itself to another address before the kernel begins.
//
// Linked into kernel.elf, and run by whatever boot path entered it (slide_entry.S), on its page tables. The image is linked for the lowest address of the top 2 GiB, where boot paths map it with 2 MiB pages. The linker kept
// what it filled in (tools/mksyms.py), and the same boot tables can show the image at a second place: it is mapped
// there, changed in place, and entered.
#include "abi/boot_info.h"

constexpr uint64_t TABLE_ENTRIES = 512, ENTRY_FRAME = 0x000f'ffff'ffff'f000;

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

static uint64_t read_cr3(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

// Maps the image at `steps` more large pages up. The directory serves both GiB: its index wraps around.
static void map_again(uint64_t steps, uint64_t pages) {
    constexpr uint64_t TOP = TABLE_ENTRIES - 1;
    const uint64_t *root = (const uint64_t *)(read_cr3() & ENTRY_FRAME);
    uint64_t *second = (uint64_t *)(root[TOP] & ENTRY_FRAME);
    uint64_t *directory = (uint64_t *)(second[TOP - 1] & ENTRY_FRAME);
    second[TOP] = second[TOP - 1];
    for (uint64_t i = 0; i < pages; i++) {
        directory[(i + steps) % TABLE_ENTRIES] = directory[i];
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(read_cr3()) : "memory");
}

// Returns by how much the image has moved: the caller goes on at that distance.
uint64_t image_slide(uint64_t boot_info_phys);

uint64_t image_slide(uint64_t boot_info_phys) {
    constexpr unsigned STEP_SHIFT = 21;
    constexpr uint64_t STEP = 1ull << STEP_SHIFT;
    const uint64_t pages = ((uint64_t)(__boot_end - __image_start) + STEP - 1) >> STEP_SHIFT;
    const struct boot_info *boot = (const struct boot_info *)boot_info_phys;
    const uint64_t random = boot->magic == BOOT_INFO_MAGIC ? boot->image_seed : 0;
    if (random == 0) {
        return 0;
    }
    // In either GiB, but clear of the image's first place and of the last page of all.
    const uint64_t places = TABLE_ENTRIES - 2 * pages;
    const uint64_t steps = (random & 1) * TABLE_ENTRIES + pages + (random >> 1) % places;
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
