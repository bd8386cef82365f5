// The saved user registers of a thread on riscv64. Offsets used by entry.S are in offsets.h.
#pragma once

#include <stdint.h>

enum arch_resume : uint64_t {
    ARCH_RESUME_SYSCALL = 0, // stopped in a system call: a2 and t0..t6 are not part of its state
    ARCH_RESUME_TRAP = 1,    // stopped anywhere: every register counts
};

struct arch_regs {
    uint64_t words[8]; // a3 a4 a5 a6 s2 s3 s4 s5: the message words
    uint64_t ra;
    uint64_t gp;
    uint64_t s0, s1;
    uint64_t s6, s7, s8, s9, s10, s11;
    uint64_t ip;
    uint64_t sp;
    // FRAME_TOP is here.
    uint64_t status; // a7
    uint64_t badge;  // a0
    uint64_t info;   // a1
    uint64_t a2;
    uint64_t t[7];
    uint64_t resume; // enum arch_resume
    uint64_t tls_base;
    uint64_t page_table; // what arch_write_root takes
    void *fpu;           // FPU state, null until the thread first uses the FPU
};
