// Starting a hart through the firmware (SBI specification, chapter 9), and interrupting one.
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "kernel/plat/sbi.h"

// What smp_start.S reads, with translation off.
static struct start {
    uint64_t satp;
    uint64_t virtual_offset; // of the image
} start;

static bool stopping; // atomic: a processor reports a panic

extern const char smp_start[];

[[noreturn]] void smp_main(uint64_t hart, struct percpu *cpu);
[[noreturn]] void smp_main(uint64_t hart, struct percpu *cpu) {
    cpu->hardware_id = (uint32_t)hart;
    cpu_use(cpu);
    cpu_arrive(cpu, cpu_enable());
}

const char *arch_start_processor(uint32_t hardware_id, bool again) {
    enum : uint64_t { HART_START = 0 };
    if (again) {
        return nullptr; // the firmware has done what it can
    }
    start.virtual_offset = ARCH_KERNEL_IMAGE_BASE - boot_machine->kernel_phys_base;
    start.satp = arch_satp_mode | mmu_kernel_root().v >> 12;
    const struct sbi_result result =
        sbi_call(SBI_HART, HART_START, hardware_id, (uint64_t)smp_start - start.virtual_offset,
                 (uint64_t)&start - start.virtual_offset, 0);
    return result.error == 0 ? nullptr : "the firmware does not start it";
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
