#include "kernel/object/ioport.h"

#include "abi/gen/methods.h"
#include "base/checked.h"
#include "io.h"
#include "kernel/bootinfo.h"
#include "kernel/lock.h"
#include "kernel/log.h"

SLAB_CACHE(ioport_cache, struct ioport);

static struct spinlock ranges_lock = SPINLOCK(LOCK_MACHINE);
static struct list ranges = LIST_INIT(ranges);

static bool is_taken(uint64_t base, uint64_t count) REQUIRES(ranges_lock) {
    for (struct list_node *node = list_first(&ranges); node != nullptr; node = list_next(&ranges, node)) {
        const struct ioport *other = CONTAINER_OF(node, struct ioport, link);
        if (ranges_overlap(base, count, other->base, other->count)) {
            return true;
        }
    }
    return false;
}

status_t method_resource_mint_ioport(struct invocation *invocation, uint64_t base, uint64_t count, struct account *account,
                                     struct ioport **out) {
    if (ARCH_PORT_COUNT == 0) {
        return STATUS_UNSUPPORTED;
    }
    if (count == 0 || !range_within(base, count, ARCH_PORT_COUNT)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (boot_owns_ports(base, count)) {
        return STATUS_IN_USE;
    }
    if (boot_resets_by(base, count) && !rights_cover(invocation->type_rights, RIGHT_POWER_BIT)) {
        return STATUS_NO_RIGHT;
    }
    struct object *object;
    TRY(object_create(OBJECT_IOPORT, account, &object));
    struct ioport *ioport = CONTAINER_OF(object, struct ioport, object);
    ioport->base = (uint16_t)base;
    ioport->count = (uint32_t)count;
    list_node_init(&ioport->link);
    spin_lock(&ranges_lock);
    bool taken = is_taken(base, count);
    if (!taken) {
        list_push_back(&ranges, &ioport->link);
    }
    spin_unlock(&ranges_lock);
    if (taken) {
        object_put(object);
        return STATUS_IN_USE;
    }
    log_release(SERIAL_PORTS, base, count);
    *out = ioport;
    return STATUS_OK;
}

bool ioport_destroy_step(struct object *object) {
    struct ioport *ioport = CONTAINER_OF(object, struct ioport, object);
    spin_lock(&ranges_lock);
    list_remove(&ioport->link);
    spin_unlock(&ranges_lock);
    return true;
}

// ---- Methods ----

// The port that `offset` means for an access of `width` bytes; false when that is not all in the range.
static bool port_of(const struct ioport *ioport, uint64_t offset, uint64_t width, uint16_t *out) {
    if ((width != 1 && width != 2 && width != 4) || !range_within(offset, width, ioport->count)) {
        return false;
    }
    *out = (uint16_t)(ioport->base + offset);
    return true;
}

status_t method_ioport_read(struct invocation *, struct ioport *ioport, uint64_t offset, uint64_t width,
                            uint64_t *value) {
    uint16_t port;
    if (!port_of(ioport, offset, width, &port)) {
        return STATUS_BAD_ARGUMENT;
    }
    switch (width) {
    case 1: *value = port_read8(port); break;
    case 2: *value = port_read16(port); break;
    default: *value = port_read32(port); break;
    }
    return STATUS_OK;
}

status_t method_ioport_write(struct invocation *, struct ioport *ioport, uint64_t offset, uint64_t width,
                             uint64_t value) {
    uint16_t port;
    if (!port_of(ioport, offset, width, &port) || value >> (8 * width) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    switch (width) {
    case 1: port_write8(port, (uint8_t)value); break;
    case 2: port_write16(port, (uint16_t)value); break;
    default: port_write32(port, (uint32_t)value); break;
    }
    return STATUS_OK;
}

status_t method_ioport_write_bytes(struct invocation *, struct ioport *ioport, uint64_t offset, uint64_t count,
                                   uint64_t data0, uint64_t data1, uint64_t data2, uint64_t data3, uint64_t data4,
                                   uint64_t data5) {
    const uint64_t data[] = {data0, data1, data2, data3, data4, data5};
    uint16_t port;
    if (!port_of(ioport, offset, 1, &port) || count > sizeof data) {
        return STATUS_BAD_ARGUMENT;
    }
    for (uint64_t i = 0; i < count; i++) {
        port_write8(port, ((const uint8_t *)data)[i]);
    }
    return STATUS_OK;
}
