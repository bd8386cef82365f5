// Entropy and what is made of it: the state of the one authority for random numbers (services/rngd).
//
// What sources bring is hashed into a pool (BLAKE2b). Each says how many bits of it nobody can guess; only these count. Once
// ENTROPY_ENOUGH_BITS have come together they make a key, all at once, so that somebody who knew the state cannot follow it
// by trying out a few bits at a time. Numbers are ChaCha20's under that key, and each batch begins with the next key
// ("fast key erasure"): the state says nothing about numbers that were drawn before.
//
// Pure; no locks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"

constexpr uint32_t ENTROPY_ENOUGH_BITS = 128; // the strength of the keys that are made of it (Ed25519, X25519)
constexpr size_t ENTROPY_KEY_BYTES = 32;
constexpr size_t ENTROPY_BATCH_BYTES = 512; // a key, and the numbers of one batch
constexpr size_t ENTROPY_SOURCES_MAX = 16;
constexpr size_t ENTROPY_NAME_BYTES = 24; // with its NUL
constexpr size_t ENTROPY_INPUT_MAX = 4096;

struct entropy_source {
    char name[ENTROPY_NAME_BYTES];
    uint64_t times, bytes;
    uint64_t bits; // that it said nobody can guess
};

struct entropy {
    uint8_t pool[64];
    uint8_t batch[ENTROPY_BATCH_BYTES]; // the key, then numbers; those that were drawn are zero
    size_t next;                        // number to be drawn; ENTROPY_BATCH_BYTES: make another batch
    uint32_t fresh_bits;                // in the pool since the last key
    uint64_t keys;                      // that were made of the pool; 0: not seeded
    uint64_t drawn_bytes;
    struct entropy_source sources[ENTROPY_SOURCES_MAX];
    size_t source_count;
};

void entropy_init(struct entropy *entropy);

static inline bool entropy_is_seeded(const struct entropy *entropy) {
    return entropy->keys != 0;
}

// Takes what a source brings, of which `bits` cannot be guessed (at most 8 for each byte; 0 is welcome too). Not kept, but the caller
// should forget it. BAD_ARGUMENT: too long, more bits than there are, or no such name; TOO_LARGE: too many sources.
status_t entropy_add(struct entropy *entropy, const char *source, const void *bytes, size_t len, uint32_t bits);

// Fills `out`. BAD_STATE: not seeded.
status_t entropy_draw(struct entropy *entropy, void *out, size_t len);
