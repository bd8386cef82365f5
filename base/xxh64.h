// XXH64: a fast 64-bit checksum (xxHash specification 0.1.1, section "XXH64"). It finds accidents,
// not attackers.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A running hash. Zero state is not valid: begin with xxh64_init.
struct xxh64 {
    uint64_t lanes[4];
    uint64_t total_bytes;
    uint64_t seed;
    size_t pending_bytes;
    uint8_t pending[32];
};

void xxh64_init(struct xxh64 *state, uint64_t seed);
void xxh64_update(struct xxh64 *state, const void *bytes, size_t len);

// The hash of everything so far; the state may go on being updated.
uint64_t xxh64_digest(const struct xxh64 *state);

// All in one.
uint64_t xxh64(const void *bytes, size_t len, uint64_t seed);
