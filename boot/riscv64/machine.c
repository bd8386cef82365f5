#include "boot/riscv64/machine.h"

#include "abi/bootstrap.h"
#include "base/str.h"

constexpr uint32_t EXTERNAL_INTERRUPT = 9; // to supervisor mode, of a hart's own controller
constexpr uint32_t NO_CONTEXT = UINT32_MAX;

// `boot_controller` becomes the handle of the interrupt controller of the hart that booted.
static void read_hart(struct boot_info *info, const struct fdt *fdt, fdt_node cpus, fdt_node cpu,
                      uint32_t *boot_controller) {
    const fdt_node controller = fdt_child_named(fdt, cpu, "interrupt-controller");
    const struct fdt_bytes status = fdt_property(fdt, cpu, "status");
    const struct fdt_bytes reg = fdt_property(fdt, cpu, "reg");
    const uint32_t cells = fdt_cell(fdt_property(fdt, cpus, "#address-cells"), 0, 1);
    const bool usable = status.bytes == nullptr || fdt_lists(fdt, cpu, "status", "okay");
    uint64_t number;
    if (!usable || !fdt_number(reg, 0, cells, &number)) {
        return;
    }
    if (number == info->boot_cpu) {
        *boot_controller = fdt_cell(fdt_property(fdt, controller, "phandle"), 0, 0);
    }
    if (info->cpu_count < BOOT_MAX_CPUS) {
        info->cpus[info->cpu_count++] = number;
    } else {
        str_copy(info->complaint, sizeof info->complaint, "there are more harts than the kernel has room for");
    }
}

// Returns the handle of the interrupt controller of the hart that booted; 0: none.
static uint32_t read_harts(struct boot_info *info, const struct fdt *fdt) {
    uint32_t boot_controller = 0;
    const fdt_node cpus = fdt_child_named(fdt, fdt_root(fdt), "cpus");
    const struct fdt_bytes hz = fdt_property(fdt, cpus, "timebase-frequency");
    (void)fdt_number(hz, 0, hz.len / 4, &info->counter_hz);
    for (fdt_node cpu = fdt_child(fdt, cpus, (fdt_node){0}); cpu.at != 0; cpu = fdt_child(fdt, cpus, cpu)) {
        if (fdt_lists(fdt, cpu, "device_type", "cpu")) {
            read_hart(info, fdt, cpus, cpu, &boot_controller);
        }
    }
    return boot_controller;
}

// A context is the n-th pair (a hart's controller, an interrupt of it) that the PLIC leads to.
static void read_plic(struct boot_info *info, const struct fdt *fdt, fdt_node bus, fdt_node node,
                      uint32_t boot_controller) {
    struct boot_device plic = {.kind = BOOT_DEVICE_LINES, .id = NO_CONTEXT};
    if (info->device_count == BOOT_MAX_DEVICES || !fdt_reg(fdt, bus, node, 0, &plic.phys, &plic.len_bytes)) {
        return;
    }
    plic.first_line = 1; // source 0 is none
    plic.line_count = fdt_cell(fdt_property(fdt, node, "riscv,ndev"), 0, 0);
    const struct fdt_bytes leads = fdt_property(fdt, node, "interrupts-extended");
    for (uint32_t context = 0; context < leads.len / 8; context++) {
        if (boot_controller != 0 && fdt_cell(leads, 2 * context, 0) == boot_controller &&
            fdt_cell(leads, 2 * context + 1, 0) == EXTERNAL_INTERRUPT) {
            plic.id = context;
        }
    }
    info->devices[info->device_count++] = plic;
}

static void read_serial(struct boot_info *info, const struct fdt *fdt, fdt_node bus, fdt_node node, bool console) {
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
    uint32_t at = 0; // the console's place is the first, the others' the first free one
    while (at < BOOTSTRAP_SERIAL_PORTS && info->serial[at].kind != SERIAL_NONE) {
        at++;
    }
    if (at < BOOTSTRAP_SERIAL_PORTS) {
        info->serial[at] = serial;
    }
    if (console && at > 0) {
        if (at < BOOTSTRAP_SERIAL_PORTS) {
            info->serial[at] = info->serial[0];
        }
        info->serial[0] = serial;
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

static void read_rtc(struct boot_info *info, const struct fdt *fdt, fdt_node bus, fdt_node node) {
    uint64_t base, len;
    if (info->rtc.kind == RTC_NONE && fdt_reg(fdt, bus, node, 0, &base, &len) && len >= 8 && len <= UINT32_MAX) {
        info->rtc = (struct bootstrap_rtc){.kind = RTC_GOLDFISH, .base = base, .len = (uint32_t)len};
    }
}

static void read_bus(struct boot_info *info, const struct fdt *fdt, fdt_node bus, uint32_t boot_controller) {
    for (fdt_node node = fdt_child(fdt, bus, (fdt_node){0}); node.at != 0; node = fdt_child(fdt, bus, node)) {
        if (fdt_lists(fdt, node, "compatible", "sifive,plic-1.0.0") ||
            fdt_lists(fdt, node, "compatible", "riscv,plic0")) {
            read_plic(info, fdt, bus, node, boot_controller);
        } else if (fdt_lists(fdt, node, "compatible", "ns16550a")) {
            read_serial(info, fdt, bus, node, is_console(fdt, node));
        } else if (fdt_lists(fdt, node, "compatible", "google,goldfish-rtc")) {
            read_rtc(info, fdt, bus, node);
        } else if (fdt_lists(fdt, node, "compatible", "simple-bus")) {
            read_bus(info, fdt, node, boot_controller); // no deeper than the tree, which is bounded
        }
    }
}

void machine_describe(struct boot_info *info, const struct fdt *fdt) {
    const uint32_t boot_controller = read_harts(info, fdt);
    read_bus(info, fdt, fdt_root(fdt), boot_controller);
}
