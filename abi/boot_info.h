// What every boot path hands to the kernel: one framed structure, wherever the machine came from.
//
// The boot code (boot/uefi, boot/x86_64/pvh.c) fills a struct boot_info in memory that it marks
// BOOT_MEM_BOOT_INFO, and enters the kernel with its physical address. The kernel checks magic,
// version and size before it believes anything, and copies what it keeps.
#pragma once

#include <stdint.h>

constexpr uint64_t BOOT_INFO_MAGIC = 0x3130'4f46'4e49'5354; // "TSINFO01"
constexpr uint32_t BOOT_INFO_VERSION = 3;
constexpr uint32_t BOOT_INFO_MAX_REGIONS = 256;
constexpr uint32_t BOOT_INFO_CMDLINE_BYTES = 256;

enum boot_mem_kind : uint32_t {
    BOOT_MEM_USABLE = 1,      // free RAM; also what only the firmware's boot services used
    BOOT_MEM_RESERVED = 2,    // not RAM, or the firmware's for ever
    BOOT_MEM_ACPI_TABLES = 3, // readable tables, reclaimable after parsing (the kernel keeps them)
    BOOT_MEM_ACPI_NVS = 4,
    BOOT_MEM_KERNEL = 5,      // the kernel image as loaded, page-rounded
    BOOT_MEM_PACKAGE = 6,     // the boot package
    BOOT_MEM_BOOT_INFO = 7,   // this structure, the boot path's page tables and stack: free after early boot
    BOOT_MEM_START = 8,       // x86-64: free RAM below 1 MiB, BOOT_START_BYTES of it, for other processors to start in
};
constexpr uint64_t BOOT_START_BYTES = 16 * 1024;

// Regions are sorted by base, page-aligned, non-empty and do not overlap.
struct boot_region {
    uint64_t base;
    uint64_t len_bytes;
    uint32_t kind; // enum boot_mem_kind
    uint32_t zero;
};

struct boot_info {
    uint64_t magic;
    uint32_t version;
    uint32_t size_bytes;         // sizeof(struct boot_info) as the boot code knew it
    char loader[16];             // "uefi" or "pvh", NUL-terminated
    uint64_t entry_tsc;          // time-stamp counter when the boot code's first instruction ran, 0 if unknown
    uint64_t kernel_phys_base;   // where KERNEL_VIRT_BASE (0xffffffff80000000) lies in memory; 2 MiB aligned
    uint64_t kernel_phys_bytes;  // page-rounded size of the loaded image with .bss
    uint64_t package_phys;       // page-aligned; 0 when there is none
    uint64_t package_bytes;      // as found, not rounded
    uint64_t rsdp_phys;          // ACPI root pointer; 0 when the boot path knows none
    uint64_t boot_cpu;           // the processor that booted, by the firmware's number; 0 where only one could
    uint64_t dtb_phys;           // device tree, 8-byte aligned; 0 when the boot path knows none
    char cmdline[BOOT_INFO_CMDLINE_BYTES]; // NUL-terminated
    uint32_t region_count; // above BOOT_INFO_MAX_REGIONS: the memory map did not fit, `regions` is not complete
    uint32_t zero;
    struct boot_region regions[BOOT_INFO_MAX_REGIONS];
};
