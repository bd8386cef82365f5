#include "kernel/object/reply.h"

#include "abi/gen/methods.h"
#include "base/container.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/percpu.h"

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
    struct object *object;
    uint64_t handle;
    TRY(object_create(OBJECT_REPLY, self->process->object.account, &object));
    struct reply *reply = CONTAINER_OF(object, struct reply, object);
    object_get(object); // who guesses the handle may close it as soon as it is there
    status_t status = handle_to_new(self->process, object, 0, &handle);
    struct thread *caller =
        status_ok(status) ? __atomic_exchange_n(&self->caller, nullptr, __ATOMIC_ACQ_REL) : nullptr;
    if (caller != nullptr) {
        __atomic_store_n(&caller->reply, reply, __ATOMIC_RELAXED);
        __atomic_store_n(&caller->server, nullptr, __ATOMIC_RELAXED);
        __atomic_store_n(&reply->caller, caller, __ATOMIC_RELEASE);
        thread_settle_urgency(self); // who answers is not known any more
    }
    object_put(object);
    TRY(status);
    invocation->words[0] = handle;
    return STATUS_OK;
}
