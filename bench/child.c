// The program of `process_lifecycle` and `spawn_to_main`: runs and is done. With an argument it ends with the time at which it began.
#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"
#include "lib/tess/main.h"
#include "tess_arch.h"

int main(int argc, char **argv) {
    const uint64_t begun = tess_arch_cycles();
    (void)argv;
    if (argc > 1) {
        (void)tess_process_exit(tess_self_process(), begun);
    }
    return 0;
}
