#include "kernel/object/endpoint.h"

#include "abi/gen/methods.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

void endpoint_init(struct object *object) {
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    spin_init(&endpoint->lock, LOCK_ENDPOINT);
    list_init(&endpoint->senders);
}

// ---- queues ----------------------------------------------------------------------------------------

static void unlink_receiver(struct thread *thread) {
    *thread->prev = thread->next;
    if (thread->next != nullptr) {
        thread->next->prev = thread->prev;
    }
    thread->prev = nullptr;
}

static struct thread *pop_from(struct thread **first) {
    for (;;) {
        struct thread *thread = *first;
        if (thread == nullptr) {
            return nullptr;
        }
        unlink_receiver(thread);
        if ((thread->flags & THREAD_ENDING) == 0) {
            thread_set_state(thread, THREAD_WAKING);
            return thread;
        }
        thread_set_state(thread, THREAD_STOPPED);
    }
}

struct thread *endpoint_pop_receiver(struct endpoint *endpoint) {
    return pop_from(&endpoint->receivers);
}

void endpoint_push_sender(struct endpoint *endpoint, struct thread *thread) {
    thread->waiting_on = &endpoint->object;
    list_push_back(&endpoint->senders, &thread->link);
    endpoint->attention |= ENDPOINT_SENDERS;
    thread_set_state(thread, THREAD_SENDING);
}

static void unlink_sender(struct endpoint *endpoint, struct thread *thread) REQUIRES(endpoint->lock) {
    list_remove(&thread->link);
    if (list_empty(&endpoint->senders)) {
        endpoint->attention &= ~(uint32_t)ENDPOINT_SENDERS;
    }
}

struct thread *endpoint_pop_sender(struct endpoint *endpoint) {
    for (;;) {
        struct list_node *node = list_first(&endpoint->senders);
        if (node == nullptr) {
            return nullptr;
        }
        struct thread *thread = LIST_ENTRY(node, struct thread, link);
        unlink_sender(endpoint, thread);
        if ((thread->flags & THREAD_ENDING) == 0) {
            thread_set_state(thread, THREAD_WAKING);
            return thread;
        }
        thread_set_state(thread, THREAD_STOPPED);
    }
}

void endpoint_set_server(struct endpoint *endpoint, struct thread *thread) {
    if (endpoint->server == thread) {
        return;
    }
    if (endpoint->server != nullptr) {
        struct endpoint *expected = endpoint; // it may be going over to another one just now
        __atomic_compare_exchange_n(&endpoint->server->serving, &expected, nullptr, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED);
    }
    endpoint->server = thread;
    if (thread != nullptr) {
        __atomic_store_n(&thread->serving, endpoint, __ATOMIC_RELEASE);
    }
}

void endpoint_forget_server(struct thread *thread) {
    struct endpoint *endpoint = __atomic_load_n(&thread->serving, __ATOMIC_ACQUIRE);
    if (endpoint != nullptr) {
        spin_lock(&endpoint->lock);
        if (endpoint->server == thread) {
            endpoint_set_server(endpoint, nullptr);
        }
        spin_unlock(&endpoint->lock);
    }
}

uint32_t endpoint_urgency(const struct endpoint *endpoint) {
    constexpr uint32_t LOOK_AT = 8; // bounded work; those behind count when they come closer
    uint32_t band = BAND_COUNT - 1, seen = 0;
    LIST_FOR_EACH(node, &endpoint->senders) {
        const struct thread *sender = LIST_ENTRY(node, struct thread, link);
        if (sender->effective_band < band) {
            band = sender->effective_band;
        }
        if (++seen == LOOK_AT) {
            break;
        }
    }
    return band;
}

bool endpoint_take_waiter(struct endpoint *endpoint, struct thread *thread) {
    spin_lock(&endpoint->lock);
    const enum thread_state state = thread_state(thread);
    const bool here = thread->waiting_on == &endpoint->object && (state == THREAD_SENDING || state == THREAD_RECEIVING);
    if (here) {
        if (state == THREAD_SENDING) {
            unlink_sender(endpoint, thread);
        } else {
            unlink_receiver(thread);
        }
        thread_set_state(thread, THREAD_WAKING);
    }
    spin_unlock(&endpoint->lock);
    return here;
}

// ---- death -----------------------------------------------------------------------------------------

// Takes any one waiter out; null when there is none.
static struct thread *pop_waiter(struct endpoint *endpoint) EXCLUDES(endpoint->lock) {
    spin_lock(&endpoint->lock);
    struct thread *thread = pop_from(&endpoint->doomed);
    if (thread == nullptr) {
        thread = endpoint_pop_sender(endpoint);
    }
    spin_unlock(&endpoint->lock);
    return thread;
}

// One bounded step; true when nobody waits any more.
static bool wake_some(struct endpoint *endpoint) {
    constexpr uint32_t AT_ONCE = 32;
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        struct thread *thread = pop_waiter(endpoint);
        if (thread == nullptr) {
            return true;
        }
        thread_fail_wait(thread, STATUS_OBJECT_DEAD);
    }
    return false;
}

static bool wake_more(struct reap_item *item) {
    struct endpoint *endpoint = CONTAINER_OF(item, struct endpoint, dying);
    if (!wake_some(endpoint)) {
        return false;
    }
    endpoint->dying.step = nullptr;
    object_put(&endpoint->object);
    return true;
}

void endpoint_kill(struct endpoint *endpoint) {
    spin_lock(&endpoint->lock);
    endpoint->attention |= ENDPOINT_DEAD;
    // Out of the way at once: neither a call nor a notification may find them while they wait to be woken.
    endpoint->doomed = endpoint->receivers;
    endpoint->receivers = nullptr;
    if (endpoint->doomed != nullptr) {
        endpoint->doomed->prev = &endpoint->doomed;
    }
    spin_unlock(&endpoint->lock);
    if (!wake_some(endpoint)) {
        object_get(&endpoint->object); // until wake_more has finished
        endpoint->dying.step = wake_more;
        reaper_add(&endpoint->dying);
    }
}

void endpoint_handle_added(struct object *object, rights_t rights) {
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    if ((rights.v & RIGHT_RECEIVE_BIT) != 0) {
        __atomic_fetch_add(&endpoint->receive_handles, 1, __ATOMIC_RELAXED);
    }
}

void endpoint_handle_removed(struct object *object, rights_t rights) {
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    if ((rights.v & RIGHT_RECEIVE_BIT) != 0 &&
        __atomic_fetch_sub(&endpoint->receive_handles, 1, __ATOMIC_ACQ_REL) == 1) {
        endpoint_kill(endpoint);
    }
}

bool endpoint_destroy_step(struct object *object) {
    // No handle is left, so it is dead and nobody waits; a bound notification held a reference until now.
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    spin_lock(&endpoint->lock);
    endpoint_set_server(endpoint, nullptr);
    spin_unlock(&endpoint->lock);
    return true;
}
