// All ways into and out of the kernel on x86-64.
#include "abi/gen/abi.h"
#include "offsets.h"
#include "user_access.h"

.macro PUSH registers:vararg
    .irp register, \registers
    push %\register
    .endr
.endm

.macro POP registers:vararg
    .irp register, \registers
    pop %\register
    .endr
.endm

// The lowest part of struct arch_regs.
.macro PUSH_RBP_AND_WORDS
    PUSH rbp, r15, r14, r13, r12, rbx, r10, r9, r8
.endm

.macro LOAD_WORDS offset, base // the eight words that begin there
    mov \offset(\base), %r8
    mov 8+\offset(\base), %r9
    mov 16+\offset(\base), %r10
    mov 24+\offset(\base), %rbx
    mov 32+\offset(\base), %r12
    mov 40+\offset(\base), %r13
    mov 48+\offset(\base), %r14
    mov 56+\offset(\base), %r15
.endm

// ---- from the boot path: rdi = physical address of struct boot_info ----

    .section .text.entry, "ax"
    .globl kernel_entry
    .type kernel_entry, @function
kernel_entry:
    cld
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp
    call kernel_main
    ud2
    .size kernel_entry, . - kernel_entry

    .bss
    .balign 4096
    .globl boot_stack_guard // unmapped by mmu_init
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .text

// ---- system call ----
// In: rax number, rdi handle, rsi info, rdx deadline, words in r8 r9 r10 rbx r12..r15; rcx = ip, r11 = flags.
// Interrupts are off (FMASK). The pushes write struct arch_regs downwards from FRAME_TOP.

    .balign 64
    .globl syscall_entry
    .type syscall_entry, @function
syscall_entry:
    swapgs
    mov %rsp, %gs:PERCPU_SCRATCH
    mov %gs:PERCPU_FRAME, %rsp
    push %gs:PERCPU_SCRATCH
    PUSH r11, rcx
    PUSH_RBP_AND_WORDS
    mov %gs:PERCPU_KERNEL_STACK, %rsp
    cmp $SYSCALL_COUNT, %rax
    jae 2f
    call *syscall_table(, %rax, 8)
    // Out: rax = frame or 0, rdx = status, words, or 0 (struct kernel_exit).
    test %rax, %rax
    jnz resume
1:  // The same thread, a status and no results: what C preserves is still in its registers.
    mov %gs:PERCPU_FRAME, %rcx
    mov %rdx, %rax
    mov REGS_W0(%rcx), %r8
    mov REGS_W1(%rcx), %r9
    mov REGS_W2(%rcx), %r10
    xor %edi, %edi
    xor %esi, %esi
    mov REGS_FLAGS(%rcx), %r11
    mov REGS_SP(%rcx), %rsp
    mov REGS_IP(%rcx), %rcx
    swapgs
    sysretq
2:  call syscall_refuse
    test %rax, %rax
    jz 1b
    jmp resume
    .size syscall_entry, . - syscall_entry

// ---- back to a thread that waited in a system call, with a message ----
// rax = its frame (it is current), rdx = the eight words it gets, which lie in the registers of the thread that the
// processor comes from (or in its own), 0 for the general way. From where that thread's on_cpu is cleared on,
// another processor may run it.

    .balign 64
    .type resume, @function
resume:
    test %rdx, %rdx
    jz resume_general
    LOAD_WORDS 0, %rdx
    movb $0, THREAD_ON_CPU(%rdx)
    movb $1, (THREAD_ON_CPU - FRAME_TOP)(%rax)
    mov REGS_RBP(%rax), %rbp
    mov REGS_IP(%rax), %rcx
    mov REGS_FLAGS(%rax), %r11
    mov REGS_SP(%rax), %rsp
    mov REGS_BADGE(%rax), %rdi
    mov REGS_INFO(%rax), %rsi
    xor %eax, %eax // status
    xor %edx, %edx
    swapgs
    wrgsbase %rax  // no thread sees what another left there
    sysretq
    .size resume, . - resume

