// From the PVH start information (Xen public header arch-x86/hvm/start_info.h) to struct boot_info.
//
// Runs at the kernel's virtual addresses with the low 4 GiB mapped to themselves, on the boot stack,
// once. Nothing found here stops the machine: what is missing or senseless is left out (package_phys
// 0, no regions), and the kernel, which has a console, says so.
#include "abi/boot_info.h"
#include "base/mem.h"
#include "base/str.h"
#include "boot/package.h"
#include "boot/regions.h"
#include "boot/x86_64/machine.h"
#include "boot/x86_64/seeds.h"
#include "boot/x86_64/start.h"

constexpr uint32_t PVH_MAGIC = 0x336ec578;
constexpr uint64_t IDENTITY_MAPPED_BYTES = UINT64_C(4) << 30;
constexpr uint64_t KERNEL_LINK_PHYS = 0x200000;
constexpr uint64_t PAGE_BYTES = 4096;

struct pvh_start_info {
    uint32_t magic;
    uint32_t version; // 0 has no memory map
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules_phys;
    uint64_t cmdline_phys;
    uint64_t rsdp_phys;
    uint64_t memory_map_phys;
    uint32_t memory_map_count;
    uint32_t zero;
};

struct pvh_module {
    uint64_t phys;
    uint64_t len_bytes;
    uint64_t cmdline_phys;
    uint64_t zero;
};

struct pvh_memory {
    uint64_t base;
    uint64_t len_bytes;
    uint32_t type; // an ACPI address range type
    uint32_t zero;
};

enum : uint32_t {
    PVH_MEMORY_RAM = 1,
    PVH_MEMORY_ACPI_TABLES = 3,
    PVH_MEMORY_ACPI_NVS = 4,
};

extern const char __image_start[];
extern const char __image_end[];
extern const char __boot_start[];
extern const char __boot_end[];

[[gnu::section(".boot.bss"), gnu::aligned(4096)]] static struct boot_info info;

static uint64_t phys_of(const void *address) {
    return (uint64_t)((const char *)address - __image_start) + KERNEL_LINK_PHYS;
}

// What lies at a physical address, nullptr when it is not mapped here.
static const void *at_phys(uint64_t phys, uint64_t len_bytes) {
    bool mapped = phys != 0 && phys < IDENTITY_MAPPED_BYTES && len_bytes <= IDENTITY_MAPPED_BYTES - phys;
    return mapped ? (const void *)phys : nullptr;
}

static enum boot_mem_kind kind_of(uint32_t type) {
    switch (type) {
    case PVH_MEMORY_RAM: return BOOT_MEM_USABLE;
    case PVH_MEMORY_ACPI_TABLES: return BOOT_MEM_ACPI_TABLES;
    case PVH_MEMORY_ACPI_NVS: return BOOT_MEM_ACPI_NVS;
    default: return BOOT_MEM_RESERVED;
    }
}

// Two passes: where the firmware's ranges overlap, memory that is not usable wins.
static void read_memory_map(const struct pvh_start_info *start) {
    uint64_t len = (uint64_t)start->memory_map_count * sizeof(struct pvh_memory);
    const struct pvh_memory *map = at_phys(start->memory_map_phys, len);
    if (start->version < 1 || map == nullptr) {
        return;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < start->memory_map_count; i++) {
            enum boot_mem_kind kind = kind_of(map[i].type);
            if ((kind == BOOT_MEM_USABLE) == (pass == 0)) {
                boot_regions_add(&info, map[i].base, map[i].len_bytes, kind);
            }
        }
    }
}

static void read_package(const struct pvh_start_info *start) {
    if (start->module_count == 0) {
        return;
    }
    const struct pvh_module *module = at_phys(start->modules_phys, sizeof(*module));
    if (module == nullptr || module->phys % PAGE_BYTES != 0 || at_phys(module->phys, module->len_bytes) == nullptr) {
        return;
    }
    info.package_phys = module->phys;
    info.package_bytes = module->len_bytes;
    boot_regions_add(&info, module->phys, module->len_bytes, BOOT_MEM_PACKAGE);
}

// Where a BIOS leaves the ACPI root pointer (ACPI 6.5, 5.2.5.1): the first KiB of the extended BIOS data area, whose
// segment number is at 0x40e, or the BIOS. 0 when it is not there.
static uint64_t find_rsdp(void) {
    const uint64_t data_area = (uint64_t)*(const volatile uint16_t *)0x40e << 4;
    const struct {
        uint64_t base, len_bytes;
    } places[] = {{data_area, data_area >= 0x400 ? 1024 : 0}, {0xe'0000, 0x2'0000}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (uint64_t at = 0; at < places[i].len_bytes; at += 16) {
            const uint8_t *bytes = (const uint8_t *)(places[i].base + at);
            uint8_t sum = 0;
            for (size_t j = 0; j < 20; j++) {
                sum = (uint8_t)(sum + bytes[j]);
            }
            if (memcmp(bytes, "RSD PTR ", 8) == 0 && sum == 0) {
                return places[i].base + at;
            }
        }
    }
    return 0;
}

// Called by pvh_entry.S. Returns the physical address of the boot information.
uint64_t pvh_main(uint64_t start_phys, uint64_t entry_tsc);

uint64_t pvh_main(uint64_t start_phys, uint64_t entry_tsc) {
    info.magic = BOOT_INFO_MAGIC;
    info.version = BOOT_INFO_VERSION;
    info.size_bytes = sizeof(info);
    str_copy(info.loader, sizeof(info.loader), "pvh");
    info.entry_tsc = entry_tsc;
    info.kernel_phys_base = KERNEL_LINK_PHYS;
    info.kernel_phys_bytes = (uint64_t)(__image_end - __image_start);

    const struct pvh_start_info *start = at_phys(start_phys, sizeof(*start));
    if (start != nullptr && start->magic == PVH_MAGIC) {
        machine_describe(&info, start->rsdp_phys != 0 ? start->rsdp_phys : find_rsdp());
        read_memory_map(start);
        boot_regions_add(&info, KERNEL_LINK_PHYS, info.kernel_phys_bytes, BOOT_MEM_KERNEL);
        boot_regions_add(&info, phys_of(__boot_start), (uint64_t)(__boot_end - __boot_start), BOOT_MEM_BOOT_INFO);
        read_package(start);
        boot_package_read(&info, ELF_X86_64);
        uint64_t tables_phys;
        __asm__ volatile("mov %%cr3, %0" : "=r"(tables_phys));
        start_prepare(&info, tables_phys);
        const char *cmdline = at_phys(start->cmdline_phys, BOOT_INFO_CMDLINE_BYTES);
        if (cmdline != nullptr) {
            str_copy(info.cmdline, sizeof(info.cmdline), cmdline);
        }
    }
    seeds_fill(&info);
    return phys_of(&info);
}
