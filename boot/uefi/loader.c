// BOOTX64.EFI: loads \tessera\kernel.elf and \tessera\boot.pkg from the volume that it lies on, describes the machine
// in a struct boot_info, leaves the firmware behind and enters the kernel.
//
// Everything goes below 4 GiB, where the kernel's first page tables reach. What is wrong is said on the
// firmware's console, which is the serial line too where there is one; what is wrong with the package, the kernel.
#include "abi/boot_info.h"
#include "base/align.h"
#include "base/elf_image.h"
#include "base/mem.h"
#include "base/str.h"
#include "boot/package.h"
#include "boot/regions.h"
#include "boot/uefi/console.h"
#include "boot/uefi/handoff.h"
#include "boot/uefi/uefi.h"
#include "boot/uefi/volume.h"
#include "boot/x86_64/machine.h"
#include "boot/x86_64/seeds.h"
#include "boot/x86_64/start.h"

constexpr uint64_t KERNEL_VIRT_BASE = 0xffffffff80000000;
constexpr uint64_t KERNEL_ALIGN = UINT64_C(2) << 20;
constexpr uint64_t MAP_SLACK_BYTES = 4096; // the map grows when memory for it is taken
constexpr int EXIT_ATTEMPTS = 8;

static const struct elf_rules kernel_rules = {
    .machine = ELF_X86_64,
    .low = KERNEL_VIRT_BASE,
    .high = KERNEL_VIRT_BASE + (UINT64_C(64) << 20),
};

static const char KERNEL_PATH[] = "\\tessera\\kernel.elf";
static const char PACKAGE_PATH[] = "\\tessera\\boot.pkg";
static const char CMDLINE_PATH[] = "\\tessera\\cmdline.txt";

