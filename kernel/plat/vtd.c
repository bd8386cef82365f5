// DMA remapping by Intel VT-d (Architecture Specification for Directed I/O, revision 4.0) in its legacy mode, with
// commands through registers.
//
// All units share one root table and one set of domains, so it does not matter which of them a device is behind. What
// is not entered is blocked: after vtd_init no device reaches any memory until it has a domain.
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
    VTD_CONTEXT_COMMAND = 0x28,
    VTD_FAULT_STATUS = 0x34,
    VTD_FAULT_CONTROL = 0x38,
};
enum : uint32_t {
    COMMAND_TRANSLATE = 1u << 31,
    COMMAND_SET_ROOT = 1u << 30,
    FAULTS_LOST = 1 << 0,
    FAULTS_SILENT = 1u << 31,
};
constexpr uint64_t CONTEXT_FORGET = 1ull << 63 | 1ull << 61; // everything
constexpr uint64_t IOTLB_FORGET = 1ull << 63 | 1ull << 49 | 1ull << 48, // when reads and writes under way are done
    IOTLB_ALL = 1ull << 60, IOTLB_DOMAIN = 2ull << 60;
constexpr uint64_t FAULT_THERE = 1ull << 63;

constexpr uint64_t ENTRY_PRESENT = 1, ENTRY_READ = 1, ENTRY_WRITE = 2, ENTRY_FRAME = ~0xfffull;
constexpr uint32_t REGISTER_BYTES = 0x1000;

struct unit {
    volatile uint8_t *registers;
    uint32_t iotlb, faults, fault_count; // offsets, and how many fault records there are
};
RO_AFTER_INIT static struct unit units[BOOT_MAX_DEVICES];
RO_AFTER_INIT static uint32_t unit_count;
RO_AFTER_INIT static uint32_t level_count; // of a domain's tables: 3 or 4
RO_AFTER_INIT static uint64_t *root_table; // two words a bus

static struct spinlock vtd_lock = SPINLOCK(LOCK_MACHINE); // root and context tables, and commands

static uint64_t vtd_read(const struct unit *unit, uint32_t reg) {
    return *(volatile uint64_t *)(unit->registers + reg);
}
static void vtd_write(const struct unit *unit, uint32_t reg, uint64_t value) {
    *(volatile uint64_t *)(unit->registers + reg) = value;
}
static volatile uint32_t *register32(const struct unit *unit, uint32_t reg) {
    return (volatile uint32_t *)(unit->registers + reg);
}

// The one command that is to be on, while translation is not; returns when the unit says so.
static void command(const struct unit *unit, uint32_t bit) {
    *register32(unit, VTD_COMMAND) = bit;
    while ((*register32(unit, VTD_STATUS) & (bit != 0 ? bit : COMMAND_TRANSLATE)) != bit) {
        arch_relax();
    }
}

// Has every unit forget what it has cached of tables; with drained accesses. Each register clears its highest bit when
// that is done.
static void forget(bool contexts, uint64_t iotlb) REQUIRES(vtd_lock) {
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        const uint64_t commands[] = {contexts ? CONTEXT_FORGET : 0, IOTLB_FORGET | iotlb};
        const uint32_t registers[] = {VTD_CONTEXT_COMMAND, unit->iotlb};
        for (uint32_t i = contexts ? 0 : 1; i < 2; i++) {
            vtd_write(unit, registers[i], commands[i]);
            while (vtd_read(unit, registers[i]) >> 63 != 0) {
                arch_relax();
            }
        }
    }
}

static uint64_t iotlb_of(const struct dma_domain *domain) {
    return IOTLB_DOMAIN | (uint64_t)domain->id << 32;
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
        forget(true, iotlb_of(domain));
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
    forget(false, iotlb_of(domain));
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

// ---- Beginning ----

// Adds a unit, with all that the firmware switched on off. Returns what depths of tables it can walk.
static uint32_t unit_add(uint64_t phys) {
    struct unit *unit = &units[unit_count++];
    unit->registers = mmu_map_device((paddr_t){phys}, REGISTER_BYTES);
    if (unit->registers == nullptr) {
        return 0;
    }
    const uint64_t capability = vtd_read(unit, VTD_CAPABILITY);
    const bool needs_write_flush = (capability >> 4 & 1) != 0;
    unit->iotlb = (uint32_t)(vtd_read(unit, VTD_EXTENDED_CAPABILITY) >> 8 & 0x3ff) * 16 + 8;
    unit->faults = (uint32_t)(capability >> 24 & 0x3ff) * 16;
    unit->fault_count = (uint32_t)(capability >> 40 & 0xff) + 1;
    if (needs_write_flush || unit->iotlb > REGISTER_BYTES - 8 ||
        unit->faults + 16 * unit->fault_count > REGISTER_BYTES) {
        return 0;
    }
    command(unit, 0);
    *register32(unit, VTD_FAULT_CONTROL) = FAULTS_SILENT;
    return capability >> 8 & 0x1f;
}

void vtd_init(void) {
    constexpr uint32_t WALKS_3 = 1 << 1, WALKS_4 = 1 << 2;
    uint32_t walks = WALKS_3 | WALKS_4;
    uint64_t root = 0;
    for (uint32_t i = 0; i < boot_machine->device_count; i++) {
        if (boot_machine->devices[i].kind == BOOT_DEVICE_IOMMU) {
            walks &= unit_add(boot_machine->devices[i].phys);
        }
    }
    if (unit_count > 0 && (walks == 0 || !status_ok(table_make(&root, 0)))) {
        klog("tessera: IOMMU: none of a kind that the kernel drives; going on without\n");
        unit_count = 0;
    }
    if (unit_count == 0) {
        return;
    }
    level_count = (walks & WALKS_3) != 0 ? 3 : 4;
    root_table = table_of(root);
    spin_lock(&vtd_lock);
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        vtd_write(unit, VTD_ROOT_TABLE, root);
        command(unit, COMMAND_SET_ROOT);
    }
    forget(true, IOTLB_ALL);
    for (const struct unit *unit = units; unit < units + unit_count; unit++) {
        command(unit, COMMAND_TRANSLATE);
    }
    spin_unlock(&vtd_lock);
}
