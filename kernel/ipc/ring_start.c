// Rings: what each operation does.
#include "kernel/ipc/invoke.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/park.h"
#include "kernel/ipc/ring.h"
#include "kernel/ipc/syscall.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"

// Makes go on whose wait an entry has ended. Who serves the owner's own call runs when the owner waits (enter_slowly).
static inline void wake(struct ring *ring, bool own, struct thread *thread) {
    if ((thread->flags & THREAD_REQUEST) != 0) {
        ring_complete(thread);
    } else if (thread != current_thread()) { // that has the message, and is on its way out
        struct thread *ready = own ? ring->next : thread;
        if (own) {
            ring->next = thread;
        }
        if (ready != nullptr) {
            sched_ready(ready);
        }
    }
}

// Each operation says whether the request is over, with *status and its value in word 0; if not, nothing is left to do
// here: it is in a wait, or its wait has ended already, or it is left to the owner.

static bool leave_to_owner(struct ring *ring, struct ring_request *request) {
    spin_lock(&ring->lock);
    ring->header->need_enter = 1;
    request->phase = REQUEST_STARTABLE;
    list_push_back(&ring->local, &request->thread.link);
    ring->attention |= RING_LEFT;
    spin_unlock(&ring->lock);
    return false;
}

// It has been put into a wait: whoever took the handle away just before did not see it there.
static bool wait_through(struct thread *thread, const struct capability *through) {
    if (!slot_holds(through->slot, through->handle)) {
        thread_abort_wait(thread, STATUS_REVOKED); // false: its wait has ended
    }
    return false;
}

[[gnu::noinline]] static bool call_method(struct ring *ring, struct ring_request *request, const struct capability *target,
                        status_t *status) {
    struct invocation invocation;
    request->method = true;
    *status = invoke_method(&request->thread, target->object, target->type_rights, request->entry.info, &invocation);
    if ((ring->owner->flags & THREAD_ENDING) != 0) {
        this_cpu()->work |= WORK_RESCHEDULE; // it, or its process, has been ended just now
    }
    if (!status_ok(*status)) {
        return true;
    }
    if (invocation.again) {
        return leave_to_owner(ring, request); // the rest of it, with the words as they are now
    }
    request->thread.regs.info = invocation.info;
    return true;
}

static bool call(struct ring *ring, struct ring_request *request, bool own, status_t *status) {
    struct thread *thread = &request->thread, *receiver = nullptr;
    struct capability target;
    *status = handle_read(thread->process, request->entry.target, &target);
    if (status_ok(*status) && capability_type(&target) != OBJECT_ENDPOINT) {
        return own ? call_method(ring, request, &target, status) : leave_to_owner(ring, request);
    }
    if (status_ok(*status)) {
        *status = transfer_send_through(&target, thread, request->entry.info, request->entry.deadline_ns, true, &receiver);
    }
    if (!status_ok(*status)) {
        return true;
    }
    if (receiver == nullptr) {
        return wait_through(thread, &target);
    }
    wake(ring, own, receiver);
    return false;
}

static bool receive(struct ring *ring, struct ring_request *request, status_t *status) {
    struct thread *thread = &request->thread;
    struct capability source;
    enum transfer_progress progress;
    request->entry.op = RING_RECV; // what is left of a RETURN
    *status = handle_read_as(thread->process, request->entry.target, OBJECT_ENDPOINT, RIGHT_RECEIVE, &source);
    if (!status_ok(*status)) {
        return true;
    }
    *status = transfer_receive(thread, CONTAINER_OF(source.object, struct endpoint, object),
                               message_accept(request->entry.info), request->entry.deadline_ns, &progress);
    if (progress == TRANSFER_AGAIN) {
        return leave_to_owner(ring, request);
    }
    return progress == TRANSFER_DONE || wait_through(thread, &source);
}

static bool wait_for(struct ring_request *request, status_t *status) {
    struct thread *thread = &request->thread;
    struct capability source;
    uint64_t bits;
    *status = handle_read_as(thread->process, request->entry.target, OBJECT_NOTIFICATION, RIGHT_WAIT, &source);
    if (status_ok(*status)) {
        *status = notification_take(CONTAINER_OF(source.object, struct notification, object), thread,
                                    request->entry.deadline_ns, &bits);
    }
    if (status_ok(*status) && bits == 0) {
        return wait_through(thread, &source);
    }
    if (status_ok(*status)) {
        thread->regs.words[0] = bits;
    }
    return true;
}

