#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "lib/keep/keep.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"

void *keep_map(const char *grant, size_t *len_bytes) {
    uint64_t address = 0, len = 0;
    const handle_t vmo = tess_cap_required(grant, 0);
    status_t status = tess_vmo_info(vmo, &len, nullptr);
    if (status_ok(status)) {
        status = tess_vspace_map(tess_self_vspace(), vmo, 0, len, 0, PROT_READ | PROT_WRITE, &address);
    }
    if (!status_ok(status)) {
        tess_panic("%s: cannot map `%s`: %s", tess_bootstrap->program, grant, abi_status_text(status.code));
    }
    *len_bytes = len;
    return (void *)address;
}

void keep_open(const char *grant, size_t room_bytes, struct keep *out) {
    size_t len_bytes;
    void *memory = keep_map(grant, &len_bytes);
    keep_init(out, memory, len_bytes);
    const size_t least = len_bytes + 2 * (room_bytes - keep_room(out)); // where that is too little
    if (keep_room(out) < room_bytes) {
        tess_panic("%s: the manifest grants too little to `%s`; write `keepKib = %lu` there", tess_bootstrap->program, grant,
                   align_up(least, PAGE_BYTES) / 1024);
    }
}
