#include "kernel/plat/apic.h"

#include "io.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/vtd.h"
#include "kernel/types.h"

// ---- Local APIC ----

enum {
    MSR_APIC_BASE = 0x1b,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
};
enum lapic_register {
    LAPIC_ID = 0x20,
    LAPIC_TASK_PRIORITY = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_COMMAND_LOW = 0x300,
    LAPIC_COMMAND_HIGH = 0x310, // the destination
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_CURRENT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
    LAPIC_BYTES = 0x400,
};
enum {
    LVT_MASKED = 1 << 16,
    LVT_NMI = 4 << 8,
    SPURIOUS_ENABLE = 1 << 8,
    DIVIDE_BY_1 = 0xb,
    COMMAND_NMI = 4 << 8,
    COMMAND_INIT = 5 << 8,
    COMMAND_START = 6 << 8,
    COMMAND_BUSY = 1 << 12,
    COMMAND_ASSERT = 1 << 14,
    ID_SHIFT = 24,
};

RO_AFTER_INIT static volatile uint8_t *lapic;

static uint32_t lapic_read(enum lapic_register reg) {
    return *(volatile uint32_t *)(lapic + reg);
}
static void lapic_write(enum lapic_register reg, uint32_t value) {
    *(volatile uint32_t *)(lapic + reg) = value;
}

void apic_enable(void) {
    uint64_t base = msr_read(MSR_APIC_BASE);
    if ((base & BASE_X2APIC) != 0) {
        // The only way back from x2APIC mode leads through "disabled" (SDM 11.12.5).
        base &= ~(uint64_t)(BASE_X2APIC | BASE_ENABLE);
        msr_write(MSR_APIC_BASE, base);
    }
    msr_write(MSR_APIC_BASE, base | BASE_ENABLE);
    lapic_write(LAPIC_TASK_PRIORITY, 0);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

static void end_of_interrupt(void) {
    lapic_write(LAPIC_EOI, 0);
}

// ---- The timer: counts down from what is written to it, and interrupts once when it reaches 0 ----

// What is left, and when. Again when something came between, as it may in an emulator.
static uint32_t timer_left(uint64_t *ns) {
    constexpr uint64_t AT_ONCE_NS = 2'000;
    constexpr uint32_t TRIES = 100;
    uint32_t left = 0;
    uint64_t before_ns = 0;
    for (uint32_t i = 0; i == 0 || (i < TRIES && *ns - before_ns > AT_ONCE_NS); i++) {
        before_ns = clock_now().v;
        left = lapic_read(LAPIC_TIMER_CURRENT);
        *ns = clock_now().v;
    }
    return left;
}

uint64_t clock_timer_hz(void) {
    constexpr uint64_t NS_PER_SECOND = 1'000'000'000, MEASURE_NS = 50'000;
    uint64_t start_ns, end_ns;
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    const uint32_t at_start = timer_left(&start_ns);
    while (clock_now().v - start_ns < MEASURE_NS) {
        arch_relax();
    }
    const uint32_t passed = at_start - timer_left(&end_ns);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    return passed * NS_PER_SECOND / (end_ns - start_ns);
}

void clock_set_deadline(nanos_t deadline) {
    const uint64_t now = clock_now().v;
    const uint64_t delta = deadline.v > now ? deadline.v - now : 0;
    // Rounded up: a timer that fires early would only be set again.
    const unsigned __int128 product = (unsigned __int128)delta * kernel_clock.timer_mult;
    const uint64_t ticks = product >> 64 != 0 ? UINT64_MAX : (uint64_t)product >> 32;
    lapic_write(LAPIC_TIMER_INITIAL, ticks < UINT32_MAX ? (uint32_t)ticks + 1 : UINT32_MAX);
}

// ---- Interrupts between processors ----

uint32_t apic_id(void) {
    return lapic_read(LAPIC_ID) >> ID_SHIFT;
}

// Returns when it has been accepted; on what it waits for no other processor has an influence.
static void command(uint32_t id, uint32_t low) {
    lapic_write(LAPIC_COMMAND_HIGH, id << ID_SHIFT);
    lapic_write(LAPIC_COMMAND_LOW, low | COMMAND_ASSERT);
    while ((lapic_read(LAPIC_COMMAND_LOW) & COMMAND_BUSY) != 0) {
        arch_relax();
    }
}

void apic_start(uint32_t id, uint64_t code_phys, bool again) {
    if (!again) {
        command(id, COMMAND_INIT);
    }
    command(id, COMMAND_START | (uint32_t)(code_phys >> 12));
}
void apic_send(uint32_t id, bool nmi) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // what was written before is seen by whoever gets it
    command(id, nmi ? (uint32_t)COMMAND_NMI : VECTOR_IPI);
}

// ---- I/O APICs ----

enum {
    IOAPIC_SELECT = 0x00,
    IOAPIC_WINDOW = 0x10,
    IOAPIC_BYTES = 0x20,
    IOAPIC_VERSION = 1,
    IOAPIC_ENTRIES = 0x10, // two registers each: low word, then destination
    ENTRY_ACTIVE_LOW = 1 << 13,
    ENTRY_LEVEL = 1 << 15,
    ENTRY_MASKED = 1 << 16,
};

