#include "lib/authority/least.h"

#include "abi/gen/abi.h"
#include "base/str.h"

bool authority_grant_controls(const struct authority_grant *grant) {
    return str_ends_with(grant->source, " control");
}

// What is only waited for, or signalled, is not noted.
static bool is_noted(uint32_t type) {
    return type != OBJECT_NOTIFICATION && type != OBJECT_TIMER;
}

enum authority_need authority_need_of(const struct authority *graph, uint32_t grant) {
    const struct authority_grant *of = &graph->grants.at[grant];
    const uint32_t process = authority_process_by_koid(graph, of->process_koid);
    const uint32_t handle = process == AUTHORITY_NONE ? AUTHORITY_NONE : authority_handle_of(graph, process, of->handle);
    if (handle == AUTHORITY_NONE) {
        return AUTHORITY_NOT_SEEN; // it closed it, or passed it on
    }
    const struct inspect_handle *seen = &graph->handles.at[handle].seen;
    const bool receives = seen->type == OBJECT_ENDPOINT && (seen->rights & RIGHT_RECEIVE_BIT) != 0;
    if (!is_noted(seen->type) || receives) {
        return AUTHORITY_NOT_SEEN;
    }
    if ((seen->use & HANDLE_USED) == 0) {
        return AUTHORITY_UNUSED;
    }
    return authority_grant_controls(of) && (seen->use & HANDLE_MARKED) == 0 ? AUTHORITY_NEEDS_USE : AUTHORITY_NEEDED;
}
