// Carrying one message from a thread to another.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "kernel/types.h"

struct thread;

// Whether `thread` may send a message with this header: reserved bits, sizes, and a message page where
// one is needed. BAD_ARGUMENT. / What is only words may be sent in any case, whatever may come back.
status_t message_check_load(const struct thread *thread, uint64_t info);
static inline status_t message_check(const struct thread *thread, uint64_t info) {
    const bool words = info <= UINT32_MAX || ((info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX)) == 0 &&
                                              message_accept(info) <= MESSAGE_HANDLES);
    return words ? STATUS_OK : message_check_load(thread, info);
}

// The words, and the one handle that the header names, of a message that carries nothing else and that the receiver
// accepts; no more of its registers is written. As message_transfer when it fails. `grant`: grant_by_message.
status_t message_carry_handle(const struct thread *sender, struct thread *receiver, uint64_t info, uint64_t grant);

// Delivers: copies the words, the message page's bytes and the handles of `sender` to `receiver`, and
// writes the receiver's registers (status OK, badge, header with `flags`). Handles are all
// transferred or none; when it fails neither side has changed, and the status is the sender's.
// `accept` is how many handles the receiver takes.
status_t message_transfer(struct thread *sender, struct thread *receiver, uint64_t info, uint64_t badge,
                          uint64_t flags, uint32_t accept);
