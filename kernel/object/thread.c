#include "kernel/object/thread.h"

#include "abi/gen/methods.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/ipc/fault.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/mapping.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reply.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"

// ---- create and destroy ----------------------------------------------------------------------------

// Out of a state, for one of those who may want it so. False when somebody else was faster.
static bool leave_state(struct thread *thread, enum thread_state from, enum thread_state to) {
    uint8_t expected = from;
    return __atomic_compare_exchange_n(&thread->state, &expected, (uint8_t)to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

// Who finds the thread in somebody else's hands leaves it alone: they wait for this to return (rule of `firing`), and
// see for themselves that the deadline has passed if they put it into a wait again (thread_check_deadline).
static void deadline_passed(struct timer_node *timer) {
    struct thread *thread = CONTAINER_OF(timer, struct thread, timer);
    if (leave_state(thread, THREAD_THROTTLED, THREAD_WAKING)) {
        thread_clear_flags(thread, THREAD_TIMED);
        sched_ready(thread);
    } else if (thread_take(thread)) {
        thread_clear_flags(thread, THREAD_TIMED);
        thread_fail_wait(thread, STATUS_TIMED_OUT);
    }
}

void thread_check_deadline(struct thread *thread) {
    if ((thread->flags & THREAD_TIMED) != 0 && !__atomic_load_n(&thread->timer.armed, __ATOMIC_ACQUIRE)) {
        thread_abort_wait(thread, STATUS_TIMED_OUT);
    }
}

status_t thread_create(struct process *process, uint32_t band, struct thread **out) {
    struct object *object;
    TRY(object_create(OBJECT_THREAD, process->object.account, &object));
    struct thread *thread = CONTAINER_OF(object, struct thread, object);
    thread->state = THREAD_NEW;
    thread->band = (uint8_t)band;
    thread->effective_band = (uint8_t)band;
    thread->affinity = UINT64_MAX;
    thread->cpu = this_cpu()->id;
    thread->timer.expired = deadline_passed;
    list_node_init(&thread->link);
    list_node_init(&thread->process_link);
    list_init(&thread->lenders);

    spin_lock(&process->lock);
    status_t status = STATUS_OK;
    if (process->state >= PROCESS_ENDED || process->thread_count == PROCESS_MAX_THREADS) {
        status = STATUS_BAD_STATE;
    } else {
        thread->process = process;
        thread->regs.page_table = process->vspace->space.root.v;
        object_get(&process->object);
        list_push_back(&process->threads, &thread->process_link);
        process->thread_count++;
        process->state = PROCESS_RUNNING;
        object_get(object); // the list's reference, until thread_end
    }
    spin_unlock(&process->lock);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    *out = thread;
    return STATUS_OK;
}

void thread_init_request(struct thread *thread, const struct thread *owner) {
    *thread = (struct thread){
        .object = {.references = 1, .type = OBJECT_THREAD, .koid = owner->object.koid},
        .state = THREAD_NEW,
        .flags = THREAD_REQUEST,
        .process = owner->process,
        .timer.expired = deadline_passed,
    };
    list_node_init(&thread->link);
}

bool thread_destroy_step(struct object *object) {
    struct thread *thread = CONTAINER_OF(object, struct thread, object);
    if (__atomic_load_n(&thread->on_cpu, __ATOMIC_ACQUIRE) != 0) {
        return false; // it ended itself, and its processor has not let go of it yet
    }
    arch_thread_destroy(thread);
    if (thread->message_vmo != nullptr) {
        vmo_unpin(thread->message_vmo, true);
        object_put(&thread->message_vmo->object);
    }
    if (thread->process != nullptr) {
        object_put(&thread->process->object);
    }
    return true;
}

void thread_start(struct thread *thread, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                  uint64_t tls_base) {
    thread->process->has_run = true;
    arch_regs_start(&thread->regs, entry, stack_pointer, argument, tls_base);
    if (leave_state(thread, THREAD_NEW, THREAD_WAKING)) {
        TRACE(TRACE_LIFE, trace_write(TRACE_THREAD_START, thread, thread->process->object.koid.v));
        sched_ready(thread);
    }
}

// A reference to the VMO that a process may write to at `address`, and which of its pages that is. The process may be
// ending on another processor: then its address space, too, stays until this entry into the kernel is over.
static status_t memory_at(const struct process *process, uint64_t address, struct vmo **out, uint64_t *page) {
    struct vspace *vspace = __atomic_load_n(&process->vspace, __ATOMIC_RELAXED);
    struct mapping *mapping;
    if (vspace == nullptr) {
        return STATUS_BAD_STATE;
    }
    spin_lock(&vspace->lock);
    const bool found = status_ok(vspace_find(vspace, address, PROT_READ | PROT_WRITE, &mapping));
    if (found) {
        *out = mapping->vmo;
        *page = mapping_page(mapping, address);
        object_get(&mapping->vmo->object);
    }
    spin_unlock(&vspace->lock);
    return found ? STATUS_OK : STATUS_BAD_ADDRESS;
}

status_t thread_set_message_page(struct thread *thread, uint64_t address) {
    struct vmo *vmo;
    uint64_t page;
    paddr_t frame;
    TRY(memory_at(thread->process, address, &vmo, &page));
    status_t status = vmo_pin(vmo, true);
    if (status_ok(status) && !status_ok(status = vmo_commit(vmo, page, &frame, nullptr))) {
        vmo_unpin(vmo, true);
    }
    if (!status_ok(status)) {
        object_put(&vmo->object);
        return status_is(status, STATUS_NO_MEMORY) ? status : STATUS_BAD_ADDRESS;
    }
    thread->message_vmo = vmo;
    thread->message_page = phys_to_virt(frame);
    return STATUS_OK;
}

// ---- the ends of a wait ----------------------------------------------------------------------------

ARCH_COLD_CALL void thread_arm_timer(struct thread *thread, uint64_t deadline_ns) {
    thread_set_flags(thread, THREAD_TIMED);
    sched_arm_between(&thread->timer, deadline_ns, deadline_ns);
}

void thread_disarm_deadline(struct thread *thread) {
    if ((thread->flags & THREAD_TIMED) != 0) {
        sched_disarm_and_wait(&thread->timer);
        thread_clear_flags(thread, THREAD_TIMED);
    }
}

ARCH_COLD_CALL void thread_leave_wait(struct thread *thread) {
    thread_disarm_deadline(thread);
    thread_wait_off_cpu(thread);
}

void thread_fail_wait(struct thread *thread, status_t status) {
    TRACE(TRACE_IPC, trace_write(TRACE_FAIL, thread, status.code));
    if ((thread->flags & THREAD_FAULTED) != 0) {
        fault_failed(thread, status);
        return;
    }
    thread_finish_wait(thread, status, 0, 0);
    thread->server = nullptr;
    thread->reply = nullptr;
    sched_ready(thread);
}

// How far along a chain of calls a caller's urgency is taken back; further servers keep it until they answer.
constexpr uint32_t TAKE_BACK_CHAIN = 16;

void thread_settle_urgency(struct thread *thread) {
    for (uint32_t i = 0; i < TAKE_BACK_CHAIN && thread != nullptr; i++) {
        uint32_t band = thread->caller != nullptr ? thread->caller->effective_band : thread->band;
        if ((thread->flags & THREAD_LENT) != 0) {
            const uint32_t lent = park_lent_band(thread);
            band = lent < band ? lent : band;
        }
        if (band == thread->effective_band) {
            return;
        }
        sched_set_effective_band(thread, band);
        thread = thread_waits_for(thread);
    }
}

struct thread *thread_waits_for(struct thread *thread) {
    switch (thread_state(thread)) {
    case THREAD_AWAITING_REPLY: return thread->server;
    case THREAD_WAITING: return park_reorder(thread);
    default: return nullptr;
    }
}

// Takes an AWAITING_REPLY thread from whoever must answer it. False when it is not there (any more, or yet).
static bool take_from_server(struct thread *thread) {
    struct thread *server = __atomic_load_n(&thread->server, __ATOMIC_RELAXED);
    struct reply *reply = __atomic_load_n(&thread->reply, __ATOMIC_RELAXED);
    struct thread **place = reply != nullptr ? &reply->caller : server != nullptr ? &server->caller : nullptr;
    struct thread *expected = thread;
    if (place == nullptr || !__atomic_compare_exchange_n(place, &expected, nullptr, false, __ATOMIC_ACQ_REL,
                                                         __ATOMIC_RELAXED)) {
        return false;
    }
    thread_set_state(thread, THREAD_WAKING);
    if (reply == nullptr) {
        thread_settle_urgency(server);
    }
    return true;
}

// The type of what is waited on is read from it: by the time that it is looked at, the thread may wait elsewhere.
static bool take_from_queue(struct thread *thread) {
    struct object *object = __atomic_load_n(&thread->waiting_on, __ATOMIC_RELAXED);
    if (object == nullptr) {
        return park_take(thread);
    }
    switch (object->type) {
    case OBJECT_ENDPOINT: return endpoint_take_waiter(CONTAINER_OF(object, struct endpoint, object), thread);
    case OBJECT_NOTIFICATION:
        return notification_take_waiter(CONTAINER_OF(object, struct notification, object), thread);
    case OBJECT_RING: return ring_take_waiter(ring_of(object), thread);
    default: return false;
    }
}

bool thread_take(struct thread *thread) {
    for (;;) {
        bool taken = false;
        switch (thread_state(thread)) {
        case THREAD_SENDING:
        case THREAD_RECEIVING:
        case THREAD_WAITING: taken = take_from_queue(thread); break;
        case THREAD_AWAITING_REPLY: taken = take_from_server(thread); break;
        case THREAD_NEW:
        case THREAD_RUNNING:
        case THREAD_READY:
        case THREAD_WAKING:
        case THREAD_THROTTLED:
        case THREAD_STOPPED:
        case THREAD_DEAD: return false;
        }
        if (taken) {
            return true;
        }
        spin_relax(); // it is just changing from one wait to another
    }
}

bool thread_abort_wait(struct thread *thread, status_t status) {
    if (!thread_take(thread)) {
        return false;
    }
    thread_fail_wait(thread, status);
    return true;
}

void thread_drop_caller(struct thread *thread) {
    struct thread *caller = __atomic_exchange_n(&thread->caller, nullptr, __ATOMIC_ACQ_REL);
    if (caller != nullptr) {
        thread_set_state(caller, THREAD_WAKING);
        thread_fail_wait(caller, STATUS_PEER_DIED);
    }
}

// Gets the thread, which is ending, out of whatever it is in. True when it is in nothing, no other processor has it,
// and whoever asked may end it.
static bool stop(struct thread *thread) {
    const enum thread_state state = thread_state(thread);
    switch (state) {
    case THREAD_READY:
        if (!sched_remove(thread)) {
            return false;
        }
        thread_set_state(thread, THREAD_STOPPED);
        break;
    case THREAD_SENDING:
    case THREAD_RECEIVING:
    case THREAD_WAITING:
    case THREAD_AWAITING_REPLY:
        if (!thread_take(thread)) {
            return false;
        }
        thread_set_state(thread, THREAD_STOPPED);
        break;
    case THREAD_RUNNING:
        if (thread != current_thread()) {
            sched_kick(thread);
            return false;
        }
        break;
    case THREAD_NEW:
    case THREAD_THROTTLED:
        if (!leave_state(thread, state, THREAD_STOPPED)) {
            return false;
        }
        break;
    case THREAD_WAKING:
    case THREAD_DEAD: return false;
    case THREAD_STOPPED: break;
    }
    if (thread != current_thread() && __atomic_load_n(&thread->on_cpu, __ATOMIC_ACQUIRE) != 0) {
        return false;
    }
    return (__atomic_fetch_or(&thread->flags, (uint8_t)THREAD_CLAIMED, __ATOMIC_ACQ_REL) & THREAD_CLAIMED) == 0;
}

bool thread_end(struct thread *thread) {
    struct process *process = thread->process;
    thread_set_flags(thread, THREAD_ENDING);
    if (!stop(thread)) {
        return false;
    }
    thread_disarm_deadline(thread);
    sched_forget(thread);
    thread_drop_caller(thread);
    endpoint_forget_server(thread);
    if (thread->ring != nullptr) {
        ring_end(thread->ring);
    }
    park_forget(thread);

    TRACE(TRACE_LIFE, trace_write(TRACE_THREAD_EXIT, thread, process->object.koid.v));
    spin_lock(&process->lock);
    thread_set_state(thread, THREAD_DEAD);
    list_remove(&thread->process_link);
    process->cpu_ns += thread->cpu_ns;
    bool last = --process->thread_count == 0;
    spin_unlock(&process->lock);
    if (last) {
        // Nothing happens when the process is ending already.
        process_end(process, &(struct exit_record){.kind = EXIT_NORMAL, .thread_koid = thread->object.koid.v});
    }
    object_put(&thread->object);
    return true;
}

// The reaper's step for a thread that was ended by another while it ran elsewhere.
static bool end_later(struct reap_item *item) {
    struct thread *thread = CONTAINER_OF(item, struct thread, ending);
    if (!thread_end(thread) && thread_state(thread) != THREAD_DEAD) {
        return false;
    }
    object_put(&thread->object);
    return true;
}

void thread_withdraw(struct thread *thread) {
    struct process *process = thread->process;
    if (!leave_state(thread, THREAD_NEW, THREAD_DEAD)) {
        return;
    }
    spin_lock(&process->lock);
    list_remove(&thread->process_link);
    if (--process->thread_count == 0 && process->state == PROCESS_RUNNING && !process->has_run) {
        process->state = PROCESS_NEW;
    }
    spin_unlock(&process->lock);
    object_put(&thread->object);
}

// ---- methods ---------------------------------------------------------------------------------------

status_t method_process_create_thread(struct invocation *invocation, struct process *process, uint64_t entry,
                                      uint64_t stack_pointer, uint64_t argument, uint64_t message_page, uint64_t band,
                                      uint64_t tls_base, uint64_t *out) {
    const uint64_t end = arch_user_end();
    if (entry < USER_LOWEST || entry >= end || stack_pointer >= end || tls_base >= end ||
        message_page % MESSAGE_PAGE_BYTES != 0 || band >= BAND_COUNT) {
        return STATUS_BAD_ARGUMENT;
    }
    if (band < invocation->caller->band) {
        return STATUS_NOT_ALLOWED;
    }
    struct thread *thread;
    TRY(thread_create(process, (uint32_t)band, &thread));
    status_t status = message_page == 0 ? STATUS_OK : thread_set_message_page(thread, message_page);
    if (status_ok(status)) {
        object_get(&thread->object);
        status = handle_to_new(invocation->caller->process, &thread->object, 0, out);
    }
    if (status_ok(status)) {
        thread_start(thread, entry, stack_pointer, argument, tls_base);
    } else {
        thread_withdraw(thread);
    }
    object_put(&thread->object);
    return status;
}

status_t method_thread_exit(struct invocation *invocation, struct thread *thread) {
    const uint8_t before = __atomic_fetch_or(&thread->flags, (uint8_t)THREAD_ENDING, __ATOMIC_ACQ_REL);
    if ((before & THREAD_ENDING) != 0) {
        return STATUS_BAD_STATE;
    }
    if (!thread_end(thread)) {
        object_get(&thread->object); // until end_later has finished
        thread->ending.step = end_later;
        reaper_add(&thread->ending);
    }
    if (thread == invocation->caller) {
        this_cpu()->work |= WORK_RESCHEDULE;
    }
    return STATUS_OK;
}

status_t method_thread_cancel(struct invocation *, struct thread *thread) {
    if ((thread->flags & THREAD_FAULTED) != 0 && !fault_is_page_request(thread)) {
        return STATUS_BAD_STATE; // what it waits for is its supervisor's decision
    }
    return thread_abort_wait(thread, STATUS_CANCELED) ? STATUS_OK : STATUS_BAD_STATE;
}

status_t method_thread_set_band(struct invocation *invocation, struct thread *thread, uint64_t band) {
    if (band >= BAND_COUNT) {
        return STATUS_BAD_ARGUMENT;
    }
    if (band < invocation->caller->band) {
        return STATUS_NOT_ALLOWED;
    }
    thread->band = (uint8_t)band;
    thread_settle_urgency(thread);
    return STATUS_OK;
}

status_t method_thread_set_affinity(struct invocation *, struct thread *thread, uint64_t affinity) {
    if ((affinity & sched_online()) == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    sched_set_affinity(thread, affinity);
    return STATUS_OK;
}

status_t method_thread_info(struct invocation *, struct thread *thread, struct thread_info_out *out) {
    const enum thread_state state = thread_state(thread);
    *out = (struct thread_info_out){thread->object.koid.v, state <= THREAD_DEAD ? state : THREAD_READY, thread->band,
                                    sched_used_ns(thread)};
    return STATUS_OK;
}

// ---- invariants ------------------------------------------------------------------------------------

bool thread_check(const struct thread *thread) {
    switch ((enum thread_state)thread->state) {
    case THREAD_READY: return list_linked(&thread->link) || percpu_of(thread->cpu)->ready.next == thread;
    case THREAD_SENDING: return list_linked(&thread->link) && thread->waiting_on != nullptr;
    case THREAD_WAITING: return true; // in a list or a tree
    case THREAD_RECEIVING: return thread->prev != nullptr && thread->caller == nullptr;
    case THREAD_AWAITING_REPLY:
        return (thread->server != nullptr && thread->server->caller == thread) ||
               (thread->reply != nullptr && thread->reply->caller == thread);
    case THREAD_NEW:
    case THREAD_RUNNING:
    case THREAD_WAKING:
    case THREAD_THROTTLED:
    case THREAD_STOPPED:
    case THREAD_DEAD: return !list_linked(&thread->link);
    }
    return false;
}
