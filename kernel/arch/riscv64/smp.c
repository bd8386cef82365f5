// Starting the other harts, one at a time, through the firmware (SBI specification, chapter 9).
#include "cpu.h"
#include "abi/boot_info.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/log.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/sbi.h"
#include "kernel/sched/sched.h"

constexpr uint64_t NS_PER_MS = 1'000'000;
constexpr uint64_t PATIENCE_NS = 1000 * NS_PER_MS; // far longer than it takes: the host of an emulator may be busy

// What smp_start.S reads, with translation off.
static struct start {
    uint64_t satp;
    struct percpu *cpu;
    uint64_t stack;
    uint64_t virtual_offset; // of the image
    const char *error;       // what the processor lacks
    bool done;               // atomic
    bool go;                 // atomic: all have been started
} start;

static bool stopping; // atomic: a processor reports a panic

extern const char smp_start[];

// ---- The processor that starts ----

[[noreturn]] void smp_main(struct percpu *cpu);
[[noreturn]] void smp_main(struct percpu *cpu) {
    cpu_use(cpu);
    start.error = cpu_enable();
    sched_init(cpu);
    __atomic_store_n(&start.done, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&start.go, __ATOMIC_ACQUIRE)) {
        arch_relax();
    }
    arch_enter_user();
}

// ---- The boot processor ----

// Starts the hart on this structure. Null, or why not.
static const char *start_one(uint64_t hart, struct percpu *cpu) {
    enum : uint64_t { HART_START = 0 };
    cpu->hardware_id = (uint32_t)hart;
    start.satp = arch_satp_mode | mmu_kernel_root().v >> 12;
    start.cpu = cpu;
    start.stack = cpu->kernel_stack_top;
    start.error = nullptr;
    __atomic_store_n(&start.done, false, __ATOMIC_SEQ_CST);
    const struct sbi_result result = sbi_call(SBI_HART, HART_START, hart, (uint64_t)smp_start - start.virtual_offset,
                                              (uint64_t)&start - start.virtual_offset, 0);
    if (result.error != 0) {
        return "the firmware does not start it";
    }
    const uint64_t end_ns = clock_now().v + PATIENCE_NS;
    while (!__atomic_load_n(&start.done, __ATOMIC_ACQUIRE)) {
        if (clock_now().v > end_ns) {
            return "it does not come up";
        }
        arch_relax();
    }
    return start.error;
}

void arch_start_processors(const struct boot_info *boot, uint32_t most) {
    start.virtual_offset = ARCH_KERNEL_IMAGE_BASE - boot->kernel_phys_base;
    if (boot->cpu_count < 2) {
        return; // nothing to do, and nothing to say
    }
    for (uint32_t i = 0; i < boot->cpu_count && cpu_count() < most && cpu_count() < CPU_MAX; i++) {
        if (boot->cpus[i] == boot->boot_cpu) {
            continue;
        }
        struct percpu *cpu = cpu_create((cpu_id_t){cpu_count()});
        const char *error = cpu == nullptr ? "there is no memory for it" : start_one(boot->cpus[i], cpu);
        if (error == nullptr) {
            cpu_add(cpu);
        } else {
            klog("tessera: hart %lu is left out: %s\n", boot->cpus[i], error);
        }
    }
    klog("tessera: %u processors\n", cpu_count());
    __atomic_store_n(&start.go, true, __ATOMIC_RELEASE);
}

// There is no interrupt that cannot be held off: one that spins in the kernel for ever does not stop.
void arch_send_ipi(cpu_id_t cpu, enum ipi kind) {
    if (kind == IPI_STOP) {
        __atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    (void)sbi_call(SBI_IPI, 0, 1, percpus[cpu.v]->hardware_id, 0, 0);
}

void smp_stop_if_asked(void) {
    if (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
        arch_halt();
    }
}
