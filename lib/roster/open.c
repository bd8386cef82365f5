#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "lib/roster/roster.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"

const struct roster *roster_open(const char *grant) {
    uint64_t address = 0;
    const status_t status =
        tess_vspace_map(tess_self_vspace(), tess_cap_required(grant, 0), 0, ROSTER_BYTES, 0, PROT_READ, &address);
    if (!status_ok(status)) {
        tess_panic("%s: cannot map the roster: %s", tess_bootstrap->program, abi_status_text(status.code));
    }
    return (const struct roster *)address;
}
