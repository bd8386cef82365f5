#include "kernel/object/thread.h"

#include "abi/gen/methods.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/ipc/fault.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reply.h"
#include "kernel/object/ring.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"

// ---- create and destroy ----------------------------------------------------------------------------

static void deadline_passed(struct timer_node *timer) {
    struct thread *thread = CONTAINER_OF(timer, struct thread, timer);
    thread->flags &= ~(uint32_t)THREAD_TIMED;
    thread_abort_wait(thread, STATUS_TIMED_OUT);
}

status_t thread_create(struct process *process, uint32_t band, struct thread **out) {
    struct object *object;
    TRY(object_create(OBJECT_THREAD, process->object.account, &object));
    struct thread *thread = CONTAINER_OF(object, struct thread, object);
    thread->state = THREAD_NEW;
    thread->band = (uint8_t)band;
    thread->effective_band = (uint8_t)band;
    thread->timer.expired = deadline_passed;
    list_node_init(&thread->link);
    list_node_init(&thread->process_link);

    spin_lock(&process->lock);
    status_t status = STATUS_OK;
    if (process->state >= PROCESS_ENDED || process->thread_count == PROCESS_MAX_THREADS) {
        status = STATUS_BAD_STATE;
    } else {
        thread->process = process;
        thread->regs.page_table = arch_page_table(process->vspace);
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
    arch_thread_destroy(thread);
    if (thread->message_vmo != nullptr) {
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
    sched_ready(thread);
}

status_t thread_add_message_page(struct thread *thread, uint64_t address) {
    struct vmo *vmo;
    TRY(vmo_create(thread->process->object.account, MESSAGE_PAGE_BYTES, &vmo));
    paddr_t frame;
    status_t status = vmo_commit(vmo, 0, &frame, nullptr);
    if (status_ok(status)) {
        status = vspace_map(thread->process->vspace, vmo, 0, MESSAGE_PAGE_BYTES, &address, PROT_READ | PROT_WRITE,
                            PROT_READ | PROT_WRITE);
    }
    if (!status_ok(status)) {
        object_put(&vmo->object);
        return status;
    }
    thread->message_vmo = vmo;
    thread->message_page = phys_to_virt(frame);
    thread->message_address = address;
    return STATUS_OK;
}

// ---- the ends of a wait ----------------------------------------------------------------------------

void thread_arm_deadline(struct thread *thread, uint64_t deadline_ns) {
    if (deadline_ns != DEADLINE_NEVER) {
        struct percpu *cpu = this_cpu();
        thread->flags |= THREAD_TIMED;
        timer_arm(&cpu->timers, &thread->timer, deadline_ns);
        if (deadline_ns < cpu->armed_ns) {
            cpu->work |= WORK_TIMER;
        }
    }
}

void thread_disarm_deadline(struct thread *thread) {
    if ((thread->flags & THREAD_TIMED) != 0) {
        thread->flags &= ~(uint32_t)THREAD_TIMED;
        timer_disarm(&this_cpu()->timers, &thread->timer);
    }
}

void thread_finish_wait(struct thread *thread, status_t status, uint64_t badge, uint64_t info) {
    thread_disarm_deadline(thread);
    thread->waiting_on = nullptr;
    thread->server = nullptr;
    thread->reply = nullptr;
    thread->regs.status = status.code;
    thread->regs.badge = badge;
    thread->regs.info = info;
}

void thread_fail_wait(struct thread *thread, status_t status) {
    if ((thread->flags & THREAD_FAULTED) != 0) {
        fault_unhandled(thread);
        return;
    }
    thread_finish_wait(thread, status, 0, 0);
    sched_ready(thread);
}

// How far along a chain of calls a caller's urgency is taken back; further servers keep it until they answer.
constexpr uint32_t TAKE_BACK_CHAIN = 16;

void thread_settle_urgency(struct thread *thread) {
    for (uint32_t i = 0; i < TAKE_BACK_CHAIN && thread != nullptr; i++) {
        const uint32_t band = thread->caller != nullptr ? thread->caller->effective_band : thread->band;
        if (band == thread->effective_band) {
            return;
        }
        sched_set_effective_band(thread, band);
        thread = thread->state == THREAD_AWAITING_REPLY ? thread->server : nullptr;
    }
}

// Takes an AWAITING_REPLY thread from whoever must answer it. False when the answer won.
static bool detach_from_server(struct thread *thread) {
    struct thread *server = thread->reply == nullptr ? thread->server : nullptr;
    struct thread **place = thread->reply != nullptr ? &thread->reply->caller
                            : server != nullptr      ? &server->caller
                                                     : nullptr;
    struct thread *expected = thread;
    if (place == nullptr || !__atomic_compare_exchange_n(place, &expected, nullptr, false, __ATOMIC_ACQ_REL,
                                                         __ATOMIC_RELAXED)) {
        return false;
    }
    if (server != nullptr) {
        thread_settle_urgency(server);
    }
    return true;
}

// Takes the thread out of its queue. False when it is in no wait.
static bool leave_wait(struct thread *thread) {
    switch ((enum thread_state)thread->state) {
    case THREAD_SENDING:
    case THREAD_RECEIVING: endpoint_remove_waiter(thread->waiting_on, thread); return true;
    case THREAD_WAITING:
        if (((struct object *)thread->waiting_on)->type == OBJECT_RING) {
            return ring_take_waiter(thread->waiting_on, thread);
        }
        notification_remove_waiter(thread->waiting_on, thread);
        return true;
    case THREAD_AWAITING_REPLY: return detach_from_server(thread);
    case THREAD_NEW:
    case THREAD_RUNNING:
    case THREAD_READY:
    case THREAD_DEAD: return false;
    }
    return false;
}

bool thread_abort_wait(struct thread *thread, status_t status) {
    if (!leave_wait(thread)) {
        return false;
    }
    thread_fail_wait(thread, status);
    return true;
}

void thread_drop_caller(struct thread *thread) {
    struct thread *caller = __atomic_exchange_n(&thread->caller, nullptr, __ATOMIC_ACQ_REL);
    if (caller != nullptr) {
        thread_fail_wait(caller, STATUS_PEER_DIED);
    }
}

void thread_end(struct thread *thread) {
    if (thread->state == THREAD_DEAD) {
        return;
    }
    struct process *process = thread->process;
    thread->flags |= THREAD_ENDING;
    if (thread->state == THREAD_READY) {
        sched_remove(thread);
    } else {
        leave_wait(thread);
    }
    thread->state = THREAD_DEAD;
    thread_disarm_deadline(thread);
    sched_forget(thread);
    thread_drop_caller(thread);
    endpoint_forget_server(thread);
    if (thread->ring != nullptr) {
        ring_end(thread->ring);
    }
    if (thread->message_page != nullptr && process->state == PROCESS_RUNNING) {
        status_t ignored = vspace_unmap(process->vspace, thread->message_address, MESSAGE_PAGE_BYTES);
        (void)ignored; // only its own process could have made it fail, by cutting it apart
    }

    spin_lock(&process->lock);
    list_remove(&thread->process_link);
    process->cpu_ns += thread->cpu_ns;
    bool last = --process->thread_count == 0;
    spin_unlock(&process->lock);
    if (last) {
        // Nothing happens when the process is ending already.
        process_end(process, &(struct exit_record){.kind = EXIT_NORMAL, .thread_koid = thread->object.koid.v});
    }
    object_put(&thread->object);
}

void thread_withdraw(struct thread *thread) {
    struct process *process = thread->process;
    spin_lock(&process->lock);
    list_remove(&thread->process_link);
    if (--process->thread_count == 0 && process->state == PROCESS_RUNNING && !process->has_run) {
        process->state = PROCESS_NEW;
    }
    spin_unlock(&process->lock);
    if (thread->message_page != nullptr) {
        status_t ignored = vspace_unmap(process->vspace, thread->message_address, MESSAGE_PAGE_BYTES);
        (void)ignored; // it was mapped a moment ago
    }
    thread->state = THREAD_DEAD;
    object_put(&thread->object);
}

// ---- methods ---------------------------------------------------------------------------------------

static struct thread *thread_of(struct invocation *invocation) {
    return CONTAINER_OF(invocation->object, struct thread, object);
}

status_t method_process_create_thread(struct invocation *invocation) {
    struct process *process = CONTAINER_OF(invocation->object, struct process, object);
    const uint64_t entry = invocation->words[0], stack_pointer = invocation->words[1];
    const uint64_t message_page = invocation->words[3], band = invocation->words[4];
    const uint64_t tls_base = invocation->words[5];
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
    status_t status = message_page == 0 ? STATUS_OK : thread_add_message_page(thread, message_page);
    handle_t handle;
    if (status_ok(status)) {
        object_get(&thread->object);
        const rights_t rights = {RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT | RIGHT_MANAGE_BIT};
        status = handle_insert(invocation->caller->process, &thread->object, rights, 0, 0, nullptr,
                               ORIGIN_CREATED, &handle);
        if (!status_ok(status)) {
            object_put(&thread->object);
        }
    }
    if (status_ok(status)) {
        thread_start(thread, entry, stack_pointer, invocation->words[2], tls_base);
        invocation->words[0] = handle.v;
    } else {
        thread_withdraw(thread);
    }
    object_put(&thread->object);
    return status;
}

status_t method_thread_exit(struct invocation *invocation) {
    struct thread *thread = thread_of(invocation);
    if (thread->state == THREAD_DEAD) {
        return STATUS_BAD_STATE;
    }
    thread_end(thread);
    if (thread == invocation->caller) {
        this_cpu()->work |= WORK_RESCHEDULE;
    }
    return STATUS_OK;
}

status_t method_thread_cancel(struct invocation *invocation) {
    struct thread *thread = thread_of(invocation);
    if ((thread->flags & THREAD_FAULTED) != 0) {
        return STATUS_BAD_STATE; // what it waits for is its supervisor's decision
    }
    return thread_abort_wait(thread, STATUS_CANCELED) ? STATUS_OK : STATUS_BAD_STATE;
}

status_t method_thread_set_band(struct invocation *invocation) {
    struct thread *thread = thread_of(invocation);
    const uint64_t band = invocation->words[0];
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

status_t method_thread_info(struct invocation *invocation) {
    const struct thread *thread = thread_of(invocation);
    invocation->words[0] = thread->object.koid.v;
    invocation->words[1] = thread->state;
    invocation->words[2] = thread->band;
    invocation->words[3] = thread->cpu_ns;
    return STATUS_OK;
}

// ---- invariants ------------------------------------------------------------------------------------

bool thread_check(const struct thread *thread) {
    switch ((enum thread_state)thread->state) {
    case THREAD_READY: return list_linked(&thread->link);
    case THREAD_SENDING: return list_linked(&thread->link) && thread->waiting_on != nullptr;
    case THREAD_WAITING: return thread->waiting_on != nullptr;
    case THREAD_RECEIVING: return thread->prev != nullptr && thread->caller == nullptr;
    case THREAD_AWAITING_REPLY:
        return (thread->server != nullptr && thread->server->caller == thread) ||
               (thread->reply != nullptr && thread->reply->caller == thread);
    case THREAD_NEW:
    case THREAD_RUNNING:
    case THREAD_DEAD: return !list_linked(&thread->link);
    }
    return false;
}
