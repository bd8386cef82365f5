#include "kernel/plat/dtb.h"

#include "abi/boot_info.h"
#include "base/fdt.h"
#include "base/str.h"
#include "kernel/plat/plat.h"
#include "kernel/types.h"

constexpr uint32_t EXTERNAL_INTERRUPT = 9; // to supervisor mode, of a hart's own controller
constexpr uint32_t NO_CONTEXT = UINT32_MAX;

RO_AFTER_INIT static struct dtb_machine machine;
static uint32_t phandles[DTB_MAX_HARTS]; // of the harts' own interrupt controllers

const struct dtb_machine *dtb_machine(void) {
    return &machine;
}

static void read_hart(const struct fdt *fdt, fdt_node cpus, fdt_node cpu) {
    const fdt_node controller = fdt_child_named(fdt, cpu, "interrupt-controller");
    const struct fdt_bytes status = fdt_property(fdt, cpu, "status");
    const struct fdt_bytes reg = fdt_property(fdt, cpu, "reg");
    const uint32_t cells = fdt_cell(fdt_property(fdt, cpus, "#address-cells"), 0, 1);
    const bool usable = status.bytes == nullptr || fdt_lists(fdt, cpu, "status", "okay");
    uint64_t number;
    if (!usable || machine.hart_count == DTB_MAX_HARTS || !fdt_number(reg, 0, cells, &number)) {
        return;
    }
    phandles[machine.hart_count] = fdt_cell(fdt_property(fdt, controller, "phandle"), 0, 0);
    machine.plic_contexts[machine.hart_count] = NO_CONTEXT;
    machine.harts[machine.hart_count++] = number;
}

static void read_harts(const struct fdt *fdt) {
    const fdt_node cpus = fdt_child_named(fdt, fdt_root(fdt), "cpus");
    const struct fdt_bytes hz = fdt_property(fdt, cpus, "timebase-frequency");
    (void)fdt_number(hz, 0, hz.len / 4, &machine.clock_hz);
    for (fdt_node cpu = fdt_child(fdt, cpus, (fdt_node){0}); cpu.at != 0; cpu = fdt_child(fdt, cpus, cpu)) {
        if (fdt_lists(fdt, cpu, "device_type", "cpu")) {
            read_hart(fdt, cpus, cpu);
        }
    }
}

// A context is the n-th pair (a hart's controller, an interrupt of it) that the PLIC leads to.
static void read_plic(const struct fdt *fdt, fdt_node bus, fdt_node node) {
    if (!fdt_reg(fdt, bus, node, 0, &machine.plic_phys, &machine.plic_len)) {
        return;
    }
    machine.plic_lines = fdt_cell(fdt_property(fdt, node, "riscv,ndev"), 0, 0);
    const struct fdt_bytes leads = fdt_property(fdt, node, "interrupts-extended");
    for (uint32_t context = 0; context < leads.len / 8; context++) {
        for (uint32_t i = 0; i < machine.hart_count; i++) {
            if (phandles[i] != 0 && fdt_cell(leads, 2 * context, 0) == phandles[i] &&
                fdt_cell(leads, 2 * context + 1, 0) == EXTERNAL_INTERRUPT) {
                machine.plic_contexts[i] = context;
            }
        }
    }
}

static void read_serial(const struct fdt *fdt, fdt_node bus, fdt_node node, bool console) {
    uint64_t base, len;
    if (!fdt_reg(fdt, bus, node, 0, &base, &len) || len == 0 || len > UINT32_MAX) {
        return;
    }
    const struct bootstrap_serial serial = {
        .kind = SERIAL_MEMORY,
        .line = fdt_cell(fdt_property(fdt, node, "interrupts"), 0, 0),
        .base = base,
        .len = (uint32_t)len,
        .register_shift = fdt_cell(fdt_property(fdt, node, "reg-shift"), 0, 0),
    };
    if (console && machine.serial_count > 0) {
        if (machine.serial_count < BOOTSTRAP_SERIAL_PORTS) {
            machine.serial[machine.serial_count++] = machine.serial[0];
        }
        machine.serial[0] = serial;
    } else if (machine.serial_count < BOOTSTRAP_SERIAL_PORTS) {
        machine.serial[machine.serial_count++] = serial;
    }
}

// Whether /chosen names this node of the bus as the console: "/soc/serial@10000000", perhaps with ":115200".
static bool is_console(const struct fdt *fdt, fdt_node node) {
    const fdt_node chosen = fdt_child_named(fdt, fdt_root(fdt), "chosen");
    const struct fdt_bytes path = fdt_property(fdt, chosen, "stdout-path");
    char name[64];
    if (path.len == 0 || !str_copy_bytes(name, sizeof name, (const char *)path.bytes, path.len)) {
        return false;
    }
    char *last = strrchr(name, '/');
    char *end = strchr(name, ':');
    if (end != nullptr) {
        *end = 0;
    }
    return last != nullptr && fdt_is_named(fdt, node, last + 1);
}

static void read_bus(const struct fdt *fdt, fdt_node bus) {
    for (fdt_node node = fdt_child(fdt, bus, (fdt_node){0}); node.at != 0; node = fdt_child(fdt, bus, node)) {
        if (fdt_lists(fdt, node, "compatible", "sifive,plic-1.0.0") ||
            fdt_lists(fdt, node, "compatible", "riscv,plic0")) {
            read_plic(fdt, bus, node);
        } else if (fdt_lists(fdt, node, "compatible", "ns16550a")) {
            read_serial(fdt, bus, node, is_console(fdt, node));
        } else if (fdt_lists(fdt, node, "compatible", "simple-bus")) {
            read_bus(fdt, node); // no deeper than the tree, which is bounded
        }
    }
}

const char *plat_discover(const struct boot_info *boot) {
    constexpr uint64_t IDENTITY_MAPPED_BYTES = 1ull << 32;
    struct fdt fdt;
    machine.boot_hart = boot->boot_cpu;
    if (boot->dtb_phys == 0 || boot->dtb_phys >= IDENTITY_MAPPED_BYTES) {
        return "there is no device tree";
    }
    const char *error =
        fdt_open(&fdt, (const void *)(uintptr_t)boot->dtb_phys, IDENTITY_MAPPED_BYTES - boot->dtb_phys);
    if (error == nullptr) {
        read_harts(&fdt);
        read_bus(&fdt, fdt_root(&fdt));
    }
    return error;
}

bool plat_serial(uint32_t index, struct bootstrap_serial *out) {
    if (index < machine.serial_count) {
        *out = machine.serial[index];
    }
    return index < machine.serial_count;
}
