// User copies. A page that is not there yet is brought in by the page fault handler, which then restarts the
// string instruction where it stopped; a fault that cannot be helped continues at the fixup.
#include "user_access.h"

    .text

// bool user_copy(void *to, const void *from, size_t len): false when a page could not be reached. One of the
// two sides is user memory, range-checked by the caller.
    .globl user_copy
    .type user_copy, @function
user_copy:
    USER_ACCESS_BEGIN
    movq %rdx, %rcx
    shrq $3, %rcx
1:  rep movsq
    movl %edx, %ecx
    andl $7, %ecx
2:  rep movsb
    USER_ACCESS_END
    movl $1, %eax
    retq
3:  USER_ACCESS_END
    xorl %eax, %eax
    retq
    FIXUP 1b, 3b
    FIXUP 2b, 3b
    .size user_copy, . - user_copy

    .section .note.GNU-stack, "", @progbits
