// Exceptions and interrupts: what a program did becomes a fault of its own, what a device did goes to the
// platform, and only what the kernel itself did wrong is a panic.
#include "kernel/arch/arch.h"
#include "base/mem.h"
#include "cpu.h"
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

constexpr uint64_t VECTOR_DEBUG = 1, VECTOR_ILLEGAL = 6, VECTOR_NO_FPU = 7, VECTOR_DOUBLE_FAULT = 8,
                   VECTOR_PAGE_FAULT = 14, VECTOR_FIRST_INTERRUPT = 32;

// Page fault error code, Intel SDM volume 3, section 4.7.
constexpr uint64_t PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_FETCH = 16;

static const struct {
    const char *name;
    uint32_t kind; // enum fault_kind, when a program raises it
} exceptions[32] = {
    [0] = {"divide error", FAULT_DIVIDE},
    [1] = {"debug exception", FAULT_BREAKPOINT},
    [2] = {"non-maskable interrupt", 0},
    [3] = {"breakpoint", FAULT_BREAKPOINT},
    [4] = {"overflow", FAULT_OVERFLOW},
    [5] = {"bound range exceeded", FAULT_OVERFLOW},
    [6] = {"invalid opcode", FAULT_ILLEGAL},
    [7] = {"device not available", FAULT_NO_MEMORY},
    [8] = {"double fault", 0},
    [9] = {"coprocessor segment overrun", FAULT_PROTECTION},
    [10] = {"invalid task state segment", FAULT_PROTECTION},
    [11] = {"segment not present", FAULT_PROTECTION},
    [12] = {"stack segment fault", FAULT_PROTECTION},
    [13] = {"general protection fault", FAULT_PROTECTION},
    [14] = {"page fault", FAULT_PAGE},
    [16] = {"x87 floating-point error", FAULT_FLOATING_POINT},
    [17] = {"alignment check", FAULT_ALIGNMENT},
    [18] = {"machine check", 0},
    [19] = {"SIMD floating-point exception", FAULT_FLOATING_POINT},
    [20] = {"virtualization exception", FAULT_PROTECTION},
    [21] = {"control protection exception", FAULT_PROTECTION},
};

static uint32_t access_of(uint64_t error) {
    return (error & PF_FETCH) != 0 ? PROT_EXECUTE : (error & PF_WRITE) != 0 ? PROT_WRITE : PROT_READ;
}

// Called by entry.S with the user's registers saved in the current thread.
struct kernel_exit trap_from_user(uint64_t vector, uint64_t error);
struct kernel_exit trap_from_user(uint64_t vector, uint64_t error) {
    struct thread *current = current_thread();
    if (vector >= VECTOR_FIRST_INTERRUPT) {
        trap_interrupt((unsigned)vector);
        return trap_resume(current);
    }
    if (vector == VECTOR_PAGE_FAULT) {
        // The processor's own access to a page that is there, for an instruction of the program: SMAP forbids it,
        // whatever the page's mapping says.
        const bool forbidden = (error & (PF_PRESENT | PF_USER)) == PF_PRESENT;
        return forbidden ? fault_page(current, STATUS_NOT_ALLOWED, read_cr2(), access_of(error), vector)
                         : trap_page_fault(current, read_cr2(), access_of(error), vector);
    }
    if (vector == VECTOR_NO_FPU && (current->flags & THREAD_HAS_FPU) == 0 && fpu_first_use(current)) {
        return trap_resume(current);
    }
    const uint32_t kind = exceptions[vector].kind != 0 ? exceptions[vector].kind : (uint32_t)FAULT_PROTECTION;
    return fault_raise(current, kind, 0, error, vector);
}

extern const char __text_start[], __text_end[];

// UBSan's checks by the number in their trap instruction (clang's LIST_SANITIZER_CHECKS); the others are off.
static const char *const undefined[] = {
    [0] = "an addition overflowed",       [1] = "code that cannot be reached",
    [3] = "a division overflowed",        [10] = "a value that its type does not have",
    [11] = "no value returned",           [12] = "a multiplication overflowed",
    [13] = "a negation overflowed",       [16] = "a null argument",
    [17] = "null returned",               [18] = "an index out of bounds",
    [19] = "pointer arithmetic overflow", [20] = "a shift out of bounds",
    [21] = "a subtraction overflowed",    [22] = "a null or misaligned pointer, or one to too small an object",
};

