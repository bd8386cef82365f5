// From the firmware's address space into the kernel's. Position-independent: it runs from a copy.
// UEFI calling convention: rcx = page tables, rdx = entry, r8 = boot information, r9 = top of the stack.
    .text
    .globl handoff_code_start
handoff_code_start:
    cli
    cld
    movq %rcx, %cr3
    movq %r9, %rsp
    movq %r8, %rdi
    xorl %ebp, %ebp
    jmp *%rdx
    .globl handoff_code_end
handoff_code_end:
