// System calls: the fast path of call and reply_recv first, then the general ones, then the ways out.
//
// Fast path. The conditions are those of nearly every message: no handles, no deadline, the other side
// waiting, neither thread with flags (thread.h). Then nothing is queued, scheduled or allocated, and only
// page bytes are copied: the sender's words stay where the entry saved them, and the way out loads them from
// there into the receiver's registers. Every other case goes the general way, which assumes nothing. What is
// not the shortest case is kept out of line, so that the shortest saves no register.
#include "kernel/ipc/syscall.h"

#include "abi/park.h"
#include "base/mem.h"
#include "kernel/ipc/fault.h"
#include "kernel/ipc/invoke.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/park.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/object/reply.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)

constexpr uint32_t LEAVE_REAP_STEPS = 8;

// ---- ways out --------------------------------------------------------------------------------------

// Away from the current thread, which is in a wait, or has ended, or is ending.
static void switch_away(struct thread *current) {
    if (thread_state(current) == THREAD_RUNNING) {
        thread_set_state(current, THREAD_STOPPED);
    }
    sched_switch();
}

struct kernel_exit kernel_leave(void) {
    struct percpu *cpu = this_cpu();
    do {
        struct thread *current = current_thread();
        if ((cpu->work & WORK_KICKED) != 0) {
            cpu->work &= ~(uint32_t)WORK_KICKED;
            sched_kicked();
        }
        const uint32_t work = cpu->work;
        cpu->work &= ~(uint32_t)(WORK_RESCHEDULE | WORK_SLICE_END | WORK_TIMER);
        cpu_quiet(cpu);
        if ((current->flags & THREAD_ENDING) != 0) {
            switch_away(current);
        } else if ((work & WORK_SLICE_END) != 0) {
            sched_yield();
        } else if ((work & WORK_RESCHEDULE) != 0) {
            sched_preempt();
        } else if ((work & WORK_TIMER) != 0) {
            sched_arm_timer();
        }
        if ((work & WORK_REAP) != 0 && !reaper_run(LEAVE_REAP_STEPS)) {
            cpu->work &= ~(uint32_t)WORK_REAP;
        }
    } while ((cpu->work & ~(uint32_t)WORK_REAP) != 0 || (current_thread()->flags & THREAD_ENDING) != 0);
    if (cpu->reaper.count != 0) {
        sched_return_soon(); // the thread may never enter the kernel again
    }
    return (struct kernel_exit){(uint64_t)arch_current_frame(), 0};
}

struct kernel_exit kernel_block(void) {
    switch_away(current_thread());
    return kernel_leave();
}

// Back to the current thread with a status and no results.
static struct kernel_exit leave_with(status_t status) {
    if (LIKELY(this_cpu()->work == 0)) {
        return (struct kernel_exit){0, status.code};
    }
    thread_set_outcome(current_thread(), status, 0, 0);
    return kernel_leave();
}

// Back to the current thread with what is in its saved registers.
static struct kernel_exit leave_with_results(struct thread *current) {
    if (LIKELY(this_cpu()->work == 0)) {
        return (struct kernel_exit){(uint64_t)&current->regs.status, (uint64_t)current->regs.words};
    }
    return kernel_leave();
}

// The current thread waits; `other` runs in its place.
static struct kernel_exit leave_to(struct thread *other) {
    if ((other->flags & (THREAD_ENDING | THREAD_BOUND)) != 0) {
        sched_ready(other); // or not: as the scheduler finds
        return kernel_block();
    }
    sched_switch_to(other);
    return kernel_leave();
}

// ---- call ------------------------------------------------------------------------------------------

// A method of a kernel object.
static struct kernel_exit invoke_method(struct thread *current, const struct handle_slot *slot,
                                        uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    const struct method_table *table = &method_tables[slot_type(slot)];
    if ((info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX)) != 0) {
        return leave_with(STATUS_BAD_ARGUMENT); // methods take no page and no handles
    }
    const uint32_t number = message_label(info);
    if (number >= table->count || table->methods[number].handler == nullptr) {
        return leave_with(STATUS_BAD_METHOD);
    }
    const struct method *method = &table->methods[number];
    if ((slot->type_rights & method->right.v) != method->right.v) {
        return leave_with(STATUS_NO_RIGHT);
    }
    struct invocation invocation = {
        .caller = current,
        .object = slot->object,
        .rights = slot_rights(slot),
        .words = current->regs.words,
    };
    status_t status = method->handler(&invocation);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    if (invocation.again) {
        arch_regs_restart(&current->regs, SYS_CALL, handle, info, deadline_ns);
        return kernel_leave();
    }
    current->regs.status = 0;
    current->regs.badge = 0;
    current->regs.info = message_info(0, invocation.page_bytes, 0, 0);
    return leave_with_results(current);
}

