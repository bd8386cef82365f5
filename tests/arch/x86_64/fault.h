// Ways to fault on x86-64, and what the registers hold when a thread starts.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/abi/child.h"

constexpr uint32_t ARCH_DIVIDE_FAULT = FAULT_DIVIDE;
constexpr uint32_t ARCH_NONCANONICAL_FAULT = FAULT_PROTECTION;

[[gnu::always_inline]] static inline void arch_fault_illegal(void) {
    __asm__ volatile("ud2");
}

[[gnu::always_inline]] static inline uint64_t arch_fault_divide(uint64_t zero) {
    uint64_t quotient = 1, remainder = 0;
    __asm__ volatile("divq %2" : "+a"(quotient), "+d"(remainder) : "r"(zero));
    return quotient;
}

[[gnu::always_inline]] static inline void arch_fault_breakpoint(void) {
    __asm__ volatile("int3");
}

constexpr uint32_t ARCH_PRIVILEGED_COUNT = 16;

// Instructions that only the kernel may use.
[[gnu::always_inline]] static inline void arch_fault_privileged(uint32_t which) {
    uint64_t scratch = 0;
    uint8_t descriptor[10];
    // A chain of comparisons, not a switch: a jump table would lie outside the copied code.
    if (which == 0) {
        __asm__ volatile("cli");
    } else if (which == 1) {
        __asm__ volatile("sti");
    } else if (which == 2) {
        __asm__ volatile("hlt");
    } else if (which == 3) {
        __asm__ volatile("inb $0x60, %%al" ::: "eax");
    } else if (which == 4) {
        __asm__ volatile("outb %%al, $0x64" ::"a"(0xfe)); // would reset the machine
    } else if (which == 5) {
        __asm__ volatile("wrmsr" ::"a"(0), "d"(0), "c"(0xc000'0082)); // the system call entry
    } else if (which == 6) {
        __asm__ volatile("rdmsr" ::"c"(0xc000'0080) : "eax", "edx");
    } else if (which == 7) {
        __asm__ volatile("movq %%cr3, %0" : "=r"(scratch));
    } else if (which == 8) {
        __asm__ volatile("movq %0, %%cr0" ::"r"(scratch));
    } else if (which == 9) {
        __asm__ volatile("movq %0, %%cr4" ::"r"(scratch));
    } else if (which == 10) {
        __asm__ volatile("invlpg (%0)" ::"r"(scratch) : "memory");
    } else if (which == 11) {
        __asm__ volatile("lgdt (%0)" ::"r"(descriptor) : "memory");
    } else if (which == 12) {
        __asm__ volatile("sgdt (%0)" ::"r"(descriptor) : "memory"); // UMIP
    } else if (which == 13) {
        __asm__ volatile("clac");
    } else if (which == 14) {
        __asm__ volatile("swapgs");
    } else {
        __asm__ volatile("wbinvd");
    }
}

constexpr uint32_t ARCH_REPORTED_REGISTERS = 13;

// The first instructions of a thread: stores every general register except rdi (the argument) and rsp,
// then exits.
CHILD [[maybe_unused]] static void arch_child_report_registers(struct child_page *page) {
    __asm__ volatile("movq %%rax, %c1+0(%0)\n\tmovq %%rbx, %c1+8(%0)\n\tmovq %%rcx, %c1+16(%0)\n\t"
                     "movq %%rdx, %c1+24(%0)\n\tmovq %%rsi, %c1+32(%0)\n\tmovq %%rbp, %c1+40(%0)\n\t"
                     "movq %%r8, %c1+48(%0)\n\tmovq %%r9, %c1+56(%0)\n\tmovq %%r10, %c1+64(%0)\n\t"
                     "movq %%r12, %c1+72(%0)\n\tmovq %%r13, %c1+80(%0)\n\tmovq %%r14, %c1+88(%0)\n\t"
                     "movq %%r15, %c1+96(%0)"
                     :
                     : "D"(page), "i"(offsetof(struct child_page, result))
                     : "memory");
    raw_exit(page->process, 0);
}
