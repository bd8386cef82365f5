// Ways to fault on riscv64, and what the registers hold when a thread starts.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/abi/child.h"

constexpr uint32_t ARCH_DIVIDE_FAULT = FAULT_NONE; // a division by zero gives a number
constexpr uint32_t ARCH_NONCANONICAL_FAULT = FAULT_PAGE;

[[gnu::always_inline]] static inline void arch_fault_illegal(void) {
    __asm__ volatile("unimp");
}

[[gnu::always_inline]] static inline uint64_t arch_fault_divide(uint64_t zero) {
    uint64_t quotient = 1;
    __asm__ volatile("divu %0, %0, %1" : "+r"(quotient) : "r"(zero));
    return quotient;
}

[[gnu::always_inline]] static inline void arch_fault_breakpoint(void) {
    __asm__ volatile("ebreak");
}

constexpr uint32_t ARCH_PRIVILEGED_COUNT = 16;

// Instructions that only the kernel may use.
[[gnu::always_inline]] static inline void arch_fault_privileged(uint32_t which) {
    uint64_t scratch = 0;
    // A chain of comparisons, not a switch: a jump table would lie outside the copied code.
    if (which == 0) {
        __asm__ volatile("csrr %0, sstatus" : "=r"(scratch));
    } else if (which == 1) {
        __asm__ volatile("csrw sstatus, %0" ::"r"(scratch));
    } else if (which == 2) {
        __asm__ volatile("csrr %0, satp" : "=r"(scratch));
    } else if (which == 3) {
        __asm__ volatile("csrw satp, %0" ::"r"(scratch));
    } else if (which == 4) {
        __asm__ volatile("csrw stvec, %0" ::"r"(scratch));
    } else if (which == 5) {
        __asm__ volatile("csrw sscratch, %0" ::"r"(scratch));
    } else if (which == 6) {
        __asm__ volatile("csrr %0, sepc" : "=r"(scratch));
    } else if (which == 7) {
        __asm__ volatile("csrw sepc, %0" ::"r"(scratch));
    } else if (which == 8) {
        __asm__ volatile("csrw sie, %0" ::"r"(scratch));
    } else if (which == 9) {
        __asm__ volatile("csrci sstatus, 2");
    } else if (which == 10) {
        __asm__ volatile("sret");
    } else if (which == 11) {
        __asm__ volatile("wfi");
    } else if (which == 12) {
        __asm__ volatile("sfence.vma");
    } else if (which == 13) {
        __asm__ volatile("rdcycle %0" : "=r"(scratch));
    } else if (which == 14) {
        __asm__ volatile("rdinstret %0" : "=r"(scratch));
    } else {
        __asm__ volatile("mret");
    }
}

constexpr uint32_t ARCH_REPORTED_REGISTERS = 16;

// The first instructions of a thread: stores general registers (not a0, the argument, nor sp), then exits.
CHILD [[maybe_unused]] static void arch_child_report_registers(struct child_page *page) {
    register struct child_page *a0 __asm__("a0") = page;
    __asm__ volatile("sd ra, %1+0(%0)\n\t"
                     "sd gp, %1+8(%0)\n\t"
                     "sd tp, %1+16(%0)\n\t"
                     "sd t0, %1+24(%0)\n\t"
                     "sd t1, %1+32(%0)\n\t"
                     "sd t2, %1+40(%0)\n\t"
                     "sd t3, %1+48(%0)\n\t"
                     "sd t6, %1+56(%0)\n\t"
                     "sd s0, %1+64(%0)\n\t"
                     "sd s1, %1+72(%0)\n\t"
                     "sd s2, %1+80(%0)\n\t"
                     "sd s11, %1+88(%0)\n\t"
                     "sd a1, %1+96(%0)\n\t"
                     "sd a2, %1+104(%0)\n\t"
                     "sd a5, %1+112(%0)\n\t"
                     "sd a7, %1+120(%0)\n\t"
                     :
                     : "r"(a0), "i"(offsetof(struct child_page, result))
                     : "memory");
    raw_exit(page->process, 0);
}
