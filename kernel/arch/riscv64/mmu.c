// The kernel's own mappings on riscv64 (see kernel/arch/mmu.h), and the switch to them.
#include "kernel/arch/mmu.h"

#include "abi/boot_info.h"
#include "abi/gen/abi.h"
#include "base/align.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "page_table.h"

extern char __image_start[], __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[],
    __ro_after_init_end[], __image_end[], boot_stack_guard[];

constexpr uint64_t SV39_USER_END = 0x3f'ffff'0000;
constexpr unsigned SHIFT_4K = 12, SHIFT_2M = 21, SHIFT_1G = 30, SHIFT_512G = 39;

constexpr uint64_t KERNEL_READ_ONLY = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_READ;
constexpr uint64_t KERNEL_TEXT = KERNEL_READ_ONLY | PTE_EXECUTE;
constexpr uint64_t KERNEL_DATA = KERNEL_READ_ONLY | PTE_WRITE; // devices, too: what is cached is the address's matter

RO_AFTER_INIT uint64_t arch_satp_mode;
RO_AFTER_INIT unsigned arch_root_shift;
RO_AFTER_INIT uint64_t arch_user_limit;
extern const uint64_t boot_best_satp_mode; // what the processor can do: found out by the boot path

// Until the switch, tables come from frame_early_alloc and are reached through the boot path's identity
// map; afterwards from frame_alloc and through the direct map.
static bool switched;
static uint64_t *kernel_root_table;
static uint64_t area_next = ARCH_KERNEL_AREA_BASE; // stacks and devices: nothing is ever given back

// ---- Building ----

static uint64_t *table_pointer(uint64_t physical) {
    return switched ? phys_to_virt((paddr_t){physical}) : (uint64_t *)physical;
}

static bool table_new(uint64_t *out) {
    paddr_t frame;
    if (switched ? !status_ok(frame_alloc(0, &frame)) : !frame_early_alloc(&frame)) {
        return false;
    }
    memset(table_pointer(frame.v), 0, PAGE_BYTES);
    page_table_count(1);
    *out = frame.v;
    return true;
}

// The entry of the given level (by its shift) for an address; makes the tables above it. Null: no memory.
static uint64_t *entry_make(uint64_t address, unsigned level) {
    uint64_t *table = kernel_root_table;
    for (unsigned shift = arch_root_shift;; shift -= PTE_INDEX_BITS) {
        uint64_t *entry = &table[address >> shift & (PTE_PER_TABLE - 1)];
        if (shift == level) {
            return entry;
        }
        if (!(*entry & PTE_PRESENT)) {
            uint64_t lower;
            if (!table_new(&lower)) {
                return nullptr;
            }
            *entry = pte_of_frame(lower) | PTE_PRESENT;
        }
        ASSERT(!(*entry & PTE_LEAF_MASK));
        table = table_pointer(pte_frame(*entry));
    }
}

static unsigned largest_page(uint64_t address, uint64_t physical, uint64_t len) {
    unsigned shift = SHIFT_1G;
    while (shift > SHIFT_4K && (!is_aligned(address | physical, 1ull << shift) || len < 1ull << shift)) {
        shift -= PTE_INDEX_BITS;
    }
    return shift;
}

static bool map_range(uint64_t address, uint64_t physical, uint64_t len, uint64_t flags) {
    while (len > 0) {
        unsigned shift = largest_page(address, physical, len);
        uint64_t page = 1ull << shift;
        uint64_t *entry = entry_make(address, shift);
        if (entry == nullptr) {
            return false;
        }
        // As many of the same size as the table holds, without walking again.
        do {
            *entry++ = pte_of_frame(physical) | flags;
            address += page;
            physical += page;
            len -= page;
        } while (len >= page && !is_aligned(address, page * PTE_PER_TABLE));
    }
    return true;
}

// ---- The direct map ----

static bool map_direct_range(uint64_t start, uint64_t end, uint64_t flags) {
    return start == end || map_range(ARCH_DIRECT_MAP_BASE + start, start, end - start, flags);
}

static bool region_is_ram(uint32_t kind) {
    return kind != BOOT_MEM_RESERVED && kind != BOOT_MEM_ACPI_NVS;
}

