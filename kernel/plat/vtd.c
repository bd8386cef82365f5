// Remapping of DMA and of interrupts by Intel VT-d (Architecture Specification for Directed I/O, revision 4.0) in its
// legacy mode.
//
// All units share one root table, one set of domains and one table of interrupts, so it does not matter which of them a
// device is behind. What is not entered is blocked: after vtd_init no device reaches any memory until it has a domain,
// and none interrupts without an entry that names it. Messages of the old format, which say themselves what they raise,
// are blocked altogether.
#include "kernel/plat/vtd.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "base/mem.h"
#include "io.h"
#include "kernel/bootinfo.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/plat/plat.h"

enum vtd_register : uint32_t {
    VTD_CAPABILITY = 0x08,
    VTD_EXTENDED_CAPABILITY = 0x10,
    VTD_COMMAND = 0x18,
    VTD_STATUS = 0x1c,
    VTD_ROOT_TABLE = 0x20,
    VTD_FAULT_STATUS = 0x34,
    VTD_FAULT_CONTROL = 0x38,
    VTD_QUEUE_TAIL = 0x88,
    VTD_QUEUE = 0x90,
    VTD_INTERRUPT_TABLE = 0xb8,
};
// Of the global command and status registers. What is not named here stays off, the passing of old messages among it.
enum : uint32_t {
    UNIT_TRANSLATES = 1u << 31,
    UNIT_HAS_ROOT = 1u << 30,
    UNIT_HAS_QUEUE = 1u << 26,
    UNIT_REMAPS = 1u << 25,
    UNIT_HAS_INTERRUPTS = 1u << 24,
    UNIT_STATES = UNIT_TRANSLATES | UNIT_HAS_QUEUE | UNIT_REMAPS, // the others are steps
};
enum : uint32_t {
    FAULTS_LOST = 1 << 0,
    FAULTS_SILENT = 1u << 31,
};
// Commands in a unit's queue (6.5.2).
constexpr uint64_t FORGET_CONTEXTS = 1 | 1 << 4;            // all of them
constexpr uint64_t FORGET_PAGES = 2 | 1 << 6 | 1 << 7,      // when reads and writes under way are done
    PAGES_ALL = 1 << 4, PAGES_OF_DOMAIN = 2 << 4;
constexpr uint64_t FORGET_INTERRUPTS = 4;                   // all of them
constexpr uint64_t WAIT_AND_WRITE = 5 | 1 << 5;             // the upper half of the word, where the next word says
constexpr uint64_t FAULT_THERE = 1ull << 63;

constexpr uint64_t ENTRY_PRESENT = 1, ENTRY_READ = 1, ENTRY_WRITE = 2, ENTRY_FRAME = ~0xfffull;
constexpr uint32_t REGISTER_BYTES = 0x1000;

struct unit {
    volatile uint8_t *registers;
    uint64_t *queue; // one page
    uint32_t faults, fault_count; // offset, and how many fault records there are
};
RO_AFTER_INIT static struct unit units[BOOT_MAX_DEVICES];
RO_AFTER_INIT static uint32_t unit_count;
RO_AFTER_INIT static uint32_t level_count; // of a domain's tables: 3 or 4
RO_AFTER_INIT static uint64_t *root_table, *interrupt_table; // two words a bus, and two a line or message

static struct spinlock vtd_lock = SPINLOCK(LOCK_MACHINE); // root, context and interrupt tables, and commands

static uint64_t vtd_read(const struct unit *unit, uint32_t reg) {
    return *(volatile uint64_t *)(unit->registers + reg);
}
static void vtd_write(const struct unit *unit, uint32_t reg, uint64_t value) {
    *(volatile uint64_t *)(unit->registers + reg) = value;
}
static volatile uint32_t *register32(const struct unit *unit, uint32_t reg) {
    return (volatile uint32_t *)(unit->registers + reg);
}

// Takes one step, or switches one state; returns when the unit says that it has.
static void command(const struct unit *unit, uint32_t bit, bool on) {
    const uint32_t others = *register32(unit, VTD_STATUS) & UNIT_STATES & ~bit;
    *register32(unit, VTD_COMMAND) = others | (on ? bit : 0);
    while (((*register32(unit, VTD_STATUS) & bit) != 0) != on) {
        arch_relax();
    }
}

// Has every unit forget what it has cached of tables. It is done when the command to wait that follows has been written
// over with what it writes, 0.
static void forget(uint64_t what) REQUIRES(vtd_lock) {
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        const uint64_t tail = vtd_read(unit, VTD_QUEUE_TAIL);
        volatile uint64_t *commands = unit->queue + tail / sizeof(uint64_t);
        commands[0] = what;
        commands[1] = 0;
        commands[2] = WAIT_AND_WRITE;
        commands[3] = virt_to_phys((void *)&commands[2]).v;
        vtd_write(unit, VTD_QUEUE_TAIL, (tail + 4 * sizeof(uint64_t)) % PAGE_BYTES);
        while (commands[2] != 0) {
            arch_relax();
        }
    }
}

