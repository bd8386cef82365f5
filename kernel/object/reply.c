#include "kernel/object/reply.h"

#include "abi/gen/methods.h"
#include "base/container.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/percpu.h"

status_t reply_create(struct account *account, struct reply **out) {
    struct object *object;
    TRY(object_create(OBJECT_REPLY, account, &object));
    *out = CONTAINER_OF(object, struct reply, object);
    return STATUS_OK;
}

bool reply_destroy_step(struct object *object) {
    struct reply *reply = CONTAINER_OF(object, struct reply, object);
    struct thread *caller = __atomic_exchange_n(&reply->caller, nullptr, __ATOMIC_ACQ_REL);
    if (caller != nullptr) {
        thread_set_state(caller, THREAD_WAKING);
        thread_fail_wait(caller, STATUS_PEER_DIED);
    }
    return true;
}

status_t method_thread_save_reply(struct invocation *invocation) {
    struct thread *self = CONTAINER_OF(invocation->object, struct thread, object);
    if (self != invocation->caller) {
        return STATUS_BAD_STATE;
    }
    if (__atomic_load_n(&self->caller, __ATOMIC_RELAXED) == nullptr) {
        return STATUS_NO_CALLER;
    }
    struct reply *reply;
    TRY(reply_create(self->process->object.account, &reply));
    handle_t handle;
    status_t status = handle_insert(self->process, &reply->object, (rights_t){RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT},
                                    0, 0, nullptr, ORIGIN_CREATED, &handle);
    if (!status_ok(status)) {
        object_put(&reply->object);
        return status;
    }
    struct thread *caller = __atomic_exchange_n(&self->caller, nullptr, __ATOMIC_ACQ_REL);
    if (caller != nullptr) {
        __atomic_store_n(&caller->reply, reply, __ATOMIC_RELAXED);
        __atomic_store_n(&caller->server, nullptr, __ATOMIC_RELAXED);
        __atomic_store_n(&reply->caller, caller, __ATOMIC_RELEASE);
        thread_settle_urgency(self); // who answers is not known any more
    }
    invocation->words[0] = handle.v;
    return STATUS_OK;
}
