#include "kernel/plat/apic.h"

#include "abi/message.h"
#include "base/checked.h"
#include "io.h"
#include "kernel/lock.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/plat/acpi.h"
#include "kernel/plat/pic.h"
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
RO_AFTER_INIT static uint32_t boot_id; // of the boot processor

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

void apic_timer_start(uint32_t ticks) {
    lapic_write(LAPIC_TIMER_INITIAL, ticks);
}
uint32_t apic_timer_left(void) {
    return lapic_read(LAPIC_TIMER_CURRENT);
}
void apic_end_of_interrupt(void) {
    lapic_write(LAPIC_EOI, 0);
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

void apic_reset(uint32_t id) {
    command(id, COMMAND_INIT);
}
void apic_start(uint32_t id, uint64_t code_phys) {
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
    volatile uint8_t *registers;
    uint32_t gsi_base, line_count;
};
RO_AFTER_INIT static struct ioapic ioapics[ACPI_MAX_IOAPICS];
RO_AFTER_INIT static uint32_t ioapic_count;

// The low words of the entries as last written (a read costs two register accesses), and the handlers.
struct line {
    uint32_t entry;
    line_handler *handler;
    void *context;
};
static struct spinlock line_lock = SPINLOCK(LOCK_LINES); // registers are selected, then accessed; also guards `lines`
static struct line lines[LINE_COUNT + MESSAGE_COUNT] GUARDED_BY(line_lock);
static_assert(VECTOR_LINES + LINE_COUNT + MESSAGE_COUNT == VECTOR_TIMER);
uint64_t plat_spurious_count;

// A write there interrupts the processor whose local APIC the address names.
constexpr uint32_t MESSAGES_PHYS = 0xfee0'0000;

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

static void entry_write(uint32_t gsi, uint32_t entry) REQUIRES(line_lock) {
    const struct ioapic *io = ioapic_of(gsi);
    if (io == nullptr) {
        return;
    }
    lines[gsi].entry = entry;
    ioapic_write(io, IOAPIC_ENTRIES + 2 * (gsi - io->gsi_base), entry);
}

static bool ioapic_add(const struct acpi_ioapic *found) {
    struct ioapic *io = &ioapics[ioapic_count];
    io->registers = mmu_map_device((paddr_t){found->phys}, IOAPIC_BYTES);
    if (io->registers == nullptr) {
        return false;
    }
    io->gsi_base = found->gsi_base;
    io->line_count = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < io->line_count; i++) {
        ioapic_write(io, IOAPIC_ENTRIES + 2 * i, ENTRY_MASKED);
    }
    ioapic_count++;
    return true;
}

bool line_exists(uint32_t gsi) {
    return gsi < LINE_COUNT ? ioapic_of(gsi) != nullptr : gsi - LINE_COUNT < MESSAGE_COUNT;
}

// To the boot processor; fixed, edge (SDM volume 3, 11.11).
bool line_message(uint32_t gsi, uint64_t *address, uint64_t *data) {
    constexpr uint32_t DESTINATION_SHIFT = 12;
    *address = MESSAGES_PHYS | boot_id << DESTINATION_SHIFT;
    *data = VECTOR_LINES + gsi;
    return gsi >= LINE_COUNT;
}

void line_attach(uint32_t gsi, bool level, bool active_low, line_handler *handler, void *context) {
    const struct ioapic *io = ioapic_of(gsi);
    spin_lock(&line_lock);
    lines[gsi].handler = handler;
    lines[gsi].context = context;
    if (io != nullptr) { // fixed delivery to the boot processor
        ioapic_write(io, IOAPIC_ENTRIES + 2 * (gsi - io->gsi_base) + 1, boot_id << ID_SHIFT);
    }
    entry_write(gsi, ENTRY_MASKED | (VECTOR_LINES + gsi) | (level ? ENTRY_LEVEL : 0) |
                         (active_low ? ENTRY_ACTIVE_LOW : 0));
    spin_unlock(&line_lock);
}

void line_detach(uint32_t gsi) {
    spin_lock(&line_lock);
    entry_write(gsi, ENTRY_MASKED);
    lines[gsi].handler = nullptr;
    lines[gsi].context = nullptr;
    spin_unlock(&line_lock);
}

void line_mask(uint32_t gsi) {
    spin_lock(&line_lock);
    entry_write(gsi, lines[gsi].entry | ENTRY_MASKED);
    spin_unlock(&line_lock);
}

void line_unmask(uint32_t gsi) {
    spin_lock(&line_lock);
    if (lines[gsi].handler != nullptr) {
        entry_write(gsi, lines[gsi].entry & ~(uint32_t)ENTRY_MASKED);
    }
    spin_unlock(&line_lock);
}

// ---- Dispatch ----

static void (*deadline_handler)(void);

void plat_on_deadline(void (*handler)(void)) {
    deadline_handler = handler;
}

void plat_interrupt(unsigned vector) {
    if (vector == VECTOR_TIMER) {
        apic_end_of_interrupt();
        if (deadline_handler != nullptr) {
            deadline_handler();
        }
    } else if (vector >= VECTOR_LINES && vector < VECTOR_TIMER) {
        // Masked before it is acknowledged: a level line would fire again at once.
        uint32_t gsi = vector - VECTOR_LINES;
        spin_lock(&line_lock);
        entry_write(gsi, lines[gsi].entry | ENTRY_MASKED);
        apic_end_of_interrupt();
        if (lines[gsi].handler != nullptr) {
            lines[gsi].handler(lines[gsi].context);
        } else {
            __atomic_fetch_add(&plat_spurious_count, 1, __ATOMIC_RELAXED);
        }
        spin_unlock(&line_lock);
    }
    // All others are spurious, and those want no end-of-interrupt.
}

static uint64_t lapic_phys(void) {
    constexpr uint64_t LAPIC_USUAL = 0xfee0'0000;
    const uint64_t found = acpi_info()->lapic_phys;
    return found != 0 ? found : LAPIC_USUAL;
}

// Silences the legacy controllers, switches the local APIC of this processor on (timer off), maps the
// I/O APICs and masks all their lines.
const char *plat_init(void) {
    const struct acpi_info *acpi = acpi_info();
    pic_disable();
    lapic = mmu_map_device((paddr_t){lapic_phys()}, LAPIC_BYTES);
    if (lapic == nullptr) {
        return "no memory to map the local APIC";
    }
    apic_enable();
    boot_id = apic_id();
    for (uint32_t i = 0; i < acpi->ioapic_count; i++) {
        if (!ioapic_add(&acpi->ioapics[i])) {
            return "no memory to map an I/O APIC";
        }
    }
    vtd_init();
    return nullptr;
}

// Message-signalled interrupts are writes to the local APICs' addresses: all of them are the kernel's, too.
bool plat_owns_memory(uint64_t base, uint64_t len_bytes) {
    constexpr uint64_t MESSAGES_BYTES = 1 << 20;
    if (ranges_overlap(base, len_bytes, lapic_phys(), PAGE_BYTES) ||
        ranges_overlap(base, len_bytes, MESSAGES_PHYS, MESSAGES_BYTES)) {
        return true;
    }
    const struct acpi_info *acpi = acpi_info();
    for (uint32_t i = 0; i < acpi->ioapic_count; i++) {
        if (ranges_overlap(base, len_bytes, acpi->ioapics[i].phys, PAGE_BYTES)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < acpi->iommu_count; i++) {
        if (ranges_overlap(base, len_bytes, acpi->iommu_phys[i], PAGE_BYTES)) {
            return true;
        }
    }
    return false;
}
