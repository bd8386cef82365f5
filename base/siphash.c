#include "base/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

static void rounds(struct state *s, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word) {
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t siphash(const uint64_t key[2], const uint64_t *words, size_t count) {
    struct state s = {
        .v0 = key[0] ^ 0x736f'6d65'7073'6575,
        .v1 = key[1] ^ 0x646f'7261'6e64'6f6d,
        .v2 = key[0] ^ 0x6c79'6765'6e65'7261,
        .v3 = key[1] ^ 0x7465'6462'7974'6573,
    };
    for (size_t i = 0; i < count; i++) {
        absorb(&s, words[i]);
    }
    absorb(&s, (uint64_t)(count * 8) << 56); // the last block: no bytes left over, and the length
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
