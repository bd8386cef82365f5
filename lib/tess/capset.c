#include "lib/tess/capset.h"

#include "abi/gen/abi.h"
#include "abi/gen/stubs.h"
#include "base/str.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"

static const struct bootstrap_cap *find(const char *name) {
    const struct bootstrap_cap *caps = bootstrap_caps(tess_bootstrap);
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        if (strncmp(caps[i].name, name, BOOTSTRAP_CAP_NAME_BYTES) == 0) {
            return &caps[i];
        }
    }
    return nullptr;
}

status_t tess_cap(const char *name, uint64_t interface_id, handle_t *out) {
    const struct bootstrap_cap *cap = find(name);
    if (cap == nullptr) {
        return STATUS_NOT_FOUND;
    }
    if (interface_id != 0 && cap->interface_id != interface_id) {
        return STATUS_WRONG_TYPE;
    }
    *out = (handle_t){cap->handle};
    return STATUS_OK;
}

uint32_t tess_cap_type(const char *name) {
    const struct bootstrap_cap *cap = find(name);
    return cap == nullptr ? 0 : cap->type;
}

handle_t tess_cap_required(const char *name, uint64_t interface_id) {
    handle_t handle = {};
    status_t status = tess_cap(name, interface_id, &handle);
    if (!status_ok(status)) {
        const struct bootstrap_cap *cap = find(name);
        const uint32_t line = cap != nullptr ? cap->line : tess_bootstrap->line;
        const uint32_t file = cap != nullptr ? cap->file_offset : tess_bootstrap->file_offset;
        tess_panic("%s may not use %s: the manifest %s. To allow it, %s `%s` %s `grants` of it (%s:%u)", tess_bootstrap->program, name,
                   cap != nullptr ? "grants it with another interface" : "does not grant it", cap != nullptr ? "change" : "add", name,
                   cap != nullptr ? "in" : "to", bootstrap_text(tess_bootstrap, file), line);
    }
    // The program would not have run without it: that is a use, of which the kernel takes note when it is asked about the handle.
    (void)status_ok(tess_process_handle_info(tess_self_process(), handle.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    return handle;
}

handle_t tess_self_thread(void) {
    struct tess_thread_block *block = tess_thread_block();
    bool first = (uint64_t)block == tess_bootstrap->tls_base;
    // The creator stores the handle right after the thread has begun to run; it has at least our band,
    // so yielding lets it.
    for (;;) {
        uint32_t handle = first ? bootstrap_thread(tess_bootstrap) : block->thread;
        if (handle != 0) {
            return (handle_t){handle};
        }
        tess_yield();
    }
}
