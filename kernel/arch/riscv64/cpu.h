// Control and status registers by the names of the RISC-V privileged architecture, chapter 4.
#pragma once

#include <stdint.h>

#include "kernel/types.h"

#define CSR_READ(name) \
    ({ \
        uint64_t csr_value_; \
        __asm__ volatile("csrr %0, " #name : "=r"(csr_value_)); \
        csr_value_; \
    })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")
#define CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")

constexpr uint64_t SSTATUS_SIE = 1u << 1, SSTATUS_SPIE = 1u << 5, SSTATUS_SPP = 1u << 8, SSTATUS_FS = 3u << 13,
                   SSTATUS_FS_CLEAN = 2u << 13, SSTATUS_SUM = 1u << 18, SSTATUS_MXR = 1u << 19;

constexpr uint64_t SCAUSE_INTERRUPT = 1ull << 63;
constexpr uint64_t INTERRUPT_SOFTWARE = 1, INTERRUPT_TIMER = 5, INTERRUPT_EXTERNAL = 9;
struct percpu;

// Makes the calling processor the one of this structure: trap entry, and what this_cpu gives.
void cpu_use(struct percpu *cpu);

// Protection, clock and interrupts of the calling processor. Null, or what it lacks.
const char *cpu_enable(void);

// Halts when another processor reports a panic.
void smp_stop_if_asked(void);

// Serves what is pending in sip by this number.
void cpu_interrupt(unsigned number);

constexpr uint64_t SIE_ALL = 1u << INTERRUPT_SOFTWARE | 1u << INTERRUPT_TIMER | 1u << INTERRUPT_EXTERNAL;
