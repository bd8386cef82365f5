// All ways into and out of the kernel on riscv64.
//
// In user mode sscratch holds the processor's struct percpu; in the kernel it holds 0 and tp the structure. That is
// how a trap tells where it came from. sstatus.SIE is never set in the kernel: interrupts come from user mode only,
// and the idle loop looks for them itself.
#include "abi/gen/abi.h"
#include "offsets.h"

#define SSTATUS_SUM 0x40000
#define CAUSE_USER_ECALL 8

// ---- from the boot path: a0 = physical address of struct boot_info ----

    .section .text.entry, "ax"
    .globl kernel_entry
    .type kernel_entry, @function
kernel_entry:
    lla sp, boot_stack_top
    call kernel_main
    unimp
    .size kernel_entry, . - kernel_entry

    .bss
    .balign 4096
    .globl boot_stack_guard // unmapped by mmu_init
boot_stack_guard:
    .skip 4096
    .skip KERNEL_STACK_BYTES
    .globl boot_stack_top
boot_stack_top:
emergency_stack:
    .skip 4096
emergency_stack_top:

    .text

// ---- traps and system calls ----
// System call: a7 number, a0 handle, a1 info, a2 deadline, words in a3..a6 and s2..s5.

    .balign 64
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    csrrw tp, sscratch, tp
    beqz tp, trap_kernel
    sd sp, PERCPU_SCRATCH(tp)
    ld sp, PERCPU_FRAME(tp)
    sd a3, REGS_W0(sp)
    sd a4, REGS_W1(sp)
    sd a5, REGS_W2(sp)
    sd a6, REGS_W3(sp)
    sd s2, REGS_W4(sp)
    sd s3, REGS_W5(sp)
    sd s4, REGS_W6(sp)
    sd s5, REGS_W7(sp)
    sd ra, REGS_RA(sp)
    sd gp, REGS_GP(sp)
    sd s0, REGS_S0(sp)
    sd s1, REGS_S1(sp)
    sd s6, REGS_S6(sp)
    sd s7, REGS_S7(sp)
    sd s8, REGS_S8(sp)
    sd s9, REGS_S9(sp)
    sd s10, REGS_S10(sp)
    sd s11, REGS_S11(sp)
    sd t0, REGS_T0(sp)
    sd t1, REGS_T1(sp)
    ld t0, PERCPU_SCRATCH(tp)
    sd t0, REGS_SP(sp)
    csrrw t0, sscratch, zero
    sd t0, PERCPU_SCRATCH(tp)
    csrr t1, sepc
    csrr t0, scause
    addi t0, t0, -CAUSE_USER_ECALL
    bnez t0, trap_user
    addi t1, t1, 4         // behind the instruction
    sd t1, REGS_IP(sp)
    ld sp, PERCPU_KERNEL_STACK(tp)
    li t0, SYSCALL_COUNT
    bgeu a7, t0, 2f
    lla t0, syscall_table
    slli a7, a7, 3
    add t0, t0, a7
    ld t0, (t0)
    jalr t0
    // Out: a0 = frame or 0, a1 = status, words, or 0 (struct kernel_exit).
    bnez a0, resume
1:  // The same thread, a status and no results: what C preserves is still in its registers.
    mv a7, a1
    ld t0, PERCPU_FRAME(tp)
    ld a3, REGS_W0(t0)
    ld a4, REGS_W1(t0)
    ld a5, REGS_W2(t0)
    ld a6, REGS_W3(t0)
    ld ra, REGS_RA(t0)
    ld sp, REGS_SP(t0)
    ld t1, REGS_IP(t0)
    csrw sepc, t1
    li a1, 0
    li a2, 0
    j leave
2:  call syscall_refuse
    beqz a0, 1b
    j resume
    .size trap_entry, . - trap_entry

    .type trap_user, @function
trap_user: // an exception or interrupt while a program ran: its frame in sp, sepc in t1; t0 is saved
    sd t1, REGS_IP(sp)
    sd a7, REGS_STATUS(sp)
    sd a0, REGS_BADGE(sp)
    sd a1, REGS_INFO(sp)
    sd a2, REGS_A2(sp)
    sd t2, REGS_T2(sp)
    sd t3, REGS_T3(sp)
    sd t4, REGS_T4(sp)
    sd t5, REGS_T5(sp)
    sd t6, REGS_T6(sp)
    li t0, 1
    sd t0, REGS_RESUME(sp)
    ld sp, PERCPU_KERNEL_STACK(tp)
    csrr a0, scause
    csrr a1, stval
    call trap_from_user
    .size trap_user, . - trap_user

// ---- back to a thread: a0 = its frame (it is current), a1 = the eight words it gets with status 0, or 0 ----
// The words lie in the registers of the thread that the processor comes from (or in its own). From where that
// thread's on_cpu is cleared on, another processor may run it.

    .globl resume
    .type resume, @function
resume:
    ld a7, REGS_STATUS(a0)
    addi t0, a0, REGS_W0
    beqz a1, 1f
    li a7, 0
    mv t0, a1
1:  ld a3, 0(t0)
    ld a4, 8(t0)
    ld a5, 16(t0)
    ld a6, 24(t0)
    ld s2, 32(t0)
    ld s3, 40(t0)
    ld s4, 48(t0)
    ld s5, 56(t0)
    beqz a1, 3f
    fence rw, w
    sb zero, THREAD_ON_CPU(a1)
    li t0, 1
    sb t0, (THREAD_ON_CPU - FRAME_TOP)(a0)