// Why the kernel came to an instruction that does not exist; null when no check put it there.
static const char *failed_check(uint64_t ip) {
    const uint8_t *code = (const uint8_t *)ip; // ud1 NUMBER(%eax), %eax
    const bool ubsan = KERNEL_DEBUG && ip >= (uint64_t)__text_start && ip + 5 <= (uint64_t)__text_end &&
                       code[0] == 0x67 && code[1] == 0x0f && code[2] == 0xb9 && code[3] == 0x40;
    return ubsan && code[4] < sizeof(undefined) / sizeof(undefined[0]) ? undefined[code[4]] : trap_failed_check(ip);
}

// And with those of the kernel; or of whatever ran, when it is no program's doing (trap_fatal).
void trap_from_kernel(struct trap_frame *frame);
void trap_from_kernel(struct trap_frame *frame) {
    if (frame->vector >= VECTOR_FIRST_INTERRUPT) { // while idle
        cpu_quiet(this_cpu());                     // not asleep any more
        trap_interrupt((unsigned)frame->vector);
        return;
    }
    if (frame->vector == VECTOR_PAGE_FAULT && trap_copy_fault(&frame->ip, read_cr2(), access_of(frame->error))) {
        return;
    }
    if (frame->vector == VECTOR_DEBUG) {
        return; // a program's single step, taken one instruction late
    }
    const char *name = exceptions[frame->vector].name;
    if (frame->vector == VECTOR_DOUBLE_FAULT && mmu_is_stack_guard(read_cr2())) {
        name = "kernel stack overflow";
    } else if (frame->vector == VECTOR_ILLEGAL && failed_check(frame->ip) != nullptr) {
        name = failed_check(frame->ip);
    }
    panic_trap(frame, frame->ip, frame->sp, name != nullptr ? name : "unknown exception");
}

// ---- registers -------------------------------------------------------------------------------------

void arch_regs_start(struct arch_regs *regs, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                     uint64_t tls_base) {
    regs->ip = entry;
    regs->sp = stack_pointer;
    regs->badge = argument; // rdi
    regs->flags = FLAG_IF;
    regs->tls_base = tls_base;
    regs->resume = ARCH_RESUME_TRAP;
}

void arch_regs_restart(struct arch_regs *regs, uint64_t number, uint64_t handle, uint64_t info,
                       uint64_t deadline_ns) {
    constexpr uint64_t SYSCALL_BYTES = 2; // of the instruction
    regs->rcx = regs->ip;                 // as the instruction left them
    regs->r11 = regs->flags;
    regs->ip -= SYSCALL_BYTES;
    regs->status = number;
    regs->badge = handle;
    regs->info = info;
    regs->rdx = deadline_ns;
    regs->resume = ARCH_RESUME_TRAP;
}

void arch_regs_record(const struct arch_regs *regs, struct exit_record *record) {
    const uint64_t gpr[16] = {
        regs->status,   regs->words[3], regs->rcx,      regs->rdx,
        regs->info,     regs->badge,    regs->rbp,      0,
        regs->words[0], regs->words[1], regs->words[2], regs->r11,
        regs->words[4], regs->words[5], regs->words[6], regs->words[7],
    };
    record->ip = regs->ip;
    record->sp = regs->sp;
    record->flags = regs->flags;
    memcpy(record->gpr, gpr, sizeof gpr);
}

void arch_print_trap(const struct trap_frame *frame) {
    klog("  vector %lu error %#lx cr2 %016lx cr3 %016lx\n", frame->vector, frame->error, read_cr2(),
         arch_read_root());
    klog("  ip  %016lx cs %02lx flags %08lx sp %016lx\n", frame->ip, frame->cs, frame->flags, frame->sp);
    klog("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    klog("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->r8);
    klog("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", frame->r9, frame->r10, frame->r11, frame->r12);
    klog("  r13 %016lx r14 %016lx r15 %016lx\n", frame->r13, frame->r14, frame->r15);
}
