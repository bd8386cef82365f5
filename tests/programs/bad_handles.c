// Uses closed handles, and guesses: every one it tries that it was not given must be refused.
#include "tests/programs/common.h"

int main(int, char **) {
    uint64_t refused = 0, wrong = 0, random = 0x9e37'79b9'7f4a'7c15;
    handle_t closed[64];
    for (int i = 0; i < 64; i++) {
        if (!status_ok(tess_account_create_notification(tess_self_account(), &closed[i]))) {
            return 2;
        }
    }
    for (int i = 0; i < 64; i++) {
        (void)tess_process_handle_close(tess_self_process(), closed[i].v).code;
    }
    for (int i = 0; i < 64; i++) {
        status_is(tess_signal(closed[i], 1), STATUS_BAD_HANDLE) ? refused++ : wrong++;
    }
    for (int i = 0; i < 200'000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        handle_t guess = {(uint32_t)random};
        status_t status = tess_signal(guess, 1);
        // A guess may hit a handle of its own, which then is no notification.
        status_is(status, STATUS_BAD_HANDLE) || status_is(status, STATUS_WRONG_TYPE) ||
                status_is(status, STATUS_NO_RIGHT)
            ? refused++
            : wrong++;
    }
    SAY("bad_handles: %lu refused, %lu not: %s\n", refused, wrong, wrong == 0 ? "as it should be" : "WRONG");
    return wrong == 0 ? 0 : 1;
}
