// The canonical form of any message: it is one, it is its own, and the check knows nothing else for one.
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/canonical.h"
#include "lib/capnp/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr uint32_t SEGMENTS = 8;
constexpr uint32_t OUT_WORDS = 1 << 16;

static void insist(bool holds) {
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static uint64_t first[OUT_WORDS], second[OUT_WORDS];
    struct capnp_segment table[SEGMENTS];
    struct capnp_message message;
    size_t used;
    uint32_t words = (uint32_t)(len / CAPNP_WORD_BYTES);
    uint32_t count = 0, again = 0;
    uint64_t *copy = malloc(words * CAPNP_WORD_BYTES);
    if (words == 0) {
        free(copy);
        return 0;
    }
    memcpy(copy, data, words * CAPNP_WORD_BYTES);
    if (!status_ok(capnp_frame_open(copy, words * CAPNP_WORD_BYTES, table, SEGMENTS, &message, &used))) {
        capnp_message_init(&message, copy, words);
    }
    struct capnp_struct root = capnp_struct_at(capnp_root(&message));
    if (status_ok(capnp_status(&message)) && status_ok(capnp_canonicalise(root, first, OUT_WORDS, &count))) {
        insist(status_ok(capnp_check_canonical(first, count)));
        capnp_message_init(&message, first, count);
        message.traversal_words = UINT64_MAX;
        insist(status_ok(capnp_canonicalise(capnp_struct_at(capnp_root(&message)), second, OUT_WORDS, &again)));
        insist(again == count && memcmp(first, second, count * CAPNP_WORD_BYTES) == 0);
    }
    if (status_ok(capnp_check_canonical(copy, words))) {
        capnp_message_init(&message, copy, words);
        insist(status_ok(capnp_canonicalise(capnp_struct_at(capnp_root(&message)), second, OUT_WORDS, &again)));
        insist(again == words && memcmp(copy, second, words * CAPNP_WORD_BYTES) == 0);
    }
    free(copy);
    return 0;
}
