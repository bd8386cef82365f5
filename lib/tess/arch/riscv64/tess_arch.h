// The runtime's riscv64 port: system call instruction, thread pointer, clock.
//
// Registers are those of [registers.riscv64] in abi/abi.toml. All twelve that carry something are named operands, so
// that a word costs one load and one store and nothing is moved twice.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "lib/tess/message.h"

// What elf_plan must find in a program for this machine (lib/elf/elf.h).
constexpr uint16_t TESS_ARCH_ELF_MACHINE = 243; // EM_RISCV
constexpr uint32_t TESS_ARCH_ELF_RELATIVE = 3;  // R_RISCV_RELATIVE

// For who explains a crash: the machine, whether a call pushes the return address, and what a record's registers are in a frame.
#define TESS_ARCH_MACHINE "riscv64"
constexpr bool TESS_ARCH_CALLS_PUSH = false;
constexpr uint64_t TESS_ARCH_FRAME_ADDRESS_BELOW = 0; // __builtin_frame_address is the caller's stack pointer
static inline uint64_t tess_arch_frame_pointer(const uint64_t gpr[16]) {
    return gpr[5];
}
static inline uint64_t tess_arch_return_address(const uint64_t gpr[16]) {
    return gpr[0];
}

// What the fields of exit_record.gpr are called.
#define TESS_ARCH_REGISTER_NAMES \
    { \
        "ra", "gp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2" \
    }

#define TESS_ARCH_SYSCALL() \
    __asm__ volatile("ecall" \
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3), "+r"(w4), \
                       "+r"(w5), "+r"(w6), "+r"(w7) \
                     : \
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory")

#define TESS_ARCH_HEAD(number_, handle_, info_, deadline_) \
    register uint64_t a7 __asm__("a7") = (number_); \
    register uint64_t a0 __asm__("a0") = (handle_).v; \
    register uint64_t a1 __asm__("a1") = (info_); \
    register uint64_t a2 __asm__("a2") = (deadline_)

#define TESS_ARCH_WORDS(source) \
    register uint64_t w0 __asm__("a3") = source(0); \
    register uint64_t w1 __asm__("a4") = source(1); \
    register uint64_t w2 __asm__("a5") = source(2); \
    register uint64_t w3 __asm__("a6") = source(3); \
    register uint64_t w4 __asm__("s2") = source(4); \
    register uint64_t w5 __asm__("s3") = source(5); \
    register uint64_t w6 __asm__("s4") = source(6); \
    register uint64_t w7 __asm__("s5") = source(7)

#define TESS_ARCH_STORE(words) \
    do { \
        (words)[0] = w0; \
        (words)[1] = w1; \
        (words)[2] = w2; \
        (words)[3] = w3; \
        (words)[4] = w4; \
        (words)[5] = w5; \
        (words)[6] = w6; \
        (words)[7] = w7; \
    } while (0)

#define TESS_ARCH_ZERO(i) 0
#define TESS_ARCH_LOAD(i) words[i]

// Info and words in and out.
[[gnu::always_inline]] static inline status_t
tess_arch_words(uint32_t number, handle_t handle, uint64_t *info, uint64_t *words, uint64_t deadline_ns) {
    TESS_ARCH_HEAD(number, handle, *info, deadline_ns);
    TESS_ARCH_WORDS(TESS_ARCH_LOAD);
    TESS_ARCH_SYSCALL();
    *info = a1;
    TESS_ARCH_STORE(words);
    return (status_t){(uint32_t)a7};
}

[[gnu::always_inline]] static inline status_t
tess_arch_exchange(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    return tess_arch_words(number, handle, &message->info, message->words, deadline_ns);
}

// Info, words and the sender's badge out.
[[gnu::always_inline]] static inline status_t
tess_arch_receive(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    uint64_t *words = message->words;
    TESS_ARCH_HEAD(number, handle, message->info, deadline_ns);
    TESS_ARCH_WORDS(TESS_ARCH_LOAD);
    TESS_ARCH_SYSCALL();
    message->info = a1;
    message->badge = a0;
    TESS_ARCH_STORE(words);
    return (status_t){(uint32_t)a7};
}

// Zeros go out in the words, and what comes back in them is dropped.
[[gnu::always_inline]] static inline status_t tess_arch_exchange0(uint32_t number, handle_t handle,
                                                                  uint64_t *info, uint64_t deadline_ns) {
    TESS_ARCH_HEAD(number, handle, *info, deadline_ns);
    TESS_ARCH_WORDS(TESS_ARCH_ZERO);
    TESS_ARCH_SYSCALL();
    *info = a1;
    return (status_t){(uint32_t)a7};
}

