#include "kernel/ipc/transfer.h"

#include "kernel/ipc/fault.h"
#include "kernel/ipc/message.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

// From now on `server` owes `caller` an answer, and works in its band: a server is no way to more of the
// processor than its caller has.
static void owe_answer(struct thread *server, struct thread *caller) {
    caller->state = THREAD_AWAITING_REPLY;
    caller->waiting_on = nullptr;
    caller->server = server;
    __atomic_store_n(&server->caller, caller, __ATOMIC_RELEASE);
    server->effective_band = caller->effective_band;
}

static uint64_t message_flags(const struct thread *sender, bool wants_reply) {
    return (wants_reply ? MESSAGE_WANTS_REPLY : 0) | ((sender->flags & THREAD_FAULTED) != 0 ? MESSAGE_FAULT : 0);
}

static status_t send_locked(struct thread *sender, struct endpoint *endpoint, uint64_t info, uint64_t badge,
                            uint64_t deadline_ns, bool wants_reply, struct thread **receiver)
    REQUIRES(endpoint->lock) {
    if ((endpoint->attention & ENDPOINT_DEAD) != 0) {
        return STATUS_OBJECT_DEAD;
    }
    struct thread *server = endpoint_pop_receiver(endpoint);
    if (server == nullptr) {
        if (deadline_ns == DEADLINE_POLL) {
            return STATUS_TIMED_OUT;
        }
        sender->pending_info = info;
        sender->pending_badge = badge;
        sender->wants_reply = wants_reply;
        endpoint_push_sender(endpoint, sender);
        if (endpoint->server != nullptr && endpoint->server->caller != nullptr) {
            sched_hurry(endpoint->server, sender->effective_band);
        }
    } else {
        status_t status = message_transfer(sender, server, info, badge, message_flags(sender, wants_reply),
                                           message_accept(server->pending_info));
        if (!status_ok(status)) {
            endpoint_push_receiver(endpoint, server);
            return status;
        }
        thread_disarm_deadline(server);
        server->waiting_on = nullptr;
        if (wants_reply) {
            sender->pending_info = info;
            owe_answer(server, sender);
        }
    }
    *receiver = server;
    return STATUS_OK;
}

status_t transfer_send(struct thread *sender, struct endpoint *endpoint, uint64_t info, uint64_t badge,
                       uint64_t deadline_ns, bool wants_reply, struct thread **receiver) {
    spin_lock(&endpoint->lock);
    status_t status = send_locked(sender, endpoint, info, badge, deadline_ns, wants_reply, receiver);
    spin_unlock(&endpoint->lock);
    if (status_ok(status) && sender->state != THREAD_RUNNING) {
        thread_arm_deadline(sender, deadline_ns);
    }
    return status;
}

// Takes the bits of the bound notification, if it has any.
static bool take_notification(struct thread *receiver, struct endpoint *endpoint) REQUIRES(endpoint->lock) {
    endpoint->attention &= ~(uint32_t)ENDPOINT_NOTIFIED;
    uint64_t bits =
        endpoint->bound == nullptr ? 0 : __atomic_exchange_n(&endpoint->bound->bits, 0, __ATOMIC_ACQ_REL);
    if (bits == 0) {
        return false;
    }
    receiver->regs.status = 0;
    receiver->regs.badge = 0;
    receiver->regs.info = MESSAGE_NOTIFICATION;
    receiver->regs.words[0] = bits;
    return true;
}

// Takes the first sender whose message can be carried over. False when there is none.
static bool take_sender(struct thread *receiver, struct endpoint *endpoint, uint32_t accept)
    REQUIRES(endpoint->lock) {
    struct thread *sender;
    while ((sender = endpoint_pop_sender(endpoint)) != nullptr) {
        const bool wants_reply = sender->wants_reply;
        sender->state = THREAD_NEW; // in no queue
        status_t status = message_transfer(sender, receiver, sender->pending_info, sender->pending_badge,
                                           message_flags(sender, wants_reply), accept);
        if (!status_ok(status)) {
            thread_fail_wait(sender, status);
        } else if (wants_reply) {
            owe_answer(receiver, sender);
            sched_hurry(receiver, endpoint_urgency(endpoint));
            return true;
        } else {
            thread_finish_wait(sender, STATUS_OK, 0, 0);
            sched_ready(sender);
            return true;
        }
    }
    return false;
}

status_t transfer_receive(struct thread *receiver, struct endpoint *endpoint, uint32_t accept,
                          uint64_t deadline_ns, bool *waits) {
    status_t status = STATUS_OK;
    *waits = false;
    if (receiver->serving != endpoint) {
        endpoint_forget_server(receiver);
    }
    spin_lock(&endpoint->lock);
    endpoint_set_server(endpoint, receiver);
    if ((endpoint->attention & ENDPOINT_DEAD) != 0) {
        status = STATUS_OBJECT_DEAD;
    } else if (!take_notification(receiver, endpoint) && !take_sender(receiver, endpoint, accept)) {
        if (deadline_ns == DEADLINE_POLL) {
            status = STATUS_TIMED_OUT;
        } else {
            *waits = true;
            receiver->pending_info = (uint64_t)accept << MESSAGE_ACCEPT_SHIFT;
            endpoint_push_receiver(endpoint, receiver);
        }
    }
    spin_unlock(&endpoint->lock);
    if (*waits) {
        thread_arm_deadline(receiver, deadline_ns);
    }
    return status;
}

status_t transfer_reply(struct thread *server, struct thread *caller, uint64_t info, struct thread **resumed) {
    *resumed = nullptr;
    if ((caller->flags & THREAD_FAULTED) != 0) {
        fault_answered(caller, message_label(info));
        return STATUS_OK;
    }
    TRY(message_transfer(server, caller, info, 0, 0, message_accept(caller->pending_info)));
    thread_disarm_deadline(caller);
    caller->server = nullptr;
    caller->reply = nullptr;
    caller->state = THREAD_NEW; // in no queue
    *resumed = caller;
    return STATUS_OK;
}
