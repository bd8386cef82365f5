#include "kernel/object/resource.h"

#include "abi/gen/methods.h"
#include "base/align.h"
#include "base/checked.h"
#include "kernel/bootinfo.h"
#include "kernel/log.h"
#include "kernel/object/account.h"
#include "kernel/object/vmo.h"
#include "kernel/plat/power.h"
#include "kernel/types.h"

// ---- Device memory: VMOs whose ranges never overlap ----

static struct spinlock ranges_lock = SPINLOCK(LOCK_MACHINE);
static struct list ranges GUARDED_BY(ranges_lock) = LIST_INIT(ranges); // of VMOs, by device_link

// What the firmware keeps for itself is no memory of ours: devices' registers are often among it.
static bool is_memory(uint64_t base, uint64_t len_bytes) {
    for (uint32_t i = 0; i < boot_machine->region_count; i++) {
        const struct boot_region *region = &boot_machine->regions[i];
        if (region->kind != BOOT_MEM_RESERVED && ranges_overlap(base, len_bytes, region->base, region->len_bytes)) {
            return true;
        }
    }
    return false;
}

// Enters the range unless somebody holds a part of it.
static bool take_range(struct vmo *vmo) {
    bool taken = false;
    spin_lock(&ranges_lock);
    for (struct list_node *node = list_first(&ranges); node != nullptr; node = list_next(&ranges, node)) {
        const struct vmo *other = CONTAINER_OF(node, struct vmo, device_link);
        taken |= ranges_overlap(vmo->base.v, vmo_len_bytes(vmo), other->base.v, vmo_len_bytes(other));
    }
    if (!taken) {
        vmo->device = true;
        list_push_back(&ranges, &vmo->device_link);
    }
    spin_unlock(&ranges_lock);
    return !taken;
}

void resource_give_back(struct vmo *vmo) {
    spin_lock(&ranges_lock);
    list_remove(&vmo->device_link);
    spin_unlock(&ranges_lock);
}

status_t method_resource_mint_vmo(struct invocation *, uint64_t base, uint64_t len, struct account *account,
                                  struct vmo **out) {
    if (!is_aligned(base | len, PAGE_BYTES) || len == 0 || !range_within(base, len, VMO_MAX_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (is_memory(base, len)) {
        return STATUS_NOT_ALLOWED;
    }
    if (boot_owns_memory(base, len)) {
        return STATUS_IN_USE;
    }
    struct vmo *vmo;
    TRY(vmo_create_physical(account, (paddr_t){base}, len, &vmo));
    list_node_init(&vmo->device_link);
    if (!take_range(vmo)) {
        object_put(&vmo->object);
        return STATUS_IN_USE;
    }
    vmo->object.withheld |= RIGHT_EXECUTE_BIT;
    log_release(SERIAL_MEMORY, base, len);
    *out = vmo;
    return STATUS_OK;
}

status_t method_resource_power(struct invocation *, uint64_t action) {
    switch (action) {
    case 0: power_off(); break;
    case 1: power_reset(); break;
    default: return STATUS_BAD_ARGUMENT;
    }
    return STATUS_UNSUPPORTED; // still here
}
