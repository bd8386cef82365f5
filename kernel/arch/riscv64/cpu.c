#include "cpu.h"

#include <stddef.h>

#include "fpu.h"
#include "kernel/arch/arch.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/plat/sbi.h"
#include "kernel/trap.h"
#include "offsets.h"

const char arch_name[] = "riscv64";

static_assert(offsetof(struct percpu, frame) == PERCPU_FRAME);
static_assert(offsetof(struct percpu, kernel_stack_top) == PERCPU_KERNEL_STACK);
static_assert(offsetof(struct percpu, scratch) == PERCPU_SCRATCH);
#define REG(field) ((int)offsetof(struct arch_regs, field) - FRAME_TOP)
static_assert(offsetof(struct thread, on_cpu) - offsetof(struct thread, regs) == THREAD_ON_CPU);
static_assert(REG(status) == REGS_STATUS && REG(words[0]) == REGS_W0 && REG(words[7]) == REGS_W7);
static_assert(REG(ra) == REGS_RA && REG(gp) == REGS_GP && REG(s0) == REGS_S0 && REG(s6) == REGS_S6);
static_assert(REG(s11) == REGS_S11 && REG(ip) == REGS_IP && REG(sp) == REGS_SP);
static_assert(REG(badge) == REGS_BADGE && REG(info) == REGS_INFO && REG(a2) == REGS_A2 && REG(t[0]) == REGS_T0);
static_assert(REG(t[6]) == REGS_T6 && REG(resume) == REGS_RESUME && REG(tls_base) == REGS_TLS);


constexpr size_t STACK_PAGES = KERNEL_STACK_BYTES / PAGE_BYTES;
constexpr uint64_t COUNTER_TIME = 1u << 1; // scounteren: programs may read the clock, and no other counter

extern char boot_stack_top[];
void trap_entry(void);

void cpu_use(struct percpu *cpu) {
    __asm__ volatile("mv tp, %0" ::"r"(cpu) : "memory");
    CSR_WRITE(sscratch, 0);
    CSR_WRITE(stvec, (uint64_t)trap_entry);
    CSR_CLEAR(sstatus, SSTATUS_SIE | SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS);
}

void arch_early_init(void) {
    boot_percpu.kernel_stack_top = (uint64_t)boot_stack_top;
    cpu_use(&boot_percpu);
}

const char *cpu_enable(void) {
    if (!fpu_init()) {
        return "the processor lacks floating point";
    }
    CSR_WRITE(scounteren, COUNTER_TIME);
    CSR_CLEAR(sstatus, SSTATUS_SPP); // the way out leads to user mode
    CSR_SET(sstatus, SSTATUS_SPIE);
    CSR_WRITE(sie, SIE_ALL);
    return nullptr;
}

static bool make_stack(struct percpu *cpu) {
    void *stack = mmu_alloc_kernel_stack(STACK_PAGES);
    cpu->kernel_stack_top = (uint64_t)stack;
    return stack != nullptr;
}

struct percpu *arch_cpu_create(cpu_id_t id) {
    paddr_t frames;
    if (!status_ok(frame_alloc(frame_order_for(sizeof(struct percpu)), &frames))) {
        return nullptr;
    }
    struct percpu *cpu = phys_to_virt(frames);
    *cpu = (struct percpu){.self = cpu, .id = id};
    return make_stack(cpu) ? cpu : nullptr; // at boot: the memory is missed by nobody
}

const char *arch_cpu_init(void) {
    const char *missing = cpu_enable();
    if (missing != nullptr) {
        return missing;
    }
    return make_stack(&boot_percpu) ? nullptr : "there is no memory for kernel stacks";
}

void cpu_interrupt(unsigned number) {
    if (number == INTERRUPT_SOFTWARE) {
        smp_stop_if_asked();
    }
    trap_interrupt(number);
}

void arch_poll_interrupts(void) {
    uint64_t pending;
    cpu_quiet(this_cpu()); // not asleep any more
    while ((pending = CSR_READ(sip) & CSR_READ(sie)) != 0) {
        cpu_interrupt((unsigned)__builtin_ctzll(pending));
    }
}

// It wakes the processor that an interrupt is pending, whether or not they are on.
void arch_wait_for_interrupt(void) {
    __asm__ volatile("wfi" ::: "memory");
    arch_poll_interrupts();
}
