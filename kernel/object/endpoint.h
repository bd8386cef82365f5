// endpoint: where callers and receivers meet.
//
// Senders queue first-in first-out, receivers last-in first-out (the warmest thread serves next); at
// most one of the two is non-empty. An endpoint is dead once no handle with the RECEIVE right is left:
// everyone who waits is woken, and later sends fail with OBJECT_DEAD. Whoever means clients to outlive
// a server keeps a handle with that right itself.
//
// Invariants (kernel/arch/host/invariants.h): senders and receivers are not both non-empty; a dead endpoint has
// neither, once the reaper has woken them; `attention` is set exactly when a sender is queued, a bound notification has bits, or the
// endpoint is dead.
#pragma once

#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/object/object.h"
#include "kernel/object/thread.h"

struct notification;

struct endpoint {
    struct object object;
    struct spinlock lock;
    uint32_t attention GUARDED_BY(lock); // enum endpoint_attention; 0: a receiver has to wait
    struct thread *receivers GUARDED_BY(lock);
    struct thread *doomed GUARDED_BY(lock); // receivers of a dead endpoint that are not woken yet
    struct list senders GUARDED_BY(lock);
    struct notification *bound GUARDED_BY(lock); // not referenced; unbinds itself when it dies
    struct thread *server GUARDED_BY(lock); // who last received in the general way; not referenced (`serving`)
    uint32_t receive_handles; // atomic: handles with the RECEIVE right
    struct reap_item dying;   // wakes those who waited when it died, if they are many
};

enum endpoint_attention : uint32_t {
    ENDPOINT_SENDERS = 1,
    ENDPOINT_NOTIFIED = 2,
    ENDPOINT_DEAD = 4,
};

// Queue operations, used by kernel/ipc. What a pop gives is WAKING, and the caller's. The pops pass by threads that
// are ending, which are STOPPED then.
struct thread *endpoint_pop_receiver(struct endpoint *endpoint) REQUIRES(endpoint->lock);
void endpoint_push_sender(struct endpoint *endpoint, struct thread *thread) REQUIRES(endpoint->lock);
struct thread *endpoint_pop_sender(struct endpoint *endpoint) REQUIRES(endpoint->lock);

static inline void endpoint_push_receiver(struct endpoint *endpoint, struct thread *thread)
    REQUIRES(endpoint->lock) {
    thread->waiting_on = &endpoint->object;
    thread->next = endpoint->receivers;
    thread->prev = &endpoint->receivers;
    if (thread->next != nullptr) {
        thread->next->prev = &thread->next;
    }
    endpoint->receivers = thread;
    thread_set_state(thread, THREAD_RECEIVING);
}

// `thread` receives from this endpoint from now on: it is whom an urgent sender hurries (kernel/ipc/transfer.c).
// Null: nobody does.
void endpoint_set_server(struct endpoint *endpoint, struct thread *thread) REQUIRES(endpoint->lock);

// The thread serves no endpoint any more.
void endpoint_forget_server(struct thread *thread);

// The most urgent band among the first senders.
uint32_t endpoint_urgency(const struct endpoint *endpoint) REQUIRES(endpoint->lock);

// Takes a SENDING or RECEIVING thread out of the endpoint: it is WAKING then. False when it is not there (any more).
bool endpoint_take_waiter(struct endpoint *endpoint, struct thread *thread) EXCLUDES(endpoint->lock);

// Wakes everyone with OBJECT_DEAD, a crowd little by little, and refuses what comes later.
void endpoint_kill(struct endpoint *endpoint) EXCLUDES(endpoint->lock);

// Called when handles with the RECEIVE right come and go (struct object_class).
void endpoint_handle_added(struct object *object, rights_t rights);
void endpoint_handle_removed(struct object *object, rights_t rights);
void endpoint_init(struct object *object);
bool endpoint_destroy_step(struct object *object);
