// Sends handles to the source of random numbers, which wants none, and malformed requests of every kind: handle_flood [COUNT],
// for ever when COUNT is 0.
#include "tests/programs/common.h"

int main(int argc, char **argv) {
    const uint64_t count = argument(argc, argv, 1, 0);
    handle_t random = {}, payload = {};
    uint64_t taken = 0;
    if (!status_ok(tess_cap("random", 0, &random)) ||
        !status_ok(tess_account_create_notification(tess_self_account(), &payload))) {
        return 2;
    }
    for (uint64_t i = 0; count == 0 || i < count; i++) {
        uint32_t handles = (uint32_t)(i % 5);
        struct tess_message message = {.info =
                                           message_info((uint32_t)i, (uint32_t)(i * 37 % 4097), handles, 0),
                                       .words = {i, UINT64_MAX - i, i << 32, i * i}};
        for (uint32_t h = 0; h < handles; h++) {
            tess_message_set_handle(&message, h, payload);
        }
        status_t status = tess_send(random, &message, DEADLINE_POLL);
        taken += status_ok(status) && handles != 0;
    }
    SAY("handle_flood: %lu messages with handles taken: %s\n", taken,
        taken == 0 ? "as it should be" : "WRONG");
    return taken == 0 ? 0 : 1;
}
