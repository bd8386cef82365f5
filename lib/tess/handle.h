// Handles as owned things.
//
//   TESS_OWNED handle_t vmo = {};
//   TRY(tess_account_create_vmo(tess_self_account(), len_bytes, &vmo));
//   ...                                    // closed on every way out of the scope
//   *out = tess_handle_take(&vmo);         // unless given away
#pragma once

#include "abi/types.h"

static inline bool tess_handle_valid(handle_t handle) {
    return handle.v != 0;
}

// Closes a handle of this process; 0 is ignored. A stale handle is a mistake of the caller's that
// closing cannot mend: that status is dropped on purpose.
void tess_close(handle_t handle);

// Leaves 0 behind and gives the handle to the caller.
static inline handle_t tess_handle_take(handle_t *handle) {
    handle_t taken = *handle;
    *handle = (handle_t){0};
    return taken;
}

static inline void tess_handle_cleanup(handle_t *handle) {
    tess_close(*handle);
}

#define TESS_OWNED [[gnu::cleanup(tess_handle_cleanup)]]

// A second handle to the same object with at most these rights. NO_RIGHT: the handle lacks COPY.
status_t tess_handle_copy(handle_t handle, rights_t rights, handle_t *out);

// A second handle to the same endpoint under another badge; interface_id 0 keeps the id. Needs MINT.
status_t tess_handle_mint(handle_t endpoint, rights_t rights, uint64_t badge, uint64_t interface_id,
                          handle_t *out);

// Turns the caller that the calling thread has received and not answered yet into a reply handle, to be
// answered later with tess_send. NO_CALLER: there is none.
status_t tess_save_reply(handle_t *out);
