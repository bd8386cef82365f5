// hello: greets whoever is named on its command line, and shows what a small program looks like.
//
// CapSet: `console`.
#include "idl/console.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/main.h"

int main(int argc, char **argv) {
    handle_t console = tess_cap_required("console", CONSOLE_ID);
    if (argc < 2) {
        return status_ok(console_print(console, "Hello from Tessera.\n")) ? 0 : 1;
    }
    for (int i = 1; i < argc; i++) {
        if (!status_ok(console_print(console, "Hello, %s.\n", argv[i]))) {
            return 1;
        }
    }
    return 0;
}
