// Small things that every part of the Linux benchmark needs.
#pragma once

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline uint64_t ticks(void) {
    return __builtin_ia32_rdtsc();
}

// Ends the program, and with it the machine: a figure with a failed step in it is none.
static inline void require(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "bench failed: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

// Parking on a word that other processes share: 1 says "go".
static inline void unpark(uint32_t *word) {
    __atomic_store_n(word, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

static inline void park(uint32_t *word) {
    while (__atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE) == 0) {
        syscall(SYS_futex, word, FUTEX_WAIT, 0, nullptr, nullptr, 0);
    }
}

// One byte with a descriptor beside it.
static inline void send_descriptor(int socket, int descriptor) {
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    char byte = 1;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
    require(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

static inline int receive_descriptor(int socket) {
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    require(recvmsg(socket, &message, 0) == 1, "recvmsg");
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(descriptor));
    return descriptor;
}
