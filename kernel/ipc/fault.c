#include "kernel/ipc/fault.h"

#include "base/align.h"
#include "base/mem.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

static void unhandled(struct thread *thread) {
    const uint64_t *words = thread->fault_words;
    struct exit_record record = {
        .kind = EXIT_FAULT,
        .fault_kind = (uint32_t)words[FAULT_WORD_KIND],
        .fault_address = words[FAULT_WORD_ADDRESS],
        .fault_access = words[FAULT_WORD_ACCESS],
        .vector = words[FAULT_WORD_VECTOR],
        .thread_koid = thread->object.koid.v,
    };
    if (thread != current_thread()) {
        thread_wait_off_cpu(thread);
    }
    arch_regs_record(&thread->regs, &record);
    process_end(thread->process, &record);
    if (thread != current_thread()) {
        thread_set_state(thread, THREAD_STOPPED);
    }
}

// A reference to the process's fault endpoint, or null.
static struct endpoint *fault_endpoint(struct process *process, uint64_t *badge) {
    spin_lock(&process->lock);
    struct endpoint *endpoint = process->fault_endpoint;
    *badge = process->fault_badge;
    if (endpoint != nullptr) {
        object_get(&endpoint->object);
    }
    spin_unlock(&process->lock);
    return endpoint;
}

// Sends the thread's fault_words, and takes a reference to the endpoint. *receiver may be null: who takes it later.
static status_t send(struct thread *thread, struct endpoint *endpoint, uint32_t label, uint64_t badge,
                     uint64_t deadline_ns, struct thread **receiver) {
    status_t status = transfer_send(thread, endpoint, label, badge, deadline_ns, true, receiver);
    object_put(&endpoint->object);
    return status;
}

static struct kernel_exit await_answer(struct thread *receiver) {
    return receiver != nullptr ? kernel_leave_to(receiver) : kernel_block();
}

struct kernel_exit fault_raise(struct thread *thread, uint32_t kind, uint64_t address, uint64_t access,
                               uint64_t vector) {
    TRACE(TRACE_FAULT, trace_write(TRACE_FAULT_RAISED, thread, kind));
    uint64_t *words = thread->fault_words;
    words[FAULT_WORD_KIND] = kind;
    words[FAULT_WORD_ADDRESS] = address;
    words[FAULT_WORD_IP] = thread->regs.ip;
    words[FAULT_WORD_SP] = thread->regs.sp;
    words[FAULT_WORD_ACCESS] = access;
    words[FAULT_WORD_THREAD_KOID] = thread->object.koid.v;
    words[FAULT_WORD_PROCESS_KOID] = thread->process->object.koid.v;
    words[FAULT_WORD_VECTOR] = vector;
    uint64_t badge;
    struct endpoint *endpoint = fault_endpoint(thread->process, &badge);
    struct thread *receiver;
    thread_set_flags(thread, THREAD_FAULTED);
    if (endpoint == nullptr || !status_ok(send(thread, endpoint, kind, badge, DEADLINE_NEVER, &receiver))) {
        unhandled(thread);
        return kernel_leave();
    }
    return await_answer(receiver);
}

static void resume(struct thread *thread) {
    thread_disarm_deadline(thread);
    thread_clear_flags(thread, THREAD_FAULTED);
    thread->waiting_on = nullptr;
    thread->server = nullptr;
    thread->reply = nullptr;
    thread->touched = 0;
    sched_ready(thread);
}

// The page that the thread touched is there, so it need not fault once more. Where it is not, that is how it finds out.
static void enter_touched(const struct thread *thread) {
    struct vspace *vspace = __atomic_load_n(&thread->process->vspace, __ATOMIC_RELAXED);
    if (thread->touched != 0 && vspace != nullptr) {
        status_t ignored = vspace_fault(vspace, thread->touched, thread->touched % PAGE_BYTES);
        (void)ignored;
    }
}

void fault_answered(struct thread *thread, uint32_t label) {
    if (fault_is_page_request(thread)) {
        thread->page_outcome = label == 0 ? STATUS_OK : STATUS_PEER_DIED;
        enter_touched(thread);
    } else if (label != 0) {
        unhandled(thread);
        return;
    }
    resume(thread);
}

void fault_failed(struct thread *thread, status_t status) {
    if (!fault_is_page_request(thread)) {
        unhandled(thread);
        return;
    }
    // Whoever had the request is gone. Whether there is another one, the thread finds out.
    const bool ask_again = status_is(status, STATUS_PEER_DIED) || status_is(status, STATUS_OBJECT_DEAD);
    thread->page_outcome = ask_again ? STATUS_OK : status;
    resume(thread);
}

// ---- Pages that a pager supplies ----

bool fault_is_page_request(const struct thread *thread) {
    return thread->fault_words[PAGE_REQUEST_KIND] == FAULT_NONE;
}

static void page_request(uint64_t words[8]) {
    const struct percpu *cpu = this_cpu();
    const uint64_t request[8] = {
        [PAGE_REQUEST_KEY] = cpu->absent_vmo->pager_key,
        [PAGE_REQUEST_OFFSET] = cpu->absent_page * PAGE_BYTES,
        [PAGE_REQUEST_LEN] = PAGE_BYTES,
        [PAGE_REQUEST_SUPPLIES] = vmo_supplies(cpu->absent_vmo),
    };
    memcpy(words, request, sizeof request);
}

[[gnu::noinline]] status_t fault_page_outcome(struct thread *thread) {
    if (status_ok(thread->page_outcome)) {
        return STATUS_OK;
    }
    uint64_t words[8];
    page_request(words);
    const status_t outcome = thread->page_outcome;
    thread->page_outcome = STATUS_OK;
    // What was said of another page, or before pages came, does not count.
    return memcmp(words, thread->fault_words, sizeof words) == 0 ? outcome : STATUS_OK;
}

[[gnu::noinline]] struct kernel_exit fault_await_page(struct thread *thread, uint64_t deadline_ns) {
    struct vmo *vmo = this_cpu()->absent_vmo;
    struct endpoint *pager = vmo_pager(vmo);
    struct thread *receiver;
    status_t status = STATUS_OBJECT_DEAD;
    page_request(thread->fault_words);
    thread_set_flags(thread, THREAD_FAULTED);
    if (pager == nullptr ||
        !status_ok(status = send(thread, pager, FAULT_ABSENT, vmo->pager_badge, deadline_ns, &receiver))) {
        thread_clear_flags(thread, THREAD_FAULTED);
        thread->page_outcome = status_is(status, STATUS_OBJECT_DEAD) ? STATUS_PEER_DIED : status;
        return kernel_leave();
    }
    return await_answer(receiver);
}

struct kernel_exit fault_page(struct thread *thread, status_t status, uint64_t address, uint32_t access,
                              uint64_t vector) {
    constexpr uint32_t ACCESS_WAS_MAPPED = 8;
    uint32_t kind = FAULT_PAGE;
    if (status_is(status, STATUS_TIMED_OUT)) {
        if (status_ok(fault_page_outcome(thread))) {
            thread->touched = align_down(address, PAGE_BYTES) | access;
            return fault_await_page(thread, DEADLINE_NEVER);
        }
        kind = FAULT_ABSENT;
    } else if (status_is(status, STATUS_NO_MEMORY)) {
        kind = FAULT_NO_MEMORY;
    } else if (status_is(status, STATUS_NOT_ALLOWED) && address < arch_user_end()) {
        access |= ACCESS_WAS_MAPPED; // what the kernel has mapped is not for programs to find out
    }
    return fault_raise(thread, kind, address, access, vector);
}