struct ioapic {
    volatile uint8_t *registers; // one is selected, then accessed
    uint32_t gsi_base, line_count;
    uint32_t requester; // whom the IOMMU takes it for
};
RO_AFTER_INIT static struct ioapic ioapics[BOOT_MAX_DEVICES];
RO_AFTER_INIT static uint32_t ioapic_count;

static_assert(VECTOR_LINES + LINE_COUNT + MESSAGE_COUNT == VECTOR_TIMER);

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg) {
    *(volatile uint32_t *)(io->registers + IOAPIC_SELECT) = reg;
    return *(volatile uint32_t *)(io->registers + IOAPIC_WINDOW);
}
static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t value) {
    *(volatile uint32_t *)(io->registers + IOAPIC_SELECT) = reg;
    *(volatile uint32_t *)(io->registers + IOAPIC_WINDOW) = value;
}

static const struct ioapic *ioapic_of(uint32_t gsi) {
    for (uint32_t i = 0; i < ioapic_count && gsi < LINE_COUNT; i++) {
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].line_count) {
            return &ioapics[i];
        }
    }
    return nullptr;
}

bool line_exists(uint32_t gsi) {
    return gsi < LINE_COUNT ? ioapic_of(gsi) != nullptr : gsi - LINE_COUNT < MESSAGE_COUNT;
}

// Whom a message's address names: an entry of the IOMMU's table (VT-d 5.1.2.2), or the boot processor (SDM volume 3,
// 11.11). An I/O APIC has the same bits, 12 further up (VT-d 5.1.5.1).
static uint32_t destination(uint32_t gsi) {
    constexpr uint32_t ENTRY_SHIFT = 5, BY_ENTRY = 1 << 4, PROCESSOR_SHIFT = 12;
    return plat_iommu() != nullptr ? gsi << ENTRY_SHIFT | BY_ENTRY : (uint32_t)boot_machine->boot_cpu << PROCESSOR_SHIFT;
}

// Fixed, edge; where the address names an entry, the entry says all of it.
bool line_message(uint32_t gsi, uint64_t *address, uint64_t *data) {
    constexpr uint32_t MESSAGES_PHYS = 0xfee0'0000;
    *address = MESSAGES_PHYS | destination(gsi);
    *data = VECTOR_LINES + gsi;
    return gsi >= LINE_COUNT;
}

void line_connect(const struct line_wiring *line, bool on) {
    const struct ioapic *io = ioapic_of(line->gsi);
    line_set(line, false);
    if (plat_iommu() != nullptr) {
        vtd_interrupt_set(line->gsi, on, io != nullptr ? io->requester : line->requester, VECTOR_LINES + line->gsi,
                          line->level);
    }
}

void line_set(const struct line_wiring *line, bool on) {
    const struct ioapic *io = ioapic_of(line->gsi);
    if (io != nullptr) {
        ioapic_write(io, IOAPIC_ENTRIES + 2 * (line->gsi - io->gsi_base),
                     (VECTOR_LINES + line->gsi) | (line->level ? ENTRY_LEVEL : 0) |
                         (line->active_low ? ENTRY_ACTIVE_LOW : 0) | (on ? 0 : ENTRY_MASKED));
    }
}

void line_done(uint32_t) {
    end_of_interrupt();
}

// ---- Dispatch ----

enum plat_event plat_interrupt(unsigned vector, uint32_t *line) {
    if (vector == VECTOR_TIMER || vector == VECTOR_IPI) {
        end_of_interrupt();
        return vector == VECTOR_TIMER ? PLAT_DEADLINE : PLAT_IPI;
    }
    *line = vector - VECTOR_LINES;
    return vector >= VECTOR_LINES && vector < VECTOR_TIMER ? PLAT_LINE : PLAT_NOTHING; // that wants no end of interrupt
}

// ---- Beginning ----

static const char *local_add(const struct boot_device *device) {
    lapic = mmu_map_device((paddr_t){device->phys}, LAPIC_BYTES);
    if (lapic == nullptr) {
        return "no memory to map the local APIC";
    }
    apic_enable();
    return nullptr;
}

// Its lines masked, and all where messages go to; fixed delivery.
static const char *ioapic_add(const struct boot_device *device) {
    struct ioapic *io = &ioapics[ioapic_count++];
    io->registers = mmu_map_device((paddr_t){device->phys}, IOAPIC_BYTES);
    if (io->registers == nullptr) {
        return "no memory to map an I/O APIC";
    }
    io->gsi_base = device->first_line;
    io->requester = device->id;
    io->line_count = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < io->line_count; i++) {
        ioapic_write(io, IOAPIC_ENTRIES + 2 * i, ENTRY_MASKED);
        ioapic_write(io, IOAPIC_ENTRIES + 2 * i + 1, destination(io->gsi_base + i) << 12);
    }
    return nullptr;
}

const char *plat_init(void) {
    const char *error = "there is no local APIC";
    vtd_init(); // first: an I/O APIC's lines pass through it
    for (uint32_t i = 0; i < boot_machine->device_count; i++) {
        const struct boot_device *device = &boot_machine->devices[i];
        if (device->kind == BOOT_DEVICE_LOCAL) {
            error = local_add(device);
        } else if (device->kind == BOOT_DEVICE_LINES && error == nullptr) {
            error = ioapic_add(device);
        }
    }
    return error;
}
