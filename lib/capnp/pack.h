// The packed form: zero bytes left out (spec, Packing). What is packed is usually a message with its segment table (frame.h).
//
// Both ways work piece by piece, with whatever input there is and output there is room for:
//
//   struct capnp_unpacker unpacker = {};
//   while (!capnp_unpack(&unpacker, &in, in_end, &out, out_end)) { ... get more input, or make room ... }
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"

// All of {} is the beginning.
struct capnp_packer {
    uint8_t ready[10]; // packed, still to be written: ready[ready_at] up to ready[ready_end]
    uint8_t ready_at;
    uint8_t ready_end;
    uint8_t literal_byte;   // of the next literal word, so many bytes are written
    uint32_t literal_words; // of the input, still to be copied as they are
};

// Packs from *in to *out and advances both. True when the input is used up and all of it is written; false when the output
// is full. A run never reaches beyond the input given, so that pieces pack to a little more than the whole.
bool capnp_pack(struct capnp_packer *packer, const uint64_t **in, const uint64_t *in_end, uint8_t **out,
                const uint8_t *out_end);

// All of {} is the beginning.
struct capnp_unpacker {
    uint64_t word; // as far as it is known
    uint32_t run;  // words still to come of a run
    uint8_t byte;  // of `word`, the next one
    uint8_t tag;
    enum capnp_unpack_step : uint8_t {
        CAPNP_UNPACK_TAG,
        CAPNP_UNPACK_BYTES,
        CAPNP_UNPACK_COUNT,
        CAPNP_UNPACK_ZEROS,
        CAPNP_UNPACK_LITERAL,
    } step;
};

// Unpacks from *in to *out and advances both. True when the input is used up and ended where it may end; false when more
// input is needed (*in is in_end) or the output is full.
bool capnp_unpack(struct capnp_unpacker *unpacker, const uint8_t **in, const uint8_t *in_end, uint64_t **out,
                  const uint64_t *out_end);

// No more bytes than this come of packing so many words.
static inline uint64_t capnp_packed_bytes_max(uint64_t words) {
    return words * 10;
}

// The same at one go, with the sizes of what there is and of what was written. NO_SPACE; TRUNCATED: the packed form is cut off.
status_t capnp_pack_all(const uint64_t *words, size_t word_count, uint8_t *out, size_t out_bytes, size_t *used_bytes);
status_t capnp_unpack_all(const uint8_t *bytes, size_t len_bytes, uint64_t *out, size_t out_words, size_t *used_words);
