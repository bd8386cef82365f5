// The first instructions of a processor that is started: from real mode, where the interrupt that starts it puts
// it, straight to 64-bit mode (Intel SDM volume 3, section 10.8.5), on tables of its own (smp.c).
#include "offsets.h"

#define CR0_START 0x80010033 // PG, WP, NE, ET, MP, PE; the caches on
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900

// Runs from a copy on a page below 1 MiB; cs is its paragraph, and it is mapped at its physical address.
    .section .rodata
    .balign 16
    .globl smp_start_code
smp_start_code:
    .code16
    cli
    movw %cs, %ax
    movw %ax, %ds
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl smp_start_root - smp_start_code, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    lgdtl smp_start_gdt_pointer - smp_start_code
    movl $CR0_START, %eax
    movl %eax, %cr0
    ljmpl *(smp_start_jump - smp_start_code)
    .code64
    .globl smp_start_64
smp_start_64:
    movq smp_start_entry(%rip), %rax
    jmp *%rax

    .balign 8
    .globl smp_start_parameters
smp_start_parameters: // struct start_parameters
smp_start_entry:
    .quad 0
smp_start_gdt:
    .quad 0
    .quad 0x00209b0000000000 // 64-bit code, ring 0
smp_start_root:
    .long 0
smp_start_jump:
    .long 0
    .word 8
smp_start_gdt_pointer:
    .word 15
    .long 0
    .globl smp_start_end
smp_start_end:

// In the kernel's half, on no stack yet. Takes one of the structures that wait, which no other can take then.
    .text
    .globl smp_enter
    .type smp_enter, @function
smp_enter:
    mov $1, %eax
    lock xadd %eax, smp_next(%rip)
    cmp $SMP_PROCESSORS, %eax
    jae 1f
    lea smp_waiting(%rip), %rdi
    mov (%rdi, %rax, 8), %rdi
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
