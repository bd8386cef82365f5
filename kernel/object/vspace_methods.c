#include "abi/gen/methods.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/handle.h"
#include "kernel/object/vspace.h"

constexpr uint64_t PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXECUTE;

// What the handle to a VMO allows is in the order of PROT_*.
static_assert(PROT_READ == 1 && RIGHT_WRITE_BIT == PROT_WRITE * RIGHT_READ_BIT &&
              RIGHT_EXECUTE_BIT == PROT_EXECUTE * RIGHT_READ_BIT);

status_t method_vspace_map(struct invocation *invocation, struct vspace *vspace, struct vmo *vmo, uint64_t offset,
                           uint64_t len, uint64_t address, uint64_t prot, uint64_t *out) {
    const uint64_t max_prot = capability_rights(&invocation->argument).v / RIGHT_READ_BIT & PROT_ALL;
    if (prot & ~(PROT_ALL | MAP_RESERVED)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (prot & PROT_ALL & ~max_prot) {
        return STATUS_NO_RIGHT;
    }
    *out = address;
    return vspace_map(vspace, vmo, offset, len, out, (uint32_t)prot, (uint32_t)max_prot);
}

// Ranges as they are left in the words are what the next step begins with.
status_t method_vspace_unmap(struct invocation *invocation, struct vspace *vspace, uint64_t, uint64_t) {
    uint64_t *words = invocation->words;
    TRY(vspace_unmap_some(vspace, &words[0], &words[1]));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_protect(struct invocation *invocation, struct vspace *vspace, uint64_t, uint64_t, uint64_t prot) {
    uint64_t *words = invocation->words;
    if (prot > PROT_ALL) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vspace_protect_some(vspace, &words[0], &words[1], (uint32_t)prot));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_reserve(struct invocation *, struct vspace *vspace, uint64_t address, uint64_t len, bool guard,
                               uint64_t *out) {
    TRY(vspace_reserve(vspace, len, &address, guard));
    *out = address;
    return STATUS_OK;
}

status_t method_vspace_info(struct invocation *, struct vspace *vspace, struct vspace_info_out *out) {
    spin_lock(&vspace->lock);
    *out = (struct vspace_info_out){vspace->mapping_count, vspace->mapped_bytes, vspace->space.table_bytes};
    spin_unlock(&vspace->lock);
    return STATUS_OK;
}
