// Direct entry: OpenSBI (or any SBI firmware) loads kernel.elf at its physical addresses and jumps to the first byte
// of it in supervisor mode. Translation and interrupts are off, a0 = number of this hart, a1 = physical address of
// the device tree.
//
// This file makes an environment that meets the kernel's entry contract (boot/README.md): the low 4 GiB mapped to
// themselves, the image at KERNEL_VIRT_BASE, a stack. It uses Sv39, which every processor with pages has, and
// finds out on the way whether there is Sv48.

#define KERNEL_VIRT_BASE 0xffffffff80000000
#define KERNEL_LINK_PHYS 0x80200000

#define PTE_TABLE 0x01  // V
#define PTE_KERNEL 0xcf // V R W X A D: data and code
#define SATP_SV39 8
#define SATP_SV48 9
#define SATP_MODE_SHIFT 60

    .section .text.start, "ax", @progbits
    .globl sbi_start
    .type sbi_start, @function
sbi_start:
    .option norelax
    csrw sie, zero
    csrw sstatus, zero
    rdtime s2
    mv s0, a0
    mv s1, a1

    // .bss and .boot.bss are adjacent. Whoever loaded us zeroed them, once; a warm reset may not have.
    lla t0, __bss_start
    lla t1, __boot_end
1:  sd zero, (t0)
    addi t0, t0, 8
    bltu t0, t1, 1b

    // Sv48: the mode stays as it was when the processor does not have it. One entry of 512 GiB maps us meanwhile.
    lla t0, boot_probe
    li t1, PTE_KERNEL
    sd t1, (t0)
    srli t0, t0, 12
    li t1, SATP_SV48
    slli t2, t1, SATP_MODE_SHIFT
    or t0, t0, t2
    sfence.vma
    csrw satp, t0
    csrr t2, satp
    csrw satp, zero
    sfence.vma
    srli t2, t2, SATP_MODE_SHIFT
    beq t2, t1, 2f
    li t1, SATP_SV39
2:  lla t0, boot_best_satp_mode
    sd t1, (t0)

    // Four entries of 1 GiB for the low 4 GiB.
    lla t0, boot_root
    li t1, PTE_KERNEL
    li t2, 0x40000000 >> 2 // 1 GiB as it counts in an entry
    li t3, 4
3:  sd t1, (t0)
    addi t0, t0, 8
    add t1, t1, t2
    addi t3, t3, -1
    bnez t3, 3b

    // The image: pages of 2 MiB.
    lla t0, boot_image_table
    srli t1, t0, 2
    ori t1, t1, PTE_TABLE
    lla t2, boot_root + 510 * 8
    sd t1, (t2)
    li t1, (KERNEL_LINK_PHYS >> 2) | PTE_KERNEL
    li t2, 0x200000 >> 2
    lla t3, __boot_end
    lla t4, __image_start
    sub t3, t3, t4         // bytes left
    li t4, 0x200000
4:  sd t1, (t0)
    addi t0, t0, 8
    add t1, t1, t2
    sub t3, t3, t4
    bgtz t3, 4b

    lla t0, boot_root
    srli t0, t0, 12
    li t1, SATP_SV39
    slli t1, t1, SATP_MODE_SHIFT
    or t0, t0, t1
    csrw satp, t0
    sfence.vma

    // From here on at the image's own addresses.
    li t1, KERNEL_VIRT_BASE - KERNEL_LINK_PHYS
    lla t0, 5f
    add t0, t0, t1
    jr t0
5:  lla sp, sbi_stack_top
    mv a0, s1
    mv a1, s0
    mv a2, s2
    call sbi_main          // (device tree, hart, time) -> physical address of struct boot_info
    tail kernel_entry
    .size sbi_start, . - sbi_start

    .data
    .balign 8
    .globl boot_best_satp_mode
boot_best_satp_mode:
    .quad 0

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_root:
    .skip 4096
boot_image_table:
    .skip 4096
boot_probe:
    .skip 4096
    .skip 16384
sbi_stack_top:

    .section .note.GNU-stack, "", @progbits