static uint64_t pages_of(const struct dma_domain *domain) {
    return FORGET_PAGES | PAGES_OF_DOMAIN | (uint64_t)domain->id << 16;
}

// ---- Tables. Not every unit looks into the caches. ----

static void entry_set(uint64_t *entry, uint64_t value) {
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
    cache_flush_line(entry);
}

static uint64_t *table_of(uint64_t entry) {
    return phys_to_virt((paddr_t){entry & ENTRY_FRAME});
}

// An empty table, entered in `entry` with these bits.
static status_t table_make(uint64_t *entry, uint64_t bits) {
    constexpr uint64_t LINE_BYTES = 64;
    paddr_t frame;
    TRY(frame_alloc(0, &frame));
    char *table = memset(phys_to_virt(frame), 0, PAGE_BYTES);
    for (uint64_t i = 0; i < PAGE_BYTES; i += LINE_BYTES) {
        cache_flush_line(table + i);
    }
    entry_set(entry, frame.v | bits);
    return STATUS_OK;
}

static void table_free(uint64_t entry) {
    if (entry != 0) {
        frame_free((paddr_t){entry & ENTRY_FRAME}, 0);
    }
}

// ---- Domains ----

// The last of a domain's tables: an entry a slot. Only the first entry of the one or two above leads anywhere.
static uint64_t *directory_of(const struct dma_domain *domain) {
    return table_of(domain->tables[level_count - 2]);
}

// What the units know of a device: two words, 0 when it is blocked. The table of a bus stays once it is made: the
// kernel's own, at most one page a bus.
static status_t context_set(const struct dma_domain *domain, uint64_t low, uint64_t high) {
    uint64_t *root = root_table + 2ull * (domain->requester >> 8);
    spin_lock(&vtd_lock);
    status_t status = *root != 0 ? STATUS_OK : table_make(root, ENTRY_PRESENT);
    if (status_ok(status)) {
        uint64_t *context = table_of(*root) + 2ull * (domain->requester & 0xff);
        entry_set(&context[1], high);
        entry_set(&context[0], low);
        forget(FORGET_CONTEXTS);
        forget(pages_of(domain));
    }
    spin_unlock(&vtd_lock);
    return status;
}

static status_t vtd_attach(struct dma_domain *domain) {
    for (uint32_t i = 0; i < level_count - 1; i++) {
        TRY(table_make(&domain->tables[i], ENTRY_READ | ENTRY_WRITE));
        if (i > 0) {
            entry_set(table_of(domain->tables[i - 1]), domain->tables[i]);
        }
    }
    return context_set(domain, (domain->tables[0] & ENTRY_FRAME) | ENTRY_PRESENT,
                       (uint64_t)domain->id << 8 | (level_count - 2));
}

static void vtd_detach(struct dma_domain *domain) {
    status_t ignored = context_set(domain, 0, 0); // or it was never entered
    (void)ignored;
    for (uint32_t i = 0; i < level_count - 1; i++) {
        table_free(domain->tables[i]);
    }
}

static status_t vtd_enter(struct dma_domain *domain, uint64_t address, paddr_t frame, uint32_t prot) {
    uint64_t *slot = directory_of(domain) + address / DMA_SLOT_BYTES;
    if (*slot == 0) {
        TRY(table_make(slot, ENTRY_READ | ENTRY_WRITE));
    }
    static_assert(PROT_READ == ENTRY_READ && PROT_WRITE == ENTRY_WRITE);
    entry_set(table_of(*slot) + address % DMA_SLOT_BYTES / PAGE_BYTES, frame.v | prot);
    return STATUS_OK;
}

static void vtd_flush(struct dma_domain *domain) {
    spin_lock(&vtd_lock);
    forget(pages_of(domain));
    spin_unlock(&vtd_lock);
}

static void vtd_leave(struct dma_domain *domain, uint64_t address) {
    uint64_t *slot = directory_of(domain) + address / DMA_SLOT_BYTES;
    const uint64_t table = *slot;
    entry_set(slot, 0);
    vtd_flush(domain);
    table_free(table);
}

static bool vtd_next_fault(uint32_t *requester, uint64_t *address) {
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        for (uint32_t i = 0; i < unit->fault_count; i++) {
            const uint32_t record = unit->faults + 16 * i;
            const uint64_t who = vtd_read(unit, record + 8);
            if ((who & FAULT_THERE) != 0) {
                *requester = who & 0xffff;
                *address = vtd_read(unit, record) & ENTRY_FRAME;
                *register32(unit, record + 12) = FAULT_THERE >> 32; // is cleared by that
                return true;
            }
        }
        *register32(unit, VTD_FAULT_STATUS) = FAULTS_LOST;
    }
    return false;
}

static const struct iommu_ops vtd_ops = {vtd_attach, vtd_detach, vtd_enter, vtd_flush, vtd_leave, vtd_next_fault};

