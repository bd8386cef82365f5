// What park and unpark take beside the address, and what an inheriting word says.
#pragma once

#include <stdint.h>

// In the second argument of park (with the 32 bits expected) and of unpark (instead of a count): the word is an
// inheriting one. Whoever holds it runs at least as urgently as who waits for it.
constexpr uint64_t PARK_INHERIT = 1ull << 32;

// An inheriting word: 0 when free, else the holder's lock id (thread.lock_id), and PARK_WAITED_FOR before somebody
// parks: then the holder gives it up with unpark, which hands it to the most urgent who waits.
constexpr uint32_t PARK_HOLDER_MASK = (1u << 30) - 1;
constexpr uint32_t PARK_WAITED_FOR = 1u << 31;

// unpark: all of them.
constexpr uint64_t UNPARK_ALL = UINT32_MAX;
