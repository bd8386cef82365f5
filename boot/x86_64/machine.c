#include "boot/x86_64/machine.h"

#include "base/str.h"
#include "boot/x86_64/acpi.h"
#include "boot/x86_64/ports.h"

// ---- How fast the time-stamp counter runs ----

constexpr uint64_t NS_PER_SECOND = 1'000'000'000;
constexpr uint32_t PATIENCE = 1'000'000; // reads; a timer that stands still is no timer

// Counter ticks in so much time; 0 ns: it was not to be measured.
struct measured {
    uint64_t ticks, ns;
};

// The ACPI power management timer runs at 3.579545 MHz (ACPI 4.8.2.1).
constexpr uint64_t PM_HZ = 3'579'545;
constexpr uint32_t PM_TICKS = 716; // 200 us
constexpr uint32_t PM_MASK = 0xff'ffff;

// What the timer showed, at some moment between two of the counter.
struct pm_reading {
    uint32_t pm;
    uint64_t before, after;
};

// Waits for the tick after `ticks` ticks from `start`; on the edge, so that both ends are exact.
static bool pm_wait(uint16_t port, uint32_t start, uint32_t ticks, struct pm_reading *reached) {
    for (uint32_t i = 0; i < PATIENCE; i++) {
        const uint64_t before = __builtin_ia32_rdtsc();
        const uint32_t now = port_read32(port);
        if (((now - start) & PM_MASK) >= ticks) {
            *reached = (struct pm_reading){now, before, __builtin_ia32_rdtsc()};
            return true;
        }
    }
    return false;
}

// Again when something came between timer and counter, as it may where the machine has to share a processor.
static struct measured pm_measure(uint16_t port) {
    constexpr uint32_t TRIES = 50;
    constexpr uint64_t EXACT = 20; // one part in so many may be in doubt
    struct pm_reading start, end;
    struct measured measured = {};
    uint64_t doubt = 1;
    for (uint32_t i = 0; i < TRIES && doubt * EXACT > measured.ticks; i++) {
        if (!pm_wait(port, port_read32(port), 1, &start) || !pm_wait(port, start.pm, PM_TICKS, &end)) {
            return (struct measured){};
        }
        measured = (struct measured){end.after - start.after, ((end.pm - start.pm) & PM_MASK) * NS_PER_SECOND / PM_HZ};
        doubt = (start.after - start.before) + (end.after - end.before);
    }
    return measured;
}

// Channel 2 of the 8254 runs at 1.193182 MHz, and its output can be read at port 0x61.
enum {
    PIT_CHANNEL2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_GATE = 0x61,
    PIT_CHANNEL2_ONE_SHOT = 0xb0, // low then high byte, mode 0
    GATE_ON = 0x01,
    GATE_SPEAKER = 0x02,
    GATE_OUTPUT = 0x20,
};
constexpr uint64_t PIT_HZ = 1'193'182;
constexpr uint32_t PIT_TICKS = 1193; // 1 ms: here only the far end is an edge

static struct measured pit_measure(void) {
    port_write8(PIT_GATE, (uint8_t)((port_read8(PIT_GATE) & ~GATE_SPEAKER) | GATE_ON));
    port_write8(PIT_COMMAND, PIT_CHANNEL2_ONE_SHOT);
    port_write8(PIT_CHANNEL2, PIT_TICKS & 0xff);
    port_write8(PIT_CHANNEL2, PIT_TICKS >> 8);
    const uint64_t first = __builtin_ia32_rdtsc();
    for (uint32_t i = 0; i < PATIENCE; i++) {
        if ((port_read8(PIT_GATE) & GATE_OUTPUT) != 0) {
            return (struct measured){__builtin_ia32_rdtsc() - first, PIT_TICKS * NS_PER_SECOND / PIT_HZ};
        }
    }
    return (struct measured){};
}

static uint64_t measure_counter_hz(uint16_t pm_timer_port) {
    struct measured measured = {};
    if (pm_timer_port != 0) {
        measured = pm_measure(pm_timer_port);
    }
    if (measured.ns == 0) {
        measured = pit_measure();
    }
    return measured.ns != 0 ? measured.ticks * NS_PER_SECOND / measured.ns : 0;
}

