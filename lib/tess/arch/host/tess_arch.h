// The runtime's host port, for tests of libraries that make system calls: the test supplies
// tess_host_syscall and so plays the kernel and every service.
#pragma once

#include <stdint.h>

#include "lib/tess/message.h"

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message,
                           uint64_t deadline_ns);
struct tess_thread_block *tess_arch_thread_block(void);
uint64_t tess_arch_cycles(void);

#define TESS_ARCH_BLOCK_READ(offset, value) ((value) = *(const uint64_t *)((const char *)tess_arch_thread_block() + (offset)))
#define TESS_ARCH_BLOCK_WRITE(offset, value) (*(uint64_t *)((char *)tess_arch_thread_block() + (offset)) = (value))

static inline status_t tess_arch_exchange(uint32_t number, handle_t handle, struct tess_message *message,
                                          uint64_t deadline_ns) {
    return tess_host_syscall(number, handle, message, deadline_ns);
}

static inline status_t tess_arch_receive(uint32_t number, handle_t handle, struct tess_message *message,
                                         uint64_t deadline_ns) {
    return tess_host_syscall(number, handle, message, deadline_ns);
}

static inline status_t tess_arch_words(uint32_t number, handle_t handle, uint64_t *info, uint64_t *words,
                                       uint64_t deadline_ns) {
    struct tess_message message = {.info = *info};
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        message.words[i] = words[i];
    }
    status_t status = tess_host_syscall(number, handle, &message, deadline_ns);
    *info = message.info;
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        words[i] = message.words[i];
    }
    return status;
}

static inline status_t tess_arch_exchange0(uint32_t number, handle_t handle, uint64_t *info,
                                           uint64_t deadline_ns) {
    uint64_t words[MESSAGE_WORDS] = {};
    return tess_arch_words(number, handle, info, words, deadline_ns);
}

static inline status_t tess_arch_word(uint32_t number, handle_t handle, uint64_t *word,
                                      uint64_t deadline_ns) {
    uint64_t info = 0;
    uint64_t words[MESSAGE_WORDS] = {*word};
    status_t status = tess_arch_words(number, handle, &info, words, deadline_ns);
    *word = words[0];
    return status;
}

static inline status_t tess_arch_enter(uint32_t number, handle_t handle, uint64_t info, uint64_t word,
                                       uint64_t deadline_ns) {
    uint64_t words[MESSAGE_WORDS] = {word};
    return tess_arch_words(number, handle, &info, words, deadline_ns);
}

[[noreturn]] static inline void tess_arch_trap(void) {
    __builtin_trap();
}
