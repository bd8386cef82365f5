// What would break: which handles go when one is revoked or a process is ended, and what that ends in turn.
//
// What the kernel does is exact: a revoked handle takes along all that is derived from it; the end of an account takes its processes, and
// from everybody the handles to what it pays for, but for threads, processes and accounts. One rule is about programs: who loses
// the handle through which it waits for requests ends, for it has nothing to serve any more; the supervisor then ends its account.
#pragma once

#include "lib/authority/authority.h"

enum authority_wait_end : uint8_t {
    AUTHORITY_WAIT_STAYS,
    AUTHORITY_WAIT_REVOKED, // its process loses the handle that it waits through
    AUTHORITY_WAIT_DEAD,    // nobody can receive any more from the endpoint that it waits on
};

struct authority_effect {
    bool *gone;                    // by handle
    bool *ends;                    // by process
    enum authority_wait_end *wait; // by object: of a thread in a process that lives on
    uint32_t gone_count, ends_count, wait_count;
};

// False without memory; then there is nothing to free.
bool authority_if_revoked(const struct authority *graph, uint32_t handle, struct authority_effect *out);
bool authority_if_ended(const struct authority *graph, uint32_t process, struct authority_effect *out);
void authority_effect_free(struct authority_effect *effect);

// Whether a handle that the process of this koid had is there in another look at the system.
bool authority_is_there(const struct authority *later, uint64_t process_koid, uint32_t handle);

// How a later look differs from what was foretold.
struct authority_difference {
    uint32_t still_there; // handles that should have gone
    uint32_t also_gone;   // handles that should be there, of processes that have ended
    uint32_t closed;      // others that are not there: only their holders, which go on meanwhile, can have closed them
};
struct authority_difference authority_compare(const struct authority *before, const struct authority_effect *effect,
                                              const struct authority *later);
