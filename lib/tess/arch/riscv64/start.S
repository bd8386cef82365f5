// Where a program begins: a0 holds the bootstrap block's address, the stack is aligned (abi/bootstrap.h).
    .section .text._start, "ax", @progbits
    .globl _start
    .hidden _start
    .type _start, @function
_start:
    call tess_start
    unimp
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
