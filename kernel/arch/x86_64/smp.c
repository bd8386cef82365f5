// Starting the other processors (Intel SDM volume 3, section 9.4), one at a time.
//
// All are put into the state in which they wait to be started; then each in turn is given a struct percpu with its
// stacks (smp_next) and the address where it begins, copies of smp_start.S below 1 MiB. From there it comes to
// smp_main, where it and the boot processor answer each other a few times: each answer is a reading of the
// time-stamp counter, which must lie between the boot processor's own before and after.
#include "base/mem.h"
#include "cpu.h"
#include "fpu.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/bootinfo.h"
#include "kernel/log.h"
#include "kernel/mm/direct_map.h"
#include "kernel/percpu.h"
#include "kernel/plat/acpi.h"
#include "kernel/plat/apic.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"
#include "page_table_entry.h"

// What lies below 1 MiB: the code, and tables that map the first 2 MiB to themselves beside the kernel's half.
struct start_block {
    alignas(4096) uint8_t code[4096];
    uint64_t root[PTE_PER_TABLE], upper[PTE_PER_TABLE], directory[PTE_PER_TABLE];
};

struct [[gnu::packed]] start_parameters {
    uint64_t entry;
    uint64_t gdt[2];
    uint32_t root;
    uint32_t jump_offset;
    uint16_t jump_selector;
    uint16_t gdt_limit;
    uint32_t gdt_base;
};

extern const uint8_t smp_start_code[], smp_start_64[], smp_start_parameters[], smp_start_end[];
void smp_enter(void);

constexpr uint64_t REAL_MODE_END = 1 << 20;
constexpr uint64_t NS_PER_MS = 1'000'000;
constexpr uint64_t INIT_NS = 10 * NS_PER_MS; // until it can be started
constexpr uint64_t RETRY_NS = NS_PER_MS;     // until it should have begun, at the first try
// Far longer than it takes: the host of an emulator may be busy.
constexpr uint64_t PATIENCE_NS = 1000 * NS_PER_MS;
constexpr uint32_t ROUNDS = 4; // of comparing time-stamp counters

RO_AFTER_INIT static uint64_t block_phys;
extern struct percpu *smp_next;
struct percpu *smp_next; // whose processor starts next; it takes it (smp_enter)

// Between the boot processor and the one that starts. Its turns are odd.
static struct {
    uint32_t turn;        // atomic
    uint64_t counter;     // the other's time-stamp counter when it took its turn
    const char *error;    // what the processor lacks
} start;

void arch_reserve_memory(struct boot_info *boot) {
    if (acpi_info()->processor_count > 1) {
        block_phys = boot_info_take(boot, sizeof(struct start_block), REAL_MODE_END);
    }
}

static void wait_ns(uint64_t ns) {
    const uint64_t end_ns = clock_now().v + ns;
    while (clock_now().v < end_ns) {
        arch_relax();
    }
}

// Whether the other has taken that turn within the time.
static bool wait_turn(uint32_t turn, uint64_t ns) {
    const uint64_t end_ns = clock_now().v + ns;
    while (__atomic_load_n(&start.turn, __ATOMIC_ACQUIRE) != turn) {
        if (clock_now().v > end_ns) {
            return false;
        }
        arch_relax();
    }
    return true;
}

static uint64_t counter_in_order(void) {
    __asm__ volatile("lfence" : : : "memory");
    const uint64_t counter = arch_cycles();
    __asm__ volatile("lfence" : : : "memory");
    return counter;
}

// ---- The processor that starts ----

[[noreturn]] void smp_main(struct percpu *cpu);
[[noreturn]] void smp_main(struct percpu *cpu) {
    arch_write_root(mmu_kernel_root().v);
    cpu_use(cpu);
    start.error = cpu_enable();
    apic_enable();
    cpu->hardware_id = apic_id();
    sched_init(cpu);
    for (uint32_t i = 0; i <= ROUNDS; i++) {
        while (__atomic_load_n(&start.turn, __ATOMIC_ACQUIRE) != 2 * i) {
            arch_relax();
        }
        start.counter = counter_in_order();
        __atomic_store_n(&start.turn, 2 * i + 1, __ATOMIC_RELEASE);
    }
    for (;;) {
        arch_wait_for_interrupt(); // until the scheduler knows of many processors: it runs nothing
    }
}

