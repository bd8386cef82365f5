// What the kernel refused a thread last for want of authority: a handle that is not there, of another type, or without the right. A
// call that goes through pays nothing for it, and one that is refused a few stores. Whoever wants to know more makes a sentence
// of it then (lib/denial/refusal.h).
#pragma once

#include "abi/gen/abi.h"
#include "lib/tess/thread.h"

static inline bool tess_is_refusal(status_t status) {
    return status.code >= STATUS_CODE_BAD_HANDLE && status.code <= STATUS_CODE_NO_RIGHT;
}
static_assert(STATUS_CODE_BAD_HANDLE + 1 == STATUS_CODE_WRONG_TYPE && STATUS_CODE_WRONG_TYPE + 1 == STATUS_CODE_NO_RIGHT);

// A service refuses: what the kernel refused before is not the reason.
static inline void tess_answered(void) {
    tess_thread_block()->refused.status = 0;
}

// Takes note, if it is one; returns the status. `label` is that of a call; `argument` the handle among its arguments, or else the
// first of them, which may be the number of one.
[[gnu::cold]] static inline status_t tess_refused(status_t status, uint32_t syscall, handle_t handle, uint32_t label,
                                                  uint32_t argument) {
    if (tess_is_refusal(status)) {
        tess_thread_block()->refused = (struct tess_refusal){status.code, syscall, handle.v, label, argument};
    }
    return status;
}
