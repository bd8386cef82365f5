// Uses every system call number that does not exist.
#include "tests/programs/common.h"
#include "raw.h"

int main(int, char **) {
    uint64_t refused = 0, wrong = 0;
    for (uint64_t number = 0; number < 100'000; number++) {
        uint64_t beyond = number < 50'000 ? number + SYSCALL_COUNT : UINT64_MAX - number;
        struct raw_message message = {.info = UINT64_MAX, .words = {1, 2, 3, 4, 5, 6, 7, 8}};
        status_t status = raw_syscall(beyond, beyond, &message, 0);
        status_is(status, STATUS_BAD_SYSCALL) ? refused++ : wrong++;
    }
    SAY("bad_syscalls: %lu refused, %lu not: %s\n", refused, wrong, wrong == 0 ? "as it should be" : "WRONG");
    return wrong == 0 ? 0 : 1;
}
