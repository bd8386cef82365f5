// Where a hart begins that the firmware started for us (SBI specification, chapter 9): translation and interrupts
// off, a0 = its number, a1 = physical address of struct start (smp.c).
#include "offsets.h"

    .section .text.traps, "ax"
    .option norelax
    .balign 4
    .globl smp_start
    .type smp_start, @function
smp_start:
    ld t0, 0(a1)
    lla t1, 1f             // physical, as we run now
    ld t2, 8(a1)           // the image's virtual base less its physical one
    add t1, t1, t2
    csrw stvec, t1
    sfence.vma
    csrw satp, t0          // where we are is not mapped: the fault leads to stvec
    nop
    .balign 4
1:  lla t0, cpu_starting
    amoswap.d a1, zero, (t0) // no other can take it then
    beqz a1, 2f
    ld sp, PERCPU_KERNEL_STACK(a1)
    tail smp_main
2:  wfi
    j 2b
    .size smp_start, . - smp_start

    .section .note.GNU-stack, "", @progbits
