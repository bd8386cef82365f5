// The small inline part of the port interface on riscv64 (see kernel/arch/arch.h).
#pragma once

#include <stdint.h>

struct percpu;

// For functions that are rarely called from where registers are precious.
#define ARCH_COLD_CALL [[gnu::cold, gnu::noinline]]

// The hint `pause`; a processor that does not know it takes it for a fence that orders nothing.
static inline void arch_relax(void) {
    __asm__ volatile(".word 0x0100000f" ::: "memory");
}

// Stops this processor for good.
[[noreturn]] static inline void arch_halt(void) {
    for (;;) {
        __asm__ volatile("csrci sstatus, 2\n\tcsrw sie, zero\n\twfi" ::: "memory");
    }
}

// The structure of the processor that runs this code: the thread pointer, while in the kernel.
static inline struct percpu *this_cpu(void) {
    struct percpu *self;
    __asm__("mv %0, tp" : "=r"(self));
    return self;
}

// A byte and a pointer of that structure.
static inline uint8_t arch_percpu_byte(uintptr_t offset) {
    return *((const volatile uint8_t *)this_cpu() + offset);
}

static inline void *arch_percpu_pointer(uintptr_t offset) {
    return *(void *const *)((uintptr_t)this_cpu() + offset);
}

static inline uint64_t arch_cycles(void) {
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

// The current thread's frame (percpu.frame), and what the fast path changes when it switches threads. The asm is
// volatile so that no load moves across a switch.
static inline void *arch_current_frame(void) {
    void *frame;
    __asm__ volatile("ld %0, 8(tp)" : "=r"(frame));
    return frame;
}

static inline void arch_set_current_frame(void *frame) {
    __asm__ volatile("sd %0, 8(tp)" : : "r"(frame) : "memory");
}

// A program's thread pointer is in percpu.tls_base while the kernel uses the register.
static inline uint64_t arch_read_tls_base(void) {
    uint64_t base;
    __asm__ volatile("ld %0, 24(tp)" : "=r"(base));
    return base;
}

static inline void arch_write_tls_base(uint64_t base) {
    __asm__ volatile("sd %0, 24(tp)" : : "r"(base) : "memory");
}