3:
    ld ra, REGS_RA(a0)
    ld gp, REGS_GP(a0)
    ld s0, REGS_S0(a0)
    ld s1, REGS_S1(a0)
    ld s6, REGS_S6(a0)
    ld s7, REGS_S7(a0)
    ld s8, REGS_S8(a0)
    ld s9, REGS_S9(a0)
    ld s10, REGS_S10(a0)
    ld s11, REGS_S11(a0)
    ld sp, REGS_SP(a0)
    ld t0, REGS_IP(a0)
    csrw sepc, t0
    ld a1, REGS_INFO(a0)
    ld t0, REGS_RESUME(a0)
    bnez t0, 2f
    ld a0, REGS_BADGE(a0)
    li a2, 0
    // No thread sees what another left in the registers that a system call does not keep.
leave:
    csrw sscratch, tp
    ld tp, PERCPU_SCRATCH(tp)
    li t0, 0
    li t1, 0
    li t2, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
    sret
2:  // Interrupted somewhere: every register counts. It will next stop in a system call, for all we know.
    sd zero, REGS_RESUME(a0)
    ld a2, REGS_A2(a0)
    ld t1, REGS_T1(a0)
    ld t2, REGS_T2(a0)
    ld t3, REGS_T3(a0)
    ld t4, REGS_T4(a0)
    ld t5, REGS_T5(a0)
    ld t6, REGS_T6(a0)
    addi t0, a0, REGS_TLS
    sc.d zero, zero, (t0)  // no reservation outlives a switch; the field is written before it is read
    csrw sscratch, tp
    ld t0, REGS_T0(a0)
    ld a0, REGS_BADGE(a0)
    ld tp, PERCPU_SCRATCH(tp)
    sret
    .size resume, . - resume

// ---- leaving the boot stack ----

    .globl arch_enter_user
    .type arch_enter_user, @function
arch_enter_user:
    ld sp, PERCPU_KERNEL_STACK(tp)
    call kernel_block
    j resume
    .size arch_enter_user, . - arch_enter_user

// ---- the kernel's own: a user copy that faulted, or a mistake ----

    .type trap_kernel, @function
trap_kernel:
    csrrw tp, sscratch, tp // as they were: tp the structure, sscratch 0
    csrw sscratch, t0
    ld t0, PERCPU_KERNEL_STACK(tp)
    sub t0, t0, sp
    srli t0, t0, 14        // KERNEL_STACK_BYTES
    bnez t0, 2f
    addi sp, sp, -TRAP_BYTES
    addi t0, sp, TRAP_BYTES
1:  sd t0, TRAP_X(2)(sp)
    csrrw t0, sscratch, zero
    sd t0, TRAP_X(5)(sp)
    sd ra, TRAP_X(1)(sp)
    sd gp, TRAP_X(3)(sp)
    sd tp, TRAP_X(4)(sp)
    sd t1, TRAP_X(6)(sp)
    sd t2, TRAP_X(7)(sp)
    sd s0, TRAP_X(8)(sp)
    sd s1, TRAP_X(9)(sp)
    sd a0, TRAP_X(10)(sp)
    sd a1, TRAP_X(11)(sp)
    sd a2, TRAP_X(12)(sp)
    sd a3, TRAP_X(13)(sp)
    sd a4, TRAP_X(14)(sp)
    sd a5, TRAP_X(15)(sp)
    sd a6, TRAP_X(16)(sp)
    sd a7, TRAP_X(17)(sp)
    sd s2, TRAP_X(18)(sp)
    sd s3, TRAP_X(19)(sp)
    sd s4, TRAP_X(20)(sp)
    sd s5, TRAP_X(21)(sp)
    sd s6, TRAP_X(22)(sp)
    sd s7, TRAP_X(23)(sp)
    sd s8, TRAP_X(24)(sp)
    sd s9, TRAP_X(25)(sp)
    sd s10, TRAP_X(26)(sp)
    sd s11, TRAP_X(27)(sp)
    sd t3, TRAP_X(28)(sp)
    sd t4, TRAP_X(29)(sp)
    sd t5, TRAP_X(30)(sp)
    sd t6, TRAP_X(31)(sp)
    csrr t0, sepc
    sd t0, TRAP_IP(sp)
    csrr t0, sstatus
    sd t0, TRAP_STATUS(sp)
    csrr t0, scause
    sd t0, TRAP_CAUSE(sp)
    csrr t0, stval
    sd t0, TRAP_VALUE(sp)
    li t0, SSTATUS_SUM
    csrc sstatus, t0
    mv a0, sp
    call trap_from_kernel
    ld t0, TRAP_IP(sp)
    csrw sepc, t0
    ld t0, TRAP_STATUS(sp)
    csrw sstatus, t0
    ld ra, TRAP_X(1)(sp)
    ld t1, TRAP_X(6)(sp)
    ld t2, TRAP_X(7)(sp)
    ld a0, TRAP_X(10)(sp)
    ld a1, TRAP_X(11)(sp)
    ld a2, TRAP_X(12)(sp)
    ld a3, TRAP_X(13)(sp)
    ld a4, TRAP_X(14)(sp)
    ld a5, TRAP_X(15)(sp)
    ld a6, TRAP_X(16)(sp)
    ld a7, TRAP_X(17)(sp)
    ld t3, TRAP_X(28)(sp)
    ld t4, TRAP_X(29)(sp)
    ld t5, TRAP_X(30)(sp)
    ld t6, TRAP_X(31)(sp)
    ld t0, TRAP_X(5)(sp)
    addi sp, sp, TRAP_BYTES // what C preserves it has preserved
    sret
2:  mv t0, sp              // no stack, or beyond its end: this ends in a panic
    lla sp, emergency_stack_top - TRAP_BYTES
    j 1b
    .size trap_kernel, . - trap_kernel

    .section .note.GNU-stack, "", @progbits
