// Unpacking any bytes: in one go and in pieces it comes to the same, and what came of it packs and unpacks to itself. The
// first bytes say how large the pieces are.
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr size_t OUT_WORDS = 8192;

static void insist(bool holds) {
    if (!holds) {
        abort();
    }
}

// The size of the next piece.
static size_t piece(const uint8_t sizes[4], unsigned *turn, size_t most) {
    size_t size = sizes[(*turn)++ % 4] % 40;
    return size < most ? size : most;
}

static void pack_in_pieces(const uint8_t sizes[4], const uint64_t *words, size_t count, const uint64_t *expected) {
    static uint8_t packed[OUT_WORDS * 10];
    static uint64_t back[OUT_WORDS];
    struct capnp_packer packer = {};
    const uint64_t *in = words;
    uint8_t *out = packed;
    unsigned turn = 0;
    bool done;
    do {
        const uint64_t *in_end = in + 1 + piece(sizes, &turn, (size_t)(words + count - in) - (in != words + count));
        in_end = in == words + count ? in : in_end;
        done = capnp_pack(&packer, &in, in_end, &out, out + piece(sizes, &turn, (size_t)(packed + sizeof(packed) - out)));
        if (!done) { // some room in any case
            done = capnp_pack(&packer, &in, in_end, &out, out + 1);
        }
    } while (!done || in != words + count);
    insist((size_t)(out - packed) <= capnp_packed_bytes_max(count));
    size_t used = 0;
    insist(status_ok(capnp_unpack_all(packed, (size_t)(out - packed), back, OUT_WORDS, &used)));
    insist(used == count && memcmp(back, expected, count * 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static uint64_t whole[OUT_WORDS], parts[OUT_WORDS];
    if (len < 4) {
        return 0;
    }
    uint8_t *in = malloc(len - 4);
    memcpy(in, data + 4, len - 4);
    const uint8_t *in_end = in + len - 4;
    size_t count = 0;
    status_t status = capnp_unpack_all(in, len - 4, whole, OUT_WORDS, &count);
    struct capnp_unpacker unpacker = {};
    const uint8_t *from = in;
    uint64_t *to = parts;
    unsigned turn = 0;
    bool done = false;
    for (unsigned stuck = 0; stuck < 8 && !(done && from == in_end);) {
        const uint8_t *before = from;
        uint64_t *to_before = to;
        done = capnp_unpack(&unpacker, &from, from + piece(data, &turn, (size_t)(in_end - from)), &to,
                            to + piece(data, &turn, (size_t)(parts + OUT_WORDS - to)));
        stuck = from == before && to == to_before ? stuck + 1 : 0;
    }
    if (status_ok(status)) {
        // With pieces of no size at all it does not get there.
        insist(!(done && from == in_end) || (size_t)(to - parts) == count);
        insist(memcmp(whole, parts, (size_t)(to - parts) * 8) == 0);
        pack_in_pieces(data, whole, count, whole);
    } else {
        insist(!(done && from == in_end));
    }
    free(in);
    return 0;
}