// ---- back to any thread: rax = its frame ----

    .type resume_general, @function
resume_general:
    LOAD_WORDS REGS_W0, %rax
    mov REGS_RBP(%rax), %rbp
    mov REGS_BADGE(%rax), %rdi
    mov REGS_INFO(%rax), %rsi
    cmpq $0, REGS_RESUME(%rax)
    jne 1f
    xor %edx, %edx
    mov REGS_IP(%rax), %rcx
    mov REGS_FLAGS(%rax), %r11
    mov REGS_SP(%rax), %rsp
    mov REGS_STATUS(%rax), %rax
    swapgs
    wrgsbase %rdx
    sysretq
1:  // Interrupted somewhere: every register counts. It will next stop in a system call, for all we know.
    movq $0, REGS_RESUME(%rax)
    mov %gs:PERCPU_KERNEL_STACK, %rsp
    pushq $SELECTOR_USER_DATA
    push REGS_SP(%rax)
    push REGS_FLAGS(%rax)
    pushq $SELECTOR_USER_CODE
    push REGS_IP(%rax)
    mov REGS_R11(%rax), %r11
    mov REGS_RCX(%rax), %rcx
    mov REGS_RDX(%rax), %rdx
    push REGS_STATUS(%rax)
    xor %eax, %eax
    swapgs
    wrgsbase %rax
    pop %rax
    iretq
    .size resume_general, . - resume_general

// ---- leaving the boot stack ----

    .globl arch_enter_user
    .type arch_enter_user, @function
arch_enter_user:
    mov %gs:PERCPU_KERNEL_STACK, %rsp
    xor %ebp, %ebp
    call kernel_block
    jmp resume
    .size arch_enter_user, . - arch_enter_user

// ---- traps: exceptions and interrupts ----
// One stub a vector pushes a zero where the processor pushes no error code, then the vector.

    .section .text.traps, "ax"
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || \
          (vector == 29) || (vector == 30))
    pushq $0
    .endif
    pushq $vector
    .if (vector == 2) || (vector == 8) || (vector == 18)
    jmp trap_fatal
    .else
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr

    .text
    .balign 64
    .type trap_common, @function
trap_common: // 0 vector, 8 error, 16 ip, 24 cs, 32 flags, 40 sp, 48 ss
    USER_ACCESS_END
    cld
    testb $3, 24(%rsp)
    jz trap_kernel
    swapgs
    mov %rsp, %gs:PERCPU_SCRATCH
    mov %gs:PERCPU_FRAME, %rsp
    lea (REGS_RESUME + 8)(%rsp), %rsp // behind what a system call does not keep
    pushq $1
    PUSH r11, rcx, rdx, rsi, rdi, rax
    mov %gs:PERCPU_SCRATCH, %rax
    mov (%rax), %rdi
    mov 8(%rax), %rsi
    push 40(%rax)
    push 32(%rax)
    push 16(%rax)
    PUSH_RBP_AND_WORDS
    mov %gs:PERCPU_KERNEL_STACK, %rsp
    call trap_from_user
    jmp resume
    .size trap_common, . - trap_common

// What ends the machine may come at any instruction, also where the kernel runs on a program's GS base. The
// processor's own is known from its stack (cpu.c): above what trap_common sees.
    .type trap_fatal, @function
trap_fatal:
    PUSH rax, rcx, rdx
    mov $MSR_GS_BASE, %ecx
    mov 80(%rsp), %eax
    mov 84(%rsp), %edx
    wrmsr
    POP rdx, rcx, rax
    USER_ACCESS_END
    cld
    .size trap_fatal, . - trap_fatal

    .type trap_kernel, @function
trap_kernel: // the kernel's own: a user copy that faulted, an interrupt while idle, or a mistake
    PUSH rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    mov %rsp, %rdi
    mov %rsp, %rbp
    and $-16, %rsp
    call trap_from_kernel
    mov %rbp, %rsp
    POP r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    add $16, %rsp
    iretq
    .size trap_kernel, . - trap_kernel
