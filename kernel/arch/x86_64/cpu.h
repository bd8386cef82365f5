// Control registers, model-specific registers and feature bits, by the names of the Intel SDM (volumes 3 and 4).
#pragma once

#include <stdint.h>

#include "io.h" // msr_read, msr_write
#include "kernel/types.h"

constexpr uint32_t MSR_SYSENTER_CS = 0x174;
constexpr uint32_t MSR_EFER = 0xc000'0080;
constexpr uint32_t MSR_STAR = 0xc000'0081;
constexpr uint32_t MSR_LSTAR = 0xc000'0082;
constexpr uint32_t MSR_FMASK = 0xc000'0084;
constexpr uint32_t MSR_KERNEL_GS_BASE = 0xc000'0102;

constexpr uint64_t EFER_SCE = 1u << 0, EFER_NXE = 1u << 11;

constexpr uint64_t CR0_MP = 1u << 1, CR0_EM = 1u << 2, CR0_TS = 1u << 3, CR0_NE = 1u << 5, CR0_WP = 1u << 16;
constexpr uint64_t CR4_PAE = 1u << 5, CR4_MCE = 1u << 6, CR4_PGE = 1u << 7, CR4_OSFXSR = 1u << 9,
                   CR4_OSXMMEXCPT = 1u << 10, CR4_UMIP = 1u << 11, CR4_FSGSBASE = 1u << 16,
                   CR4_OSXSAVE = 1u << 18, CR4_SMEP = 1u << 20, CR4_SMAP = 1u << 21;

constexpr uint64_t FLAG_TF = 1u << 8, FLAG_IF = 1u << 9, FLAG_DF = 1u << 10, FLAG_IOPL = 3u << 12,
                   FLAG_NT = 1u << 14, FLAG_AC = 1u << 18;

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

// All zero for a leaf that the processor does not have.
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf & 0x8000'0000), "c"(0));
    if (r.eax < leaf) {
        return (struct cpuid){};
    }
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t read_cr0(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint64_t value) {
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr2(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t read_cr4(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value) {
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

// On each processor; false when it has no XSAVEOPT (fpu.c).
bool fpu_enable(void);

struct percpu;
struct thread;

// The current thread, which has no FPU state, used the FPU: gives it a fresh one. False when its account cannot pay.
bool fpu_first_use(struct thread *thread);

// On the processor itself: its tables, so that this_cpu works and exceptions find their stacks.
void cpu_use(struct percpu *cpu);

// On the processor itself: what it can do, and the system call entry. Null, or what it lacks.
const char *cpu_enable(void);
