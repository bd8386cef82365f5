// Memory that is taken piece by piece and given back in the reverse order, all at once: what parsing and carrying out a line
// needs. Its size is the bound on both.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct shell_arena {
    uint8_t *bytes; // aligned for anything
    size_t size, used;
};

// Zeroed; null when there is no room.
static inline void *arena_take(struct shell_arena *arena, size_t bytes) {
    const size_t at = (arena->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (at > arena->size || bytes > arena->size - at) {
        return nullptr;
    }
    arena->used = at + bytes;
    return memset(arena->bytes + at, 0, bytes);
}

// Gives back everything that was taken since `used` was this.
static inline void arena_release(struct shell_arena *arena, size_t used) {
    arena->used = used;
}
