// What every boot path hands to the kernel: one framed structure, wherever the machine came from.
//
// The boot code (boot/) fills a struct boot_info in memory that it marks BOOT_MEM_BOOT_INFO, and enters the
// kernel with its physical address. The kernel checks magic, version and size before it believes
// anything, and copies what it keeps. The kernel itself reads no table of any firmware
// (docs/decisions/firmware-tables.md).
#pragma once

#include <stdint.h>

#include "abi/bootstrap.h"

constexpr uint64_t BOOT_INFO_MAGIC = 0x3130'4f46'4e49'5354; // "TSINFO01"
constexpr uint32_t BOOT_INFO_VERSION = 9;
constexpr uint32_t BOOT_INFO_MAX_REGIONS = 256;
constexpr uint32_t BOOT_INFO_CMDLINE_BYTES = 256;
constexpr uint32_t BOOT_INFO_COMPLAINT_BYTES = 160;
constexpr uint32_t BOOT_MAX_SEGMENTS = 8;
constexpr uint32_t BOOT_MAX_CPUS = 64;
constexpr uint32_t BOOT_MAX_DEVICES = 16;
constexpr uint32_t BOOT_MAX_LINES = 16;
constexpr uint32_t BOOT_MAX_PORTS = 8;
constexpr uint32_t BOOT_MAX_WRITES = 4;

enum boot_mem_kind : uint32_t {
    BOOT_MEM_USABLE = 1,      // free RAM; also what only the firmware's boot services used
    BOOT_MEM_RESERVED = 2,    // not RAM, or the firmware's for ever
    BOOT_MEM_ACPI_TABLES = 3, // the firmware's tables, left as they are
    BOOT_MEM_ACPI_NVS = 4,
    BOOT_MEM_KERNEL = 5,      // the kernel image as loaded, page-rounded
    BOOT_MEM_PACKAGE = 6,     // the boot package
    BOOT_MEM_BOOT_INFO = 7,   // this structure, the boot path's page tables and stack: free once all processors run
    BOOT_MEM_START = 8,       // x86-64: the page below 1 MiB in which other processors start: free after that
};

// Regions are sorted by base, page-aligned, non-empty and do not overlap.
struct boot_region {
    uint64_t base;
    uint64_t len_bytes;
    uint32_t kind; // enum boot_mem_kind
    uint32_t zero;
};

// A device that the kernel drives itself. No program ever gets any of its range of memory.
enum boot_device_kind : uint32_t {
    BOOT_DEVICE_LOCAL = 1, // x86-64: each processor's own interrupt controller, and where messages are written to
    BOOT_DEVICE_LINES = 2, // a controller of device lines: an I/O APIC, a PLIC
    BOOT_DEVICE_IOMMU = 3, // Intel VT-d
};
struct boot_device {
    uint64_t phys;
    uint64_t len_bytes;
    uint32_t kind;       // enum boot_device_kind
    uint32_t first_line; // of a controller of lines: the lowest that it serves ...
    uint32_t line_count; // ... and how many from there on; 0: the controller says so itself
    uint32_t id; // of a controller of lines, UINT32_MAX when not known. PLIC: the context that interrupts the processor
                 // that booted; I/O APIC: whom the IOMMU takes it for (bus, device, function)
};

// How a device line is wired that programs know by another number than the controllers, or not as is usual.
struct boot_line {
    uint32_t line;
    uint32_t controller_line;
    uint8_t level;      // else edge
    uint8_t active_low; // else high
    uint16_t zero;
};

struct boot_ports {
    uint16_t base, count;
};

// One write to an I/O port, in which the bits of `keep` stay as they are. The last of a list has bytes 0.
struct boot_write {
    uint16_t port;
    uint16_t bytes; // 1 or 2
    uint16_t keep, value;
};

// A part of init, in whole pages of memory.
struct boot_segment {
    uint64_t address, len_bytes;
    uint64_t package_offset; // of the first page
    uint64_t file_bytes;     // how much, from the beginning, comes from there; the rest is zero
    uint32_t writable, executable; // not both
};

struct boot_info {
    uint64_t magic;
    uint32_t version;
    uint32_t size_bytes;         // sizeof(struct boot_info) as the boot code knew it
    char loader[16];             // "uefi", "pvh" or "sbi", NUL-terminated
    uint64_t entry_tsc;          // the processor's clock when the boot code's first instruction ran, 0 if unknown
    uint64_t kernel_phys_base;   // where KERNEL_VIRT_BASE (0xffffffff80000000) lies in memory; 2 MiB aligned
    uint64_t kernel_phys_bytes;  // page-rounded size of the loaded image with .bss
    uint64_t package_phys;       // page-aligned; 0 when there is none
    uint64_t package_bytes;      // as found, not rounded
    char cmdline[BOOT_INFO_CMDLINE_BYTES]; // NUL-terminated

    // What is in the package, as far as the kernel has to know.
    char package_complaint[BOOT_INFO_COMPLAINT_BYTES]; // what is wrong with it, NUL-terminated; empty: nothing
    uint8_t package_build_id[20];                      // of the kernel that it was made for
    uint32_t init_segment_count;
    uint64_t init_entry, init_base; // where init begins, and what has been added to its file's addresses
    struct boot_segment init_segments[BOOT_MAX_SEGMENTS];

    // Numbers that nobody outside can guess, as far as the machine has any.
    uint64_t image_seed;   // where the image moved to (boot/x86_64/slide.c); 0: it stays where it was linked
    uint64_t area_seed;    // where the kernel's stacks and device mappings begin; 0: where they always may
    uint64_t guard_seed;   // the kernel's stack guard
    uint64_t init_seed[2]; // init's random numbers

    // The machine, as the firmware's tables and a look at it say. Numbers of processors are the interrupt controller's.
    char complaint[BOOT_INFO_COMPLAINT_BYTES]; // what is wrong with those tables, NUL-terminated; empty: nothing
    uint64_t counter_hz;                       // how fast the processors' clock runs; 0 when unknown
    uint64_t boot_cpu;                         // the processor that booted
    uint64_t start_phys;       // x86-64: page in which the others can be started (boot/x86_64/start.h); 0: none can ...
    uint64_t start_entry_phys; // ... and where it is said where they go from there, in 64-bit mode, on the boot path's tables
    uint32_t cpu_count, device_count, line_count, port_count;
    uint32_t isa_lines; // lines below this number are edge, active high, if `lines` does not name them; the others level, low
    uint32_t seed_source; // enum seed_source (abi/bootstrap.h): of all seeds
    uint64_t cpus[BOOT_MAX_CPUS]; // the usable ones
    struct boot_device devices[BOOT_MAX_DEVICES];
    struct boot_line lines[BOOT_MAX_LINES];
    struct boot_ports ports[BOOT_MAX_PORTS]; // no program ever gets any of these
    struct boot_write off[BOOT_MAX_WRITES], reset[BOOT_MAX_WRITES]; // what switches the machine off, and on again
    struct bootstrap_serial serial[BOOTSTRAP_SERIAL_PORTS];         // the console's first
    struct bootstrap_rtc rtc;

    uint32_t region_count; // above BOOT_INFO_MAX_REGIONS: the memory map did not fit, `regions` is not complete
    uint32_t zero2;
    struct boot_region regions[BOOT_INFO_MAX_REGIONS];
};
