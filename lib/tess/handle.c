#include "lib/tess/handle.h"

#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"

void tess_close(handle_t handle) {
    if (tess_handle_valid(handle)) {
        (void)tess_process_handle_close(tess_self_process(), handle.v);
    }
}

status_t tess_handle_copy(handle_t handle, rights_t rights, handle_t *out) {
    uint64_t copy;
    TRY(tess_process_handle_copy(tess_self_process(), handle.v, rights.v, &copy));
    *out = (handle_t){(uint32_t)copy};
    return STATUS_OK;
}

status_t tess_handle_mint(handle_t endpoint, rights_t rights, uint64_t badge, uint64_t interface_id,
                          handle_t *out) {
    uint64_t minted;
    TRY(tess_process_handle_mint(tess_self_process(), endpoint.v, rights.v, badge, interface_id, &minted));
    *out = (handle_t){(uint32_t)minted};
    return STATUS_OK;
}

status_t tess_save_reply(handle_t *out) {
    return tess_thread_save_reply(tess_self_thread(), out);
}
