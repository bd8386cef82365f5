#include "kernel/ipc/transfer.h"

#include "kernel/ipc/fault.h"
#include "kernel/ipc/message.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

// From now on `server` owes `caller`, which is WAKING or the current thread, an answer, and works in its band: a
// server is no way to more of the processor than its caller has.
static void owe_answer(struct thread *server, struct thread *caller) {
    caller->waiting_on = nullptr;
    __atomic_store_n(&caller->server, server, __ATOMIC_RELAXED);
    thread_set_urgency(server, caller->effective_band);
    thread_set_state(caller, THREAD_AWAITING_REPLY);
    __atomic_store_n(&server->caller, caller, __ATOMIC_RELEASE);
}

static uint64_t message_flags(const struct thread *sender, bool wants_reply) {
    return (wants_reply ? MESSAGE_WANTS_REPLY : 0) | ((sender->flags & THREAD_FAULTED) != 0 ? MESSAGE_FAULT : 0);
}

// Whether the current thread is on its way to receive here, and nobody is before the sender.
static bool current_receives(const struct endpoint *endpoint) REQUIRES(endpoint->lock) {
    const struct capability *source = this_cpu()->receives;
    return source != nullptr && source->object == &endpoint->object && endpoint->attention == 0 &&
           slot_holds(source->slot, source->handle); // who revokes looks for receivers with the lock
}

// Takes a receiver, if there is one. OBJECT_DEAD; TIMED_OUT when there is none and the sender must not wait.
static status_t find_receiver(struct endpoint *endpoint, uint64_t deadline_ns, struct thread **receiver)
    REQUIRES(endpoint->lock) {
    if ((endpoint->attention & ENDPOINT_DEAD) != 0) {
        return STATUS_OBJECT_DEAD;
    }
    *receiver = current_receives(endpoint) ? current_thread() : endpoint_pop_receiver(endpoint);
    if (*receiver != nullptr) {
        return STATUS_OK;
    }
    return deadline_ns == DEADLINE_POLL ? STATUS_TIMED_OUT : STATUS_OK;
}

status_t transfer_send(struct thread *sender, struct endpoint *endpoint, uint64_t info, uint64_t badge,
                       uint64_t deadline_ns, bool wants_reply, struct thread **out) {
    struct thread *receiver = nullptr, *busy = nullptr;
    if (deadline_ns != DEADLINE_POLL) {
        thread_arm_deadline(sender, deadline_ns); // before anybody can end the wait
    }
    TRACE(TRACE_IPC, trace_call(wants_reply ? TRACE_CALL : TRACE_SEND, sender, endpoint->object.koid.v));
    sender->pending_info = info;
    sender->pending_badge = badge;
    sender->wants_reply = wants_reply;
    spin_lock(&endpoint->lock);
    status_t status = find_receiver(endpoint, deadline_ns, &receiver);
    if (status_ok(status) && receiver == nullptr) {
        endpoint_push_sender(endpoint, sender);
        busy = endpoint->server;
    }
    spin_unlock(&endpoint->lock);
    *out = receiver;
    if (busy != nullptr && busy->caller != nullptr) {
        sched_hurry(busy, sender->effective_band);
    }
    if (status_ok(status) && receiver == nullptr) {
        return STATUS_OK;
    }
    if (status_ok(status)) {
        const bool here = receiver == current_thread();
        if (!here) {
            thread_wait_off_cpu(receiver);
        }
        status = message_transfer(sender, receiver, info, badge, message_flags(sender, wants_reply),
                                  message_accept(receiver->pending_info));
        if (here) {
            this_cpu()->receives = status_ok(status) ? nullptr : this_cpu()->receives;
        } else if (!status_ok(status)) {
            transfer_resume_receiving(endpoint, receiver);
        }
    }
    if (!status_ok(status) || !wants_reply) {
        thread_disarm_deadline(sender);
    }
    TRACE(TRACE_IPC, trace_outcome(sender, receiver, status));
    TRY(status);
    thread_disarm_deadline(receiver);
    receiver->waiting_on = nullptr;
    if (wants_reply) {
        owe_answer(receiver, sender);
    }
    return STATUS_OK;
}

// Takes the bits of the bound notification, if it has any.
static bool take_notification(struct thread *receiver, struct endpoint *endpoint) REQUIRES(endpoint->lock) {
    endpoint->attention &= ~(uint32_t)ENDPOINT_NOTIFIED;
    uint64_t bits =
        endpoint->bound == nullptr ? 0 : __atomic_exchange_n(&endpoint->bound->bits, 0, __ATOMIC_ACQ_REL);
    if (bits == 0) {
        return false;
    }
    thread_set_outcome(receiver, STATUS_OK, 0, MESSAGE_NOTIFICATION);
    receiver->regs.words[0] = bits;
    return true;
}

// What there is for a receiver to take.
enum found { FOUND_NOTHING, FOUND_NOTIFICATION, FOUND_SENDER, FOUND_DEAD };

