// Starting the other processors (Intel SDM volume 3, section 9.4), all at once.
//
// They are put into the state in which they wait to be started, and are given the address where they begin, copies
// of smp_start.S below 1 MiB. From there each takes a struct percpu with its stacks that was laid out for it
// (smp_waiting), comes to smp_main, and sleeps until the boot processor has counted those that came.
#include "abi/boot_info.h"
#include "base/mem.h"
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/log.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "kernel/plat/apic.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"
#include "offsets.h"
#include "page_table_entry.h"

// What lies below 1 MiB: the code, and tables that map the first 2 MiB to themselves beside the kernel's half.
struct start_block {
    alignas(4096) uint8_t code[4096];
    uint64_t root[PTE_PER_TABLE], upper[PTE_PER_TABLE], directory[PTE_PER_TABLE];
};

static_assert(sizeof(struct start_block) == BOOT_START_BYTES);

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

constexpr uint32_t LAST_HARDWARE_ID = 254; // 255 is everybody; more would need x2APIC mode
constexpr uint64_t NS_PER_MS = 1'000'000;
constexpr uint64_t INIT_NS = 10 * NS_PER_MS; // until they can be started
constexpr uint64_t RETRY_NS = NS_PER_MS;     // until they should have begun, at the first try
// Until all have come: far longer than it takes, as the host of an emulator may be busy.
constexpr uint64_t PATIENCE_NS = 1000 * NS_PER_MS;

static uint64_t block_phys; // of the struct start_block

// What smp_enter gives out, each once: the structures from number 1 up, and the next number.
static_assert(CPU_MAX == SMP_PROCESSORS);
extern struct percpu *smp_waiting[CPU_MAX];
extern uint32_t smp_next;
struct percpu *smp_waiting[CPU_MAX];
uint32_t smp_next = 1;

// What the processors tell each other, each of which can only be late: no processor may find a reading of the
// time-stamp counter that is ahead of its own.
static struct {
    uint64_t counter;    // atomic: the boot processor's, again and again
    bool go;             // atomic: who has come is counted
    bool counters_agree; // atomic
    struct {
        uint64_t counter;  // atomic: when it came; 0: it has not
        const char *error; // what it lacks
    } arrivals[CPU_MAX];
} start = {.counters_agree = true};

static void wait_ns(uint64_t ns) {
    const uint64_t end_ns = clock_now().v + ns;
    while (clock_now().v < end_ns) {
        arch_relax();
    }
}

static uint64_t counter_in_order(void) {
    __asm__ volatile("lfence" : : : "memory");
    const uint64_t counter = arch_cycles();
    __asm__ volatile("lfence" : : : "memory");
    return counter;
}

static void compare_counters(const uint64_t *other, uint64_t *mine) {
    const uint64_t earlier = __atomic_load_n(other, __ATOMIC_ACQUIRE);
    const uint64_t now = counter_in_order();
    if (now < earlier) {
        __atomic_store_n(&start.counters_agree, false, __ATOMIC_RELAXED);
    }
    __atomic_store_n(mine, now, __ATOMIC_RELEASE);
}

// ---- The processor that starts ----

