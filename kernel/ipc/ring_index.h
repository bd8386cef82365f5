// The arithmetic of a ring's free-running indices. Pure C11 with neither state nor memory, because it is proved
// apart from the kernel: every value a program can write is good input.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How far `to` is ahead of `from`, modulo 2^32.
static inline uint32_t ring_distance(uint32_t from, uint32_t to) {
    return (uint32_t)(to - from);
}

// Whether a hint for how far the other side has got is possible: at most `capacity` lie between the two.
static inline bool ring_hint_fits(uint32_t behind, uint32_t ahead, uint32_t capacity) {
    return ring_distance(behind, ahead) <= capacity;
}

// Whether `index` has come to `goal`, where the two are less than 2^31 apart.
static inline bool ring_reached(uint32_t index, uint32_t goal) {
    return ring_distance(goal, index) < 0x80000000u;
}

// Completions that may still be promised: `used` are unread, `pending` are promised already.
static inline uint32_t ring_room(uint32_t capacity, uint32_t used, uint32_t pending) {
    return used >= capacity || pending >= capacity - used ? 0 : capacity - used - pending;
}

// Byte offset of an element; `mask` + 1, a power of two, elements of `size` bytes begin at `base`.
static inline uint32_t ring_offset(uint32_t base, uint32_t index, uint32_t mask, uint32_t size) {
    return base + (index & mask) * size;
}

// How many elements of `size` bytes from this one on lie in one piece, up to the end of the page or the queue. An
// element does not cross a page.
static inline uint32_t ring_run(uint32_t base, uint32_t index, uint32_t mask, uint32_t size) {
    const uint32_t to_end = mask + 1 - (index & mask);
    const uint32_t to_page = (4096 - ring_offset(base, index, mask, size) % 4096) / size;
    return to_page < to_end ? to_page : to_end;
}

// Whether entry `earlier` is one of the `mask` before entry `index`: its record has not been used again.
static inline bool ring_remembers(uint32_t index, uint32_t earlier, uint32_t mask) {
    const uint32_t distance = ring_distance(earlier, index);
    return distance != 0 && distance <= mask;
}