// Nothing of the kernel's image is written there. Other regions that touch are mapped as one, so that their borders cost
// no small pages.
static bool map_direct(const struct boot_info *boot) {
    uint64_t start = 0, end = 0;
    bool mapped = true;
    for (uint32_t i = 0; mapped && i < boot->region_count; i++) {
        const struct boot_region *region = &boot->regions[i];
        const uint64_t region_end = region->base + region->len_bytes;
        if (region->kind == BOOT_MEM_KERNEL) {
            mapped = map_direct_range(region->base, region_end, KERNEL_READ_ONLY);
        } else if (region_is_ram(region->kind) && region->base == end) {
            end = region_end;
        } else if (region_is_ram(region->kind)) {
            mapped = map_direct_range(start, end, KERNEL_DATA);
            start = region->base;
            end = region_end;
        }
    }
    return mapped && map_direct_range(start, end, KERNEL_DATA);
}

// ---- The image ----

static bool map_image_part(const struct boot_info *boot, const char *start, const char *end, uint64_t flags) {
    uint64_t address = (uint64_t)start;
    return map_range(address, boot->kernel_phys_base + (address - ARCH_KERNEL_IMAGE_BASE),
                     align_up((uint64_t)(end - start), PAGE_BYTES), flags);
}

static bool map_image(const struct boot_info *boot) {
    return map_image_part(boot, __text_start, __text_end, KERNEL_TEXT) &&
           map_image_part(boot, __rodata_start, __rodata_end, KERNEL_READ_ONLY) &&
           map_image_part(boot, __data_start, boot_stack_guard, KERNEL_DATA) &&
           map_image_part(boot, boot_stack_guard + PAGE_BYTES, __image_end, KERNEL_DATA);
}

// The larger of the two that the processor has; `sv39` on the command line asks for the smaller one.
static void choose_mode(const struct boot_info *boot) {
    const bool large = boot_best_satp_mode == SATP_SV48 && str_find_word(boot->cmdline, "sv39") == nullptr;
    arch_satp_mode = (large ? SATP_SV48 : SATP_SV39) << SATP_MODE_SHIFT;
    arch_root_shift = large ? SHIFT_512G : SHIFT_1G;
    arch_user_limit = large ? USER_END : SV39_USER_END;
}

bool mmu_init(const struct boot_info *boot) {
    choose_mode(boot);
    uint64_t root;
    if (!table_new(&root)) {
        return false;
    }
    kernel_root_table = table_pointer(root);
    // The area's first table (1 GiB: more is never used) must be there before spaces begin to share the root's
    // upper half.
    if (!map_direct(boot) || !map_image(boot) ||
        entry_make(ARCH_KERNEL_AREA_BASE, SHIFT_2M) == nullptr) {
        return false;
    }
    arch_write_root(root);
    __asm__ volatile("sfence.vma" ::: "memory"); // the boot path's tables, and what of them is global
    switched = true;
    kernel_root_table = table_pointer(root);
    page_table_set_kernel_root((paddr_t){root});
    return true;
}

void mmu_seal(void) {
    for (uint64_t page = (uint64_t)__data_start; page < (uint64_t)__ro_after_init_end; page += PAGE_BYTES) {
        *entry_make(page, SHIFT_4K) &= ~PTE_WRITE; // it is there: nothing is made
    }
    __asm__ volatile("sfence.vma" ::: "memory");
}

// ---- Stacks and devices ----

static uint64_t area_take(uint64_t pages) {
    uint64_t address = area_next;
    area_next += pages * PAGE_BYTES;
    return address;
}

volatile void *mmu_map_device(paddr_t base, size_t len_bytes) {
    uint64_t first = align_down(base.v, PAGE_BYTES);
    uint64_t len = align_up(base.v + len_bytes, PAGE_BYTES) - first;
    uint64_t address = area_take(len / PAGE_BYTES + 1); // and one that stays empty
    bool mapped = map_range(address, first, len, KERNEL_DATA);
    __asm__ volatile("sfence.vma" ::: "memory"); // a processor may remember that there was nothing
    return mapped ? (volatile void *)(address + (base.v - first)) : nullptr;
}

void *mmu_alloc_kernel_stack(size_t pages) {
    uint64_t guard = area_take(pages + 1);
    for (size_t i = 1; i <= pages; i++) {
        paddr_t frame;
        if (!status_ok(frame_alloc(0, &frame)) ||
            !map_range(guard + i * PAGE_BYTES, frame.v, PAGE_BYTES, KERNEL_DATA)) {
            return nullptr;
        }
    }
    __asm__ volatile("sfence.vma" ::: "memory");
    return (void *)(guard + (pages + 1) * PAGE_BYTES);
}

bool mmu_is_stack_guard(uint64_t address) {
    const uint64_t boot_guard = (uint64_t)boot_stack_guard;
    return (address >= ARCH_KERNEL_AREA_BASE && address < area_next) ||
           (address >= boot_guard && address < boot_guard + PAGE_BYTES);
}
