#include "kernel/object/notification.h"

#include "abi/gen/methods.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

void notification_init(struct object *object) {
    struct notification *notification = CONTAINER_OF(object, struct notification, object);
    spin_init(&notification->lock, LOCK_NOTIFICATION);
    list_init(&notification->waiters);
}

// ---- signal ----------------------------------------------------------------------------------------

// Hands the bits to a receiver of the bound endpoint, or marks the endpoint so that the next one takes them.
static void deliver_to_endpoint(struct notification *notification, struct endpoint *endpoint) {
    uint64_t bits = 0;
    spin_lock(&endpoint->lock);
    struct thread *receiver = endpoint_pop_receiver(endpoint);
    if (receiver == nullptr) {
        endpoint->attention |= ENDPOINT_NOTIFIED;
    } else {
        bits = __atomic_exchange_n(&notification->bits, 0, __ATOMIC_ACQ_REL);
        if (bits == 0) { // somebody else's signal has brought them over already
            endpoint_push_receiver(endpoint, receiver);
            receiver = nullptr;
        }
    }
    spin_unlock(&endpoint->lock);
    if (receiver != nullptr) {
        TRACE(TRACE_IPC, trace_write(TRACE_SIGNAL, receiver, notification->object.koid.v));
        thread_finish_wait(receiver, STATUS_OK, 0, MESSAGE_NOTIFICATION);
        receiver->regs.words[0] = bits;
        sched_ready(receiver);
    }
}

// Takes out the first waiter that is not ending; null when there is none.
static inline struct thread *pop_waiter(struct notification *notification) REQUIRES(notification->lock) {
    while (!list_empty(&notification->waiters)) {
        struct thread *thread = LIST_ENTRY(notification->waiters.head.next, struct thread, link);
        list_remove(&thread->link);
        if (LIKELY((thread->flags & THREAD_ENDING) == 0)) {
            thread_set_state(thread, THREAD_WAKING);
            return thread;
        }
        thread_set_state(thread, THREAD_STOPPED);
    }
    return nullptr;
}

void notification_signal(struct notification *notification, uint64_t bits) {
    if (bits == 0) {
        return;
    }
    spin_lock(&notification->lock);
    struct thread *thread = pop_waiter(notification);
    if (thread != nullptr) { // no bit was set while it waited
        spin_unlock(&notification->lock);
        TRACE(TRACE_IPC, trace_write(TRACE_SIGNAL, thread, notification->object.koid.v));
        thread_finish_wait(thread, STATUS_OK, 0, 0);
        thread->regs.words[0] = bits;
        sched_ready(thread);
        return;
    }
    __atomic_fetch_or(&notification->bits, bits, __ATOMIC_RELEASE);
    struct endpoint *endpoint = notification->bound;
    spin_unlock(&notification->lock);
    if (endpoint != nullptr) {
        deliver_to_endpoint(notification, endpoint);
    }
}

status_t notification_take(struct notification *notification, struct thread *thread, uint64_t deadline_ns,
                           uint64_t *bits) {
    status_t status = STATUS_BAD_STATE;
    spin_lock(&notification->lock);
    if (notification->bound == nullptr) {
        *bits = __atomic_exchange_n(&notification->bits, 0, __ATOMIC_ACQ_REL);
        status = *bits == 0 && deadline_ns == DEADLINE_POLL ? STATUS_TIMED_OUT : STATUS_OK;
    }
    if (status_ok(status) && *bits == 0) {
        thread_arm_deadline(thread, deadline_ns);
        thread->waiting_on = &notification->object;
        list_push_back(&notification->waiters, &thread->link);
        thread_set_state(thread, THREAD_WAITING);
    }
    spin_unlock(&notification->lock);
    return status;
}

bool notification_take_waiter(struct notification *notification, struct thread *thread) {
    spin_lock(&notification->lock);
    const bool here = thread_state(thread) == THREAD_WAITING && thread->waiting_on == &notification->object;
    if (here) {
        list_remove(&thread->link);
        thread_set_state(thread, THREAD_WAKING);
    }
    spin_unlock(&notification->lock);
    return here;
}

// ---- binding ---------------------------------------------------------------------------------------

static void unbind(struct notification *notification) {
    spin_lock(&notification->lock);
    struct endpoint *endpoint = notification->bound;
    notification->bound = nullptr;
    spin_unlock(&notification->lock);
    if (endpoint == nullptr) {
        return;
    }
    spin_lock(&endpoint->lock);
    endpoint->bound = nullptr;
    endpoint->attention &= ~(uint32_t)ENDPOINT_NOTIFIED;
    spin_unlock(&endpoint->lock);
    object_put(&endpoint->object);
}

status_t method_notification_bind(struct invocation *, struct notification *notification, struct endpoint *endpoint) {
    if (endpoint == nullptr) {
        unbind(notification);
        return STATUS_OK;
    }
    spin_lock(&notification->lock);
    status_t status = STATUS_OK;
    if (notification->bound != nullptr) {
        status = STATUS_IN_USE;
    } else if (!list_empty(&notification->waiters)) {
        status = STATUS_BAD_STATE;
    } else {
        spin_lock(&endpoint->lock);
        if ((endpoint->attention & ENDPOINT_DEAD) != 0) {
            status = STATUS_OBJECT_DEAD;
        } else if (endpoint->bound != nullptr) {
            status = STATUS_IN_USE;
        } else {
            endpoint->bound = notification;
            notification->bound = endpoint;
            object_get(&endpoint->object);
        }
        spin_unlock(&endpoint->lock);
    }
    spin_unlock(&notification->lock);
    if (status_ok(status) && __atomic_load_n(&notification->bits, __ATOMIC_RELAXED) != 0) {
        deliver_to_endpoint(notification, endpoint);
    }
    return status;
}

bool notification_destroy_step(struct object *object) {
    // Threads that wait hold no reference: the last handle is gone, so nobody can signal any more.
    struct notification *notification = CONTAINER_OF(object, struct notification, object);
    unbind(notification);
    for (uint32_t i = 0; i < 16; i++) {
        spin_lock(&notification->lock);
        struct thread *thread = pop_waiter(notification);
        spin_unlock(&notification->lock);
        if (thread == nullptr) {
            return true;
        }
        thread_fail_wait(thread, STATUS_OBJECT_DEAD);
    }
    return false;
}
