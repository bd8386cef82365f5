// A list that comes in pieces: as many entries as fit into one answer, from a number on. How many fit has to be known
// before the list is made, so entries are counted first.
#pragma once

#include "abi/message.h"
#include "lib/capnp/word.h"

struct rpc_piece {
    uint32_t first, total, count;
    size_t words_left;
    bool full;
};

// Words that a text takes.
static inline size_t rpc_text_words(size_t len) {
    return len / CAPNP_WORD_BYTES + 1;
}

// Room is for the root pointer, the results and the list's tag, too.
static inline struct rpc_piece rpc_piece_from(uint32_t first, size_t results_words) {
    return (struct rpc_piece){.first = first, .words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 2 - results_words};
}

// Counts one more entry; whether it is one of this piece.
static inline bool rpc_piece_takes(struct rpc_piece *piece, size_t words) {
    if (piece->total++ < piece->first || piece->full) {
        return false;
    }
    piece->full = words > piece->words_left;
    if (!piece->full) {
        piece->words_left -= words;
        piece->count++;
    }
    return !piece->full;
}