static const struct efi_guid acpi_20_guid = {
    0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
static const struct efi_guid acpi_10_guid = {
    0xeb9d2d30, 0x2d88, 0x11d3, {0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

struct loaded_kernel {
    uint64_t phys;
    uint64_t len_bytes; // page-rounded, with .bss
    uint64_t entry;
};

struct memory_map {
    uint8_t *bytes;
    uint64_t capacity_bytes;
    uint64_t len_bytes;
    uint64_t descriptor_bytes;
    uint64_t key;
};

static struct efi_boot_services *boot;

// A zeroed block on a 2 MiB boundary: takes more, and gives back what lies before and behind.
static uint64_t allocate_kernel_block(uint64_t len_bytes) {
    uint64_t pages = len_bytes / EFI_PAGE_BYTES;
    uint64_t spare = KERNEL_ALIGN / EFI_PAGE_BYTES - 1;
    uint64_t all = pages_allocate(EFI_LOADER_DATA, pages + spare, "the kernel");
    uint64_t phys = align_up(all, KERNEL_ALIGN);
    uint64_t before = (phys - all) / EFI_PAGE_BYTES;
    if (before != 0) {
        boot->free_pages(all, before);
    }
    if (before != spare) {
        boot->free_pages(phys + len_bytes, spare - before);
    }
    return phys;
}

static struct loaded_kernel load_kernel(void) {
    struct loaded_file file = volume_read(KERNEL_PATH);
    struct elf_image image;
    const char *error = elf_parse((const void *)file.phys, file.len_bytes, &kernel_rules, &image);
    if (error != nullptr) {
        console_fail("%s: %s", KERNEL_PATH, error);
    }
    const struct elf_segment *last = &image.segments[image.segment_count - 1];
    struct loaded_kernel kernel = {
        .len_bytes = last->address + last->len_bytes - KERNEL_VIRT_BASE,
        .entry = image.entry,
    };
    kernel.phys = allocate_kernel_block(kernel.len_bytes);
    for (size_t i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        memcpy((uint8_t *)kernel.phys + (segment->address - KERNEL_VIRT_BASE),
               (const uint8_t *)file.phys + segment->file_offset, segment->file_bytes);
    }
    loaded_file_free(&file);
    return kernel;
}

// One line of text; the line end is not part of it.
static void load_cmdline(struct boot_info *info) {
    struct loaded_file file;
    if (!volume_read_optional(CMDLINE_PATH, &file)) {
        return;
    }
    const char *text = (const char *)file.phys;
    size_t len = 0;
    while (len < file.len_bytes && char_is_print(text[len])) {
        len++;
    }
    if (!str_copy_bytes(info->cmdline, sizeof(info->cmdline), text, len)) {
        console_fail("%s is longer than %u bytes", CMDLINE_PATH, BOOT_INFO_CMDLINE_BYTES - 1);
    }
    loaded_file_free(&file);
}

static uint64_t find_rsdp(const struct efi_system_table *system) {
    const struct efi_guid *wanted[] = {&acpi_20_guid, &acpi_10_guid};
    for (size_t version = 0; version < 2; version++) {
        for (uint64_t i = 0; i < system->configuration_table_count; i++) {
            if (memcmp(&system->configuration_tables[i].guid, wanted[version], sizeof(struct efi_guid)) == 0) {
                return (uint64_t)system->configuration_tables[i].table;
            }
        }
    }
    return 0;
}

static efi_status_t read_memory_map(struct memory_map *map) {
    uint32_t version = 0;
    map->len_bytes = map->capacity_bytes;
    return boot->get_memory_map(&map->len_bytes, map->bytes, &map->key, &map->descriptor_bytes, &version);
}

static void allocate_memory_map(struct memory_map *map) {
    efi_status_t status = read_memory_map(map);
    if (status != EFI_BUFFER_TOO_SMALL) {
        console_fail("the firmware gives no memory map: %s", efi_status_text(status));
    }
    uint64_t pages = div_round_up(map->len_bytes + MAP_SLACK_BYTES, EFI_PAGE_BYTES);
    map->bytes = (uint8_t *)pages_allocate(EFI_LOADER_DATA, pages, "the memory map");
    map->capacity_bytes = pages * EFI_PAGE_BYTES;
}

// The map must not change between reading it and leaving; when it did, the key is stale, and only reading
// it again is still allowed (UEFI 2.10, 7.4.6).
static void leave_firmware(efi_handle_t image, struct memory_map *map) {
    efi_status_t status = EFI_INVALID_PARAMETER;
    for (int attempt = 0; attempt < EXIT_ATTEMPTS && status == EFI_INVALID_PARAMETER; attempt++) {
        status = read_memory_map(map);
        if (status == EFI_SUCCESS) {
            status = boot->exit_boot_services(image, map->key);
        }
    }
    if (status != EFI_SUCCESS) {
        console_fail("cannot leave the firmware: %s", efi_status_text(status));
    }
}

static enum boot_mem_kind kind_of(uint32_t type) {
    switch (type) {
    case EFI_LOADER_CODE:
    case EFI_LOADER_DATA:
    case EFI_BOOT_SERVICES_CODE:
    case EFI_BOOT_SERVICES_DATA:
    case EFI_CONVENTIONAL_MEMORY: return BOOT_MEM_USABLE;
    case EFI_ACPI_RECLAIM_MEMORY: return BOOT_MEM_ACPI_TABLES;
    case EFI_ACPI_NVS_MEMORY: return BOOT_MEM_ACPI_NVS;
    default: return BOOT_MEM_RESERVED;
    }
}

// Two passes: should ranges overlap, memory that is not usable wins.
static void describe_memory(struct boot_info *info, const struct memory_map *map) {
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t at = 0; at + sizeof(struct efi_memory_descriptor) <= map->len_bytes;
             at += map->descriptor_bytes) {
            struct efi_memory_descriptor descriptor;
            memcpy(&descriptor, map->bytes + at, sizeof(descriptor));
            enum boot_mem_kind kind = kind_of(descriptor.type);
            if ((kind == BOOT_MEM_USABLE) == (pass == 0)) {
                boot_regions_add(info, descriptor.physical_start, descriptor.page_count * EFI_PAGE_BYTES, kind);
            }
        }
    }
}

efi_status_t efi_main(efi_handle_t image, struct efi_system_table *system);

efi_status_t efi_main(efi_handle_t image, struct efi_system_table *system) {
    uint64_t entry_tsc = handoff_timestamp();
    boot = system->boot_services;
    console_init(system);
    boot->set_watchdog_timer(0, 0, 0, nullptr); // five minutes by default, and it would reset the machine
    const char *obstacle = handoff_obstacle();
    if (obstacle != nullptr) {
        console_fail("%s", obstacle);
    }

    volume_open(boot, image);
    struct loaded_kernel kernel = load_kernel();
    struct loaded_file package = volume_read(PACKAGE_PATH);
    uint64_t block = pages_allocate(EFI_LOADER_CODE, HANDOFF_PAGES, "the boot information");
    handoff_prepare(block, kernel.phys, kernel.len_bytes);

    struct boot_info *info = handoff_info(block);
    info->magic = BOOT_INFO_MAGIC;
    info->version = BOOT_INFO_VERSION;
    info->size_bytes = sizeof(*info);
    str_copy(info->loader, sizeof(info->loader), "uefi");
    info->entry_tsc = entry_tsc;
    info->kernel_phys_base = kernel.phys;
    info->kernel_phys_bytes = kernel.len_bytes;
    info->package_phys = package.phys;
    info->package_bytes = package.len_bytes;
    boot_package_read(info, ELF_X86_64);
    load_cmdline(info);
    seeds_fill(info);
    const uint64_t rsdp_phys = find_rsdp(system);

    struct memory_map map = {};
    allocate_memory_map(&map);
    leave_firmware(image, &map);

    machine_describe(info, rsdp_phys);
    describe_memory(info, &map);
    boot_regions_add(info, kernel.phys, kernel.len_bytes, BOOT_MEM_KERNEL);
    boot_regions_add(info, package.phys, package.len_bytes, BOOT_MEM_PACKAGE);
    boot_regions_add(info, block, HANDOFF_PAGES * EFI_PAGE_BYTES, BOOT_MEM_BOOT_INFO);
    start_prepare(info, handoff_tables(block));
    handoff_enter(block, kernel.entry);
}
