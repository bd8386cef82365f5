// Exceptions and interrupts: what a program did becomes a fault of its own, what a device did goes to the
// platform, and only what the kernel itself did wrong is a panic.
#include "kernel/arch/arch.h"

#include <stddef.h>

#include "abi/gen/abi.h"
#include "cpu.h"
#include "fpu.h"
#include "kernel/arch/mmu.h"
#include "kernel/ipc/fault.h"
#include "kernel/ipc/syscall.h"
#include "kernel/log.h"
#include "kernel/mm/copy.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/process.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/trap.h"
#include "offsets.h"
#include "trap_frame.h"

static_assert(offsetof(struct trap_frame, ip) == TRAP_IP && offsetof(struct trap_frame, value) == TRAP_VALUE);
static_assert(sizeof(struct trap_frame) == TRAP_BYTES);

// scause, RISC-V privileged architecture 1.12, table 4.2.
constexpr uint64_t CAUSE_ILLEGAL = 2, CAUSE_BREAKPOINT = 3, CAUSE_FETCH_PAGE_FAULT = 12, CAUSE_LOAD_PAGE_FAULT = 13,
                   CAUSE_STORE_PAGE_FAULT = 15;

static const struct {
    const char *name;
    uint32_t kind; // enum fault_kind, when a program raises it
} exceptions[16] = {
    [0] = {"misaligned fetch", FAULT_ALIGNMENT},
    [1] = {"fetch access fault", FAULT_PROTECTION},
    [2] = {"illegal instruction", FAULT_ILLEGAL},
    [3] = {"breakpoint", FAULT_BREAKPOINT},
    [4] = {"misaligned load", FAULT_ALIGNMENT},
    [5] = {"load access fault", FAULT_PROTECTION},
    [6] = {"misaligned store", FAULT_ALIGNMENT},
    [7] = {"store access fault", FAULT_PROTECTION},
    [12] = {"page fault on a fetch", FAULT_PAGE},
    [13] = {"page fault on a load", FAULT_PAGE},
    [15] = {"page fault on a store", FAULT_PAGE},
};

static bool is_page_fault(uint64_t cause) {
    return cause == CAUSE_FETCH_PAGE_FAULT || cause == CAUSE_LOAD_PAGE_FAULT || cause == CAUSE_STORE_PAGE_FAULT;
}

static uint32_t access_of(uint64_t cause) {
    return cause == CAUSE_FETCH_PAGE_FAULT   ? PROT_EXECUTE
           : cause == CAUSE_STORE_PAGE_FAULT ? PROT_WRITE
                                             : PROT_READ;
}

// Whether the instruction at `ip` uses the floating-point registers or their status (RISC-V unprivileged
// architecture, chapters 11, 12, 16 and 24).
static bool is_floating_point(uint64_t ip) {
    uint16_t half[2] = {};
    if (!status_ok(copy_in(&half[0], (uaddr_t){ip}, 2))) {
        return false;
    }
    if ((half[0] & 3) != 3) { // c.fld c.fsd and their forms relative to the stack pointer
        const uint32_t function = half[0] >> 13;
        return (half[0] & 3) != 1 && (function == 1 || function == 5);
    }
    if (!status_ok(copy_in(&half[1], (uaddr_t){ip + 2}, 2))) {
        return false;
    }
    const uint32_t instruction = half[0] | (uint32_t)half[1] << 16;
    switch (instruction & 0x7f) {
    case 0x07: // loads
    case 0x27: // stores
    case 0x43: // the four fused multiply-adds
    case 0x47:
    case 0x4b:
    case 0x4f:
    case 0x53: return true;
    case 0x73: return (instruction >> 12 & 3) != 0 && instruction >> 20 >= 1 && instruction >> 20 <= 3; // fcsr
    default: return false;
    }
}

