// User copies. A page that is not there yet is brought in by the page fault handler, which then repeats the
// instruction; a fault that cannot be helped continues at the fixup.
#include "offsets.h"

#define SSTATUS_SUM 0x40000

// An instruction at `from` that faults on a user address continues at `to`.
.macro FIXUP from, to
    .pushsection .extable, "a"
    .long \from - .
    .long \to - .
    .popsection
.endm

    .text

// bool user_copy(void *to, const void *from, size_t len): false when a page could not be reached. One of the
// two sides is user memory, range-checked by the caller.
    .globl user_copy
    .type user_copy, @function
user_copy:
    li t0, SSTATUS_SUM
    csrs sstatus, t0
    or t1, a0, a1
    andi t1, t1, 7
    bnez t1, 4f            // eight bytes at a time only when both sides are aligned
    andi t2, a2, -8
    add t2, t2, a1
    beq a1, t2, 4f
1:  ld t1, (a1)
2:  sd t1, (a0)
    addi a1, a1, 8
    addi a0, a0, 8
    bne a1, t2, 1b
    andi a2, a2, 7
4:  add t2, a1, a2
    beq a1, t2, 7f
5:  lb t1, (a1)
6:  sb t1, (a0)
    addi a1, a1, 1
    addi a0, a0, 1
    bne a1, t2, 5b
7:  csrc sstatus, t0
    li a0, 1
    ret
8:  csrc sstatus, t0
    li a0, 0
    ret
    FIXUP 1b, 8b
    FIXUP 2b, 8b
    FIXUP 5b, 8b
    FIXUP 6b, 8b
    .size user_copy, . - user_copy

    .section .note.GNU-stack, "", @progbits
