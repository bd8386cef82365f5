// memcpy and memset, stronger than the weak C ones of base/mem.c.
//
// Short lengths take a few overlapping moves; long ones the string instructions, with the last eight bytes
// done apart. No vector register is touched.

    .text

// void *memcpy(void *to, const void *from, size_t len)
    .globl memcpy
    .type memcpy, @function
memcpy:
    movq %rdi, %rax
    cmpq $16, %rdx
    jbe .Lcopy_to_16
    cmpq $32, %rdx
    jbe .Lcopy_to_32
    movq -8(%rsi,%rdx), %r8
    leaq -8(%rdi,%rdx), %r9
    leaq -1(%rdx), %rcx
    shrq $3, %rcx
    rep movsq
    movq %r8, (%r9)
    retq
.Lcopy_to_32: // every load comes before the first store, here and below
    movq (%rsi), %rcx
    movq 8(%rsi), %r8
    movq -16(%rsi,%rdx), %r9
    movq -8(%rsi,%rdx), %r10
    movq %rcx, (%rdi)
    movq %r8, 8(%rdi)
    movq %r9, -16(%rdi,%rdx)
    movq %r10, -8(%rdi,%rdx)
    retq
.Lcopy_to_16:
    cmpl $8, %edx
    jb .Lcopy_to_7
    movq (%rsi), %rcx
    movq -8(%rsi,%rdx), %r8
    movq %rcx, (%rdi)
    movq %r8, -8(%rdi,%rdx)
    retq
.Lcopy_to_7:
    cmpl $4, %edx
    jb .Lcopy_to_3
    movl (%rsi), %ecx
    movl -4(%rsi,%rdx), %r8d
    movl %ecx, (%rdi)
    movl %r8d, -4(%rdi,%rdx)
    retq
.Lcopy_to_3:
    testl %edx, %edx
    jz .Lcopy_done
    movl %edx, %r9d
    shrl $1, %r9d
    movzbl (%rsi), %ecx
    movzbl (%rsi,%r9), %r10d
    movzbl -1(%rsi,%rdx), %r8d
    movb %cl, (%rdi)
    movb %r10b, (%rdi,%r9)
    movb %r8b, -1(%rdi,%rdx)
.Lcopy_done:
    retq
    .size memcpy, . - memcpy

// void *memset(void *to, int byte, size_t len)
    .globl memset
    .type memset, @function
memset:
    movq %rdi, %r9
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    cmpq $16, %rdx
    jbe .Lset_to_16
    movq %rax, -8(%rdi,%rdx)
    leaq -1(%rdx), %rcx
    shrq $3, %rcx
    rep stosq
    movq %r9, %rax
    retq
.Lset_to_16:
    cmpl $8, %edx
    jb .Lset_to_7
    movq %rax, (%rdi)
    movq %rax, -8(%rdi,%rdx)
    movq %r9, %rax
    retq
.Lset_to_7:
    cmpl $4, %edx
    jb .Lset_to_3
    movl %eax, (%rdi)
    movl %eax, -4(%rdi,%rdx)
    movq %r9, %rax
    retq
.Lset_to_3:
    testl %edx, %edx
    jz .Lset_done
    movb %al, (%rdi)
    movb %al, -1(%rdi,%rdx)
    shrl $1, %edx
    movb %al, (%rdi,%rdx)
.Lset_done:
    movq %r9, %rax
    retq
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
