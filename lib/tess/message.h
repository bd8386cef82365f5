// One message as a program sees it: what travels in registers. The page and the handles that go with
// it are described by `info` (abi/message.h).
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "abi/types.h"

struct tess_message {
    uint64_t info;
    uint64_t badge; // of the handle that the sender used; written by recv and reply_recv only
    uint64_t words[MESSAGE_WORDS];
};

// The info word of a request or an answer without page and handles.
static inline uint64_t tess_info(uint32_t label) {
    return label;
}

// How many handles the caller is ready to take with what it receives; or this into an info word.
static inline uint64_t tess_accept(uint32_t handles) {
    return (uint64_t)handles << MESSAGE_ACCEPT_SHIFT;
}

// Handles travel as the 32-bit halves of words 6 and 7. `index` is below MESSAGE_HANDLES.
static inline void tess_message_set_handle(struct tess_message *message, uint32_t index, handle_t handle) {
    uint64_t *word = &message->words[6 + index / 2];
    uint32_t shift = 32 * (index & 1);
    *word = (*word & ~(0xffff'ffffull << shift)) | (uint64_t)handle.v << shift;
}

static inline handle_t tess_message_handle(const struct tess_message *message, uint32_t index) {
    return (handle_t){(uint32_t)(message->words[6 + index / 2] >> (32 * (index & 1)))};
}
