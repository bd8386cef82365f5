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

// All processes in the order of their creation, and so of their koids.
static struct {
    struct spinlock lock;
    struct list list GUARDED_BY(lock);
} all = {.lock = SPINLOCK(LOCK_PROCESS_LIST), .list = LIST_INIT(all.list)};

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
    process->free_first = process->free_last = HANDLE_NONE;
    list_init(&process->threads);
    list_node_init(&process->all_link);
    memcpy(process->name, name, PROCESS_NAME_BYTES);
    process->name[PROCESS_NAME_BYTES - 1] = '\0';
    status_t status = vspace_create(account, &process->vspace);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    spin_lock(&all.lock);
    list_push_back(&all.list, &process->all_link);
    spin_unlock(&all.lock);
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
    spin_lock(&all.lock);
    list_remove(&process->all_link);
    spin_unlock(&all.lock);
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

struct process *process_first_after(uint64_t after_koid) {
    struct process *found = nullptr;
    spin_lock(&all.lock);
    LIST_FOR_EACH(node, &all.list) {
        struct process *process = LIST_ENTRY(node, struct process, all_link);
        if (process->object.koid.v > after_koid && object_try_get(&process->object)) {
            found = process;
            break;
        }
    }
    spin_unlock(&all.lock);
    return found;
}

struct process *process_next(struct process *after) {
    struct process *found = nullptr;
    spin_lock(&all.lock);
    struct list_node *node = after == nullptr ? list_first(&all.list) : list_next(&all.list, &after->all_link);
    for (; node != nullptr && found == nullptr; node = list_next(&all.list, node)) {
        struct process *process = LIST_ENTRY(node, struct process, all_link);
        if (process->object.references != 0) { // else it is being freed already
            object_get(&process->object);
            found = process;
        }
    }
    spin_unlock(&all.lock);
    if (after != nullptr) {
        object_put(&after->object);
    }
    return found;
}

struct process *process_find(uint64_t koid) {
    struct process *process = koid == 0 ? nullptr : process_first_after(koid - 1);
    if (process != nullptr && process->object.koid.v != koid) {
        object_put(&process->object);
        return nullptr;
    }
    return process;
}

void process_describe(struct process *process, struct inspect_process *out) {
    *out = (struct inspect_process){.koid = process->object.koid.v, .band = BAND_COUNT};
    memcpy(out->name, process->name, sizeof(out->name));
    if (process->object.account != nullptr) {
        struct account_usage usage = account_usage(process->object.account);
        out->account_koid = process->object.account->object.koid.v;
        out->account_used_bytes = usage.used_bytes;
        out->account_limit_bytes = usage.limit_bytes;
    }
    spin_lock(&process->lock);
    out->state = process->state == PROCESS_ENDING ? PROCESS_ENDED : process->state;
    out->threads = process->thread_count;
    out->handles = process->handle_count;
    out->exit_kind = process->state >= PROCESS_ENDED ? process->record.kind : EXIT_NOT_YET;
    out->cpu_ns = process->cpu_ns;
    LIST_FOR_EACH(node, &process->threads) {
        const struct thread *thread = LIST_ENTRY(node, struct thread, process_link);
        out->cpu_ns += sched_used_ns(thread);
        if (thread->band < out->band) {
            out->band = thread->band;
        }
    }
    spin_unlock(&process->lock);
}