static bool park_on(struct ring_request *request, status_t *status) {
    uint64_t *words = request->thread.regs.words;
    const uint64_t address = words[0];
    words[0] = 0;
    *status = words[1] > UINT32_MAX ? STATUS_BAD_ARGUMENT
                                    : park(&request->thread, address, words[1], request->entry.deadline_ns);
    return !status_ok(*status);
}

// Answers whom the token names. The request's target is then where that call was received.
static status_t answer(struct ring *ring, struct ring_request *request) {
    const uint32_t number = (uint16_t)request->entry.target;
    struct ring_request *server = number < ring->request_count ? &ring->requests[number] : nullptr;
    if (server == nullptr || server->phase != REQUEST_UNANSWERED ||
        server->generation != request->entry.target >> 16) {
        return STATUS_NO_CALLER;
    }
    struct thread *resumed = nullptr;
    status_t status = answer_caller(&request->thread, &server->thread.caller, request->entry.info, &resumed);
    if (resumed != nullptr) {
        wake(ring, false, resumed);
    }
    if (status_ok(status) || status_is(status, STATUS_NO_CALLER)) {
        request->entry.target = server->entry.target;
        spin_lock(&ring->lock);
        ring_free_request(ring, server);
        spin_unlock(&ring->lock);
    }
    return status;
}

static status_t unpark_some(struct ring_request *request, uint64_t *value) {
    const uint64_t *from = request->thread.regs.words;
    uint64_t count = from[1], words[4] = {};
    if (count > UNPARK_AT_ONCE) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(unpark(&request->thread, from[0], &count, words));
    *value = words[2];
    return STATUS_OK;
}

// Ends a request that is in flight. One that is about to be started fails when it is. False when it is over already.
static bool abort_request(struct ring *ring, struct ring_request *request, status_t status) {
    struct arch_regs *regs = &request->thread.regs;
    spin_lock(&ring->lock);
    const bool about_to = request->phase == REQUEST_STARTABLE;
    if (about_to && regs->status == 0) {
        regs->status = status.code;
    }
    spin_unlock(&ring->lock);
    return about_to || thread_abort_wait(&request->thread, status);
}

// Ends the entry in flight that a CANCEL, or a TIMEOUT whose time has come, is about.
static status_t abort_other(struct ring *ring, const struct ring_request *request, status_t status) {
    const bool cancel = request->entry.op == RING_CANCEL;
    for (uint32_t i = 0; i < ring->request_count; i++) {
        struct ring_request *other = &ring->requests[i];
        const bool meant = cancel ? other->entry.user_data == request->thread.regs.words[0]
                                  : other->sequence == request->entry.target;
        if (meant && other != request && other->phase != REQUEST_FREE && other->phase != REQUEST_UNANSWERED &&
            abort_request(ring, other, status)) {
            return STATUS_OK;
        }
    }
    return cancel ? STATUS_NOT_FOUND : STATUS_OK; // it has just been completed
}

static bool operate(struct ring *ring, struct ring_request *request, bool own, status_t *status) {
    uint64_t value = 0;
    switch (request->entry.op) {
    case RING_CALL: return call(ring, request, own, status);
    case RING_RECV: return receive(ring, request, status);
    case RING_WAIT: return wait_for(request, status);
    case RING_PARK: return park_on(request, status);
    case RING_RETURN:
        *status = answer(ring, request);
        if (status_ok(*status) && (request->entry.flags & RING_AGAIN) != 0) {
            return receive(ring, request, status);
        }
        break;
    case RING_RELEASE: *status = handle_close(request->thread.process, request->entry.target); break;
    case RING_UNPARK: *status = unpark_some(request, &value); break;
    case RING_CANCEL: *status = abort_other(ring, request, STATUS_CANCELED); break;
    case RING_TIMEOUT: *status = abort_other(ring, request, STATUS_TIMED_OUT); break;
    default: break; // NOP
    }
    request->thread.regs.words[0] = value;
    return true;
}

void ring_start(struct ring *ring, struct ring_request *request, bool own) {
    struct thread *thread = &request->thread;
    status_t status = {(uint32_t)thread->regs.status};
    thread_disarm_deadline(thread);
    if (status_ok(status) && ring_has(ring, RING_ENDED)) {
        status = STATUS_CANCELED;
    }
    if (!status_ok(status) || operate(ring, request, own, &status)) {
        thread->regs.status = status.code;
        ring_complete(thread);
    }
}