const struct iommu_ops *plat_iommu(void) {
    return unit_count > 0 ? &vtd_ops : nullptr;
}

// ---- Interrupts (5.1, 9.9) ----

void vtd_interrupt_set(uint32_t index, bool on, uint32_t requester, uint32_t vector, bool level) {
    constexpr uint64_t LEVEL = 1 << 4, ONLY_REQUESTER = 1 << 18;
    constexpr uint32_t VECTOR_SHIFT = 16, PROCESSOR_SHIFT = 40;
    const uint64_t raised = vector << VECTOR_SHIFT | boot_machine->boot_cpu << PROCESSOR_SHIFT | (level ? LEVEL : 0);
    uint64_t *entry = interrupt_table + 2ull * index;
    spin_lock(&vtd_lock);
    entry_set(&entry[1], requester | ONLY_REQUESTER);
    entry_set(&entry[0], on ? raised | ENTRY_PRESENT : 0);
    forget(FORGET_INTERRUPTS);
    spin_unlock(&vtd_lock);
}

// ---- Beginning ----

// Adds a unit, with all that the firmware switched on off. Returns what depths of tables it can walk; 0 for one that
// lacks anything that the kernel uses.
static uint32_t unit_add(uint64_t phys) {
    constexpr uint64_t NEEDS_WRITE_FLUSH = 1 << 4, QUEUE_AND_INTERRUPTS = 1 << 1 | 1 << 3;
    static const uint32_t states[] = {UNIT_TRANSLATES, UNIT_REMAPS, UNIT_HAS_QUEUE};
    struct unit *unit = &units[unit_count++];
    unit->registers = mmu_map_device((paddr_t){phys}, REGISTER_BYTES);
    if (unit->registers == nullptr) {
        return 0;
    }
    const uint64_t capability = vtd_read(unit, VTD_CAPABILITY);
    const uint64_t extended = vtd_read(unit, VTD_EXTENDED_CAPABILITY);
    unit->faults = (uint32_t)(capability >> 24 & 0x3ff) * 16;
    unit->fault_count = (uint32_t)(capability >> 40 & 0xff) + 1;
    uint64_t queue = 0;
    if ((capability & NEEDS_WRITE_FLUSH) != 0 || (extended & QUEUE_AND_INTERRUPTS) != QUEUE_AND_INTERRUPTS ||
        unit->faults + 16 * unit->fault_count > REGISTER_BYTES || !status_ok(table_make(&queue, 0))) {
        return 0;
    }
    unit->queue = table_of(queue);
    for (uint32_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        command(unit, states[i], false);
    }
    *register32(unit, VTD_FAULT_CONTROL) = FAULTS_SILENT;
    return capability >> 8 & 0x1f;
}

void vtd_init(void) {
    constexpr uint32_t WALKS_3 = 1 << 1, WALKS_4 = 1 << 2, ENTRIES_256 = 7;
    static_assert(LINE_COUNT + MESSAGE_COUNT <= 256);
    uint32_t walks = WALKS_3 | WALKS_4;
    uint64_t root = 0, interrupts = 0;
    for (uint32_t i = 0; i < boot_machine->device_count; i++) {
        const struct boot_device *device = &boot_machine->devices[i];
        if (device->kind == BOOT_DEVICE_IOMMU) {
            walks &= unit_add(device->phys);
        } else if (device->kind == BOOT_DEVICE_LINES && device->id > UINT16_MAX) {
            walks = 0; // its lines could not be told from messages
        }
    }
    if (unit_count > 0 && (walks == 0 || !status_ok(table_make(&root, 0)) || !status_ok(table_make(&interrupts, 0)))) {
        klog("tessera: IOMMU: none of a kind that the kernel drives; going on without\n");
        unit_count = 0;
    }
    if (unit_count == 0) {
        return;
    }
    level_count = (walks & WALKS_3) != 0 ? 3 : 4;
    root_table = table_of(root);
    interrupt_table = table_of(interrupts);
    spin_lock(&vtd_lock);
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        vtd_write(unit, VTD_QUEUE, virt_to_phys(unit->queue).v);
        vtd_write(unit, VTD_QUEUE_TAIL, 0);
        command(unit, UNIT_HAS_QUEUE, true);
        vtd_write(unit, VTD_ROOT_TABLE, root);
        command(unit, UNIT_HAS_ROOT, true);
        vtd_write(unit, VTD_INTERRUPT_TABLE, interrupts | ENTRIES_256);
        command(unit, UNIT_HAS_INTERRUPTS, true);
    }
    forget(FORGET_CONTEXTS);
    forget(FORGET_PAGES | PAGES_ALL);
    forget(FORGET_INTERRUPTS);
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        command(unit, UNIT_TRANSLATES, true);
        command(unit, UNIT_REMAPS, true);
    }
    spin_unlock(&vtd_lock);
}
