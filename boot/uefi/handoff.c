#include "boot/uefi/handoff.h"

#include "base/align.h"
#include "base/mem.h"

constexpr uint64_t PAGE_BYTES = 4096;
constexpr uint64_t LARGE_PAGE_BYTES = UINT64_C(2) << 20;
constexpr size_t TABLE_ENTRIES = 512;
constexpr uint64_t ENTRY_TABLE = 0x03; // present, writable
constexpr uint64_t ENTRY_LARGE = 0x83; // and a 2 MiB page
constexpr size_t LOW_DIRECTORIES = 4;  // 1 GiB each
constexpr uint64_t CR4_LA57 = 1 << 12;

// Where KERNEL_VIRT_BASE, 0xffffffff80000000, is found in the tables.
constexpr size_t KERNEL_TOP_INDEX = 511;
constexpr size_t KERNEL_SECOND_INDEX = 510;

// handoff_x86_64.S: copied to the block, because it must lie at an address that both sets of tables map.
typedef void handoff_code_fn(uint64_t page_table_phys, uint64_t entry, uint64_t info_phys, uint64_t stack_top);
extern const uint8_t handoff_code_start[];
extern const uint8_t handoff_code_end[];

uint64_t handoff_tables(uint64_t block_phys) {
    return block_phys + HANDOFF_INFO_PAGES * PAGE_BYTES;
}

static uint64_t stack_top_at(uint64_t block_phys) {
    return handoff_tables(block_phys) + (HANDOFF_TABLE_PAGES + HANDOFF_STACK_PAGES) * PAGE_BYTES;
}

static uint64_t code_at(uint64_t block_phys) {
    return stack_top_at(block_phys);
}

const char *handoff_obstacle(void) {
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    return (cr4 & CR4_LA57) != 0 ? "the firmware runs with five-level page tables, the kernel has four" : nullptr;
}

void handoff_prepare(uint64_t block_phys, uint64_t kernel_phys, uint64_t kernel_bytes) {
    uint64_t phys = handoff_tables(block_phys);
    uint64_t *top = (uint64_t *)phys;
    uint64_t *low_second = top + TABLE_ENTRIES;
    uint64_t *kernel_second = low_second + TABLE_ENTRIES;
    uint64_t *kernel_directory = kernel_second + TABLE_ENTRIES;
    uint64_t *low_directories = kernel_directory + TABLE_ENTRIES;

    top[0] = (uint64_t)low_second | ENTRY_TABLE;
    top[KERNEL_TOP_INDEX] = (uint64_t)kernel_second | ENTRY_TABLE;
    kernel_second[KERNEL_SECOND_INDEX] = (uint64_t)kernel_directory | ENTRY_TABLE;
    for (size_t i = 0; i < LOW_DIRECTORIES; i++) {
        low_second[i] = (uint64_t)(low_directories + i * TABLE_ENTRIES) | ENTRY_TABLE;
    }
    for (size_t i = 0; i < LOW_DIRECTORIES * TABLE_ENTRIES; i++) {
        low_directories[i] = i * LARGE_PAGE_BYTES | ENTRY_LARGE;
    }
    for (size_t i = 0; i < div_round_up(kernel_bytes, LARGE_PAGE_BYTES); i++) {
        kernel_directory[i] = (kernel_phys + i * LARGE_PAGE_BYTES) | ENTRY_LARGE;
    }
    memcpy((void *)code_at(block_phys), handoff_code_start, (size_t)(handoff_code_end - handoff_code_start));
}

void handoff_enter(uint64_t block_phys, uint64_t entry) {
    handoff_code_fn *enter = (handoff_code_fn *)code_at(block_phys);
    enter(handoff_tables(block_phys), entry, block_phys, stack_top_at(block_phys));
    __builtin_unreachable();
}

uint64_t handoff_timestamp(void) {
    return __builtin_ia32_rdtsc();
}
