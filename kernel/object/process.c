#include "kernel/object/process.h"

#include "base/mem.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/thread.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"

struct object_list process_list = OBJECT_LIST;

// ---- create and destroy ----------------------------------------------------------------------------

// No lock: nobody else knows of it yet.
status_t process_create(struct account *account, const char name[PROCESS_NAME_BYTES],
                        struct process **out) NO_THREAD_SAFETY_ANALYSIS {
    if (account_has_ended(account)) {
        return STATUS_BAD_STATE;
    }
    struct object *object;
    TRY(object_create(OBJECT_PROCESS, account, &object));
    struct process *process = CONTAINER_OF(object, struct process, object);
    spin_init(&process->lock, LOCK_PROCESS);
    process->chunks = process->first_chunks;
    list_init(&process->threads);
    memcpy(process->name, name, PROCESS_NAME_BYTES);
    process->name[PROCESS_NAME_BYTES - 1] = '\0';
    status_t status = vspace_create(account, &process->vspace);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    object_list_add(&process_list, object, &process->link);
    *out = process;
    return STATUS_OK;
}

// A process that never ran is taken apart here; one that did has gone through process_end. No lock: nobody
// refers to it any more.
bool process_destroy_step(struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    struct process *process = CONTAINER_OF(object, struct process, object);
    if (!handle_close_some(process, &process->reap_index, 32)) {
        return false;
    }
    object_list_remove(&process_list, &process->link);
    handle_table_free(process);
    if (process->vspace != nullptr) {
        object_put(&process->vspace->object);
    }
    if (process->exit_watch != nullptr) {
        object_put(&process->exit_watch->object);
    }
    if (process->fault_endpoint != nullptr) {
        object_put(&process->fault_endpoint->object);
    }
    return true;
}

// ---- the end of a process --------------------------------------------------------------------------

// The first thread still in the list, referenced, which becomes the last; null when all are gone.
static struct thread *next_thread(struct process *process) {
    spin_lock(&process->lock);
    struct list_node *node = list_pop_front(&process->threads);
    struct thread *thread = node == nullptr ? nullptr : LIST_ENTRY(node, struct thread, process_link);
    if (thread != nullptr) {
        list_push_back(&process->threads, node);
        object_get(&thread->object);
    }
    spin_unlock(&process->lock);
    return thread;
}

// One step of the end: some threads, then some handles, then the address space and the news of it.
static bool end_step(struct reap_item *item) {
    struct process *process = CONTAINER_OF(item, struct process, ending);
    struct thread *thread = nullptr;
    for (uint32_t i = 0; i < 8 && (thread = next_thread(process)) != nullptr; i++) {
        thread_end(thread); // or later: it stays in the list until it has been
        object_put(&thread->object);
    }
    if (thread != nullptr || !handle_close_some(process, &process->reap_index, 32)) {
        return false;
    }
    if (process->vspace != nullptr) {
        object_put(&process->vspace->object);
        process->vspace = nullptr;
        return false; // once more to the end of the queue: what was held is given back before the news
    }
    spin_lock(&process->lock);
    process->state = PROCESS_ENDED;
    struct endpoint *fault_endpoint = process->fault_endpoint;
    process->fault_endpoint = nullptr;
    struct notification *watch = process->exit_watch;
    process->exit_watch = nullptr;
    uint64_t bits = process->exit_bits;
    spin_unlock(&process->lock);
    handle_table_free(process);
    if (fault_endpoint != nullptr) {
        object_put(&fault_endpoint->object);
    }
    if (watch != nullptr) {
        notification_signal(watch, bits);
        object_put(&watch->object);
    }
    object_put(&process->object);
    return true;
}

static struct {
    const struct process *process;
    void (*ended)(const struct exit_record *record);
} essential;

void process_set_essential(const struct process *process, void (*ended)(const struct exit_record *record)) {
    essential.process = process;
    essential.ended = ended;
}

void process_end(struct process *process, const struct exit_record *record) {
    spin_lock(&process->lock);
    if (process->state >= PROCESS_ENDED) {
        spin_unlock(&process->lock);
        return;
    }
    process->state = PROCESS_ENDING;
    process->record = *record;
    process->record.process_koid = process->object.koid.v;
    process->record.time_ns = clock_now().v;
    memcpy(process->record.name, process->name, PROCESS_NAME_BYTES);
    LIST_FOR_EACH(node, &process->threads) {
        struct thread *thread = LIST_ENTRY(node, struct thread, process_link);
        thread_set_flags(thread, THREAD_ENDING);
        if (thread_state(thread) == THREAD_RUNNING) {
            sched_kick(thread);
        }
    }
    spin_unlock(&process->lock);
    TRACE(TRACE_LIFE, trace_write(TRACE_PROCESS_EXIT, current_thread(), process->object.koid.v));
    if (process == essential.process) {
        essential.ended(&process->record);
    }
    object_get(&process->object); // until end_step has finished
    process->ending.step = end_step;
    reaper_add(&process->ending);
    this_cpu()->work |= WORK_RESCHEDULE; // the current thread may be one of them
}

// ---- looking at processes --------------------------------------------------------------------------

void process_describe(struct object *object, void *to) {
    struct process *process = CONTAINER_OF(object, struct process, object);
    struct inspect_process *out = to;
    *out = (struct inspect_process){.koid = object->koid.v, .band = BAND_COUNT};
    memcpy(out->name, process->name, sizeof(out->name));
    if (object->account != nullptr) {
        struct inspect_account account;
        account_describe(&object->account->object, &account);
        out->account_koid = account.koid;
        out->account_used_bytes = account.used_bytes;
        out->account_limit_bytes = account.limit_bytes;
    }
    spin_lock(&process->lock);
    out->state = process->state == PROCESS_ENDING ? PROCESS_ENDED : process->state;
    out->threads = process->thread_count;
    out->handles = process->handles_made - process->handles_gone;
    out->handles_made = process->handles_made;
    out->vspace_koid = process->state < PROCESS_ENDED ? process->vspace->object.koid.v : 0;
    out->exit_kind = process->state >= PROCESS_ENDED ? process->record.kind : EXIT_NOT_YET;
    out->cpu_ns = process->cpu_ns;
    LIST_FOR_EACH(node, &process->threads) {
        const struct thread *thread = LIST_ENTRY(node, struct thread, process_link);
        out->cpu_ns += sched_used_ns(thread);
        out->band = thread->band < out->band ? thread->band : out->band;
    }
    spin_unlock(&process->lock);
}