// ---- The boot processor ----

static void prepare_block(struct start_block *block) {
    const size_t code_len = (size_t)(smp_start_end - smp_start_code);
    const uint64_t *kernel_root = phys_to_virt(mmu_kernel_root());
    memcpy(block->code, smp_start_code, code_len);
    memset(block->root, 0, 3 * sizeof(block->root));
    memcpy(block->root + PTE_PER_TABLE / 2, kernel_root + PTE_PER_TABLE / 2, sizeof(block->root) / 2);
    block->root[0] = (block_phys + offsetof(struct start_block, upper)) | PTE_PRESENT | PTE_WRITE;
    block->upper[0] = (block_phys + offsetof(struct start_block, directory)) | PTE_PRESENT | PTE_WRITE;
    block->directory[0] = PTE_PRESENT | PTE_WRITE | PTE_LARGE;
    const size_t parameters_at = (size_t)(smp_start_parameters - smp_start_code);
    struct start_parameters *parameters = (struct start_parameters *)(block->code + parameters_at);
    parameters->entry = (uint64_t)smp_enter;
    parameters->root = (uint32_t)(block_phys + offsetof(struct start_block, root));
    parameters->jump_offset = (uint32_t)(block_phys + (size_t)(smp_start_64 - smp_start_code));
    parameters->gdt_base =
        (uint32_t)(block_phys + parameters_at + offsetof(struct start_parameters, gdt));
}

// Starts the processor on this structure. Null, or why not.
static const char *start_one(uint32_t hardware_id, struct percpu *cpu) {
    bool counters_agree = true;
    start.error = nullptr;
    __atomic_store_n(&smp_next, cpu, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i <= ROUNDS; i++) {
        const uint64_t before = counter_in_order();
        __atomic_store_n(&start.turn, 2 * i, __ATOMIC_RELEASE);
        if (i == 0) {
            apic_start(hardware_id, block_phys);
            wait_turn(1, RETRY_NS);
            if (__atomic_load_n(&smp_next, __ATOMIC_SEQ_CST) != nullptr) {
                apic_start(hardware_id, block_phys);
            }
        }
        if (!wait_turn(2 * i + 1, PATIENCE_NS)) {
            apic_reset(hardware_id); // it waits to be started again, and will not be
            wait_ns(NS_PER_MS);
            return "it does not come up";
        }
        counters_agree &= before <= start.counter && start.counter <= counter_in_order();
    }
    if (start.error == nullptr && !counters_agree) {
        klog("tessera: processor %u: its clock does not agree with the first processor's\n", hardware_id);
    }
    return start.error;
}

void arch_start_processors(uint32_t most) {
    const struct acpi_info *acpi = acpi_info();
    const uint32_t self = apic_id();
    boot_percpu.hardware_id = self;
    if (acpi->processor_count < 2) {
        return; // nothing to do, and nothing to say
    }
    if (block_phys == 0) {
        klog("tessera: no free memory below 1 MiB to start other processors in\n");
        most = 1;
    } else {
        prepare_block(phys_to_virt((paddr_t){block_phys}));
    }
    for (uint32_t i = 0; most > 1 && i < acpi->processor_count; i++) {
        if (acpi->processors[i] != self) {
            apic_reset(acpi->processors[i]);
        }
    }
    if (most > 1) {
        wait_ns(INIT_NS);
    }
    for (uint32_t i = 0; i < acpi->processor_count && cpu_count() < most && cpu_count() < CPU_MAX; i++) {
        const uint32_t hardware_id = acpi->processors[i];
        if (hardware_id == self) {
            continue;
        }
        struct percpu *cpu = cpu_create((cpu_id_t){cpu_count()});
        const char *error = cpu == nullptr ? "there is no memory for it" : start_one(hardware_id, cpu);
        if (error == nullptr) {
            cpu_add(cpu);
        } else {
            klog("tessera: processor %u is left out: %s\n", hardware_id, error);
        }
    }
    klog("tessera: %u processors\n", cpu_count());
}

void arch_send_ipi(cpu_id_t cpu, enum ipi kind) {
    apic_send(percpus[cpu.v]->hardware_id, kind == IPI_STOP);
}
