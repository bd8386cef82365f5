// System calls as bare as they come, for tests that must say things the runtime never says: unknown
// numbers, reserved bits, any word in any register. Everything is inlined, so that code which was
// copied into another address space can use it (tests/abi/child.h).
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "abi/types.h"

struct raw_message {
    uint64_t info;
    uint64_t badge; // out
    uint64_t words[MESSAGE_WORDS];
};

// Registers as in abi/abi.toml, [registers.x86_64]. `handle` is 64 bits wide here: what does not fit
// a handle must be refused as well.
[[gnu::always_inline]] static inline status_t raw_syscall(uint64_t number, uint64_t handle,
                                                          struct raw_message *message, uint64_t deadline) {
    register uint64_t rax __asm__("rax") = number;
    register uint64_t rdi __asm__("rdi") = handle;
    register uint64_t rsi __asm__("rsi") = message->info;
    register uint64_t rdx __asm__("rdx") = deadline;
    register uint64_t r8 __asm__("r8") = message->words[0];
    register uint64_t r9 __asm__("r9") = message->words[1];
    register uint64_t r10 __asm__("r10") = message->words[2];
    register uint64_t rbx __asm__("rbx") = message->words[3];
    register uint64_t r12 __asm__("r12") = message->words[4];
    register uint64_t r13 __asm__("r13") = message->words[5];
    register uint64_t r14 __asm__("r14") = message->words[6];
    register uint64_t r15 __asm__("r15") = message->words[7];
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdi), "+r"(rsi), "+r"(rdx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(rbx),
                       "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
                     :
                     : "rcx", "r11", "memory", "cc");
    message->badge = rdi;
    message->info = rsi;
    message->words[0] = r8;
    message->words[1] = r9;
    message->words[2] = r10;
    message->words[3] = rbx;
    message->words[4] = r12;
    message->words[5] = r13;
    message->words[6] = r14;
    message->words[7] = r15;
    return (status_t){(uint32_t)rax};
}

// A method of a kernel object, arguments and results in `words`.
[[gnu::always_inline]] static inline status_t raw_invoke(handle_t object, uint32_t method,
                                                         uint64_t words[8]) {
    struct raw_message message = {.info = method};
    for (int i = 0; i < 8; i++) {
        message.words[i] = words[i];
    }
    status_t status = raw_syscall(SYS_CALL, object.v, &message, DEADLINE_NEVER);
    for (int i = 0; i < 8; i++) {
        words[i] = message.words[i];
    }
    return status;
}

// Ends the process whose handle this is (or tries to).
[[gnu::always_inline]] static inline void raw_exit(handle_t process, uint64_t code) {
    struct raw_message message = {.info = PROCESS_EXIT, .words = {code}};
    (void)raw_syscall(SYS_CALL, process.v, &message, DEADLINE_NEVER).code;
}

[[gnu::always_inline]] static inline uint64_t raw_cycles(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

[[gnu::always_inline]] static inline void raw_relax(void) {
    __asm__ volatile("pause");
}