// ---- The interrupt controllers of the first PCs ----

// Masks all of their lines (Intel 8259A data sheet: four initialisation words, then the mask). An interrupt that is none
// can still come, at 0x20..0x2f.
static void silence_pics(void) {
    constexpr uint16_t FIRST = 0x20, SECOND = 0xa0;
    constexpr uint8_t INIT_ICW4 = 0x11, VECTORS = 0x20, SECOND_AT_LINE_2 = 0x04, AT_LINE_2 = 0x02, ICW4_8086 = 0x01,
                      MASK_ALL = 0xff;
    static const uint8_t words[][2] = {
        {VECTORS, VECTORS + 8}, {SECOND_AT_LINE_2, AT_LINE_2}, {ICW4_8086, ICW4_8086}, {MASK_ALL, MASK_ALL}};
    port_write8(FIRST, INIT_ICW4);
    port_write8(SECOND, INIT_ICW4);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        port_write8(FIRST + 1, words[i][0]);
        port_write8(SECOND + 1, words[i][1]);
    }
}

// ---- Switching off and on ----

// The sleep registers belong to the firmware until ACPI mode is on (ACPI 4.8.2.5).
static void describe_power(struct boot_info *info, const struct acpi_info *acpi) {
    constexpr uint16_t SCI_ENABLE = 1 << 0, SLEEP_TYPE_SHIFT = 10, SLEEP_ENABLE = 1 << 13;
    constexpr uint16_t KEYBOARD = 0x64, PULSE_RESET = 0xfe;
    constexpr uint16_t RESET_CONTROL = 0xcf9, RESET_HARD = 0x02, RESET_GO = 0x04; // Intel ICH data sheet, 13.7.5
    constexpr uint16_t SLEEP_KEEP = (uint16_t)~(7u << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    struct boot_write *off = info->off;
    if (acpi->has_s5 && acpi->pm1a_control_port != 0) {
        if (acpi->smi_command_port != 0 && acpi->acpi_enable_value != 0 &&
            (port_read16(acpi->pm1a_control_port) & SCI_ENABLE) == 0) {
            *off++ = (struct boot_write){acpi->smi_command_port, 1, 0, acpi->acpi_enable_value};
        }
        const struct {
            uint16_t port, type;
        } sleep[] = {{acpi->pm1a_control_port, acpi->s5_type_a}, {acpi->pm1b_control_port, acpi->s5_type_b}};
        for (size_t i = 0; i < 2 && sleep[i].port != 0; i++) {
            const uint16_t value = (uint16_t)((sleep[i].type & 7) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
            *off++ = (struct boot_write){sleep[i].port, 2, SLEEP_KEEP, value};
        }
    }
    struct boot_write *reset = info->reset;
    if (acpi->reset_port != 0) {
        *reset++ = (struct boot_write){acpi->reset_port, 1, 0, acpi->reset_value};
    }
    *reset++ = (struct boot_write){KEYBOARD, 1, 0, PULSE_RESET};
    *reset++ = (struct boot_write){RESET_CONTROL, 1, 0, RESET_HARD};
    *reset++ = (struct boot_write){RESET_CONTROL, 1, 0, RESET_HARD | RESET_GO};
}

// ---- What the kernel drives, and what nobody may have ----

static void add_device(struct boot_info *info, enum boot_device_kind kind, uint64_t phys, uint64_t len_bytes,
                       uint32_t first_line, uint32_t id) {
    info->devices[info->device_count++] =
        (struct boot_device){.kind = kind, .phys = phys, .len_bytes = len_bytes, .first_line = first_line, .id = id};
}

// Whom the IOMMU takes an I/O APIC for.
static uint32_t requester_of(const struct acpi_info *acpi, uint8_t ioapic_id) {
    uint32_t requester = UINT32_MAX;
    for (uint32_t i = 0; i < acpi->scope_count; i++) {
        if (acpi->scopes[i].ioapic_id == ioapic_id) {
            requester = acpi->scopes[i].requester;
        }
    }
    return requester;
}

static void describe_devices(struct boot_info *info, const struct acpi_info *acpi) {
    constexpr uint64_t PAGE_BYTES = 4096, LOCAL_USUAL = 0xfee0'0000, LOCAL_BYTES = 1 << 20; // with what messages go to
    add_device(info, BOOT_DEVICE_LOCAL, acpi->lapic_phys != 0 ? acpi->lapic_phys : LOCAL_USUAL, LOCAL_BYTES, 0, 0);
    for (uint32_t i = 0; i < acpi->ioapic_count; i++) {
        add_device(info, BOOT_DEVICE_LINES, acpi->ioapics[i].phys, PAGE_BYTES, acpi->ioapics[i].gsi_base,
                   requester_of(acpi, acpi->ioapics[i].id));
    }
    for (uint32_t i = 0; i < acpi->iommu_count; i++) {
        add_device(info, BOOT_DEVICE_IOMMU, acpi->iommu_phys[i], PAGE_BYTES, 0, 0);
    }
    info->isa_lines = 16;
    for (uint32_t i = 0; i < acpi->override_count; i++) {
        const struct acpi_override *o = &acpi->overrides[i];
        info->lines[info->line_count++] = (struct boot_line){o->source, o->gsi, o->level, o->active_low, 0};
    }
}

// The ISA DMA controllers and their page registers are among them because they write to any physical memory below 16 MiB.
static void describe_ports(struct boot_info *info, const struct acpi_info *acpi) {
    const struct boot_ports own[] = {
        {0x00, 0x20}, // DMA controller 1
        {0x20, 2},    // interrupt controller 1
        {0x80, 0x10}, // DMA pages
        {0xa0, 2},    // interrupt controller 2
        {0xc0, 0x20}, // DMA controller 2
        {acpi->pm1a_control_port, 2},
        {acpi->pm1b_control_port, 2},
        {acpi->smi_command_port, 2},
    };
    static_assert(sizeof own <= sizeof info->ports);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (i == 0 || own[i].base != 0) {
            info->ports[info->port_count++] = own[i];
        }
    }
}

// Where a PC has them; whether there are any is for their driver to see.
static void describe_serial(struct boot_info *info) {
    info->serial[0] = (struct bootstrap_serial){.kind = SERIAL_PORTS, .line = 4, .base = 0x3f8, .len = 8};
    info->serial[1] = (struct bootstrap_serial){.kind = SERIAL_PORTS, .line = 3, .base = 0x2f8, .len = 8};
}

// Like these: what reads as no chip is none.
static void describe_rtc(struct boot_info *info) {
    info->rtc = (struct bootstrap_rtc){.kind = RTC_CMOS, .base = 0x70, .len = 2};
}

static const uint8_t *identity(void *, uint64_t phys, size_t len) {
    constexpr uint64_t END = 1ull << 32;
    return phys < END && len <= END - phys ? (const uint8_t *)(uintptr_t)phys : nullptr;
}

void machine_describe(struct boot_info *info, uint64_t rsdp_phys) {
    struct acpi_info acpi;
    __asm__ volatile("cli");
    const struct acpi_memory memory = {.at = identity};
    const char *complaint = acpi_parse(&memory, rsdp_phys, &acpi);
    str_copy(info->complaint, sizeof info->complaint, complaint != nullptr ? complaint : "");
    uint32_t features[4] = {1};
    __asm__("cpuid" : "+a"(features[0]), "=b"(features[1]), "=c"(features[2]), "=d"(features[3]));
    info->boot_cpu = features[1] >> 24;
    info->cpu_count = acpi.processor_count;
    for (uint32_t i = 0; i < acpi.processor_count; i++) {
        info->cpus[i] = acpi.processors[i];
    }
    describe_devices(info, &acpi);
    describe_ports(info, &acpi);
    describe_power(info, &acpi);
    describe_serial(info);
    describe_rtc(info);
    silence_pics();
    info->counter_hz = measure_counter_hz(acpi.pm_timer_port);
}
