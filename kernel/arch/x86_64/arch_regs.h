// The saved user registers of a thread on x86-64.
//
// The system call entry pushes into this structure from FRAME_TOP downwards, so the order of the
// fields below it is the order of the pushes in entry.S. Offsets used there are in offsets.h.
#pragma once

#include <stdint.h>

enum arch_resume : uint64_t {
    ARCH_RESUME_SYSCALL = 0, // stopped in a system call: rcx and r11 are not part of its state
    ARCH_RESUME_TRAP = 1,    // stopped anywhere: every register counts
};

struct arch_regs {
    uint64_t words[8]; // r8 r9 r10 rbx r12 r13 r14 r15: the message words
    uint64_t rbp;
    uint64_t ip;
    uint64_t flags;
    uint64_t sp;
    // FRAME_TOP is here.
    uint64_t status; // rax
    uint64_t badge;  // rdi
    uint64_t info;   // rsi
    uint64_t rdx;
    uint64_t rcx;
    uint64_t r11;
    uint64_t resume; // enum arch_resume
    uint64_t tls_base;
    uint64_t page_table; // what CR3 takes
    void *fpu;           // FPU state, null until the thread first uses the FPU
};
