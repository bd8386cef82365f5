// Why a process holds a handle: the chain from what made its object to the handle itself.
//
// Each step is a handle that was derived from the one before it; the first one came with the object, or was made by the kernel at
// boot. Where a handle on the way has been given up since, the kernel knows who granted the next one all the same. That who granted it was the holder
// of the step above, or had made the object, is not taken for granted: if not, how it came to the granter is missing. A chain is
// complete when every step says who held or gave it, by which manifest line, message or operation, and when; and when it is known
// who paid for the object.
#pragma once

#include "lib/authority/authority.h"

constexpr uint32_t AUTHORITY_STEPS_MAX = 32;
constexpr uint32_t AUTHORITY_METHODS_MAX = 3; // that a message may have been, as far as its label says

struct authority_step {
    uint32_t handle;  // index, or AUTHORITY_NONE: it is not known any more; `holder` had it
    uint32_t holder;  // process index, or AUTHORITY_NONE: it is gone
    uint32_t granter; // of a handle that was derived: a process index, or AUTHORITY_NONE: it is gone, or nobody
    uint32_t former;  // unit whose process it was that is gone, the granter or the holder; AUTHORITY_NONE: nobody knows
    uint32_t successor; // of one given up by a former: index of what the unit's process has to the same object now, or AUTHORITY_NONE
    bool unexplained; // it is not known how what was given up had come to its holder
    uint32_t method_count;
    const struct authority_method *methods[AUTHORITY_METHODS_MAX]; // of a message
};

struct authority_chain {
    uint32_t count;
    struct authority_step steps[AUTHORITY_STEPS_MAX]; // the oldest first
    uint32_t payer;  // process index: on whose account the object is; AUTHORITY_NONE: nobody's
    uint32_t reason; // unit whose manifest line is why, or AUTHORITY_NONE: boot
    const char *gap; // what is missing; null: complete
};

void authority_why(const struct authority *graph, uint32_t handle, struct authority_chain *out);

// One line about how a step's handle came to its holder: "granted by init: system/tessera.capnp:46, service console control".
// Returns `out`.
constexpr size_t AUTHORITY_HOW_BYTES = 240;
const char *authority_how(const struct authority *graph, const struct authority_step *step, char out[AUTHORITY_HOW_BYTES]);
