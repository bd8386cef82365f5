// The runtime's x86-64 port: system call instructions, thread pointer, time-stamp counter.
//
// Registers are those of [registers.x86_64] in abi/abi.toml. All twelve that carry something are named
// operands, so that a word costs one load and one store and nothing is moved twice.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "lib/tess/message.h"

// What elf_plan must find in a program for this machine (lib/elf/elf.h).
constexpr uint16_t TESS_ARCH_ELF_MACHINE = 62; // EM_X86_64
constexpr uint32_t TESS_ARCH_ELF_RELATIVE = 8; // R_X86_64_RELATIVE

// For who explains a crash: the machine, whether a call pushes the return address, and what a record's registers are in a frame.
#define TESS_ARCH_MACHINE "x86_64"
constexpr bool TESS_ARCH_CALLS_PUSH = true;
constexpr uint64_t TESS_ARCH_FRAME_ADDRESS_BELOW = 16; // __builtin_frame_address lies so far below the caller's stack pointer
static inline uint64_t tess_arch_frame_pointer(const uint64_t gpr[16]) {
    return gpr[6];
}
static inline uint64_t tess_arch_return_address(const uint64_t *) {
    return 0;
}

// What the fields of exit_record.gpr are called.
#define TESS_ARCH_REGISTER_NAMES \
    { \
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", nullptr, "r8", "r9", "r10", "r11", "r12", "r13", \
            "r14", "r15" \
    }

#define TESS_ARCH_SYSCALL(number_, handle_, info_, deadline_) \
    __asm__ volatile("syscall" \
                     : "+a"(number_), "+D"(handle_), "+S"(info_), "+d"(deadline_), "+r"(w0), "+r"(w1), \
                       "+r"(w2), "+r"(w3), "+r"(w4), "+r"(w5), "+r"(w6), "+r"(w7) \
                     : \
                     : "rcx", "r11", "memory")

#define TESS_ARCH_WORDS(source) \
    register uint64_t w0 __asm__("r8") = source(0); \
    register uint64_t w1 __asm__("r9") = source(1); \
    register uint64_t w2 __asm__("r10") = source(2); \
    register uint64_t w3 __asm__("rbx") = source(3); \
    register uint64_t w4 __asm__("r12") = source(4); \
    register uint64_t w5 __asm__("r13") = source(5); \
    register uint64_t w6 __asm__("r14") = source(6); \
    register uint64_t w7 __asm__("r15") = source(7)

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
    uint64_t rax = number, rdi = handle.v, rsi = *info;
    TESS_ARCH_WORDS(TESS_ARCH_LOAD);
    TESS_ARCH_SYSCALL(rax, rdi, rsi, deadline_ns);
    *info = rsi;
    TESS_ARCH_STORE(words);
    return (status_t){(uint32_t)rax};
}

[[gnu::always_inline]] static inline status_t
tess_arch_exchange(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    return tess_arch_words(number, handle, &message->info, message->words, deadline_ns);
}

// Info, words and the sender's badge out.
[[gnu::always_inline]] static inline status_t
tess_arch_receive(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    uint64_t rax = number, rdi = handle.v, rsi = message->info;
    uint64_t *words = message->words;
    TESS_ARCH_WORDS(TESS_ARCH_LOAD);
    TESS_ARCH_SYSCALL(rax, rdi, rsi, deadline_ns);
    message->info = rsi;
    message->badge = rdi;
    TESS_ARCH_STORE(words);
    return (status_t){(uint32_t)rax};
}

// Zeros go out in the words, and what comes back in them is dropped.
[[gnu::always_inline]] static inline status_t tess_arch_exchange0(uint32_t number, handle_t handle,
                                                                  uint64_t *info, uint64_t deadline_ns) {
    uint64_t rax = number, rdi = handle.v, rsi = *info;
    TESS_ARCH_WORDS(TESS_ARCH_ZERO);
    TESS_ARCH_SYSCALL(rax, rdi, rsi, deadline_ns);
    *info = rsi;
    return (status_t){(uint32_t)rax};
}

// One word in and out: signal, wait, yield.
[[gnu::always_inline]] static inline status_t tess_arch_word(uint32_t number, handle_t handle, uint64_t *word,
                                                             uint64_t deadline_ns) {
    uint64_t rax = number, rdi = handle.v, rsi = 0;
    register uint64_t w0 __asm__("r8") = *word;
    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(deadline_ns), "+r"(w0)
                     :
                     : "rcx", "r11", "memory", "r9", "r10", "rbx", "r12", "r13", "r14", "r15");
    *word = w0;
    return (status_t){(uint32_t)rax};
}

