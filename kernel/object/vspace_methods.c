#include "abi/gen/methods.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/handle.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

constexpr uint64_t PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXECUTE;

status_t method_vspace_map(struct invocation *invocation) {
    struct capability vmo;
    uint64_t offset = invocation->words[1], len = invocation->words[2], address = invocation->words[3];
    uint64_t prot = invocation->words[4];
    TRY(handle_read_as(invocation->caller->process, invocation->words[0], OBJECT_VMO, RIGHT_MAP, &vmo));
    if (prot & ~(PROT_ALL | MAP_RESERVED)) {
        return STATUS_BAD_ARGUMENT;
    }
    uint32_t rights = capability_rights(&vmo).v;
    uint32_t max_prot = (rights & RIGHT_READ_BIT ? PROT_READ : 0) | (rights & RIGHT_WRITE_BIT ? PROT_WRITE : 0) |
                        (rights & RIGHT_EXECUTE_BIT ? PROT_EXECUTE : 0);
    if (prot & PROT_ALL & ~max_prot) {
        return STATUS_NO_RIGHT;
    }
    if (!object_try_get(vmo.object)) {
        return STATUS_BAD_HANDLE;
    }
    status_t status =
        vspace_map(vspace_of(invocation->object), vmo_of(vmo.object), offset, len, &address, (uint32_t)prot, max_prot);
    object_put(vmo.object);
    TRY(status);
    invocation->words[0] = address;
    return STATUS_OK;
}

// Ranges as they are left in the words are what the next step begins with.
status_t method_vspace_unmap(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    TRY(vspace_unmap_some(vspace_of(invocation->object), &words[0], &words[1]));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_protect(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    if (words[2] > PROT_ALL) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vspace_protect_some(vspace_of(invocation->object), &words[0], &words[1], (uint32_t)words[2]));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_reserve(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    uint64_t address = words[0];
    if (words[2] > 1) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vspace_reserve(vspace_of(invocation->object), words[1], &address, words[2] == 1));
    words[0] = address;
    return STATUS_OK;
}

status_t method_vspace_info(struct invocation *invocation) {
    const struct vspace_info info = vspace_info(vspace_of(invocation->object));
    invocation->words[0] = info.mappings;
    invocation->words[1] = info.mapped_bytes;
    invocation->words[2] = info.table_bytes;
    return STATUS_OK;
}
