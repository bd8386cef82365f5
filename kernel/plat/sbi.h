// Calls into the supervisor binary interface's firmware (RISC-V SBI specification 1.0).
#pragma once

#include <stdint.h>

enum sbi_extension : uint64_t {
    SBI_CONSOLE_PUT = 0x01, // legacy, one byte
    SBI_SHUTDOWN = 0x08,    // legacy
    SBI_BASE = 0x10,
    SBI_TIME = 0x5449'4d45,
    SBI_IPI = 0x73'5049,
    SBI_FENCE = 0x5246'4e43,
    SBI_HART = 0x48'534d,
    SBI_RESET = 0x5352'5354,
};

struct sbi_result {
    int64_t error; // 0: none
    uint64_t value;
};

static inline struct sbi_result sbi_call(enum sbi_extension extension, uint64_t function, uint64_t arg0,
                                         uint64_t arg1, uint64_t arg2, uint64_t arg3) {
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a3 __asm__("a3") = arg3;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

static inline bool sbi_has(enum sbi_extension extension) {
    constexpr uint64_t PROBE = 3;
    const struct sbi_result result = sbi_call(SBI_BASE, PROBE, extension, 0, 0, 0);
    return result.error == 0 && result.value != 0;
}
