// The arithmetic of the frame allocator: which blocks are each other's buddies, and what a frame's byte of
// bookkeeping says.
//
// Block n of an order is the frames from n * 2^order up to those of block n + 1.
//
// C11, and proved (docs/concepts/proofs.md).
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The other half of the block of the next order that this one belongs to.
/*@ ensures block % 2 == 0 ==> \result == block + 1;
    ensures block % 2 == 1 ==> \result == block - 1;
    ensures \result / 2 == block / 2;
    ensures \result != block;
    assigns \nothing;
*/
static inline uint64_t buddy_beside(uint64_t block) {
    return block % 2 == 0 ? block + 1 : block - 1;
}

// The block of the next order: it covers this one and its buddy, and nothing else.
/*@ ensures \forall integer frames; frames > 0 ==>
            \result * (2 * frames) <= block * frames && block * frames + frames <= (\result + 1) * (2 * frames);
    ensures \result == block / 2;
    assigns \nothing;
*/
static inline uint64_t buddy_joined(uint64_t block) {
    return block / 2;
}

// One byte for each frame of the span. The head of a block says what the block is and of which order; every other
// frame of a block is INSIDE, and so is what does not belong to the allocator.
enum frame_state {
    STATE_INSIDE = 0,
    STATE_FREE = 0x40,    // + order: head of a block on a free list
    STATE_USED = 0x80,    // + order: head of a block that was given out
    STATE_STACKED = 0xc0, // a single free frame on a stack
};
enum { STATE_ORDERS = 0x40 };

// No two kinds of state, and no two orders, have the same byte.
/*@ requires kind == STATE_INSIDE || kind == STATE_FREE || kind == STATE_USED || kind == STATE_STACKED;
    requires order < STATE_ORDERS;
    ensures \result - \result % STATE_ORDERS == kind;
    ensures \result % STATE_ORDERS == order;
    assigns \nothing;
*/
static inline uint8_t frame_state(uint32_t kind, uint32_t order) {
    return (uint8_t)(kind + order);
}

// Whether the bookkeeping covers a frame; only then is there a byte for it.
/*@ ensures \result <==> first <= frame < end;
    assigns \nothing;
*/
static inline bool frame_in_span(uint64_t frame, uint64_t first, uint64_t end) {
    return frame >= first && frame < end;
}