// Info and one word in, nothing out: ring_enter.
[[gnu::always_inline]] static inline status_t tess_arch_enter(uint32_t number, handle_t handle, uint64_t info,
                                                              uint64_t word, uint64_t deadline_ns) {
    uint64_t rax = number, rdi = handle.v;
    register uint64_t w0 __asm__("r8") = word;
    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(info), "+d"(deadline_ns), "+r"(w0)
                     :
                     : "rcx", "r11", "memory", "r9", "r10", "rbx", "r12", "r13", "r14", "r15");
    return (status_t){(uint32_t)rax};
}

// park and unpark: an address in the place of the handle. Words 0 and 1 in, 2 and 3 out.
[[gnu::always_inline]] static inline status_t tess_arch_address(uint32_t number, uint64_t address, uint64_t second,
                                                                uint64_t deadline_ns, uint64_t words[2]) {
    uint64_t rax = number, rdi = address, rsi = second;
    register uint64_t w0 __asm__("r8") = words[0];
    register uint64_t w1 __asm__("r9") = words[1];
    register uint64_t w2 __asm__("r10") = 0;
    register uint64_t w3 __asm__("rbx") = 0;
    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(deadline_ns), "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3)
                     :
                     : "rcx", "r11", "memory", "r12", "r13", "r14", "r15");
    words[0] = w2;
    words[1] = w3;
    return (status_t){(uint32_t)rax};
}

struct tess_thread_block;

// The calling thread's block (lib/tess/thread.h), to which the fs segment points; its first word is its
// own address, as variant II of the ELF thread-local storage ABI wants it.
static inline struct tess_thread_block *tess_arch_thread_block(void) {
    struct tess_thread_block *block;
    __asm__("movq %%fs:0, %0" : "=r"(block));
    return block;
}

// A word of that block, by one instruction.
#define TESS_ARCH_BLOCK_READ(offset, value) __asm__ volatile("movq %%fs:%c1, %0" : "=r"(value) : "i"(offset))
#define TESS_ARCH_BLOCK_WRITE(offset, value) __asm__ volatile("movq %0, %%fs:%c1" : : "r"(value), "i"(offset) : "memory")

static inline uint64_t tess_arch_cycles(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// Ends the program at once with a fault that its exit record shows.
[[noreturn]] static inline void tess_arch_trap(void) {
    __asm__ volatile("ud2");
    __builtin_unreachable();
}

// A number from the processor's own source of entropy. Returns how many bits of it nobody can guess; 0: it has no such source, or that
// gives nothing now. RDSEED is the source itself; RDRAND stretches what comes from it, which counts half.
static inline uint32_t tess_arch_entropy(uint64_t *out) {
    constexpr uint32_t ATTEMPTS = 10; // Intel's advice (SDM volume 1, section 7.3.17)
    uint32_t a = 1, b, c = 0, d, extended = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const bool generator = (c & 1u << 30) != 0;
    a = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (a >= 7) {
        a = 7;
        c = 0;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(extended), "+c"(c), "=d"(d));
    }
    unsigned long long value = 0;
    bool done = false;
    for (uint32_t i = 0; !done && (extended & 1u << 18) != 0 && i < ATTEMPTS; i++) {
        __asm__ volatile("rdseed %0" : "=r"(value), "=@ccc"(done));
    }
    uint32_t bits = 64;
    for (uint32_t i = 0; !done && generator && i < ATTEMPTS; i++) {
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(done));
        bits = 32;
    }
    *out = value;
    return done ? bits : 0;
}

static inline void tess_arch_pause(void) {
    __asm__ volatile("pause");
}

// Signals `bits` and then ends the calling thread, whose own handle is `thread`. Once the signal is out
// the stack may be gone, so nothing between the two touches memory.
[[noreturn]] static inline void tess_arch_thread_end(handle_t notification, uint64_t bits, handle_t thread) {
    register uint64_t w0 __asm__("r8") = bits;
    __asm__ volatile("movl %%eax, %%ebp\n\t" // the one register that a system call preserves
                     "movl %[signal], %%eax\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "syscall\n\t"
                     "movl %[exit], %%esi\n\t"
                     "movl %%ebp, %%edi\n\t"
                     "movl %[call], %%eax\n\t"
                     "movq $-1, %%rdx\n\t"
                     "syscall\n\t"
                     "ud2"
                     :
                     : [signal] "i"(SYS_SIGNAL), [call] "i"(SYS_CALL), [exit] "i"(THREAD_EXIT),
                       "D"(notification.v), "r"(w0), "a"(thread.v)
                     : "memory");
    __builtin_unreachable();
}
