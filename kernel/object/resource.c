#include "kernel/object/resource.h"

#include "abi/gen/methods.h"
#include "base/align.h"
#include "base/checked.h"
#include "kernel/bootinfo.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/ioport.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/power.h"
#include "kernel/plat/uart.h"
#include "kernel/types.h"

constexpr uint32_t RIGHTS_DEVICE = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t RIGHTS_IOPORT = RIGHTS_DEVICE | RIGHT_READ_BIT | RIGHT_WRITE_BIT;
constexpr uint32_t RIGHTS_MEMORY = RIGHTS_IOPORT | RIGHT_MAP_BIT;
constexpr uint32_t RIGHTS_INTERRUPT = RIGHTS_DEVICE | RIGHT_WAIT_BIT;

static status_t paying_account(const struct invocation *invocation, uint64_t handle, struct account **out) {
    struct object *object;
    TRY(handle_object(invocation->caller->process, handle, OBJECT_ACCOUNT, RIGHT_CREATE, &object));
    *out = account_of(object);
    return STATUS_OK;
}

// Gives the caller a handle to a device object just made; takes its only reference in any case.
static status_t hand_over(struct invocation *invocation, struct object *object, uint32_t rights) {
    handle_t handle;
    status_t status = handle_insert(invocation->caller->process, object, (rights_t){rights}, 0, 0, nullptr,
                                    ORIGIN_CREATED, &handle);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    invocation->words[0] = handle.v;
    return STATUS_OK;
}

status_t method_resource_mint_ioport(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    struct account *account;
    struct ioport *ioport;
    TRY(paying_account(invocation, words[2], &account));
    TRY(ioport_create(account, words[0], words[1], &ioport));
    return hand_over(invocation, &ioport->object, RIGHTS_IOPORT);
}

status_t method_resource_mint_interrupt(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    struct account *account;
    struct interrupt *interrupt;
    TRY(paying_account(invocation, words[2], &account));
    TRY(interrupt_create(account, words[0], words[1], &interrupt));
    return hand_over(invocation, &interrupt->object, RIGHTS_INTERRUPT);
}

// ---- Device memory: VMOs whose ranges never overlap ----

static struct spinlock ranges_lock; // a leaf
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

status_t method_resource_mint_vmo(struct invocation *invocation) {
    const uint64_t base = invocation->words[0], len = invocation->words[1];
    struct account *account;
    TRY(paying_account(invocation, invocation->words[2], &account));
    if (!is_aligned(base | len, PAGE_BYTES) || len == 0 || !range_within(base, len, VMO_MAX_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (is_memory(base, len)) {
        return STATUS_NOT_ALLOWED;
    }
    if (plat_owns_memory(base, len)) {
        return STATUS_IN_USE;
    }
    struct vmo *vmo;
    TRY(vmo_create_physical(account, (paddr_t){base}, len, &vmo));
    list_node_init(&vmo->device_link);
    if (!take_range(vmo)) {
        object_put(&vmo->object);
        return STATUS_IN_USE;
    }
    uart_release(SERIAL_MEMORY, base, len);
    return hand_over(invocation, &vmo->object, RIGHTS_MEMORY);
}

status_t method_resource_power(struct invocation *invocation) {
    switch (invocation->words[0]) {
    case 0: power_off(); break;
    case 1: power_reset(); break;
    default: return STATUS_BAD_ARGUMENT;
    }
    return STATUS_UNSUPPORTED; // still here
}
