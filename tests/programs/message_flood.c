// Sends messages to the log as fast as it can: message_flood [COUNT], for ever when COUNT is 0.
#include "lib/wire/log_client.h"
#include "tests/programs/common.h"

int main(int argc, char **argv) {
    const uint64_t count = argument(argc, argv, 1, 0);
    handle_t log = {};
    if (!status_ok(tess_cap("log", 0, &log))) {
        return 2;
    }
    static const char text[] = "one of very many";
    uint64_t sent = 0;
    for (uint64_t i = 0; count == 0 || i < count; i++) {
        sent += status_ok(log_post(log, LOG_DEBUG, 0, text, sizeof text - 1, DEADLINE_POLL));
    }
    SAY("message_flood: %lu of %lu taken: as it should be\n", sent, count);
    return 0;
}
