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

// Registers as in abi/abi.toml, [registers.riscv64]. `handle` is 64 bits wide here: what does not fit
// a handle must be refused as well.
[[gnu::always_inline]] static inline status_t raw_syscall(uint64_t number, uint64_t handle,
                                                          struct raw_message *message, uint64_t deadline) {
    register uint64_t a7 __asm__("a7") = number;
    register uint64_t a0 __asm__("a0") = handle;
    register uint64_t a1 __asm__("a1") = message->info;
    register uint64_t a2 __asm__("a2") = deadline;
    register uint64_t a3 __asm__("a3") = message->words[0];
    register uint64_t a4 __asm__("a4") = message->words[1];
    register uint64_t a5 __asm__("a5") = message->words[2];
    register uint64_t a6 __asm__("a6") = message->words[3];
    register uint64_t s2 __asm__("s2") = message->words[4];
    register uint64_t s3 __asm__("s3") = message->words[5];
    register uint64_t s4 __asm__("s4") = message->words[6];
    register uint64_t s5 __asm__("s5") = message->words[7];
    __asm__ volatile("ecall"
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(s2),
                       "+r"(s3), "+r"(s4), "+r"(s5)
                     :
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    message->badge = a0;
    message->info = a1;
    message->words[0] = a3;
    message->words[1] = a4;
    message->words[2] = a5;
    message->words[3] = a6;
    message->words[4] = s2;
    message->words[5] = s3;
    message->words[6] = s4;
    message->words[7] = s5;
    return (status_t){(uint32_t)a7};
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
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

[[gnu::always_inline]] static inline void raw_relax(void) {
    __asm__ volatile(".word 0x0100000f"); // pause
}
