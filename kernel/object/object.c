#include "kernel/object/object.h"

#include "kernel/mm/slab.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/ioport.h"
#include "kernel/object/iospace.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reply.h"
#include "kernel/object/ring.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/panic.h"

static SLAB_CACHE(process_cache, struct process);
static SLAB_CACHE(thread_cache, struct thread);
static SLAB_CACHE(endpoint_cache, struct endpoint);
static SLAB_CACHE(reply_cache, struct reply);
static SLAB_CACHE(notification_cache, struct notification);
static SLAB_CACHE(timer_cache, struct timer);
static SLAB_CACHE(plain_cache, struct object); // of types that are nothing but a right

constexpr uint32_t PLAIN = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t MEMORY = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT | RIGHT_MAP_BIT;
constexpr uint32_t MANAGE = RIGHT_MANAGE_BIT, CREATE = RIGHT_CREATE_BIT, SEND = RIGHT_SEND_BIT;

// One row per type. The object is the first member of each type's structure.
static const struct object_class classes[OBJECT_TYPE_COUNT] = {
    [OBJECT_ACCOUNT] = {"account", &account_cache, PLAIN | MANAGE | CREATE, .destroy_step = account_destroy_step},
    [OBJECT_PROCESS] = {"process", &process_cache, PLAIN | MANAGE | RIGHT_KILL_BIT,
                        .destroy_step = process_destroy_step},
    [OBJECT_THREAD] = {"thread", &thread_cache, PLAIN | MANAGE, .destroy_step = thread_destroy_step},
    [OBJECT_VSPACE] = {"vspace", &vspace_cache, PLAIN | RIGHT_MAP_BIT, .destroy_step = vspace_destroy_step},
    [OBJECT_VMO] = {"vmo", &vmo_cache, PLAIN | MEMORY | RIGHT_MANAGE_BIT, .destroy_step = vmo_destroy_step},
    [OBJECT_ENDPOINT] = {"endpoint", &endpoint_cache, PLAIN | SEND | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT, endpoint_init,
                         endpoint_destroy_step, endpoint_handle_added, endpoint_handle_removed},
    [OBJECT_REPLY] = {"reply", &reply_cache, RIGHT_TRANSFER_BIT | SEND, .destroy_step = reply_destroy_step},
    [OBJECT_NOTIFICATION] = {"notification", &notification_cache, PLAIN | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT,
                             .init = notification_init, .destroy_step = notification_destroy_step},
    [OBJECT_INTERRUPT] = {"interrupt", &interrupt_cache, PLAIN | RIGHT_WAIT_BIT,
                          .destroy_step = interrupt_destroy_step},
    [OBJECT_IOPORT] = {"ioport", &ioport_cache, PLAIN | RIGHT_READ_BIT | RIGHT_WRITE_BIT,
                       .destroy_step = ioport_destroy_step},
    [OBJECT_RESOURCE] = {"resource", &plain_cache, .rights = PLAIN | CREATE | RIGHT_POWER_BIT},
    [OBJECT_INSPECTOR] = {"inspector", &plain_cache, .rights = PLAIN},
    [OBJECT_TRACE] = {"trace", &plain_cache, .rights = PLAIN | MANAGE},
    [OBJECT_TIMER] = {"timer", &timer_cache, PLAIN | MANAGE, .init = timer_init, .destroy_step = timer_destroy_step},
    [OBJECT_IOSPACE] = {"iospace", &iospace_cache, PLAIN | RIGHT_MAP_BIT, .destroy_step = iospace_destroy_step},
    [OBJECT_RING] = {"ring", &ring_cache, RIGHT_COPY_BIT | SEND | MANAGE, .destroy_step = ring_destroy_step,
                     .handle_added = ring_handle_added, .handle_removed = ring_handle_removed},
};

static uint64_t last_koid;
static uint64_t live_count[OBJECT_TYPE_COUNT];

const struct object_class *object_class(enum object_type type) {
    return &classes[type];
}

uint64_t object_live_count(enum object_type type) {
    return __atomic_load_n(&live_count[type], __ATOMIC_RELAXED);
}

static bool free_object(struct reap_item *item) {
    struct object *object = CONTAINER_OF(item, struct object, reap);
    slab_free(classes[object->type].cache, object);
    return true;
}

// The reaper's step for a dead object: its type's steps first, then the charge. The memory stays until every
// processor has left the kernel that may have found the object before it died.
static bool reap_object(struct reap_item *item) {
    struct object *object = CONTAINER_OF(item, struct object, reap);
    const struct object_class *class = &classes[object->type];
    if (class->destroy_step != nullptr && !class->destroy_step(object)) {
        return false;
    }
    struct account *account = object->account;
    const enum object_type type = (enum object_type)object->type;
    __atomic_fetch_sub(&live_count[type], 1, __ATOMIC_RELAXED);
    item->step = free_object;
    reaper_defer(item); // the object may be gone now
    if (account != nullptr) {
        account_uncharge_object(account, type, slab_charge(class->cache));
        object_put(&account->object);
    }
    return true;
}

status_t object_create(enum object_type type, struct account *account, struct object **out) {
    const struct object_class *class = &classes[type];
    if (account != nullptr && !object_try_get(&account->object)) {
        return STATUS_NO_MEMORY;
    }
    status_t status =
        account == nullptr ? STATUS_OK : account_charge_object(account, type, slab_charge(class->cache));
    struct object *object = status_ok(status) ? slab_alloc(class->cache) : nullptr;
    if (object == nullptr) {
        if (status_ok(status) && account != nullptr) {
            account_uncharge_object(account, type, slab_charge(class->cache));
        }
        if (account != nullptr) {
            object_put(&account->object);
        }
        return STATUS_NO_MEMORY;
    }
    object->references = 1;
    object->type = type;
    object->koid = (koid_t){__atomic_add_fetch(&last_koid, 1, __ATOMIC_RELAXED)};
    object->account = account;
    object->reap.step = reap_object;
    __atomic_fetch_add(&live_count[type], 1, __ATOMIC_RELAXED);
    if (class->init != nullptr) {
        class->init(object);
    }
    *out = object;
    return STATUS_OK;
}

void object_put_some(struct object *object, uint32_t references) {
    uint32_t before = __atomic_fetch_sub(&object->references, references, __ATOMIC_ACQ_REL);
    ASSERT(before >= references);
    if (before == references && references != 0) {
        reaper_add(&object->reap);
    }
}

void object_put(struct object *object) {
    object_put_some(object, 1);
}
