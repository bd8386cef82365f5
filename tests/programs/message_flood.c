// Sends messages to the log as fast as it can: message_flood [COUNT], for ever when COUNT is 0.
#include "idl/log.capnp.h"
#include "tests/programs/common.h"

int main(int argc, char **argv) {
    const uint64_t count = argument(argc, argv, 1, 0);
    struct log log = {};
    if (!status_ok(tess_cap("log", 0, &log.handle))) {
        return 2;
    }
    RPC_CALL(call);
    uint64_t sent = 0;
    for (uint64_t i = 0; count == 0 || i < count; i++) {
        sent += status_ok(
            log_send_append(log, &call, LOG_LEVEL_DEBUG, CAPNP_TEXT("one of very many"), DEADLINE_POLL));
    }
    SAY("message_flood: %lu of %lu taken: as it should be\n", sent, count);
    return 0;
}
