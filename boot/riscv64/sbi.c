// From the device tree that the SBI firmware passes to struct boot_info.
//
// Runs at the kernel's virtual addresses with the low 4 GiB mapped to themselves, on the boot stack, once.
// Nothing found here stops the machine: what is missing or senseless is left out (package_phys 0, no regions), and
// the kernel, which has a console, says so.
#include "abi/boot_info.h"
#include "base/fdt.h"
#include "base/mem.h"
#include "base/str.h"
#include "boot/package.h"
#include "boot/regions.h"
#include "boot/riscv64/machine.h"

constexpr uint64_t IDENTITY_MAPPED_BYTES = UINT64_C(4) << 30;
constexpr uint64_t KERNEL_LINK_PHYS = 0x80200000;
constexpr uint64_t PAGE_BYTES = 4096;
constexpr uint64_t MEMORY_END = UINT64_C(128) << 30; // the kernel's direct map ends there

extern const char __image_start[];
extern const char __image_end[];
extern const char __boot_start[];
extern const char __boot_end[];

[[gnu::section(".boot.bss"), gnu::aligned(4096)]] static struct boot_info info;

static uint64_t phys_of(const void *address) {
    return (uint64_t)((const char *)address - __image_start) + KERNEL_LINK_PHYS;
}

static void add(uint64_t base, uint64_t len, enum boot_mem_kind kind) {
    if (base < MEMORY_END) {
        boot_regions_add(&info, base, len < MEMORY_END - base ? len : MEMORY_END - base, kind);
    }
}

static void add_node(const struct fdt *fdt, fdt_node parent, fdt_node node, enum boot_mem_kind kind) {
    uint64_t base, len;
    for (uint32_t i = 0; fdt_reg(fdt, parent, node, i, &base, &len); i++) {
        add(base, len, kind);
    }
}

static void read_memory_map(const struct fdt *fdt) {
    const fdt_node root = fdt_root(fdt);
    for (fdt_node node = fdt_child(fdt, root, (fdt_node){0}); node.at != 0; node = fdt_child(fdt, root, node)) {
        if (fdt_lists(fdt, node, "device_type", "memory")) {
            add_node(fdt, root, node, BOOT_MEM_USABLE);
        }
    }
    // The firmware's own memory is among it.
    const fdt_node reserved = fdt_child_named(fdt, root, "reserved-memory");
    for (fdt_node node = fdt_child(fdt, reserved, (fdt_node){0}); node.at != 0;
         node = fdt_child(fdt, reserved, node)) {
        add_node(fdt, reserved, node, BOOT_MEM_RESERVED);
    }
    uint64_t base, len;
    for (uint32_t i = 0; fdt_reservation(fdt, i, &base, &len); i++) {
        add(base, len, BOOT_MEM_RESERVED);
    }
}

// An address in one cell or two.
static bool address_in(const struct fdt *fdt, fdt_node node, const char *name, uint64_t *out) {
    const struct fdt_bytes property = fdt_property(fdt, node, name);
    return fdt_number(property, 0, property.len / 4, out);
}

static void read_package(const struct fdt *fdt, fdt_node chosen) {
    uint64_t start, end;
    if (!address_in(fdt, chosen, "linux,initrd-start", &start) || !address_in(fdt, chosen, "linux,initrd-end", &end) ||
        start % PAGE_BYTES != 0 || start == 0 || end <= start || end > IDENTITY_MAPPED_BYTES) {
        return;
    }
    info.package_phys = start;
    info.package_bytes = end - start;
    add(start, end - start, BOOT_MEM_PACKAGE);
}

// The processor has no source that is sure to be there. How long a call of the firmware takes varies: each round stirs the low bits of
// the clock and of the cycles in.
static uint64_t random(void) {
    constexpr uint64_t BASE = 0x10, GET_VERSION = 0;
    uint64_t value = 0, cycles;
    for (uint32_t i = 0; i < 64; i++) {
        register uint64_t a0 __asm__("a0") = 0;
        register uint64_t a1 __asm__("a1") = 0;
        register uint64_t a6 __asm__("a6") = GET_VERSION;
        register uint64_t a7 __asm__("a7") = BASE;
        __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
        __asm__ volatile("rdtime %0" : "=r"(cycles));
        value = (value ^ cycles) * 0x9e37'79b9'7f4a'7c15;
        value ^= value >> 29;
    }
    return value;
}

// What the firmware or the emulator drew for us, if it did (devicetree specification, section 3.6: /chosen).
static void stir_seeds(const struct fdt *fdt, fdt_node chosen) {
    const struct fdt_bytes drawn = fdt_property(fdt, chosen, "rng-seed");
    uint64_t words[3];
    if (drawn.len >= sizeof(words)) {
        memcpy(words, drawn.bytes, sizeof(words));
        info.guard_seed ^= words[0];
        info.init_seed[0] ^= words[1];
        info.init_seed[1] ^= words[2];
        info.seed_source = SEED_FIRMWARE;
    }
}

// Called by sbi_entry.S. Returns the physical address of the boot information.
uint64_t sbi_main(uint64_t dtb_phys, uint64_t hart, uint64_t entry_time);

uint64_t sbi_main(uint64_t dtb_phys, uint64_t hart, uint64_t entry_time) {
    info.magic = BOOT_INFO_MAGIC;
    info.version = BOOT_INFO_VERSION;
    info.size_bytes = sizeof(info);
    str_copy(info.loader, sizeof(info.loader), "sbi");
    info.entry_tsc = entry_time;
    info.kernel_phys_base = KERNEL_LINK_PHYS;
    info.kernel_phys_bytes = (uint64_t)(__image_end - __image_start);
    info.boot_cpu = hart;
    info.guard_seed = random();
    info.init_seed[0] = random();
    info.init_seed[1] = random();
    info.seed_source = SEED_CLOCK;

    struct fdt fdt;
    const char *error = "there is no device tree";
    if (dtb_phys != 0 && dtb_phys % 8 == 0 && dtb_phys < IDENTITY_MAPPED_BYTES) {
        error = fdt_open(&fdt, (const void *)dtb_phys, IDENTITY_MAPPED_BYTES - dtb_phys);
    }
    if (error != nullptr) {
        str_copy(info.complaint, sizeof info.complaint, error);
        return phys_of(&info);
    }
    machine_describe(&info, &fdt);
    read_memory_map(&fdt);
    add(KERNEL_LINK_PHYS, info.kernel_phys_bytes, BOOT_MEM_KERNEL);
    add(phys_of(__boot_start), (uint64_t)(__boot_end - __boot_start), BOOT_MEM_BOOT_INFO);
    add(dtb_phys, fdt.total_bytes, BOOT_MEM_BOOT_INFO); // and is not looked at again
    const fdt_node chosen = fdt_child_named(&fdt, fdt_root(&fdt), "chosen");
    read_package(&fdt, chosen);
    stir_seeds(&fdt, chosen);
    boot_package_read(&info, ELF_RISCV);
    const struct fdt_bytes cmdline = fdt_property(&fdt, chosen, "bootargs");
    if (cmdline.len != 0) {
        str_copy_bytes(info.cmdline, sizeof(info.cmdline), (const char *)cmdline.bytes, cmdline.len);
    }
    return phys_of(&info);
}
