// A bounded queue of bytes over memory of the caller's. It begins at the front again whenever it runs
// empty, so that a queue that is never long touches little memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct byte_ring {
    uint8_t *bytes;
    size_t size;
    size_t head; // offset of the oldest byte
    size_t used;
};

static inline void byte_ring_init(struct byte_ring *ring, void *memory, size_t size) {
    *ring = (struct byte_ring){.bytes = memory, .size = size};
}

static inline size_t byte_ring_free(const struct byte_ring *ring) {
    return ring->size - ring->used;
}

// Puts all `len` bytes in, or none and says false.
[[nodiscard]] bool byte_ring_put(struct byte_ring *ring, const void *bytes, size_t len);

// Takes up to `len` bytes out, oldest first; returns how many.
size_t byte_ring_take(struct byte_ring *ring, void *bytes, size_t len);
