#include "kernel/object/ioport.h"

#include "abi/gen/methods.h"
#include "io.h"
#include "kernel/lock.h"
#include "kernel/plat/acpi.h"
#include "kernel/plat/uart.h"

SLAB_CACHE(ioport_cache, struct ioport);

static struct spinlock ranges_lock;
static struct list ranges = LIST_INIT(ranges);

constexpr uint64_t PORT_COUNT = 0x1'0000;

// The kernel's own. The ISA DMA controllers and their page registers are among them because they write
// to any physical memory below 16 MiB.
static const struct {
    uint16_t base, count;
} reserved[] = {
    {0x00, 0x20}, // DMA controller 1
    {0x20, 2},    // interrupt controller 1
    {0x80, 0x10}, // DMA pages
    {0xa0, 2},    // interrupt controller 2
    {0xc0, 0x20}, // DMA controller 2
};

static bool overlap(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count) {
    return a < b + b_count && b < a + a_count;
}

static bool is_reserved(uint64_t base, uint64_t count) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (overlap(base, count, reserved[i].base, reserved[i].count)) {
            return true;
        }
    }
    const struct acpi_info *acpi = acpi_info();
    const uint16_t power[] = {acpi->pm1a_control_port, acpi->pm1b_control_port, acpi->smi_command_port};
    for (size_t i = 0; i < sizeof power / sizeof power[0]; i++) {
        if (power[i] != 0 && overlap(base, count, power[i], 2)) {
            return true;
        }
    }
    return false;
}

static bool is_taken(uint64_t base, uint64_t count) REQUIRES(ranges_lock) {
    for (struct list_node *node = list_first(&ranges); node != nullptr; node = list_next(&ranges, node)) {
        const struct ioport *other = CONTAINER_OF(node, struct ioport, link);
        if (overlap(base, count, other->base, other->count)) {
            return true;
        }
    }
    return false;
}

status_t ioport_create(struct account *account, uint64_t base, uint64_t count, struct ioport **out) {
    if (base >= PORT_COUNT || count == 0 || count > PORT_COUNT - base) {
        return STATUS_BAD_ARGUMENT;
    }
    if (is_reserved(base, count)) {
        return STATUS_IN_USE;
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
    if (overlap(base, count, UART_PORT, UART_PORT_COUNT)) {
        uart_release();
    }
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
static bool port_of(const struct invocation *invocation, uint64_t offset, uint64_t width, uint16_t *out) {
    const struct ioport *ioport = CONTAINER_OF(invocation->object, struct ioport, object);
    if ((width != 1 && width != 2 && width != 4) || offset >= ioport->count ||
        width > ioport->count - offset) {
        return false;
    }
    *out = (uint16_t)(ioport->base + offset);
    return true;
}

status_t method_ioport_read(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    uint16_t port;
    if (!port_of(invocation, words[0], words[1], &port)) {
        return STATUS_BAD_ARGUMENT;
    }
    switch (words[1]) {
    case 1: words[0] = port_read8(port); break;
    case 2: words[0] = port_read16(port); break;
    default: words[0] = port_read32(port); break;
    }
    return STATUS_OK;
}

status_t method_ioport_write(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    uint16_t port;
    if (!port_of(invocation, words[0], words[1], &port) || words[2] >> (8 * words[1]) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    switch (words[1]) {
    case 1: port_write8(port, (uint8_t)words[2]); break;
    case 2: port_write16(port, (uint16_t)words[2]); break;
    default: port_write32(port, (uint32_t)words[2]); break;
    }
    return STATUS_OK;
}

status_t method_ioport_write_bytes(struct invocation *invocation) {
    constexpr uint64_t MOST = 6 * sizeof(uint64_t); // words 2 to 7
    const uint64_t *words = invocation->words;
    uint16_t port;
    if (!port_of(invocation, words[0], 1, &port) || words[1] > MOST) {
        return STATUS_BAD_ARGUMENT;
    }
    for (uint64_t i = 0; i < words[1]; i++) {
        port_write8(port, (uint8_t)(words[2 + i / 8] >> (8 * (i % 8))));
    }
    return STATUS_OK;
}