// Finds something; or, unless it must not wait, puts the receiver into the queue: it is in its wait then.
static enum found find_message(struct thread *receiver, struct endpoint *endpoint, bool may_wait,
                               struct thread **sender) {
    enum found found = FOUND_NOTHING;
    spin_lock(&endpoint->lock);
    endpoint_set_server(endpoint, receiver);
    if ((endpoint->attention & ENDPOINT_DEAD) != 0) {
        found = FOUND_DEAD;
    } else if (take_notification(receiver, endpoint)) {
        found = FOUND_NOTIFICATION;
    } else if ((*sender = endpoint_pop_sender(endpoint)) != nullptr) {
        found = FOUND_SENDER;
    } else if (may_wait) {
        endpoint_push_receiver(endpoint, receiver);
    }
    spin_unlock(&endpoint->lock);
    return found;
}

// Carries the message of a sender that was taken out of the queue. False when that cannot be, and the sender has been
// told.
static bool take_message(struct thread *receiver, struct endpoint *endpoint, struct thread *sender,
                         uint32_t accept) {
    const bool wants_reply = sender->wants_reply;
    thread_wait_off_cpu(sender);
    status_t status = message_transfer(sender, receiver, sender->pending_info, sender->pending_badge,
                                       message_flags(sender, wants_reply), accept);
    if (!status_ok(status)) {
        thread_fail_wait(sender, status);
        return false;
    }
    TRACE(TRACE_IPC, trace_outcome(sender, receiver, STATUS_OK));
    if (!wants_reply) {
        thread_finish_wait(sender, STATUS_OK, 0, 0);
        sched_ready(sender);
        return true;
    }
    owe_answer(receiver, sender);
    thread_check_deadline(sender);
    if (!list_empty(&endpoint->senders)) {
        spin_lock(&endpoint->lock);
        const uint32_t urgency = endpoint_urgency(endpoint);
        spin_unlock(&endpoint->lock);
        sched_hurry(receiver, urgency);
    }
    return true;
}

status_t transfer_receive(struct thread *receiver, struct endpoint *endpoint, uint32_t accept,
                          uint64_t deadline_ns, enum transfer_progress *progress) {
    constexpr uint32_t PASS_BY = 16; // senders whose message cannot be carried; bounded work
    if (receiver->serving != endpoint) {
        endpoint_forget_server(receiver);
    }
    receiver->causal = 0;
    receiver->pending_info = (uint64_t)accept << MESSAGE_ACCEPT_SHIFT;
    if (deadline_ns != DEADLINE_POLL) {
        thread_arm_deadline(receiver, deadline_ns); // before anybody can end the wait
    }
    status_t status = STATUS_OK;
    *progress = TRANSFER_DONE;
    for (uint32_t i = 0;; i++) {
        struct thread *sender = nullptr;
        const enum found found = find_message(receiver, endpoint, deadline_ns != DEADLINE_POLL, &sender);
        if (found == FOUND_NOTHING && deadline_ns != DEADLINE_POLL) {
            *progress = TRANSFER_WAITS;
            return STATUS_OK;
        }
        if (found == FOUND_NOTHING) {
            status = STATUS_TIMED_OUT;
        } else if (found == FOUND_DEAD) {
            status = STATUS_OBJECT_DEAD;
        } else if (found == FOUND_SENDER && !take_message(receiver, endpoint, sender, accept)) {
            if (i < PASS_BY) {
                continue;
            }
            *progress = TRANSFER_AGAIN;
        }
        break;
    }
    thread_disarm_deadline(receiver);
    return status;
}

void transfer_resume_receiving(struct endpoint *endpoint, struct thread *receiver) {
    enum transfer_progress progress;
    status_t status;
    do {
        const uint32_t accept = message_accept(receiver->pending_info);
        status = transfer_receive(receiver, endpoint, accept, DEADLINE_NEVER, &progress);
    } while (progress == TRANSFER_AGAIN);
    if (progress == TRANSFER_WAITS) {
        thread_check_deadline(receiver);
    } else if (status_ok(status)) {
        sched_ready(receiver);
    } else {
        thread_fail_wait(receiver, status);
    }
}

status_t transfer_reply(struct thread *server, struct thread *caller, uint64_t info, struct thread **resumed) {
    *resumed = nullptr;
    if ((caller->flags & THREAD_FAULTED) != 0) {
        TRACE(TRACE_IPC, trace_reply(server, caller));
        fault_answered(caller, message_label(info));
        return STATUS_OK;
    }
    TRY(message_transfer(server, caller, info, 0, 0, message_accept(caller->pending_info)));
    TRACE(TRACE_IPC, trace_reply(server, caller));
    thread_disarm_deadline(caller);
    caller->server = nullptr;
    caller->reply = nullptr;
    *resumed = caller;
    return STATUS_OK;
}
