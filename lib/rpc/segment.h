// The second segment of a message that outgrows the message page: a VMO, which is mapped and not copied.
#pragma once

#include "lib/capnp/read.h"

struct rpc_segment {
    handle_t vmo;
    uint64_t *words;     // where it is mapped; null: nowhere
    uint64_t len_bytes; // of the mapping
};

// For builders that may grow (capnp_grow_fn; the context is a struct rpc_segment, empty): makes a VMO of this process's account
// and maps it. Pages are paid for as they are used. Only once.
bool rpc_segment_grow(void *context, uint32_t min_words, struct capnp_segment *out);

// Makes what was built, so many bytes, final, so that a receiver can rely on it: unmaps it, cuts it to its pages and seals it.
status_t rpc_segment_seal(struct rpc_segment *segment, uint64_t len_bytes);

// Maps a VMO that came with a message, for reading. Takes the handle over in every case. INVALID_ARGUMENT (enum rpc_exception)
// when it is not sealed, not all there, or shorter than it says: whoever sent it could then make its reader fault or wait.
status_t rpc_segment_open(struct rpc_segment *out, handle_t vmo, uint64_t len_bytes);

// Unmaps it and closes the handle. Nothing happens when it is empty.
void rpc_segment_close(struct rpc_segment *segment);
