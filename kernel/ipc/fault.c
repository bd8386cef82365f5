#include "kernel/ipc/fault.h"

#include "base/mem.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

static void resume(struct thread *thread) {
    thread->awaits_page = false;
    thread->flags &= ~(uint32_t)THREAD_FAULTED;
    thread->server = nullptr;
    thread->reply = nullptr;
    sched_ready(thread);
}

// A page that will not come: the thread tries again, and then sees that it was refused.
static void page_refused(struct thread *thread) {
    thread->page_refused = true;
    resume(thread);
}

void fault_unhandled(struct thread *thread) {
    if (thread->awaits_page) {
        page_refused(thread);
        return;
    }
    const uint64_t *words = thread->fault_words;
    struct exit_record record = {
        .kind = EXIT_FAULT,
        .fault_kind = (uint32_t)words[FAULT_WORD_KIND],
        .fault_address = words[FAULT_WORD_ADDRESS],
        .fault_access = words[FAULT_WORD_ACCESS],
        .vector = words[FAULT_WORD_VECTOR],
        .thread_koid = thread->object.koid.v,
    };
    arch_regs_record(&thread->regs, &record);
    thread->state = THREAD_NEW; // in no queue
    thread_disarm_deadline(thread);
    process_end(thread->process, &record);
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

void fault_raise(struct thread *thread, uint32_t kind, uint64_t address, uint64_t access, uint64_t vector) {
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
    thread->flags |= THREAD_FAULTED;
    if (endpoint == nullptr) {
        fault_unhandled(thread);
        return;
    }
    struct thread *receiver;
    status_t status = transfer_send(thread, endpoint, kind, badge, DEADLINE_NEVER, true, &receiver);
    object_put(&endpoint->object);
    if (!status_ok(status)) {
        fault_unhandled(thread);
    } else if (receiver != nullptr) {
        sched_ready(receiver);
    }
}

// ---- Pages that a pager supplies ----

static bool is_refused(const struct thread *thread, uint64_t key, uint64_t offset) {
    return thread->page_refused && thread->fault_words[PAGE_REQUEST_KEY] == key &&
           thread->fault_words[PAGE_REQUEST_OFFSET] == offset;
}

bool fault_page_expected(struct thread *thread) {
    uint64_t badge, key;
    struct endpoint *pager = vmo_pager(thread->absent.vmo, &badge, &key);
    const bool refused = is_refused(thread, key, thread->absent.page_index * PAGE_BYTES);
    thread->page_refused = false;
    if (pager != nullptr) {
        object_put(&pager->object);
    }
    return pager != nullptr && !refused;
}

void fault_await_page(struct thread *thread) {
    uint64_t badge, key;
    struct thread *receiver = nullptr;
    status_t status = STATUS_OBJECT_DEAD;
    struct endpoint *pager = vmo_pager(thread->absent.vmo, &badge, &key);
    const uint64_t words[8] = {FAULT_ABSENT, key, thread->absent.page_index * PAGE_BYTES, PAGE_BYTES};
    memcpy(thread->fault_words, words, sizeof words);
    thread->awaits_page = true;
    thread->flags |= THREAD_FAULTED;
    if (pager != nullptr) {
        status = transfer_send(thread, pager, FAULT_ABSENT, badge, DEADLINE_NEVER, true, &receiver);
        object_put(&pager->object);
    }
    if (!status_ok(status)) {
        thread->flags &= ~(uint32_t)THREAD_FAULTED;
        thread->awaits_page = false;
        thread->page_refused = true;
    } else if (receiver != nullptr) {
        sched_ready(receiver);
    }
}

void fault_answered(struct thread *thread, uint32_t label) {
    if (label != 0) {
        fault_unhandled(thread);
        return;
    }
    resume(thread);
}
