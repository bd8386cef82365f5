// Fills its handle table, or its account with it, and finds that it can still go on.
#include "tests/programs/common.h"

int main(int, char **) {
    uint64_t count = 0, copy = 0;
    handle_t notification = {};
    if (!status_ok(tess_account_create_notification(tess_self_account(), &notification))) {
        return 2;
    }
    status_t status = STATUS_OK;
    while (count < 1'000'000 && status_ok(status = tess_process_handle_copy(
                                              tess_self_process(), notification.v, RIGHTS_ALL_BITS, &copy))) {
        count++;
    }
    bool right = status_is(status, STATUS_NO_MEMORY) || status_is(status, STATUS_NO_HANDLES);
    SAY("handle_exhaustion: %lu handles, then status %u: %s\n", count, status.code,
        right ? "as it should be" : "WRONG");
    return right ? 0 : 1;
}
