#include "kernel/trap.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/ipc/fault.h"
#include "kernel/lock.h"
#include "kernel/mm/copy.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/process.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/plat/plat.h"
#include "kernel/sched/sched.h"

struct kernel_exit trap_resume(struct thread *current) {
    return this_cpu()->work == 0 ? (struct kernel_exit){(uint64_t)&current->regs.status, 0} : kernel_leave();
}

struct kernel_exit trap_page_fault(struct thread *current, uint64_t address, uint32_t access, uint64_t vector) {
    const status_t status = vspace_fault(current->process->vspace, address, access);
    return status_ok(status) ? trap_resume(current) : fault_page(current, status, address, access, vector);
}

bool trap_copy_fault(uint64_t *ip, uint64_t address, uint32_t access) {
    const uint64_t fixup = extable_fixup(*ip);
    if (fixup == 0 || address >= arch_user_end()) {
        return false; // and whether there is a current thread is not known
    }
    if (KERNEL_DEBUG) {
        lock_check_none();
    }
    const struct process *process = current_thread()->process;
    if (process == nullptr || process->vspace == nullptr) {
        return false;
    }
    const status_t status = vspace_fault(process->vspace, address, access);
    if (!status_ok(status)) {
        this_cpu()->copy_status = status;
        *ip = fixup;
    }
    return true;
}

void trap_interrupt(unsigned number) {
    uint32_t line;
    TRACE(TRACE_INTERRUPT, trace_write(TRACE_INTERRUPT_IN, current_thread(), number));
    switch (plat_interrupt(number, &line)) {
    case PLAT_LINE: interrupt_fired(line); break;
    case PLAT_DEADLINE: sched_timer(); break;
    case PLAT_IPI: cpu_ipi(); break;
    case PLAT_NOTHING: break;
    }
    TRACE(TRACE_INTERRUPT, trace_write(TRACE_INTERRUPT_OUT, current_thread(), number));
}

// Where kcfi traps, each relative to its own place. From the linker script.
extern const int32_t __kcfi_traps_start[], __kcfi_traps_end[];

const char *trap_failed_check(uint64_t ip) {
    for (const int32_t *trap = __kcfi_traps_start; trap < __kcfi_traps_end; trap++) {
        if ((uint64_t)trap + (uint64_t)(int64_t)*trap == ip) {
            return "call through a pointer to a function of another type";
        }
    }
    return nullptr;
}
