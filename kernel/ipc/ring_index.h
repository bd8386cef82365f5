// The arithmetic of a ring's free-running indices: every value a program can write is good input.
//
// C11, without state, and proved (docs/concepts/proofs.md).
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*@ logic integer ahead(integer from, integer to) = from <= to ? to - from : to - from + 0x100000000;
 */

// How far `to` is ahead of `from`, modulo 2^32.
/*@ ensures \result == ahead(from, to);
    ensures (from + \result) % 0x100000000 == to;
    assigns \nothing;
*/
static inline uint32_t ring_distance(uint32_t from, uint32_t to) {
    return (uint32_t)(((uint64_t)to + 0x100000000u - from) % 0x100000000u);
}

// Whether a hint for how far the other side has got is possible: at most `capacity` lie between the two.
/*@ ensures \result <==> ahead(behind, to) <= capacity;
    assigns \nothing;
*/
static inline bool ring_hint_fits(uint32_t behind, uint32_t to, uint32_t capacity) {
    return ring_distance(behind, to) <= capacity;
}

// Whether `index` has come to `goal`, where the two are less than 2^31 apart.
/*@ ensures \result <==> ahead(goal, index) < 0x80000000;
    ensures index == goal ==> \result;
    assigns \nothing;
*/
static inline bool ring_reached(uint32_t index, uint32_t goal) {
    return ring_distance(goal, index) < 0x80000000u;
}

// Completions that may still be promised: `used` are unread, `pending` are promised already.
/*@ ensures used + pending <= capacity ==> \result + used + pending == capacity;
    ensures used + pending > capacity ==> \result == 0;
    assigns \nothing;
*/
static inline uint32_t ring_room(uint32_t capacity, uint32_t used, uint32_t pending) {
    return used >= capacity || pending >= capacity - used ? 0 : capacity - used - pending;
}

// Whether entry `earlier` is one of the `mask` before entry `index`: its record has not been used again.
/*@ ensures \result <==> 1 <= ahead(earlier, index) <= mask;
    assigns \nothing;
*/
static inline bool ring_remembers(uint32_t index, uint32_t earlier, uint32_t mask) {
    const uint32_t distance = ring_distance(earlier, index);
    return distance != 0 && distance <= mask;
}
