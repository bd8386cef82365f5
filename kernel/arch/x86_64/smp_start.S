// Where a processor begins that was started (boot/x86_64/start.S): in 64-bit mode, on the boot path's tables, which map the
// image as the kernel's own do, and on no stack yet.
#include "offsets.h"

    .text
    .globl smp_enter
    .type smp_enter, @function
smp_enter:
    mov smp_root(%rip), %rax
    mov %rax, %cr3
    xor %edi, %edi
    xchg %rdi, cpu_starting(%rip) // no other can take it then
    test %rdi, %rdi
    jz 1f
    mov PERCPU_KERNEL_STACK(%rdi), %rsp
    xor %ebp, %ebp
    call smp_main
1:  cli
    hlt
    jmp 1b
    .size smp_enter, . - smp_enter

    .section .note.GNU-stack, "", @progbits
