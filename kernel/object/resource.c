#include "kernel/object/resource.h"

#include "abi/gen/methods.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/ioport.h"
#include "kernel/object/thread.h"
#include "kernel/plat/power.h"

SLAB_CACHE(resource_cache, struct resource);

constexpr uint32_t RIGHTS_DEVICE = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t RIGHTS_IOPORT = RIGHTS_DEVICE | RIGHT_READ_BIT | RIGHT_WRITE_BIT;
constexpr uint32_t RIGHTS_INTERRUPT = RIGHTS_DEVICE | RIGHT_WAIT_BIT;

status_t resource_create(struct account *account, struct object **out) {
    return object_create(OBJECT_RESOURCE, account, out);
}

bool resource_destroy_step(struct object *object) {
    (void)object;
    return true;
}

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

status_t method_resource_power(struct invocation *invocation) {
    switch (invocation->words[0]) {
    case 0: power_off(); break;
    case 1: power_reset(); break;
    default: return STATUS_BAD_ARGUMENT;
    }
    return STATUS_UNSUPPORTED; // still here
}