// Called by entry.S with the user's registers saved in the current thread.
struct kernel_exit trap_from_user(uint64_t cause, uint64_t value);
struct kernel_exit trap_from_user(uint64_t cause, uint64_t value) {
    struct thread *current = current_thread();
    if ((cause & SCAUSE_INTERRUPT) != 0) {
        cpu_interrupt((unsigned)cause);
        return trap_resume(current);
    }
    if (is_page_fault(cause)) {
        const struct kernel_exit exit = trap_page_fault(current, value, access_of(cause), cause);
        arch_tlb_flush_page(value); // a processor may remember that there was nothing
        return exit;
    }
    uint32_t kind = cause < 16 && exceptions[cause].kind != 0 ? exceptions[cause].kind : (uint32_t)FAULT_PROTECTION;
    if (cause == CAUSE_ILLEGAL && (current->flags & THREAD_HAS_FPU) == 0 && is_floating_point(current->regs.ip)) {
        if (fpu_first_use(current)) {
            return trap_resume(current);
        }
        kind = FAULT_NO_MEMORY;
    }
    return fault_raise(current, kind, 0, 0, cause);
}

void trap_from_kernel(struct trap_frame *frame);
void trap_from_kernel(struct trap_frame *frame) {
    if (is_page_fault(frame->cause) && trap_copy_fault(&frame->ip, frame->value, access_of(frame->cause))) {
        arch_tlb_flush_page(frame->value);
        return;
    }
    const char *name = frame->cause < 16 ? exceptions[frame->cause].name : nullptr;
    if (is_page_fault(frame->cause) && mmu_is_stack_guard(frame->value)) {
        name = "kernel stack overflow";
    } else if (frame->cause == CAUSE_BREAKPOINT && trap_failed_check(frame->ip) != nullptr) {
        name = trap_failed_check(frame->ip);
    }
    panic_trap(frame, frame->ip, frame->x[1], name != nullptr ? name : "unknown exception");
}

// ---- registers -------------------------------------------------------------------------------------

void arch_regs_start(struct arch_regs *regs, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                     uint64_t tls_base) {
    regs->ip = entry;
    regs->sp = stack_pointer;
    regs->badge = argument; // a0
    regs->tls_base = tls_base;
    regs->resume = ARCH_RESUME_TRAP;
}

void arch_regs_restart(struct arch_regs *regs, uint64_t number, uint64_t handle, uint64_t info,
                       uint64_t deadline_ns) {
    constexpr uint64_t SYSCALL_BYTES = 4; // of the instruction
    for (uint32_t i = 0; i < 7; i++) {
        regs->t[i] = 0;
    }
    regs->ip -= SYSCALL_BYTES;
    regs->status = number;
    regs->badge = handle;
    regs->info = info;
    regs->a2 = deadline_ns;
    regs->resume = ARCH_RESUME_TRAP;
}

void arch_regs_record(const struct arch_regs *regs, struct exit_record *record) {
    record->ip = regs->ip;
    record->sp = regs->sp;
    record->flags = 0;
    const uint64_t gpr[16] = {
        regs->ra,    regs->gp,   regs->t[0], regs->t[1],     regs->t[2],     regs->s0,       regs->s1,       regs->badge,
        regs->info,  regs->a2,   regs->words[0], regs->words[1], regs->words[2], regs->words[3], regs->status, regs->words[4],
    };
    for (uint32_t i = 0; i < 16; i++) {
        record->gpr[i] = gpr[i];
    }
}

void arch_print_trap(const struct trap_frame *frame) {
    static const char *const names[31] = {"ra", "sp", "gp", "tp", "t0", "t1", "t2",  "s0",  "s1", "a0", "a1",
                                          "a2", "a3", "a4", "a5", "a6", "a7", "s2",  "s3",  "s4", "s5", "s6",
                                          "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    klog("  cause %#lx value %016lx satp root %016lx\n", frame->cause, frame->value, arch_read_root());
    klog("  ip  %016lx status %016lx\n", frame->ip, frame->status);
    for (uint32_t i = 0; i < 31; i++) {
        klog("  %-3s %016lx%s", names[i], frame->x[i], i % 4 == 3 || i == 30 ? "\n" : "");
    }
}