[[noreturn]] void smp_main(struct percpu *cpu);
[[noreturn]] void smp_main(struct percpu *cpu) {
    arch_write_root(mmu_kernel_root().v);
    cpu_use(cpu);
    start.arrivals[cpu->id.v].error = cpu_enable();
    apic_enable();
    cpu->hardware_id = apic_id();
    sched_init(cpu);
    compare_counters(&start.counter, &start.arrivals[cpu->id.v].counter);
    while (!__atomic_load_n(&start.go, __ATOMIC_ACQUIRE)) {
        arch_wait_for_interrupt();
    }
    arch_enter_user();
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

// Waits until `count` further processors have come, or the time is over.
static void await_arrivals(uint32_t count, uint64_t patience_ns) {
    const uint64_t end_ns = clock_now().v + patience_ns;
    for (uint32_t come = 0; come < count && clock_now().v < end_ns; arch_relax()) {
        come = 0;
        for (uint32_t i = 1; i <= count; i++) {
            come += __atomic_load_n(&start.arrivals[i].counter, __ATOMIC_RELAXED) != 0;
            compare_counters(&start.arrivals[i].counter, &start.counter);
        }
    }
}

// Counts those that came. Numbers have no gaps: behind one that did not come nobody is counted.
static void count_arrivals(uint32_t most) {
    __atomic_store_n(&smp_next, CPU_MAX, __ATOMIC_SEQ_CST); // nobody comes any more
    for (uint32_t i = 1; i < most && start.arrivals[i].counter != 0; i++) {
        if (start.arrivals[i].error != nullptr) {
            klog("tessera: processor %u lacks something: %s\n", i, start.arrivals[i].error);
            break;
        }
        cpu_add(smp_waiting[i]);
    }
}

static bool is_counted(uint32_t hardware_id) {
    bool counted = false;
    for (uint32_t i = 0; i < cpu_count(); i++) {
        counted |= percpus[i]->hardware_id == hardware_id;
    }
    return counted;
}

// Starts the processors with numbers below `most`.
static void start_others(const struct boot_info *boot, uint32_t most) {
    uint32_t chosen[CPU_MAX], count = 0;
    for (uint32_t i = 0; i < boot->cpu_count && count + 1 < most; i++) {
        if (boot->cpus[i] == boot_percpu.hardware_id || boot->cpus[i] > LAST_HARDWARE_ID) {
            continue;
        }
        smp_waiting[count + 1] = cpu_create((cpu_id_t){count + 1});
        if (smp_waiting[count + 1] == nullptr) {
            klog("tessera: no memory for more than %u processors\n", count + 1);
            break;
        }
        apic_reset((uint32_t)boot->cpus[i]);
        chosen[count++] = (uint32_t)boot->cpus[i];
    }
    wait_ns(INIT_NS);
    start.counter = counter_in_order();
    for (uint32_t try = 0; try < 2; try++) { // who has begun ignores the second
        for (uint32_t i = 0; i < count; i++) {
            apic_start(chosen[i], block_phys);
        }
        await_arrivals(count, try == 0 ? RETRY_NS : PATIENCE_NS);
    }
    count_arrivals(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_counted(chosen[i])) {
            apic_reset(chosen[i]); // it waits to be started again, and will not be
            klog("tessera: processor with APIC number %u is left out: it did not come up\n", chosen[i]);
        }
    }
    if (!start.counters_agree) {
        klog("tessera: the processors' clocks do not agree\n");
    }
    __atomic_store_n(&start.go, true, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < cpu_count(); i++) {
        arch_send_ipi((cpu_id_t){i}, IPI_RESCHEDULE);
    }
}

void arch_start_processors(const struct boot_info *boot, uint32_t most) {
    boot_percpu.hardware_id = apic_id();
    for (uint32_t i = 0; i < boot->region_count; i++) {
        block_phys = boot->regions[i].kind == BOOT_MEM_START ? boot->regions[i].base : block_phys;
    }
    if (boot->cpu_count < 2) {
        if (block_phys != 0) {
            frame_add_range((paddr_t){block_phys}, BOOT_START_BYTES);
        }
        return; // nothing to do, and nothing to say
    }
    if (block_phys == 0) {
        klog("tessera: no free memory below 1 MiB to start other processors in\n");
    } else if (most > 1) {
        prepare_block(phys_to_virt((paddr_t){block_phys}));
        start_others(boot, most < CPU_MAX ? most : CPU_MAX);
    }
    klog("tessera: %u processors\n", cpu_count());
}

void arch_send_ipi(cpu_id_t cpu, enum ipi kind) {
    apic_send(percpus[cpu.v]->hardware_id, kind == IPI_STOP);
}
