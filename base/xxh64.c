#include "base/xxh64.h"

#include "base/mem.h"

constexpr uint64_t PRIME_1 = 0x9E3779B185EBCA87;
constexpr uint64_t PRIME_2 = 0xC2B2AE3D27D4EB4F;
constexpr uint64_t PRIME_3 = 0x165667B19E3779F9;
constexpr uint64_t PRIME_4 = 0x85EBCA77C2B2AE63;
constexpr uint64_t PRIME_5 = 0x27D4EB2F165667C5;
constexpr size_t STRIPE = 32;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the input is read as little-endian words"
#endif

static uint64_t rotate_left(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

static uint64_t load64(const uint8_t *bytes) {
    uint64_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint32_t load32(const uint8_t *bytes) {
    uint32_t value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint64_t mix_lane(uint64_t lane, uint64_t input) {
    return rotate_left(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge_lane(uint64_t hash, uint64_t lane) {
    return (hash ^ mix_lane(0, lane)) * PRIME_1 + PRIME_4;
}

// Whole stripes only. The lanes stay in registers: the kernel hashes the whole boot package this way.
static void mix_stripes(uint64_t lanes[4], const uint8_t *bytes, size_t stripe_count) {
    uint64_t a = lanes[0];
    uint64_t b = lanes[1];
    uint64_t c = lanes[2];
    uint64_t d = lanes[3];
    for (; stripe_count != 0; stripe_count--, bytes += STRIPE) {
        a = mix_lane(a, load64(bytes));
        b = mix_lane(b, load64(bytes + 8));
        c = mix_lane(c, load64(bytes + 16));
        d = mix_lane(d, load64(bytes + 24));
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
}

void xxh64_init(struct xxh64 *state, uint64_t seed) {
    *state = (struct xxh64){
        .lanes = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1},
        .seed = seed,
    };
}

void xxh64_update(struct xxh64 *state, const void *bytes, size_t len) {
    const uint8_t *in = bytes;
    state->total_bytes += len;
    if (state->pending_bytes != 0) {
        size_t missing = STRIPE - state->pending_bytes;
        size_t taken = len < missing ? len : missing;
        memcpy(state->pending + state->pending_bytes, in, taken);
        state->pending_bytes += taken;
        in += taken;
        len -= taken;
        if (state->pending_bytes < STRIPE) {
            return;
        }
        mix_stripes(state->lanes, state->pending, 1);
        state->pending_bytes = 0;
    }
    size_t stripe_count = len / STRIPE;
    mix_stripes(state->lanes, in, stripe_count);
    state->pending_bytes = len % STRIPE;
    if (state->pending_bytes != 0) {
        memcpy(state->pending, in + stripe_count * STRIPE, state->pending_bytes);
    }
}

uint64_t xxh64_digest(const struct xxh64 *state) {
    const uint64_t *lanes = state->lanes;
    uint64_t hash = state->seed + PRIME_5;
    if (state->total_bytes >= STRIPE) {
        hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12) +
               rotate_left(lanes[3], 18);
        for (size_t i = 0; i < 4; i++) {
            hash = merge_lane(hash, lanes[i]);
        }
    }
    hash += state->total_bytes;

    const uint8_t *in = state->pending;
    size_t len = state->pending_bytes;
    for (; len >= 8; len -= 8, in += 8) {
        hash = rotate_left(hash ^ mix_lane(0, load64(in)), 27) * PRIME_1 + PRIME_4;
    }
    if (len >= 4) {
        hash = rotate_left(hash ^ load32(in) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        in += 4;
        len -= 4;
    }
    for (; len != 0; len--, in++) {
        hash = rotate_left(hash ^ *in * PRIME_5, 11) * PRIME_1;
    }
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}

uint64_t xxh64(const void *bytes, size_t len, uint64_t seed) {
    struct xxh64 state;
    xxh64_init(&state, seed);
    xxh64_update(&state, bytes, len);
    return xxh64_digest(&state);
}
