// Makes random system calls: random_calls [SEED [COUNT]]. It may well end itself with one of them.
#include "tests/programs/common.h"
#include "raw.h"

static uint64_t state;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545'f491'4f6c'dd1d;
}

int main(int argc, char **argv) {
    state = argument(argc, argv, 1, 1) * 0x9e37'79b9'7f4a'7c15 | 1;
    const uint64_t count = argument(argc, argv, 2, 20'000);
    uint64_t handles[16] = {tess_self_process().v, tess_self_thread().v, tess_self_vspace().v,
                            tess_self_account().v};
    uint32_t known = 4;
    for (uint64_t i = 0; i < count; i++) {
        struct raw_message message = {.info = next() % 16};
        for (int w = 0; w < 8; w++) {
            uint64_t r = next();
            message.words[w] = r % 4 == 0   ? r >> (r >> 8 & 63)
                               : r % 4 == 1 ? handles[r >> 8 & 15]
                               : r % 4 == 2 ? (r >> 8 & 0xff) * PAGE_BYTES
                                            : r;
        }
        uint64_t r = next();
        if (r % 8 == 0) {
            message.info = next();
        }
        uint64_t handle = r >> 8 & 3 ? handles[r >> 16 & 15] : next() >> (r >> 24 & 63);
        bool own_exit = (handle == handles[0] && (uint32_t)message.info == PROCESS_EXIT) ||
                        (handle == handles[1] && (uint32_t)message.info == THREAD_EXIT) ||
                        (handle == handles[3] && (uint32_t)message.info == ACCOUNT_END);
        if (own_exit) {
            continue;
        }
        status_t status = raw_syscall(r >> 32 & 3 ? SYS_CALL : next() % 12, handle, &message, 0);
        if (status_ok(status) && message.words[0] != 0 && message.words[0] <= UINT32_MAX) {
            handles[known < 16 ? known++ : 4 + next() % 12] = message.words[0];
        }
    }
    SAY("random_calls: survived: as it should be\n");
    return 0;
}
