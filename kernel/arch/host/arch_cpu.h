// The small inline part of the port interface on the host: a processor whose registers are variables.
#pragma once

#include <stdint.h>

struct percpu;


// kernel/arch/host/cpu.c.
extern struct percpu *host_this_cpu;
extern uint64_t host_tls_base;
extern uint64_t host_active_root; // arch_mmu.h
extern uint64_t host_cycles;      // the processor's clock: nanoseconds

#define ARCH_COLD_CALL [[gnu::cold]]

// What happens when this processor waits for another; null: nothing.
extern void (*host_on_relax)(void);

[[noreturn]] static inline void arch_halt(void) { __builtin_trap(); }

static inline void arch_relax(void) {
    if (host_on_relax != nullptr) {
        host_on_relax();
    }
}

static inline struct percpu *this_cpu(void) {
    return host_this_cpu;
}

// A byte and a pointer of that structure.
static inline uint8_t arch_percpu_byte(uintptr_t offset) {
    return *((const volatile uint8_t *)this_cpu() + offset);
}

static inline void *arch_percpu_pointer(uintptr_t offset) {
    return *(void *const *)((uintptr_t)this_cpu() + offset);
}

static inline uint64_t arch_cycles(void) {
    return host_cycles;
}

// As entry.S of a real port: percpu.frame is the second word. cpu.c asserts it.
static inline void **host_frame(void) {
    return (void **)host_this_cpu + 1;
}

static inline void *arch_current_frame(void) {
    return *host_frame();
}

static inline void arch_set_current_frame(void *frame) {
    *host_frame() = frame;
}

static inline uint64_t arch_read_tls_base(void) {
    return host_tls_base;
}

static inline void arch_write_tls_base(uint64_t base) {
    host_tls_base = base;
}
