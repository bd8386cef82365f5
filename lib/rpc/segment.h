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

// Ends the building: unmaps it, and cuts it to the pages of so many bytes, so that a receiver sees that all of it is there.
status_t rpc_segment_cut(struct rpc_segment *segment, uint64_t len_bytes);

// Maps a VMO that came with a message, for reading, and seals it. Takes the handle over in every case. INVALID_ARGUMENT (enum
// rpc_exception) when somebody can still write to it, or not all of it is there: its reader could be made to fault, or to wait.
status_t rpc_segment_open(struct rpc_segment *out, handle_t vmo, uint64_t len_bytes);

// Unmaps it and closes the handle. Nothing happens when it is empty.
void rpc_segment_close_held(struct rpc_segment *segment);
static inline void rpc_segment_close(struct rpc_segment *segment) {
    if (segment->vmo.v != 0) {
        rpc_segment_close_held(segment);
    }
}
