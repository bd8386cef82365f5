// Waiting on a word of memory, private or shared with other processes: what locks are built of. Rules and errors are in
// docs/concepts/park.md. The functions touch no memory but the word.
#pragma once

#include <stdatomic.h>

#include "abi/gen/abi.h"
#include "abi/park.h"
#include "abi/types.h"
#include "tess_arch.h"

// Waits while the word is `expected`: until somebody unparks. BAD_STATE: it is not. TIMED_OUT, CANCELED.
static inline status_t tess_park(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns) {
    uint64_t words[2] = {};
    return tess_arch_address(SYS_PARK, (uint64_t)word, expected, deadline_ns, words);
}

// Wakes up to `count` threads (UNPARK_ALL: all), in the order in which they came.
static inline status_t tess_unpark(const _Atomic uint32_t *word, uint32_t count) {
    uint64_t words[2] = {};
    return tess_arch_address(SYS_UNPARK, (uint64_t)word, count, DEADLINE_POLL, words);
}

// The same, and lets up to `move` of the others wait on `to` from now on.
static inline status_t tess_unpark_move(const _Atomic uint32_t *word, uint32_t count, const _Atomic uint32_t *to,
                                        uint32_t move) {
    uint64_t words[2] = {(uint64_t)to, move};
    return tess_arch_address(SYS_UNPARK, (uint64_t)word, count, DEADLINE_POLL, words);
}

// For words that say who holds them (abi/park.h): waits while the word is `expected`, and lends the holder one's band.
// OK: the word has been handed over to the caller. PEER_DIED: the holder has ended, and the word still names it.
static inline status_t tess_park_inherit(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns) {
    uint64_t words[2] = {};
    return tess_arch_address(SYS_PARK, (uint64_t)word, PARK_INHERIT | expected, deadline_ns, words);
}

// Hands the word, which the caller holds, over to the most urgent who waits; frees it when nobody does.
static inline status_t tess_unpark_inherit(_Atomic uint32_t *word) {
    uint64_t words[2] = {};
    return tess_arch_address(SYS_UNPARK, (uint64_t)word, PARK_INHERIT, DEADLINE_POLL, words);
}
