// Makes objects of every kind until its account is used up.
#include "tests/programs/common.h"

int main(int, char **) {
    const handle_t account = tess_self_account();
    uint64_t made = 0;
    uint32_t failures = 0;
    handle_t handle = {}, second = {};
    for (uint32_t kind = 0; failures < 5; kind = (kind + 1) % 5) {
        status_t status = kind == 0   ? tess_account_create_notification(account, &handle)
                          : kind == 1 ? tess_account_create_endpoint(account, 0, &handle)
                          : kind == 2 ? tess_account_create_vmo(account, 1 << 20, &handle)
                          : kind == 3 ? tess_account_create_process(account, 0, 0, &handle, &second)
                                      : tess_account_create_account(account, PAGE_BYTES, &handle);
        if (status_ok(status)) {
            made++;
            failures = 0;
        } else if (status_is(status, STATUS_NO_MEMORY) || status_is(status, STATUS_NO_HANDLES)) {
            failures++;
        } else {
            SAY("object_exhaustion: status %u: WRONG\n", status.code);
            return 1;
        }
    }
    SAY("object_exhaustion: %lu objects, then no more: as it should be\n", made);
    return 0;
}
