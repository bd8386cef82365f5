// Direct entry, no firmware: QEMU (or any PVH virtual machine monitor) loads kernel.elf at its physical
// addresses and jumps here through the ELF note below. PVH start protocol: 32-bit protected mode, flat
// segments, paging off, interrupts off, ebx = physical address of struct hvm_start_info.
//
// This file makes a 64-bit environment that meets the kernel's entry contract (boot/README.md):
// the low 4 GiB mapped to themselves, the image at KERNEL_VIRT_BASE, a stack.

#define KERNEL_VIRT_BASE 0xffffffff80000000
#define KERNEL_LINK_PHYS 0x200000
#define PHYS(symbol) (symbol - KERNEL_VIRT_BASE + KERNEL_LINK_PHYS)

#define PAGE_PRESENT_WRITE 0x03
#define PAGE_LARGE_PRESENT_WRITE 0x83
#define CR0_PE 0x00000001
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

#define XEN_ELFNOTE_PHYS32_ENTRY 18

    .section .note.tessera.pvh, "a", @note
    .balign 4
    .long 4                        // name size
    .long 4                        // description size
    .long XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long PHYS(pvh_start)

    .section .boot.text, "ax", @progbits
    .code32
    .globl pvh_start
    .type pvh_start, @function
pvh_start:
    // The time of this very instruction goes along in edx:eax -> ebp:esi.
    rdtsc
    movl %eax, %esi
    movl %edx, %ebp

    // .bss and .boot.bss are adjacent. Whoever loaded us zeroed them, once; a warm reset may not have.
    cld
    movl $PHYS(__bss_start), %edi
    movl $PHYS(__boot_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

    movl $PHYS(boot_pdpt_low) + PAGE_PRESENT_WRITE, PHYS(boot_pml4)
    movl $PHYS(boot_pdpt_high) + PAGE_PRESENT_WRITE, PHYS(boot_pml4) + 511 * 8
    movl $PHYS(boot_pd_kernel) + PAGE_PRESENT_WRITE, PHYS(boot_pdpt_high) + 510 * 8

    // Four directories for the low 4 GiB.
    movl $PHYS(boot_pd_low) + PAGE_PRESENT_WRITE, %eax
    xorl %ecx, %ecx
1:  movl %eax, PHYS(boot_pdpt_low)(, %ecx, 8)
    addl $4096, %eax
    incl %ecx
    cmpl $4, %ecx
    jne 1b

    movl $PAGE_LARGE_PRESENT_WRITE, %eax
    xorl %ecx, %ecx
2:  movl %eax, PHYS(boot_pd_low)(, %ecx, 8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $4 * 512, %ecx
    jne 2b

    movl $KERNEL_LINK_PHYS + PAGE_LARGE_PRESENT_WRITE, %eax
    xorl %ecx, %ecx
3:  movl %eax, PHYS(boot_pd_kernel)(, %ecx, 8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $__boot_large_pages, %ecx
    jne 3b

    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYS(boot_pml4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG | CR0_PE, %eax
    movl %eax, %cr0

    lgdt PHYS(boot_gdt_pointer)
    ljmp $8, $PHYS(long_mode_low)

    .code64
long_mode_low:
    movabsq $long_mode_high, %rax
    jmp *%rax
long_mode_high:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    leaq boot_stack_top(%rip), %rsp
    movl %ebx, %edi            // also clears the upper half, of which the 32-bit entry promised nothing
    movl %esi, %esi
    shlq $32, %rbp
    orq %rbp, %rsi
    xorl %ebp, %ebp
    call pvh_main              // (start info, time stamp) -> physical address of struct boot_info
    movq %rax, %rdi
    jmp image_entry
    .size pvh_start, . - pvh_start

    .section .boot.rodata, "a", @progbits
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000   // 64-bit code, ring 0
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .long PHYS(boot_gdt)

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_pd_low:
    .skip 4 * 4096
boot_pd_kernel:
    .skip 4096
    .skip 8192
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