// One word in and out: signal, wait, yield.
[[gnu::always_inline]] static inline status_t tess_arch_word(uint32_t number, handle_t handle, uint64_t *word,
                                                             uint64_t deadline_ns) {
    TESS_ARCH_HEAD(number, handle, 0, deadline_ns);
    register uint64_t w0 __asm__("a3") = *word;
    __asm__ volatile("ecall"
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(w0)
                     :
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory", "a4", "a5", "a6", "s2", "s3", "s4",
                       "s5");
    *word = w0;
    return (status_t){(uint32_t)a7};
}

// Info and one word in, nothing out: ring_enter.
[[gnu::always_inline]] static inline status_t tess_arch_enter(uint32_t number, handle_t handle, uint64_t info,
                                                              uint64_t word, uint64_t deadline_ns) {
    TESS_ARCH_HEAD(number, handle, info, deadline_ns);
    register uint64_t w0 __asm__("a3") = word;
    __asm__ volatile("ecall"
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(w0)
                     :
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory", "a4", "a5", "a6", "s2", "s3", "s4",
                       "s5");
    return (status_t){(uint32_t)a7};
}

// park and unpark: an address in the place of the handle. Words 0 and 1 in, 2 and 3 out.
[[gnu::always_inline]] static inline status_t tess_arch_address(uint32_t number, uint64_t address, uint64_t second,
                                                                uint64_t deadline_ns, uint64_t words[2]) {
    struct {
        uint64_t v;
    } place = {address};
    TESS_ARCH_HEAD(number, place, second, deadline_ns);
    register uint64_t w0 __asm__("a3") = words[0];
    register uint64_t w1 __asm__("a4") = words[1];
    register uint64_t w2 __asm__("a5") = 0;
    register uint64_t w3 __asm__("a6") = 0;
    __asm__ volatile("ecall"
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3)
                     :
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory", "s2", "s3", "s4", "s5");
    words[0] = w2;
    words[1] = w3;
    return (status_t){(uint32_t)a7};
}

struct tess_thread_block;

// The calling thread's block (lib/tess/thread.h), to which tp points. Thread-local variables of the language would
// lie above it (variant I of the ELF thread-local storage ABI), where there is no room: programs have none.
static inline struct tess_thread_block *tess_arch_thread_block(void) {
    struct tess_thread_block *block;
    __asm__("mv %0, tp" : "=r"(block));
    return block;
}

// A word of that block, by one instruction.
#define TESS_ARCH_BLOCK_READ(offset, value) __asm__ volatile("ld %0, %1(tp)" : "=r"(value) : "i"(offset))
#define TESS_ARCH_BLOCK_WRITE(offset, value) __asm__ volatile("sd %0, %1(tp)" : : "r"(value), "i"(offset) : "memory")

static inline uint64_t tess_arch_cycles(void) {
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

// Ends the program at once with a fault that its exit record shows.
[[noreturn]] static inline void tess_arch_trap(void) {
    __asm__ volatile("unimp");
    __builtin_unreachable();
}

// A number from the processor's own source of entropy. Returns how many bits of it nobody can guess: none, programs are not given
// the seed register (Zkr).
static inline uint32_t tess_arch_entropy(uint64_t *out) {
    *out = 0;
    return 0;
}

static inline void tess_arch_pause(void) {
    __asm__ volatile(".word 0x0100000f"); // pause
}

// Signals `bits` and then ends the calling thread, whose own handle is `thread`. Once the signal is out
// the stack may be gone, so nothing between the two touches memory.
[[noreturn]] static inline void tess_arch_thread_end(handle_t notification, uint64_t bits, handle_t thread) {
    TESS_ARCH_HEAD(SYS_SIGNAL, notification, 0, 0);
    register uint64_t w0 __asm__("a3") = bits;
    register uint64_t s6 __asm__("s6") = thread.v; // a system call preserves it
    __asm__ volatile("ecall\n\t"
                     "mv a0, s6\n\t"
                     "li a1, %[exit]\n\t"
                     "li a2, -1\n\t"
                     "li a7, %[call]\n\t"
                     "ecall\n\t"
                     "unimp"
                     : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(w0)
                     : [call] "i"(SYS_CALL), [exit] "i"(THREAD_EXIT), "r"(s6)
                     : "memory");
    __builtin_unreachable();
}
