// Reads what comes in and writes it in capitals. With a number as argument it ends after so many bytes.
#include "base/str.h"
#include "idl/console.capnp.h"
#include "idl/input.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/main.h"

int main(int argc, char **argv) {
    const handle_t console = tess_cap_required("console", CONSOLE_ID);
    const struct input input = {tess_cap_required("input", INPUT_ID)};
    uint64_t left = UINT64_MAX;
    static char text[INPUT_READ_MAX_BYTES];
    if (argc > 1 && !str_parse_u64(argv[1], strlen(argv[1]), &left)) {
        return 2;
    }
    while (left > 0) {
        RPC_CALL(call);
        struct input_read_results results;
        const uint32_t most = left < sizeof(text) ? (uint32_t)left : (uint32_t)sizeof(text);
        if (!status_ok(input_call_read(input, &call, most, DEADLINE_NEVER, &results))) {
            return 3;
        }
        const struct capnp_data bytes = input_read_results_get_bytes(results);
        if (bytes.len == 0) {
            return 0;
        }
        for (size_t i = 0; i < bytes.len; i++) {
            const char c = (char)bytes.bytes[i];
            text[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
        left -= bytes.len;
        if (!status_ok(console_write(console, text, bytes.len, DEADLINE_NEVER))) {
            return 4;
        }
    }
    return 0;
}
