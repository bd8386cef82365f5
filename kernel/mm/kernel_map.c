#include "kernel/mm/kernel_map.h"

#include "abi/boot_info.h"
#include "abi/gen/abi.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/arch/mmu.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"

extern char __image_start[], __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[],
    __ro_after_init_end[], __data_end[], __tables_start[], __tables_end[], __bss_start[],
    __image_end[], boot_stack_guard[];

// Until the switch, tables come from frame_early_alloc and are reached through the boot path's identity
// map; afterwards from frame_alloc and through the direct map.
static bool switched;
static uint64_t *root_table;
static uint64_t table_count;
RO_AFTER_INIT static paddr_t kernel_root;
RO_AFTER_INIT static struct arch_kernel_map machine;
static uint64_t area_next; // stacks and devices: nothing is ever given back

// ---- Building ----

static uint64_t *table_pointer(paddr_t physical) {
    return switched ? phys_to_virt(physical) : (uint64_t *)physical.v;
}

static bool table_new(paddr_t *out) {
    if (switched ? !status_ok(frame_alloc(0, out)) : !frame_early_alloc(out)) {
        return false;
    }
    memset(table_pointer(*out), 0, PAGE_BYTES);
    table_count++;
    return true;
}

// The entry of the given level (by its shift) for an address; makes the tables above it. Null: no memory.
static uint64_t *entry_make(uint64_t address, unsigned level) {
    uint64_t *table = root_table;
    for (unsigned shift = arch_root_shift();; shift -= PTE_INDEX_BITS) {
        uint64_t *entry = &table[pte_index(address, shift)];
        if (shift == level) {
            return entry;
        }
        if (!(*entry & PTE_PRESENT)) {
            paddr_t lower;
            if (!table_new(&lower)) {
                return nullptr;
            }
            *entry = pte_of(lower) | PTE_TABLE;
        }
        ASSERT(pte_is_table(*entry));
        table = table_pointer(pte_frame(*entry));
    }
}

static unsigned largest_page(uint64_t address, uint64_t physical, uint64_t len) {
    unsigned shift = machine.largest_shift;
    while (shift > FRAME_SHIFT && (!is_aligned(address | physical, 1ull << shift) || len < 1ull << shift)) {
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
            *entry++ = pte_of((paddr_t){physical}) | flags | (shift == FRAME_SHIFT ? 0 : PTE_LARGE);
            arch_tlb_flush_kernel(address);
            address += page;
            physical += page;
            len -= page;
        } while (len >= page && !is_aligned(address, page * PTE_PER_TABLE));
    }
    return true;
}

// ---- The direct map ----

static bool map_direct_range(uint64_t start, uint64_t end, uint64_t flags) {
    return map_range(ARCH_DIRECT_MAP_BASE + start, start, end - start, flags);
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
            mapped = map_direct_range(region->base, region_end, PTE_KERNEL_READ_ONLY);
        } else if (region_is_ram(region->kind) && region->base == end) {
            end = region_end;
        } else if (region_is_ram(region->kind)) {
            mapped = map_direct_range(start, end, PTE_KERNEL_DATA);
            start = region->base;
            end = region_end;
        }
    }
    return mapped && map_direct_range(start, end, PTE_KERNEL_DATA);
}

// ---- The image ----

static bool map_image(const struct boot_info *boot) {
    const struct {
        const char *start, *end;
        uint64_t flags;
    } parts[] = {
        {__text_start, __text_end, PTE_KERNEL_TEXT},
        {__rodata_start, __rodata_end, PTE_KERNEL_READ_ONLY},
        {__data_start, __data_end, PTE_KERNEL_DATA},
        {__tables_start, __tables_end, PTE_KERNEL_READ_ONLY},
        {__bss_start, boot_stack_guard, PTE_KERNEL_DATA},
        {boot_stack_guard + PAGE_BYTES, __image_end, PTE_KERNEL_DATA},
    };
    bool mapped = true;
    for (size_t i = 0; mapped && i < sizeof parts / sizeof parts[0]; i++) {
        const uint64_t start = (uint64_t)parts[i].start;
        mapped = map_range(start, boot->kernel_phys_base + (start - (uint64_t)__image_start),
                           align_up((uint64_t)parts[i].end - start, PAGE_BYTES), parts[i].flags);
    }
    return mapped;
}

bool mmu_init(const struct boot_info *boot) {
    paddr_t root;
    machine = arch_mmu_begin(boot);
    area_next = machine.area;
    if (!table_new(&root)) {
        return false;
    }
    root_table = table_pointer(root);
    // The area's first table must be there before spaces begin to share the root's upper half.
    if (!map_direct(boot) || !map_image(boot) ||
        entry_make(machine.area, arch_root_shift() - PTE_INDEX_BITS) == nullptr) {
        return false;
    }
    arch_mmu_switch(root.v);
    switched = true;
    root_table = table_pointer(root);
    kernel_root = root;
    return true;
}

paddr_t mmu_kernel_root(void) {
    return kernel_root;
}

uint64_t mmu_table_bytes(void) {
    return table_count * PAGE_BYTES;
}

void mmu_seal(void) {
    for (uint64_t page = (uint64_t)__data_start; page < (uint64_t)__ro_after_init_end; page += PAGE_BYTES) {
        *entry_make(page, FRAME_SHIFT) &= ~PTE_WRITE; // it is there: nothing is made
        arch_tlb_flush_kernel(page);
    }
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
    return map_range(address, first, len, PTE_KERNEL_DEVICE) ? (volatile void *)(address + (base.v - first)) : nullptr;
}

void *mmu_alloc_kernel_stack(size_t pages) {
    uint64_t guard = area_take(pages + 1);
    for (size_t i = 1; i <= pages; i++) {
        paddr_t frame;
        if (!status_ok(frame_alloc(0, &frame)) ||
            !map_range(guard + i * PAGE_BYTES, frame.v, PAGE_BYTES, PTE_KERNEL_DATA)) {
            return nullptr;
        }
    }
    return (void *)(guard + (pages + 1) * PAGE_BYTES);
}

bool mmu_is_stack_guard(uint64_t address) {
    const uint64_t boot_guard = (uint64_t)boot_stack_guard;
    return (address >= machine.area && address < area_next) ||
           (address >= boot_guard && address < boot_guard + PAGE_BYTES);
}
