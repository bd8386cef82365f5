#include "kernel/arch/host/objects.h"

#include <string.h>

#include "base/container.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/resource.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/panic.h"

constexpr uint32_t HANDLES = 64;

static const struct object_class classes[OBJECT_TYPE_COUNT] = {
    [OBJECT_ACCOUNT] = {"account", &account_cache, .destroy_step = account_destroy_step},
    [OBJECT_VSPACE] = {"vspace", &vspace_cache, .destroy_step = vspace_destroy_step},
    [OBJECT_VMO] = {"vmo", &vmo_cache, .destroy_step = vmo_destroy_step},
};

static uint64_t live;
static struct reap_item *dead;
static struct handle_slot slots[HANDLES];
static uint32_t slot_count;

status_t object_create(enum object_type type, struct account *account, struct object **out) {
    struct slab_cache *cache = classes[type].cache;
    if (account != nullptr) {
        TRY(account_charge_object(account, type, slab_charge(cache)));
    }
    struct object *object = slab_alloc(cache);
    if (object == nullptr) {
        if (account != nullptr) {
            account_uncharge_object(account, type, slab_charge(cache));
        }
        return STATUS_NO_MEMORY;
    }
    object->references = 1;
    object->type = type;
    object->account = account;
    if (account != nullptr) {
        object_get(&account->object);
    }
    live++;
    *out = object;
    return STATUS_OK;
}

void object_put(struct object *object) {
    ASSERT(object->references > 0);
    if (--object->references == 0) {
        object->reap.next = dead;
        dead = &object->reap;
    }
}

uint32_t host_reap(void) {
    uint32_t steps = 0;
    while (dead != nullptr) {
        struct object *object = CONTAINER_OF(dead, struct object, reap);
        const struct object_class *class = &classes[object->type];
        dead = dead->next;
        do {
            steps++;
        } while (!class->destroy_step(object));
        struct account *account = object->account;
        const enum object_type type = (enum object_type)object->type;
        slab_free(class->cache, object);
        live--;
        if (account != nullptr) {
            account_uncharge_object(account, type, slab_charge(class->cache));
            object_put(&account->object);
        }
    }
    return steps;
}

uint64_t host_live_objects(void) {
    return live;
}

uint64_t host_handle(struct object *object, uint32_t rights) {
    struct handle_slot *slot = &slots[slot_count++ % HANDLES];
    slot->object = object;
    slot->type_rights = slot_word(object->type, 0, rights);
    return (uint64_t)(slot - slots) + 1;
}

status_t handle_read_as([[maybe_unused]] const struct process *process, uint64_t handle,
                        enum object_type type, rights_t need, struct capability *out) {
    if (handle == 0 || handle > slot_count) {
        return STATUS_BAD_HANDLE;
    }
    struct handle_slot *slot = &slots[handle - 1];
    if (slot_type(slot) != type) {
        return STATUS_WRONG_TYPE;
    }
    if (need.v & ~slot_rights(slot).v) {
        return STATUS_NO_RIGHT;
    }
    *out = (struct capability){.slot = slot, .object = slot->object, .type_rights = slot->type_rights};
    return STATUS_OK;
}

status_t handle_insert([[maybe_unused]] struct process *process, struct object *object, rights_t rights,
                       [[maybe_unused]] uint64_t badge, [[maybe_unused]] uint64_t interface_id,
                       [[maybe_unused]] enum handle_origin origin, uint64_t *out) {
    *out = host_handle(object, rights.v);
    return STATUS_OK;
}

status_t handle_to_new(struct process *, struct object *object, uint64_t, uint64_t *out) {
    *out = host_handle(object, UINT16_MAX);
    return STATUS_OK;
}

status_t handle_object([[maybe_unused]] const struct process *process, uint64_t handle,
                       enum object_type type, rights_t need, struct object **out) {
    struct capability capability;
    TRY(handle_read_as(process, handle, type, need, &capability));
    *out = capability.object;
    return STATUS_OK;
}

status_t handle_close([[maybe_unused]] struct process *process, uint64_t handle) {
    object_put(slots[handle - 1].object);
    return STATUS_OK;
}

// The end of accounts is tested on the whole core.
struct object_list process_list;

void process_end([[maybe_unused]] struct process *process,
                 [[maybe_unused]] const struct exit_record *record) {
}

status_t handle_read_at([[maybe_unused]] const struct process *process, [[maybe_unused]] uint32_t index,
                        [[maybe_unused]] struct capability *out) {
    return STATUS_BAD_HANDLE;
}

void handle_take_away([[maybe_unused]] const struct capability *handle) {
}

void reaper_add([[maybe_unused]] struct reap_item *item) {
}

status_t process_create([[maybe_unused]] struct account *account,
                        [[maybe_unused]] const char name[PROCESS_NAME_BYTES],
                        [[maybe_unused]] struct process **out) {
    return STATUS_NO_MEMORY;
}

status_t host_invoke(method_handler method, struct object *object, uint64_t words[8]) {
    static struct thread caller;
    struct invocation invocation = {.caller = &caller, .object = object, .words = words};
    status_t status;
    do {
        invocation.again = false;
        status = method(&invocation);
    } while (status_ok(status) && invocation.again);
    return status;
}

void resource_give_back(struct vmo *) {
}

void trace_write(enum trace_event, const struct thread *, uint64_t) {
}