// Whether the header says page bytes and nothing else beside the label.
static bool only_page(uint64_t info) {
    return info >> MESSAGE_COUNT_SHIFT == 0 && info >> MESSAGE_PAGE_SHIFT != 0;
}

// Whether both sides have what a message with this header needs.
static bool page_fits(const struct thread *from, const struct thread *to, uint64_t info) {
    return message_page_bytes(info) <= MESSAGE_PAGE_BYTES && from->message_page != nullptr &&
           to->message_page != nullptr;
}

// The fast path of a call: to the waiting receiver, who is returned, or null when the message must go the
// general way. `page`: it may have page bytes.
[[gnu::always_inline]] static inline struct thread *
call_direct(struct thread *current, const struct handle_slot *slot, uint64_t handle, uint64_t info, bool page) {
    struct endpoint *endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
    spin_lock(&endpoint->lock);
    const uint64_t badge = slot->badge;
    struct thread *server = endpoint->receivers;
    if (!LIKELY(slot_holds(slot, handle) && server != nullptr && (current->flags | server->busy) == 0 &&
                (!page || page_fits(current, server, info)))) {
        spin_unlock(&endpoint->lock);
        return nullptr;
    }
    endpoint->receivers = server->next;
    if (server->next != nullptr) {
        server->next->prev = &endpoint->receivers;
    }
    server->prev = nullptr;
    server->state = THREAD_RUNNING;
    current->server = server;
    current->pending_info = info;
    thread_set_state(current, THREAD_AWAITING_REPLY);
    __atomic_store_n(&server->caller, current, __ATOMIC_RELEASE);
    spin_unlock(&endpoint->lock);
    server->effective_band = current->effective_band;
    server->regs.badge = badge;
    server->regs.info = info | MESSAGE_WANTS_REPLY;
    if (page) {
        memcpy(server->message_page, current->message_page, message_page_bytes(info));
    }
    sched_switch_registers(current, server);
    return server;
}

constexpr uint32_t SEND_SLOT = (uint32_t)OBJECT_ENDPOINT << 24 | RIGHT_SEND_BIT;
constexpr uint32_t SEND_SLOT_MASK = 0xffu << 24 | RIGHT_SEND_BIT;

static struct kernel_exit leave_directly_to(const struct thread *to, const struct thread *from) {
    return (struct kernel_exit){(uint64_t)&to->regs.status, (uint64_t)from->regs.words};
}

[[gnu::noinline]] static struct kernel_exit call_general(struct thread *current, uint64_t handle,
                                                         uint64_t info, uint64_t deadline_ns) {
    struct handle_slot *slot;
    status_t status = handle_lookup_any(current->process, handle, &slot);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    if (slot_type(slot) != OBJECT_ENDPOINT) {
        return invoke_method(current, slot, handle, info, deadline_ns);
    }
    if ((slot->type_rights & RIGHT_SEND_BIT) == 0) {
        return leave_with(STATUS_NO_RIGHT);
    }
    struct thread *receiver = nullptr;
    if (only_page(info) && deadline_ns == DEADLINE_NEVER &&
        (receiver = call_direct(current, slot, handle, info, true)) != nullptr) {
        return leave_directly_to(receiver, current);
    }
    status = message_check(current, info);
    if (status_ok(status)) {
        struct endpoint *endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
        status = transfer_send(current, endpoint, info, slot->badge, deadline_ns, true, &receiver);
    }
    if (!status_ok(status)) {
        return leave_with(status);
    }
    return receiver != nullptr ? leave_to(receiver) : kernel_block();
}

static struct kernel_exit sys_call(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot != nullptr && (slot->type_rights & SEND_SLOT_MASK) == SEND_SLOT &&
               deadline_ns == DEADLINE_NEVER && info >> MESSAGE_PAGE_SHIFT == 0)) {
        struct thread *server = call_direct(current, slot, handle, info, false);
        if (LIKELY(server != nullptr)) {
            return leave_directly_to(server, current);
        }
    }
    return call_general(current, handle, info, deadline_ns);
}

// ---- reply_recv ------------------------------------------------------------------------------------

// Takes whoever waits for an answer out of the place that refers to it; null when nobody waits any more.
static struct thread *take_caller(struct thread **place) {
    struct thread *caller = __atomic_exchange_n(place, nullptr, __ATOMIC_ACQ_REL);
    if (caller == nullptr) {
        return nullptr;
    }
    thread_set_state(caller, THREAD_WAKING);
    if ((caller->flags & THREAD_ENDING) != 0) {
        sched_ready(caller); // takes note that it is in no queue
        return nullptr;
    }
    thread_wait_off_cpu(caller);
    return caller;
}

// The answer could not be carried: the caller waits on.
static void put_caller_back(struct thread *caller, struct thread **place) {
    thread_set_state(caller, THREAD_AWAITING_REPLY);
    __atomic_store_n(place, caller, __ATOMIC_RELEASE);
    thread_check_deadline(caller);
}

// Answers the current thread's caller. On OK *resumed is who must be made ready, or null.
static status_t answer_caller(struct thread *current, uint64_t info, struct thread **resumed) {
    TRY(message_check(current, info));
    struct thread *caller = take_caller(&current->caller);
    if (caller == nullptr) {
        thread_settle_urgency(current);
        return STATUS_NO_CALLER;
    }
    status_t status = transfer_reply(current, caller, info, resumed);
    if (!status_ok(status)) {
        put_caller_back(caller, &current->caller);
        return status;
    }
    thread_set_urgency(current, current->band);
    return STATUS_OK;
}

// The fast path of an answer, as call_direct: to the caller, who is returned, and into the wait for the next
// message.
[[gnu::always_inline]] static inline struct thread *
reply_direct(struct thread *current, const struct handle_slot *slot, uint64_t handle, uint64_t info, bool page) {
    struct thread *caller = __atomic_load_n(&current->caller, __ATOMIC_RELAXED);
    if (!LIKELY(caller != nullptr)) {
        return nullptr;
    }
    struct endpoint *endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
    spin_lock(&endpoint->lock);
    if (!LIKELY(slot_holds(slot, handle) && endpoint->attention == 0 && (current->flags | caller->busy) == 0 &&
                (!page || page_fits(current, caller, info)) &&
                __atomic_exchange_n(&current->caller, nullptr, __ATOMIC_ACQ_REL) == caller)) {
        spin_unlock(&endpoint->lock);
        return nullptr;
    }
    current->pending_info = info;
    current->effective_band = current->band;
    endpoint_push_receiver(endpoint, current);
    spin_unlock(&endpoint->lock);
    caller->server = nullptr;
    caller->state = THREAD_RUNNING;
    caller->regs.badge = 0;
    if (page) {
        caller->regs.info = info & ~MESSAGE_ACCEPT_MASK;
        memcpy(caller->message_page, current->message_page, message_page_bytes(info));
    } else {
        caller->regs.info = (uint32_t)info;
    }
    sched_switch_registers(current, caller);
    return caller;
}

constexpr uint32_t RECEIVE_SLOT = (uint32_t)OBJECT_ENDPOINT << 24 | RIGHT_RECEIVE_BIT;
constexpr uint32_t RECEIVE_SLOT_MASK = 0xffu << 24 | RIGHT_RECEIVE_BIT;

// Goes on receiving after whatever else wants the processor.
static struct kernel_exit receive_again(struct thread *current, uint64_t handle, uint64_t info,
                                        uint64_t deadline_ns) {
    arch_regs_restart(&current->regs, SYS_RECV, handle, info & MESSAGE_ACCEPT_MASK, deadline_ns);
    return kernel_leave();
}

[[gnu::noinline]] static struct kernel_exit reply_recv_general(struct thread *current, uint64_t handle,
                                                               uint64_t info, uint64_t deadline_ns) {
    struct handle_slot *slot = nullptr;
    struct endpoint *endpoint = nullptr;
    struct thread *resumed = nullptr;
    status_t status = STATUS_OK;
    if (handle != 0) {
        status = handle_lookup(current->process, handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &slot);
    }
    if (slot != nullptr) {
        endpoint = CONTAINER_OF(slot->object, struct endpoint, object);
        if (only_page(info & ~MESSAGE_ACCEPT_MASK) && deadline_ns == DEADLINE_NEVER &&
            (resumed = reply_direct(current, slot, handle, info, true)) != nullptr) {
            return leave_directly_to(resumed, current);
        }
    }
    if (status_ok(status)) {
        status = answer_caller(current, info, &resumed);
    }
    enum transfer_progress progress = TRANSFER_DONE;
    if (status_ok(status) && handle != 0) {
        status = transfer_receive(current, endpoint, message_accept(info), deadline_ns, &progress);
    }
    if (progress == TRANSFER_WAITS) {
        return resumed != nullptr ? leave_to(resumed) : kernel_block();
    }
    if (resumed != nullptr) {
        sched_ready(resumed);
    }
    if (progress == TRANSFER_AGAIN) {
        return receive_again(current, handle, info, deadline_ns);
    }
    return !status_ok(status) || handle == 0 ? leave_with(status) : leave_with_results(current);
}

static struct kernel_exit sys_reply_recv(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot != nullptr && (slot->type_rights & RECEIVE_SLOT_MASK) == RECEIVE_SLOT &&
               deadline_ns == DEADLINE_NEVER &&
               (info & ~MESSAGE_ACCEPT_MASK) >> MESSAGE_PAGE_SHIFT == 0)) {
        struct thread *caller = reply_direct(current, slot, handle, info, false);
        if (LIKELY(caller != nullptr)) {
            return leave_directly_to(caller, current);
        }
    }
    return reply_recv_general(current, handle, info, deadline_ns);
}

// ---- send and recv ---------------------------------------------------------------------------------

// Answers through a reply object, and uses it up.
static status_t answer_reply(struct thread *current, struct handle_slot *slot, uint64_t handle,
                             uint64_t info) {
    struct reply *reply = CONTAINER_OF(slot->object, struct reply, object);
    struct thread *caller = take_caller(&reply->caller);
    struct thread *resumed = nullptr;
    status_t status = STATUS_PEER_DIED;
    if (caller != nullptr) {
        status = transfer_reply(current, caller, info, &resumed);
        if (!status_ok(status)) {
            put_caller_back(caller, &reply->caller);
            return status;
        }
    }
    if (resumed != nullptr) {
        sched_ready(resumed);
    }
    if (slot->handle == handle) { // else it travelled with the answer
        handle_remove(current->process, slot);
    }
    return status;
}

static status_t send_message(struct thread *current, uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct handle_slot *slot;
    TRY(handle_lookup_any(current->process, handle, &slot));
    if (slot_type(slot) != OBJECT_ENDPOINT && slot_type(slot) != OBJECT_REPLY) {
        return STATUS_WRONG_TYPE;
    }
    if ((slot->type_rights & RIGHT_SEND_BIT) == 0) {
        return STATUS_NO_RIGHT;
    }
    TRY(message_check(current, info));
    if (slot_type(slot) == OBJECT_REPLY) {
        return answer_reply(current, slot, handle, info);
    }
    struct thread *receiver;
    TRY(transfer_send(current, CONTAINER_OF(slot->object, struct endpoint, object), info, slot->badge,
                      deadline_ns, false, &receiver));
    if (receiver != nullptr) {
        sched_ready(receiver);
    }
    return STATUS_OK;
}

static struct kernel_exit sys_send(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    status_t status = send_message(current, handle, info, deadline_ns);
    return current->state == THREAD_RUNNING ? leave_with(status) : kernel_block();
}

static struct kernel_exit sys_recv(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    struct object *object;
    status_t status = handle_object(current->process, handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &object);
    if (status_ok(status) && ((info & ~MESSAGE_ACCEPT_MASK) != 0 || message_accept(info) > MESSAGE_HANDLES)) {
        status = STATUS_BAD_ARGUMENT;
    }
    if (!status_ok(status)) {
        return leave_with(status);
    }
    thread_drop_caller(current);
    thread_set_urgency(current, current->band);
    enum transfer_progress progress;
    status = transfer_receive(current, CONTAINER_OF(object, struct endpoint, object), message_accept(info),
                              deadline_ns, &progress);
    if (progress == TRANSFER_WAITS) {
        return kernel_block();
    }
    if (progress == TRANSFER_AGAIN) {
        return receive_again(current, handle, info, deadline_ns);
    }
    return status_ok(status) ? leave_with_results(current) : leave_with(status);
}

// ---- signal, wait, yield ---------------------------------------------------------------------------

static struct kernel_exit sys_signal(uint64_t handle, uint64_t, uint64_t) {
    struct thread *current = current_thread();
    struct object *object;
    status_t status = handle_object(current->process, handle, OBJECT_NOTIFICATION, RIGHT_SIGNAL, &object);
    if (status_ok(status)) {
        notification_signal(CONTAINER_OF(object, struct notification, object), current->regs.words[0]);
    }
    return leave_with(status);
}

static struct kernel_exit sys_wait(uint64_t handle, uint64_t, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    struct object *object;
    status_t status = handle_object(current->process, handle, OBJECT_NOTIFICATION, RIGHT_WAIT, &object);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    struct notification *notification = CONTAINER_OF(object, struct notification, object);
    uint64_t bits;
    bool waits;
    status = notification_take(notification, current, deadline_ns, &bits, &waits);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    if (waits) {
        return kernel_block();
    }
    current->regs.words[0] = bits;
    current->regs.status = 0;
    current->regs.badge = 0;
    current->regs.info = 0;
    return leave_with_results(current);
}

// ---- park, unpark ----------------------------------------------------------------------------------

static struct kernel_exit sys_park(uint64_t address, uint64_t expected, uint64_t deadline_ns) {
    status_t status = park(current_thread(), address, expected, deadline_ns);
    return status_ok(status) ? kernel_block() : leave_with(status);
}

// Words: where to move the others, how many, what the first word must be then; and how many were woken and moved
// in earlier rounds.
static struct kernel_exit sys_unpark(uint64_t address, uint64_t count, uint64_t) {
    struct thread *current = current_thread();
    uint64_t *words = current->regs.words;
    if (count == PARK_INHERIT) {
        return leave_with(unpark_inheriting(current, address));
    }
    if (count > UINT32_MAX || words[1] > UINT32_MAX || words[2] > UINT32_MAX) {
        return leave_with(STATUS_BAD_ARGUMENT);
    }
    struct unpark_request request = {
        .address = address,
        .wake = count,
        .to_address = words[0],
        .move = words[1],
        .expected = (uint32_t)words[2],
        .woken = words[3],
        .moved = words[4],
    };
    status_t status = unpark(current, &request);
    if (!status_ok(status) && words[3] + words[4] == 0) {
        return leave_with(status);
    }
    words[3] = request.woken;
    words[4] = request.moved;
    if (request.more) {
        words[1] = request.move;
        arch_regs_restart(&current->regs, SYS_UNPARK, address, request.wake, 0);
        return kernel_leave();
    }
    words[0] = request.woken;
    words[1] = request.moved;
    thread_set_outcome(current, STATUS_OK, 0, 0);
    return leave_with_results(current);
}

static struct kernel_exit sys_yield(uint64_t, uint64_t, uint64_t) {
    struct percpu *cpu = this_cpu();
    struct thread *current = current_thread();
    if (LIKELY((cpu->ready.ready_mask & ((2u << current->effective_band) - 1)) == 0)) {
        return leave_with(STATUS_OK);
    }
    thread_set_outcome(current, STATUS_OK, 0, 0);
    sched_yield();
    return kernel_leave();
}

struct kernel_exit syscall_refuse(uint64_t, uint64_t, uint64_t) {
    return leave_with(STATUS_BAD_SYSCALL);
}

syscall_fn *const syscall_table[SYSCALL_COUNT] = {
    [SYS_CALL] = sys_call,     [SYS_SEND] = sys_send,
    [SYS_RECV] = sys_recv,     [SYS_REPLY_RECV] = sys_reply_recv,
    [SYS_SIGNAL] = sys_signal, [SYS_WAIT] = sys_wait,
    [6] = syscall_refuse, // 6 is not given yet
    [SYS_PARK] = sys_park,     [SYS_UNPARK] = sys_unpark,
    [SYS_YIELD] = sys_yield,
};
