// The entry point of kernel.elf (boot/README.md): moves the image, and goes on in the kernel where that lies now.
    .section .text.entry, "ax", @progbits
    .globl image_entry
    .type image_entry, @function
image_entry:
    cld
    mov %rdi, %rbx
    call image_slide
    lea kernel_entry(%rip), %rcx
    add %rax, %rcx
    mov %rbx, %rdi
    jmp *%rcx
    .size image_entry, . - image_entry

    .section .note.GNU-stack, "", @progbits
