// The small inline part of the port interface on x86-64 (see kernel/arch/arch.h).
#pragma once

#include <stdint.h>

struct percpu;

// For functions that are rarely called from where registers are precious: they save all of them.
#define ARCH_COLD_CALL [[gnu::cold, gnu::noinline, clang::preserve_most]]

static inline void arch_relax(void) { __builtin_ia32_pause(); }

// Stops this processor for good.
[[noreturn]] static inline void arch_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}

// The structure of the processor that runs this code. Valid once arch_cpu_init has run on it.
static inline struct percpu *this_cpu(void)
{
    struct percpu *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}

// A byte and a pointer of that structure, without finding out first where it is.
static inline uint8_t arch_percpu_byte(uintptr_t offset) { return *(const volatile uint8_t __seg_gs *)offset; }
static inline void *arch_percpu_pointer(uintptr_t offset) { return *(void *const __seg_gs *)offset; }

static inline uint64_t arch_cycles(void) { return __builtin_ia32_rdtsc(); }

// The current thread's frame, and what the fast path changes when it switches threads. The asm is
// volatile so that no load moves across a switch.
static inline void *arch_current_frame(void)
{
    void *frame;
    __asm__ volatile("mov %%gs:8, %0" : "=r"(frame));
    return frame;
}

static inline void arch_set_current_frame(void *frame)
{
    __asm__ volatile("mov %0, %%gs:8" : : "r"(frame) : "memory");
}

static inline uint64_t arch_read_tls_base(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static inline void arch_write_tls_base(uint64_t base) { __asm__ volatile("wrfsbase %0" : : "r"(base)); }
