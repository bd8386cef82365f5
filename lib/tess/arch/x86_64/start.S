// Where a program begins: rdi holds the bootstrap block's address, the stack is aligned (abi/bootstrap.h).
    .section .text._start, "ax", @progbits
    .globl _start
    .hidden _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    call tess_start
    ud2
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
