// The first instructions of a processor that is started: from real mode, where the interrupt that starts it puts
// it, straight to 64-bit mode (Intel SDM volume 3, section 10.8.5). Runs from a copy on a page below 1 MiB: cs is its
// paragraph, and it is mapped at its physical address.

#define CR0_START 0x80010033 // PG, WP, NE, ET, MP, PE; the caches on
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900

    .text
    .balign 16
    .globl start_code
start_code:
    .code16
    cli
    movw %cs, %ax
    movw %ax, %ds
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl start_root - start_code, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    lgdtl start_gdt_pointer - start_code
    movl $CR0_START, %eax
    movl %eax, %cr0
    ljmpl *(start_jump - start_code)
    .code64
    .globl start_64
start_64:
    movq start_entry(%rip), %rax
    jmp *%rax

    .balign 8
    .globl start_parameters
start_parameters: // struct start_parameters
start_entry:
    .quad 0
start_gdt:
    .quad 0
    .quad 0x00209b0000000000 // 64-bit code, ring 0
start_root:
    .long 0
start_jump:
    .long 0
    .word 8
start_gdt_pointer:
    .word 15
    .long 0
    .globl start_end
start_end:
