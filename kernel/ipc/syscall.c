// System calls: the fast path of call and reply_recv first, then the general ones, then the ways out.
//
// Fast path. The conditions are those of nearly every message: at most a page or one handle, no deadline, the other side
// waiting, neither thread with flags (thread.h). Then nothing is queued, scheduled or allocated but for the handle's
// slot, and only page bytes are copied: the sender's words stay where the entry saved them, and the way out loads them
// from there into the receiver's registers. Every other case goes the general way, which assumes nothing. What is not the
// shortest case is kept out of line, and takes a system call's registers as they came, so that the shortest saves none.
#include "kernel/ipc/syscall.h"

#include "abi/park.h"
#include "base/mem.h"
#include "kernel/ipc/fault.h"
#include "kernel/ipc/invoke.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/park.h"
#include "kernel/ipc/ring.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/object/reply.h"
#include "kernel/object/ring.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

constexpr uint32_t LEAVE_REAP_STEPS = 8;

// ---- ways out --------------------------------------------------------------------------------------

// Does what is left to do before the current thread runs, which may become another on the way.
[[gnu::noinline]] static void do_work(struct percpu *cpu) {
    do {
        struct thread *current = current_thread();
        if ((cpu->work & WORK_KICKED) != 0) {
            cpu->work &= ~(uint32_t)WORK_KICKED;
            sched_kicked();
        }
        const uint32_t work = cpu->work;
        cpu->work &= ~(uint32_t)(WORK_RESCHEDULE | WORK_SLICE_END | WORK_TIMER | WORK_RING);
        cpu_quiet(cpu);
        if ((work & WORK_RING) != 0) {
            ring_attend(cpu);
        }
        if ((current->flags & THREAD_ENDING) != 0) {
            if (thread_state(current) == THREAD_RUNNING) {
                thread_set_state(current, THREAD_STOPPED);
            }
            sched_switch();
        } else if ((work & WORK_SLICE_END) != 0) {
            sched_yield();
        } else if ((work & WORK_RESCHEDULE) != 0) {
            sched_preempt();
        }
        if ((work & WORK_TIMER) != 0) {
            sched_arm_timer();
        }
        if ((work & WORK_REAP) != 0 && !reaper_run(LEAVE_REAP_STEPS)) {
            cpu->work &= ~(uint32_t)WORK_REAP;
        }
    } while ((cpu->work & ~(uint32_t)WORK_REAP) != 0 || (current_thread()->flags & THREAD_ENDING) != 0);
}

struct kernel_exit kernel_leave(void) {
    struct percpu *cpu = this_cpu();
    if (KERNEL_DEBUG) {
        lock_check_none();
    }
    if (cpu->work == 0 && (current_thread()->flags & THREAD_ENDING) == 0) {
        cpu_quiet(cpu);
    } else {
        do_work(cpu);
    }
    if (cpu->reaper.count != 0) {
        sched_return_soon(); // the thread may never enter the kernel again
    }
    return (struct kernel_exit){(uint64_t)arch_current_frame(), 0};
}

[[gnu::noinline]] struct kernel_exit kernel_block(void) {
    sched_switch();
    return LIKELY(this_cpu()->work == 0) ? (struct kernel_exit){(uint64_t)arch_current_frame(), 0} : kernel_leave();
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

struct kernel_exit kernel_leave_to(struct thread *other) {
    if ((other->flags & (THREAD_ENDING | THREAD_REQUEST | THREAD_BOUND)) != 0) {
        sched_ready(other); // or not: as the scheduler finds
        return kernel_block();
    }
    sched_switch_to(other);
    return leave_with_results(other);
}

// Whether process_slot gave a slot, and that holds a handle to an object of this type with this right, and without these bits
// (SLOT_NEVER). What is then read from it counts if it is still the same (slot_holds).
static inline bool slot_is(const struct handle_slot *slot, enum object_type type, rights_t right, uint32_t without) {
    constexpr uint32_t TYPE_MASK = 0xffu << 24;
    return slot != nullptr && (slot->type_rights & (TYPE_MASK | right.v | without)) == ((uint32_t)type << 24 | right.v);
}

// The current thread has just been put into a wait through a capability that went meanwhile: whoever took it away did
// not see the thread there. False when its wait has ended even so.
[[gnu::noinline]] static bool leave_revoked(struct thread *current) {
    if (!thread_take(current)) {
        return false;
    }
    thread_disarm_deadline(current);
    current->waiting_on = nullptr;
    thread_set_state(current, THREAD_RUNNING);
    return true;
}

[[gnu::noinline]] static struct kernel_exit block_revoked(struct thread *current) {
    return leave_revoked(current) ? leave_with(STATUS_REVOKED) : kernel_block();
}

static inline struct kernel_exit block_through(struct thread *current, const struct handle_slot *slot, uint64_t handle) {
    return LIKELY(slot_holds(slot, handle)) ? kernel_block() : block_revoked(current);
}

// ---- call ------------------------------------------------------------------------------------------

// Another processor may give up the last handle while the method works on the object.
[[gnu::noinline]] static status_t invoke_held(method_handler handler, struct invocation *invocation) {
    struct object *object = invocation->object;
    if (!object_try_get(object)) {
        return STATUS_BAD_HANDLE;
    }
    status_t status = handler(invocation);
    object_put(object);
    return status;
}

status_t invoke_method(struct thread *caller, struct object *object, uint32_t type_rights, uint64_t info,
                       struct invocation *invocation) {
    const struct method_table *table = &method_tables[slot_word_type(type_rights)];
    if ((info & ~(MESSAGE_ACCEPT_MASK | MESSAGE_COUNT_UNIT | UINT32_MAX)) != 0) {
        return STATUS_BAD_ARGUMENT; // no page; and the handle among the arguments is found by its word, if it travels or not
    }
    const uint32_t number = message_label(info);
    if (number >= table->count) {
        return STATUS_BAD_METHOD;
    }
    const struct method *method = &table->methods[number];
    if (!rights_cover(type_rights, method->right.v)) {
        return STATUS_NO_RIGHT;
    }
    invocation->method = method;
    invocation->caller = caller;
    invocation->object = object;
    invocation->type_rights = type_rights;
    invocation->argument.object = nullptr;
    invocation->words = caller->regs.words;
    invocation->again = false;
    invocation->info = 0;
    return cpu_count() > 1 ? invoke_held(method->handler, invocation) : method->handler(invocation);
}

// A method of a kernel object. What is needed after it is kept in the invocation, and not in registers to be saved.
[[gnu::noinline]] static struct kernel_exit call_method(uint64_t handle, uint64_t info, uint64_t deadline_ns,
                                                        struct thread *current, const struct handle_slot *slot) {
    struct object *object = slot->object;
    const uint32_t type_rights = slot->type_rights;
    if (!slot_holds(slot, handle)) {
        return leave_with(STATUS_BAD_HANDLE);
    }
    struct invocation invocation;
    invocation.handle = handle, invocation.request = info, invocation.deadline_ns = deadline_ns;
    status_t status = invoke_method(current, object, type_rights, info, &invocation);
    const bool absent = status_is(status, STATUS_TIMED_OUT) && status_ok(status = fault_page_outcome(current_thread()));
    if (!LIKELY(status_ok(status))) {
        return leave_with(status);
    }
    if (absent || invocation.again) {
        arch_regs_restart(&invocation.caller->regs, SYS_CALL, invocation.handle, invocation.request, invocation.deadline_ns);
        return absent ? fault_await_page(invocation.caller, invocation.deadline_ns) : kernel_leave();
    }
    if (LIKELY(invocation.info == 0 && invocation.method->results <= EXIT_WORDS)) {
        return leave_with(STATUS_OK);
    }
    thread_set_outcome(invocation.caller, STATUS_OK, 0, invocation.info);
    return leave_with_results(invocation.caller);
}

// What of a sent header the receiver sees: label, page bytes and how many handles there are.
constexpr uint64_t CARRIED_MASK = (1ull << MESSAGE_MOVE_SHIFT) - 1;

// What a message has beside its words: perhaps page bytes; one handle; or what only the general way carries, if it is no
// mistake.
enum load { NO_LOAD, PAGE_LOAD, HANDLE_LOAD, OTHER_LOAD };

static inline enum load load_of(uint64_t info) {
    constexpr uint32_t ONE = 1u << (MESSAGE_COUNT_SHIFT - 32), MOVED = 1u << (MESSAGE_MOVE_SHIFT - 32);
    constexpr uint32_t ACCEPT = 1u << (MESSAGE_ACCEPT_SHIFT - 32);
    const uint32_t above_label = info >> 32, beside = above_label % ACCEPT;
    return above_label / ACCEPT > MESSAGE_HANDLES ? OTHER_LOAD
           : beside < ONE                         ? PAGE_LOAD
           : (beside & ~MOVED) == ONE             ? HANDLE_LOAD
                                                  : OTHER_LOAD;
}

// Whether both sides have what a message with this header needs.
static bool page_fits(const struct thread *from, const struct thread *to, uint64_t info) {
    return message_page_bytes(info) == 0 || (message_page_bytes(info) <= MESSAGE_PAGE_BYTES &&
                                             from->message_page != nullptr && to->message_page != nullptr);
}

// The way out of the fast path for a message with a handle, whose words are the receiver's already.
static inline struct kernel_exit exit_with_handle(struct thread *to, struct thread *from) {
    to->on_cpu = 1;
    __atomic_store_n(&from->on_cpu, 0, __ATOMIC_RELEASE);
    return exit_directly_to(to, to);
}

// `request` is the header of the call that brings the handle, or is answered with it.
[[gnu::always_inline]] static inline bool carry_handle(const struct thread *from, struct thread *to, uint64_t info,
                                                       enum handle_origin origin, uint64_t request) {
    const uint64_t grant = grant_by_message(origin, message_label(request));
    status_t status;
    [[clang::always_inline]] status = message_carry_handle(from, to, info, grant);
    return status_ok(status);
}

// Out of line, for what it has on the stack.
[[gnu::noinline]] static void resume_receiving(struct endpoint *endpoint, struct thread *server) {
    transfer_resume_receiving(endpoint, server);
}

// The fast path of a call: to the waiting receiver, who is returned, or null when the message must go the
// general way.
[[gnu::always_inline]] static inline struct thread *
call_direct(struct thread *current, const struct handle_slot *slot, uint64_t handle, uint64_t info, enum load load) {
    struct object *object = slot->object;
    const uint64_t badge = slot->badge;
    if (!LIKELY(slot_holds(slot, handle))) {
        return nullptr; // what was read may be anything
    }
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    spin_lock(&endpoint->lock);
    struct thread *server = endpoint->receivers;
    if (!LIKELY(server != nullptr && (current->flags | server->busy) == 0 &&
                (load != PAGE_LOAD || page_fits(current, server, info)) &&
                (load != HANDLE_LOAD || message_accept(server->pending_info) != 0))) {
        spin_unlock(&endpoint->lock);
        return nullptr;
    }
    endpoint->receivers = server->next;
    if (server->next != nullptr) {
        server->next->prev = &endpoint->receivers;
    }
    server->prev = nullptr;
    server->state = THREAD_WAKING;
    spin_unlock(&endpoint->lock);
    if (load == HANDLE_LOAD && !carry_handle(current, server, info, ORIGIN_REQUEST, info)) {
        resume_receiving(endpoint, server);
        return nullptr; // to fail there, with the reason
    }
    server->state = THREAD_RUNNING;
    current->server = server;
    current->pending_info = info;
    thread_set_state(current, THREAD_AWAITING_REPLY);
    __atomic_store_n(&server->caller, current, __ATOMIC_RELEASE);
    server->effective_band = current->effective_band;
    server->regs.badge = badge;
    server->regs.info = (load == NO_LOAD ? info : info & CARRIED_MASK) | MESSAGE_WANTS_REPLY;
    if (load == PAGE_LOAD) {
        memcpy(server->message_page, current->message_page, message_page_bytes(info));
    }
    sched_switch_registers(current, server);
    return server;
}

[[gnu::noinline]] static struct kernel_exit call_general(uint64_t handle, uint64_t info, uint64_t deadline_ns,
                                                         struct thread *current) {
    struct capability target;
    status_t status = handle_read(current->process, handle, &target);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    if (capability_type(&target) != OBJECT_ENDPOINT) {
        return call_method(handle, info, deadline_ns, current, target.slot);
    }
    struct thread *receiver;
    status = transfer_send_through(&target, current, info, deadline_ns, true, &receiver);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    return receiver != nullptr ? kernel_leave_to(receiver) : block_through(current, target.slot, handle);
}

// As the fast path, with a page, a handle or a mark, or when the answer may bring some.
[[gnu::noinline]] static struct kernel_exit call_loaded(uint64_t handle, uint64_t info, struct thread *current,
                                                        const struct handle_slot *slot) {
    const enum load load = (info & MESSAGE_MARK) == 0 || (slot->type_rights & SLOT_NEVER_MARKED) == 0 ? load_of(info) : OTHER_LOAD;
    struct thread *receiver;
    if (load == PAGE_LOAD) {
        receiver = call_direct(current, slot, handle, info, PAGE_LOAD);
        if (receiver != nullptr) {
            return trace_on(TRACE_IPC) ? trace_direct_call(receiver, current) : exit_directly_to(receiver, current);
        }
    } else if (load == HANDLE_LOAD) {
        receiver = call_direct(current, slot, handle, info, HANDLE_LOAD);
        if (receiver != nullptr) {
            TRACE(TRACE_IPC, (void)trace_direct_call(receiver, current));
            return exit_with_handle(receiver, current);
        }
    }
    return call_general(handle, info, DEADLINE_NEVER, current);
}

static struct kernel_exit sys_call(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot_is(slot, OBJECT_ENDPOINT, RIGHT_SEND, SLOT_NEVER_USED) && deadline_ns == DEADLINE_NEVER)) {
        if ((info & ~(uint64_t)(UINT32_MAX & ~MESSAGE_MARK)) != 0) {
            return call_loaded(handle, info, current, slot);
        }
        struct thread *server = call_direct(current, slot, handle, info, NO_LOAD);
        if (LIKELY(server != nullptr)) {
            return trace_on(TRACE_IPC) ? trace_direct_call(server, current) : exit_directly_to(server, current);
        }
        return call_general(handle, info, DEADLINE_NEVER, current); // what is known takes no register
    }
    if (LIKELY(slot != nullptr) && LIKELY(slot_type(slot) != OBJECT_ENDPOINT) &&
        LIKELY((slot->type_rights & SLOT_NEVER_USED) == 0)) {
        return call_method(handle, info, deadline_ns, current, slot);
    }
    return call_general(handle, info, deadline_ns, current);
}

static syscall_fn sys_recv;

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

status_t answer_caller(struct thread *from, struct thread **place, uint64_t info, struct thread **resumed) {
    TRY(message_check(from, info));
    struct thread *caller = take_caller(place);
    if (caller == nullptr) {
        return STATUS_NO_CALLER;
    }
    status_t status = transfer_reply(from, caller, info, resumed);
    if (!status_ok(status)) {
        put_caller_back(caller, place);
    }
    return status;
}

// The fast path of an answer, as call_direct: to the caller, who is returned, and into the wait for the next
// message.
[[gnu::always_inline]] static inline struct thread *
reply_direct(struct thread *current, const struct handle_slot *slot, uint64_t handle, uint64_t info, bool page) {
    struct thread *caller = __atomic_load_n(&current->caller, __ATOMIC_RELAXED);
    if (!LIKELY(caller != nullptr)) {
        return nullptr;
    }
    struct object *object = slot->object;
    if (!LIKELY(slot_holds(slot, handle))) {
        return nullptr; // what was read may be anything
    }
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    spin_lock(&endpoint->lock); // and who revokes looks for receivers with it
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
        caller->regs.info = info & CARRIED_MASK;
        memcpy(caller->message_page, current->message_page, message_page_bytes(info));
    } else {
        caller->regs.info = (uint32_t)info;
    }
    sched_switch_registers(current, caller);
    return caller;
}

// Receives through a capability; `resumed` (may be null), whose wait has ended, runs meanwhile.
static struct kernel_exit receive(struct thread *current, const struct capability *source, uint64_t info,
                                  uint64_t deadline_ns, struct thread *resumed) {
    enum transfer_progress progress;
    status_t status = transfer_receive(current, CONTAINER_OF(source->object, struct endpoint, object),
                                       message_accept(info), deadline_ns, &progress);
    if (progress == TRANSFER_WAITS && (slot_holds(source->slot, source->handle) || !leave_revoked(current))) {
        return resumed != nullptr ? kernel_leave_to(resumed) : kernel_block();
    }
    if (resumed != nullptr) {
        sched_ready(resumed);
    }
    if (progress == TRANSFER_AGAIN) { // goes on after whatever else wants the processor
        arch_regs_restart(&current->regs, SYS_RECV, source->handle, info & MESSAGE_ACCEPT_MASK, deadline_ns);
        return kernel_leave();
    }
    if (progress == TRANSFER_WAITS) {
        status = STATUS_REVOKED;
    }
    return status_ok(status) ? leave_with_results(current) : leave_with(status);
}

// Puts the current thread, which owes no answer, into the wait for the next message. False when there is one, or it
// cannot receive.
[[gnu::always_inline]] static inline bool wait_directly(struct thread *current, const struct handle_slot *slot,
                                                        uint64_t handle, uint64_t info) {
    struct object *object = slot->object;
    if (!LIKELY(slot_holds(slot, handle))) {
        return false; // what was read may be anything
    }
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    spin_lock(&endpoint->lock); // and who revokes looks for receivers with it
    const bool waits = LIKELY(slot_holds(slot, handle) && endpoint->attention == 0);
    if (waits) {
        current->pending_info = info;
        endpoint_push_receiver(endpoint, current);
    }
    spin_unlock(&endpoint->lock);
    return waits;
}

// Receives, once the current thread has answered an entry of a ring. What that makes start may be a call of this very
// thread, which then has it.
[[gnu::noinline]] static struct kernel_exit receive_after_entry(struct thread *current, const struct capability *source,
                                                                uint64_t info, uint64_t deadline_ns,
                                                                struct thread *request) {
    struct percpu *cpu = this_cpu();
    current->pending_info = info;
    cpu->receives = source;
    struct thread *owner = ring_complete_now(request);
    const bool served = cpu->receives == nullptr;
    cpu->receives = nullptr;
    if (served) {
        if (owner != nullptr) {
            sched_ready(owner);
        }
        return leave_with_results(current);
    }
    if (deadline_ns == DEADLINE_NEVER && wait_directly(current, source->slot, source->handle, info)) {
        return owner != nullptr ? kernel_leave_to(owner) : kernel_block();
    }
    return receive(current, source, info, deadline_ns, owner);
}

// Answers an entry of a ring with words alone. Its request, whose wait has ended, is returned, or null when the answer
// must go the general way.
static struct thread *answer_entry(struct thread *current, uint64_t info) {
    struct thread *caller = __atomic_load_n(&current->caller, __ATOMIC_RELAXED);
    if (caller == nullptr || (info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX)) != 0 || current->flags != 0 ||
        caller->busy != THREAD_REQUEST ||
        __atomic_exchange_n(&current->caller, nullptr, __ATOMIC_ACQ_REL) != caller) {
        return nullptr;
    }
    caller->state = THREAD_WAKING;
    caller->server = nullptr;
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        caller->regs.words[i] = current->regs.words[i];
    }
    thread_set_outcome(caller, STATUS_OK, 0, message_label(info));
    current->effective_band = current->band;
    TRACE(TRACE_IPC, (void)trace_direct_reply(caller, current));
    return caller;
}

[[gnu::noinline]] static struct kernel_exit reply_recv_general(uint64_t handle, uint64_t info, uint64_t deadline_ns,
                                                               struct thread *current) {
    struct capability source = {};
    struct thread *resumed = nullptr;
    status_t status = STATUS_OK;
    if (handle != 0) {
        status = handle_read_as(current->process, handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &source);
    }
    if (status_ok(status)) {
        resumed = answer_entry(current, info);
        if (resumed == nullptr) {
            status = answer_caller(current, &current->caller, info, &resumed);
        }
        if (status_is(status, STATUS_NO_CALLER)) {
            thread_settle_urgency(current);
        } else if (status_ok(status)) {
            thread_set_urgency(current, current->band);
        }
    }
    if (status_ok(status) && handle != 0) {
        return resumed != nullptr && (resumed->flags & THREAD_REQUEST) != 0
                   ? receive_after_entry(current, &source, info, deadline_ns, resumed)
                   : receive(current, &source, info, deadline_ns, resumed);
    }
    if (resumed != nullptr) {
        sched_ready(resumed);
    }
    return leave_with(status);
}

// Answers with the words and one handle of the header; the caller, whose wait has ended, is returned, or null when the
// answer must go the general way.
[[gnu::always_inline]] static inline struct thread *answer_with_handle(struct thread *current, uint64_t info) {
    struct thread *caller = __atomic_load_n(&current->caller, __ATOMIC_RELAXED);
    if (caller == nullptr || (current->flags | (caller->busy & ~THREAD_REQUEST)) != 0 ||
        message_accept(caller->pending_info) == 0 ||
        __atomic_exchange_n(&current->caller, nullptr, __ATOMIC_ACQ_REL) != caller) {
        return nullptr;
    }
    caller->state = THREAD_WAKING;
    if (!carry_handle(current, caller, info, ORIGIN_ANSWER, caller->pending_info)) {
        put_caller_back(caller, &current->caller); // to fail there, with the reason
        return nullptr;
    }
    caller->server = nullptr;
    thread_set_outcome(caller, STATUS_OK, 0, info & CARRIED_MASK);
    current->effective_band = current->band;
    return caller;
}

[[gnu::noinline]] static struct kernel_exit receive_after_carrying(struct thread *current, uint64_t handle, uint64_t info,
                                                                   struct thread *request) {
    struct capability source;
    if (status_ok(handle_read(current->process, handle, &source))) { // of what type, and with what rights, was seen before
        return receive_after_entry(current, &source, info, DEADLINE_NEVER, request);
    }
    sched_ready(request);
    return leave_with(STATUS_REVOKED);
}

// As the fast path, with a page or a handle. The handle is there before the server waits: no lock may be held meanwhile.
[[gnu::noinline]] static struct kernel_exit reply_loaded(uint64_t handle, uint64_t info, struct thread *current,
                                                         const struct handle_slot *slot) {
    const enum load load = load_of(info);
    struct thread *caller;
    if (load == PAGE_LOAD) {
        caller = reply_direct(current, slot, handle, info, true);
        if (caller != nullptr) {
            return trace_on(TRACE_IPC) ? trace_direct_reply(caller, current) : exit_directly_to(caller, current);
        }
    } else if (load == HANDLE_LOAD && (caller = answer_with_handle(current, info)) != nullptr) {
        TRACE(TRACE_IPC, (void)trace_direct_reply(caller, current));
        if ((caller->flags & THREAD_REQUEST) != 0) {
            return receive_after_carrying(current, handle, info, caller);
        }
        if (!LIKELY(wait_directly(current, slot, handle, info))) {
            sched_ready(caller);
            return slot_holds(slot, handle) ? sys_recv(handle, info & MESSAGE_ACCEPT_MASK, DEADLINE_NEVER)
                                            : leave_with(STATUS_REVOKED);
        }
        caller->state = THREAD_RUNNING;
        sched_switch_registers(current, caller);
        return exit_with_handle(caller, current);
    }
    return reply_recv_general(handle, info, DEADLINE_NEVER, current);
}

static struct kernel_exit sys_reply_recv(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot_is(slot, OBJECT_ENDPOINT, RIGHT_RECEIVE, 0) && deadline_ns == DEADLINE_NEVER)) {
        if ((info & ~MESSAGE_ACCEPT_MASK) >> MESSAGE_PAGE_SHIFT != 0) {
            return reply_loaded(handle, info, current, slot);
        }
        struct thread *caller = reply_direct(current, slot, handle, info, false);
        if (LIKELY(caller != nullptr)) {
            return trace_on(TRACE_IPC) ? trace_direct_reply(caller, current) : exit_directly_to(caller, current);
        }
        return reply_recv_general(handle, info, DEADLINE_NEVER, current);
    }
    return reply_recv_general(handle, info, deadline_ns, current);
}

// ---- send and recv ---------------------------------------------------------------------------------

// Answers through a reply object, and uses it up.
static status_t answer_reply(struct thread *current, const struct capability *target, uint64_t info) {
    struct reply *reply = CONTAINER_OF(target->object, struct reply, object);
    struct thread *resumed = nullptr;
    status_t status = answer_caller(current, &reply->caller, info, &resumed);
    if (!status_ok(status) && !status_is(status, STATUS_NO_CALLER)) {
        return status;
    }
    if (resumed != nullptr) {
        sched_ready(resumed);
    }
    const status_t ignored = handle_close(current->process, target->handle);
    (void)ignored; // it may have travelled with the answer
    return status_ok(status) ? STATUS_OK : STATUS_PEER_DIED;
}

static status_t send_message(struct thread *current, const struct capability *target, uint64_t info,
                             uint64_t deadline_ns) {
    if (capability_type(target) == OBJECT_REPLY) {
        return (target->type_rights & RIGHT_SEND_BIT) == 0 ? STATUS_NO_RIGHT : answer_reply(current, target, info);
    }
    if (capability_type(target) != OBJECT_ENDPOINT) {
        return STATUS_WRONG_TYPE;
    }
    struct thread *receiver;
    TRY(transfer_send_through(target, current, info, deadline_ns, false, &receiver));
    if (receiver != nullptr) {
        sched_ready(receiver);
    }
    return STATUS_OK;
}

static struct kernel_exit sys_send(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    struct capability target;
    status_t status = handle_read(current->process, handle, &target);
    if (status_ok(status)) {
        status = send_message(current, &target, info, deadline_ns);
    }
    return current->state == THREAD_RUNNING ? leave_with(status) : block_through(current, target.slot, handle);
}

static struct kernel_exit sys_recv(uint64_t handle, uint64_t info, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    struct capability source;
    status_t status = handle_read_as(current->process, handle, OBJECT_ENDPOINT, RIGHT_RECEIVE, &source);
    if (status_ok(status) && ((info & ~MESSAGE_ACCEPT_MASK) != 0 || message_accept(info) > MESSAGE_HANDLES)) {
        status = STATUS_BAD_ARGUMENT;
    }
    if (!status_ok(status)) {
        return leave_with(status);
    }
    thread_drop_caller(current);
    thread_set_urgency(current, current->band);
    return receive(current, &source, info, deadline_ns, nullptr);
}

// ---- signal, wait, park, yield ---------------------------------------------------------------------------

// Why a handle that is not at once found to be of this type with this right is refused.
[[gnu::noinline]] static struct kernel_exit refuse(struct thread *current, uint64_t handle, enum object_type type,
                                                   rights_t right) {
    struct object *object;
    const status_t status = handle_object(current->process, handle, type, right, &object);
    return leave_with(status_ok(status) ? STATUS_BAD_HANDLE : status); // it came too late
}

static struct kernel_exit sys_signal(uint64_t handle, uint64_t, uint64_t) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot_is(slot, OBJECT_NOTIFICATION, RIGHT_SIGNAL, 0))) {
        struct object *object = slot->object;
        if (LIKELY(slot_holds(slot, handle))) {
            notification_signal(CONTAINER_OF(object, struct notification, object), current->regs.words[0]);
            return leave_with(STATUS_OK);
        }
    }
    return refuse(current, handle, OBJECT_NOTIFICATION, RIGHT_SIGNAL);
}

// Takes the bits, or waits for some.
[[gnu::noinline]] static struct kernel_exit wait_general(struct thread *current, struct notification *notification,
                                                         const struct handle_slot *slot, uint64_t handle,
                                                         uint64_t deadline_ns) {
    uint64_t bits;
    status_t status;
    [[clang::always_inline]] status = notification_take(notification, current, deadline_ns, &bits);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    if (bits == 0) {
        return block_through(current, slot, handle);
    }
    current->regs.words[0] = bits;
    thread_set_outcome(current, STATUS_OK, 0, 0);
    return leave_with_results(current);
}

static struct kernel_exit sys_wait(uint64_t handle, uint64_t, uint64_t deadline_ns) {
    struct thread *current = current_thread();
    const struct handle_slot *slot = process_slot(current->process, handle);
    if (LIKELY(slot_is(slot, OBJECT_NOTIFICATION, RIGHT_WAIT, 0))) {
        struct notification *notification = CONTAINER_OF(slot->object, struct notification, object);
        if (!LIKELY(slot_holds(slot, handle))) {
            return leave_with(STATUS_BAD_HANDLE);
        }
        if (deadline_ns == DEADLINE_POLL && notification_is_empty(notification)) {
            return leave_with(STATUS_TIMED_OUT);
        }
        return wait_general(current, notification, slot, handle, deadline_ns);
    }
    return refuse(current, handle, OBJECT_NOTIFICATION, RIGHT_WAIT);
}

static struct kernel_exit sys_ring_enter(uint64_t handle, uint64_t submit, uint64_t deadline_ns) {
    struct object *object;
    status_t status = handle_object(current_thread()->process, handle, OBJECT_RING, RIGHT_SEND, &object);
    if (!status_ok(status)) {
        return leave_with(status);
    }
    const struct ring_entered entered = ring_enter(ring_of(object), handle, submit, deadline_ns);
    if (!status_ok(entered.status)) {
        return leave_with(entered.status);
    }
    switch (entered.how) {
    case RING_ENTERED_WAITS: return entered.next != nullptr ? kernel_leave_to(entered.next) : kernel_block();
    case RING_ENTERED_AGAIN: return kernel_leave();
    default: return leave_with(STATUS_OK); // with word 0
    }
}

static struct kernel_exit sys_park(uint64_t address, uint64_t expected, uint64_t deadline_ns) {
    status_t status = park(current_thread(), address, expected, deadline_ns);
    return status_ok(status) ? kernel_block() : leave_with(status);
}

static struct kernel_exit sys_unpark(uint64_t address, uint64_t count, uint64_t) {
    struct thread *current = current_thread();
    const bool plain = current->regs.words[1] == 0; // word 3 stays then, and the others come back in any case
    status_t status = count == PARK_INHERIT ? unpark_inheriting(current, address)
                                            : unpark(current, address, &count, current->regs.words);
    if (!status_ok(status) || count == PARK_INHERIT || (plain && count == 0)) {
        return leave_with(status);
    }
    if ((count | current->regs.words[1]) != 0) {
        arch_regs_restart(&current->regs, SYS_UNPARK, address, count, 0);
        return kernel_leave();
    }
    thread_set_outcome(current, STATUS_OK, 0, 0);
    return leave_with_results(current);
}

static struct kernel_exit sys_yield(uint64_t, uint64_t, uint64_t) {
    struct percpu *cpu = this_cpu();
    struct thread *current = current_thread();
    if (LIKELY((cpu->ready.ready_mask & ((2u << current->effective_band) - 1)) == 0 && cpu->ready.next == nullptr)) {
        return leave_with(STATUS_OK);
    }
    thread_set_outcome(current, STATUS_OK, 0, 0);
    sched_yield();
    return LIKELY(cpu->work == 0) ? (struct kernel_exit){(uint64_t)arch_current_frame(), 0} : kernel_leave();
}

struct kernel_exit syscall_refuse(uint64_t, uint64_t, uint64_t) {
    return leave_with(STATUS_BAD_SYSCALL);
}

syscall_fn *const syscall_table[SYSCALL_COUNT] = {
    [SYS_CALL] = sys_call,     [SYS_SEND] = sys_send,
    [SYS_RECV] = sys_recv,     [SYS_REPLY_RECV] = sys_reply_recv,
    [SYS_SIGNAL] = sys_signal, [SYS_WAIT] = sys_wait,
    [SYS_RING_ENTER] = sys_ring_enter,
    [SYS_PARK] = sys_park,     [SYS_UNPARK] = sys_unpark,
    [SYS_YIELD] = sys_yield,
};
