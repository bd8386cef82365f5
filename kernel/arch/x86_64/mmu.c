// The kernel's own mappings on x86-64 (see kernel/arch/mmu.h), and the switch to them.
#include "kernel/arch/mmu.h"

#include "abi/boot_info.h"
#include "abi/gen/abi.h"
#include "base/align.h"
#include "base/mem.h"
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "page_table.h"
#include "slide.h"

extern char __image_start[], __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[],
    __ro_after_init_end[], __data_end[], __tables_start[], __tables_end[], __bss_start[],
    __image_end[], boot_stack_guard[];

// One place where mmu_init writes an instruction (user_access.h).
struct alternative {
    int32_t place; // relative to this field
    uint8_t bytes[3];
    uint8_t zero;
};
extern const struct alternative __alt_start[], __alt_end[];

constexpr unsigned SHIFT_4K = 12, SHIFT_2M = 21, SHIFT_1G = 30, SHIFT_ROOT = 39;

constexpr uint64_t KERNEL_COMMON = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL;
constexpr uint64_t KERNEL_TEXT = KERNEL_COMMON;
constexpr uint64_t KERNEL_READ_ONLY = KERNEL_COMMON | PTE_NO_EXECUTE;
constexpr uint64_t KERNEL_DATA = KERNEL_COMMON | PTE_NO_EXECUTE | PTE_WRITE;
constexpr uint64_t KERNEL_DEVICE = KERNEL_DATA | PTE_CACHE_OFF | PTE_WRITE_THROUGH;

constexpr uint64_t AREA_STEPS = 1 << 17; // half of what one entry of the root table serves

// Until the switch, tables come from frame_early_alloc and are reached through the boot path's identity
// map; afterwards from frame_alloc and through the direct map.
static bool switched;
static bool have_1g_pages;
static uint64_t *kernel_root_table;
// Stacks and devices, from a random place on: nothing is ever given back.
RO_AFTER_INIT static uint64_t area_first = ARCH_KERNEL_AREA_BASE;
static uint64_t area_next;

// ---- The processor ----

static void smap_patch(void) {
    bool have_smap = cpuid(7, 0).ebx & 1u << 20;
    for (const struct alternative *a = __alt_start; have_smap && a < __alt_end; a++) {
        memcpy((char *)(uintptr_t)&a->place + a->place, a->bytes, sizeof(a->bytes));
    }
}

// No-execute must be on before a table that uses it is walked; the other two matter from then on.
static void tables_switch(uint64_t root) {
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE);
    arch_write_root(root);
    write_cr0(read_cr0() | CR0_WP);
    write_cr4(read_cr4() | CR4_PGE);
}

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
    for (unsigned shift = SHIFT_ROOT;; shift -= PTE_INDEX_BITS) {
        uint64_t *entry = &table[address >> shift & (PTE_PER_TABLE - 1)];
        if (shift == level) {
            return entry;
        }
        if (!(*entry & PTE_PRESENT)) {
            uint64_t lower;
            if (!table_new(&lower)) {
                return nullptr;
            }
            *entry = lower | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
        }
        ASSERT(!(*entry & PTE_LARGE));
        table = table_pointer(*entry & PTE_FRAME_MASK);
    }
}

static unsigned largest_page(uint64_t address, uint64_t physical, uint64_t len) {
    unsigned shift = have_1g_pages ? SHIFT_1G : SHIFT_2M;
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
            *entry++ = physical | flags | (shift == SHIFT_4K ? 0 : PTE_LARGE);
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
    return map_range(address, boot->kernel_phys_base + (uint64_t)(start - __image_start),
                     align_up((uint64_t)(end - start), PAGE_BYTES), flags);
}

static bool map_image(const struct boot_info *boot) {
    return map_image_part(boot, __text_start, __text_end, KERNEL_TEXT) &&
           map_image_part(boot, __rodata_start, __rodata_end, KERNEL_READ_ONLY) &&
           map_image_part(boot, __data_start, __data_end, KERNEL_DATA) &&
           map_image_part(boot, __tables_start, __tables_end, KERNEL_READ_ONLY) &&
           map_image_part(boot, __bss_start, boot_stack_guard, KERNEL_DATA) &&
           map_image_part(boot, boot_stack_guard + PAGE_BYTES, __image_end, KERNEL_DATA);
}

bool mmu_init(const struct boot_info *boot) {
    struct cpuid extended = cpuid(0x8000'0001, 0);
    if (!(extended.edx & 1u << 20)) {
        panic("this processor cannot keep data from being executed (no NX)");
    }
    have_1g_pages = extended.edx & 1u << 26;
    uint64_t root;
    if (!table_new(&root)) {
        return false;
    }
    kernel_root_table = table_pointer(root);
    if (slide_is_wanted(boot)) {
        area_first += arch_random() % AREA_STEPS << SHIFT_2M;
    }
    area_next = area_first;
    // The area's first table must be there before spaces begin to share the root's upper half.
    if (!map_direct(boot) || !map_image(boot) ||
        entry_make(area_first, SHIFT_1G) == nullptr) {
        return false;
    }
    smap_patch();
    tables_switch(root);
    switched = true;
    kernel_root_table = table_pointer(root);
    page_table_set_kernel_root((paddr_t){root});
    return true;
}

void mmu_seal(void) {
    for (uint64_t page = (uint64_t)__data_start; page < (uint64_t)__ro_after_init_end; page += PAGE_BYTES) {
        *entry_make(page, SHIFT_4K) &= ~PTE_WRITE; // it is there: nothing is made
        arch_tlb_flush_page(page);
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
    return map_range(address, first, len, KERNEL_DEVICE) ? (volatile void *)(address + (base.v - first)) : nullptr;
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
    return (void *)(guard + (pages + 1) * PAGE_BYTES);
}

bool mmu_is_stack_guard(uint64_t address) {
    const uint64_t boot_guard = (uint64_t)boot_stack_guard;
    return (address >= area_first && address < area_next) ||
           (address >= boot_guard && address < boot_guard + PAGE_BYTES);
}
