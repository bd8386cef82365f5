#include "lib/capnp/pack.h"

#include "base/mem.h"
#include "lib/capnp/status.h"
#include "lib/capnp/word.h"

constexpr uint32_t RUN_MAX = 255;
constexpr unsigned LITERAL_ZEROS_MAX = 1; // zero bytes in a word that is still worth being copied as it is

static unsigned zero_bytes(uint64_t word) {
    unsigned zeros = 0;
    for (unsigned i = 0; i < CAPNP_WORD_BYTES; i++) {
        zeros += (word >> i * 8 & 0xff) == 0;
    }
    return zeros;
}

// One word, and the count of the run that it begins.
static void pack_word(struct capnp_packer *packer, const uint64_t **in, const uint64_t *in_end) {
    uint64_t word = *(*in)++;
    uint8_t tag = 0;
    uint8_t end = 1;
    for (unsigned i = 0; i < CAPNP_WORD_BYTES; i++) {
        uint8_t byte = (uint8_t)(word >> i * 8);
        if (byte != 0) {
            tag |= (uint8_t)(1u << i);
            packer->ready[end++] = byte;
        }
    }
    packer->ready[0] = tag;
    uint32_t run = 0;
    uint32_t most = in_end - *in < RUN_MAX ? (uint32_t)(in_end - *in) : RUN_MAX;
    if (tag == 0) {
        while (run < most && (*in)[run] == 0) {
            run++;
        }
        *in += run;
        packer->ready[end++] = (uint8_t)run;
    } else if (tag == 0xff) {
        while (run < most && zero_bytes((*in)[run]) <= LITERAL_ZEROS_MAX) {
            run++;
        }
        packer->literal_words = run;
        packer->literal_byte = 0;
        packer->ready[end++] = (uint8_t)run;
    }
    packer->ready_at = 0;
    packer->ready_end = end;
}

bool capnp_pack(struct capnp_packer *packer, const uint64_t **in, const uint64_t *in_end, uint8_t **out,
                const uint8_t *out_end) {
    for (;;) {
        while (packer->ready_at < packer->ready_end) {
            if (*out == out_end) {
                return false;
            }
            *(*out)++ = packer->ready[packer->ready_at++];
        }
        while (packer->literal_words != 0 && *in != in_end) {
            if (*out == out_end) {
                return false;
            }
            *(*out)++ = (uint8_t)(**in >> packer->literal_byte * 8);
            packer->literal_byte = (packer->literal_byte + 1) % CAPNP_WORD_BYTES;
            if (packer->literal_byte == 0) {
                packer->literal_words--;
                (*in)++;
            }
        }
        if (*in == in_end) {
            return true;
        }
        pack_word(packer, in, in_end);
    }
}

bool capnp_unpack(struct capnp_unpacker *unpacker, const uint8_t **in, const uint8_t *in_end, uint64_t **out,
                  const uint64_t *out_end) {
    struct capnp_unpacker *u = unpacker;
    for (;;) {
        switch (u->step) {
        case CAPNP_UNPACK_TAG:
            if (*in == in_end) {
                return true;
            }
            *u = (struct capnp_unpacker){.tag = *(*in)++, .step = CAPNP_UNPACK_BYTES};
            break;
        case CAPNP_UNPACK_BYTES:
            for (; u->byte < CAPNP_WORD_BYTES; u->byte++) {
                if ((u->tag >> u->byte & 1) != 0) {
                    if (*in == in_end) {
                        return false;
                    }
                    u->word |= (uint64_t) * (*in)++ << u->byte * 8;
                }
            }
            if (*out == out_end) {
                return false;
            }
            *(*out)++ = u->word;
            u->step = u->tag == 0 || u->tag == 0xff ? CAPNP_UNPACK_COUNT : CAPNP_UNPACK_TAG;
            break;
        case CAPNP_UNPACK_COUNT:
            if (*in == in_end) {
                return false;
            }
            u->run = *(*in)++;
            u->step = u->tag == 0 ? CAPNP_UNPACK_ZEROS : CAPNP_UNPACK_LITERAL;
            u->byte = 0;
            u->word = 0;
            break;
        case CAPNP_UNPACK_ZEROS:
            for (; u->run != 0; u->run--) {
                if (*out == out_end) {
                    return false;
                }
                *(*out)++ = 0;
            }
            u->step = CAPNP_UNPACK_TAG;
            break;
        case CAPNP_UNPACK_LITERAL:
            for (; u->run != 0; u->run--, u->byte = 0, u->word = 0) {
                for (; u->byte < CAPNP_WORD_BYTES; u->byte++) {
                    if (*in == in_end) {
                        return false;
                    }
                    u->word |= (uint64_t) * (*in)++ << u->byte * 8;
                }
                if (*out == out_end) {
                    return false;
                }
                *(*out)++ = u->word;
            }
            u->step = CAPNP_UNPACK_TAG;
            break;
        }
    }
}

status_t capnp_pack_all(const uint64_t *words, size_t word_count, uint8_t *out, size_t out_bytes, size_t *used_bytes) {
    struct capnp_packer packer = {};
    uint8_t *at = out;
    if (!capnp_pack(&packer, &words, words + word_count, &at, out + out_bytes)) {
        return capnp_error(CAPNP_NO_SPACE);
    }
    *used_bytes = (size_t)(at - out);
    return STATUS_OK;
}

status_t capnp_unpack_all(const uint8_t *bytes, size_t len_bytes, uint64_t *out, size_t out_words, size_t *used_words) {
    struct capnp_unpacker unpacker = {};
    const uint8_t *end = bytes + len_bytes;
    uint64_t *at = out;
    if (!capnp_unpack(&unpacker, &bytes, end, &at, out + out_words)) {
        bool has_word = unpacker.step == CAPNP_UNPACK_ZEROS ||
                        (unpacker.byte == CAPNP_WORD_BYTES && unpacker.step != CAPNP_UNPACK_COUNT);
        return capnp_error(has_word ? CAPNP_NO_SPACE : CAPNP_TRUNCATED);
    }
    *used_words = (size_t)(at - out);
    return STATUS_OK;
}
