// What a process needs of all that the manifest grants it: what it was seen to use (enum handle_use).
//
// The kernel notes the first use of every handle from the moment on when it came into its slot, so nothing that the process did since
// it was started is left out; what it was not asked to do in that time nobody knows.
#pragma once

#include "lib/authority/authority.h"

enum authority_need : uint8_t {
    AUTHORITY_NEEDED,   // it was used, and if it has control that was, too
    AUTHORITY_NEEDS_USE, // it was used, but never for what takes control
    AUTHORITY_UNUSED,
    AUTHORITY_NOT_SEEN, // it is not there any more, or its use is not noted: it counts as needed
};

// Of a grant (index) to a process of the graph.
enum authority_need authority_need_of(const struct authority *graph, uint32_t grant);

// Whether the grant was given with control.
bool authority_grant_controls(const struct authority_grant *grant);
