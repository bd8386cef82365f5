// The platform-level interrupt controller (RISC-V PLIC specification 1.0), and what a hart's own interrupts mean.
//
// All lines go to the processor that booted. A line is masked by its priority, not by its enable bit: the
// controller ignores the completion of a line that is not enabled.
#include "abi/message.h"
#include "base/checked.h"
#include "cpu.h"
#include "kernel/lock.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/dtb.h"
#include "kernel/plat/plat.h"

enum : uint32_t {
    PLIC_PRIORITY = 0x0,      // a word a line
    PLIC_ENABLE = 0x2000,     // a bit a line, ENABLE_BYTES a context
    PLIC_ENABLE_BYTES = 0x80,
    PLIC_CONTEXT = 0x20'0000, // CONTEXT_BYTES a context: threshold, claim and completion
    PLIC_CONTEXT_BYTES = 0x1000,
    PLIC_THRESHOLD = 0,
    PLIC_CLAIM = 4,
    PRIORITY_MASKED = 0,
    PRIORITY_ON = 1,
};

constexpr uint32_t CLAIMS_MAX = 32; // in one interrupt: a line that never ends must not stop the kernel

static volatile uint8_t *plic;
static uint32_t context;

struct line {
    line_handler *handler;
    void *context;
};
static struct spinlock line_lock = SPINLOCK(LOCK_LINES);
static struct line lines[LINE_COUNT] GUARDED_BY(line_lock);
uint64_t plat_spurious_count;

static uint32_t plic_read(uint32_t reg) {
    return *(volatile uint32_t *)(plic + reg);
}
static void plic_write(uint32_t reg, uint32_t value) {
    *(volatile uint32_t *)(plic + reg) = value;
}

static void set_priority(uint32_t line, uint32_t priority) {
    plic_write(PLIC_PRIORITY + 4 * line, priority);
}

bool line_exists(uint32_t gsi) {
    return plic != nullptr && gsi != 0 && gsi < LINE_COUNT && gsi <= dtb_machine()->plic_lines;
}

// There are messages with an AIA only, which is not driven.
bool line_message(uint32_t, uint64_t *, uint64_t *) {
    return false;
}

// The controller's gateways know how their lines are wired.
void line_attach(uint32_t gsi, bool, bool, line_handler *handler, void *handler_context) {
    const uint32_t word = PLIC_ENABLE + context * PLIC_ENABLE_BYTES + gsi / 32 * 4;
    spin_lock(&line_lock);
    lines[gsi] = (struct line){handler, handler_context};
    set_priority(gsi, PRIORITY_MASKED);
    plic_write(word, plic_read(word) | 1u << gsi % 32);
    spin_unlock(&line_lock);
}

void line_detach(uint32_t gsi) {
    const uint32_t word = PLIC_ENABLE + context * PLIC_ENABLE_BYTES + gsi / 32 * 4;
    spin_lock(&line_lock);
    set_priority(gsi, PRIORITY_MASKED);
    plic_write(word, plic_read(word) & ~(1u << gsi % 32));
    lines[gsi] = (struct line){};
    spin_unlock(&line_lock);
}

void line_mask(uint32_t gsi) {
    spin_lock(&line_lock);
    set_priority(gsi, PRIORITY_MASKED);
    spin_unlock(&line_lock);
}

void line_unmask(uint32_t gsi) {
    spin_lock(&line_lock);
    if (lines[gsi].handler != nullptr) {
        set_priority(gsi, PRIORITY_ON);
    }
    spin_unlock(&line_lock);
}

// The RISC-V IOMMU is not driven.
const struct iommu_ops *plat_iommu(void) {
    return nullptr;
}

struct line_wiring plat_line_wiring(uint32_t line) {
    return (struct line_wiring){.gsi = line, .level = true};
}

// ---- Dispatch ----

static void (*deadline_handler)(void);

void plat_on_deadline(void (*handler)(void)) {
    deadline_handler = handler;
}

static void serve_lines(void) {
    const uint32_t claim = PLIC_CONTEXT + context * PLIC_CONTEXT_BYTES + PLIC_CLAIM;
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        const uint32_t gsi = plic_read(claim);
        if (gsi == 0 || gsi >= LINE_COUNT) {
            return;
        }
        spin_lock(&line_lock);
        set_priority(gsi, PRIORITY_MASKED); // before it is completed: a level line would fire again at once
        plic_write(claim, gsi);
        if (lines[gsi].handler != nullptr) {
            lines[gsi].handler(lines[gsi].context);
        } else {
            __atomic_fetch_add(&plat_spurious_count, 1, __ATOMIC_RELAXED);
        }
        spin_unlock(&line_lock);
    }
}

// `number`: bit of sip, or the low part of scause.
void plat_interrupt(unsigned number) {
    switch (number) {
    case INTERRUPT_TIMER:
        clock_set_deadline((nanos_t){UINT64_MAX}); // it interrupts until it is set anew
        if (deadline_handler != nullptr) {
            deadline_handler();
        }
        break;
    case INTERRUPT_EXTERNAL: serve_lines(); break;
    default: break;
    }
}

// ---- Beginning ----

const char *plat_init(void) {
    const struct dtb_machine *machine = dtb_machine();
    if (machine->plic_phys == 0) {
        return "there is none in the device tree that the kernel knows (a PLIC)";
    }
    context = machine->plic_contexts[0];
    for (uint32_t i = 0; i < machine->hart_count; i++) {
        if (machine->harts[i] == machine->boot_hart) {
            context = machine->plic_contexts[i];
        }
    }
    if (context == UINT32_MAX ||
        !range_within(PLIC_CONTEXT + (uint64_t)context * PLIC_CONTEXT_BYTES, PLIC_CONTEXT_BYTES, machine->plic_len)) {
        return "the PLIC does not lead to this processor";
    }
    plic = mmu_map_device((paddr_t){machine->plic_phys}, machine->plic_len);
    if (plic == nullptr) {
        return "no memory to map the PLIC";
    }
    for (uint32_t line = 1; line <= machine->plic_lines && line < LINE_COUNT; line++) {
        set_priority(line, PRIORITY_MASKED);
    }
    for (uint32_t word = 0; word <= LINE_COUNT / 32; word++) {
        plic_write(PLIC_ENABLE + context * PLIC_ENABLE_BYTES + word * 4, 0);
    }
    plic_write(PLIC_CONTEXT + context * PLIC_CONTEXT_BYTES + PLIC_THRESHOLD, 0);
    return nullptr;
}

bool plat_owns_ports(uint64_t, uint64_t) {
    return true;
}

bool plat_owns_memory(uint64_t base, uint64_t len_bytes) {
    const struct dtb_machine *machine = dtb_machine();
    return ranges_overlap(base, len_bytes, machine->plic_phys, machine->plic_len);
}
