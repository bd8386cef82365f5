// memcpy and memset, stronger than the weak C ones of base/mem.c.
//
// Eight bytes to 32 are copied by a few overlapping moves; others, and what is set, by the string instructions, with
// the last eight bytes done apart. No vector register is touched.

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
    jb .Lcopy_bytes
    movq (%rsi), %rcx
    movq -8(%rsi,%rdx), %r8
    movq %rcx, (%rdi)
    movq %r8, -8(%rdi,%rdx)
    retq
.Lcopy_bytes:
    movl %edx, %ecx
    rep movsb
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
    cmpq $8, %rdx
    jb .Lset_bytes
    movq %rax, -8(%rdi,%rdx)
    leaq -1(%rdx), %rcx
    shrq $3, %rcx
    rep stosq
    movq %r9, %rax
    retq
.Lset_bytes:
    movl %edx, %ecx
    rep stosb
    movq %r9, %rax
    retq
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
