#include "kernel/ipc/fault.h"

#include "kernel/arch/arch.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

void fault_unhandled(struct thread *thread) {
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

void fault_raise(struct thread *thread, uint32_t kind, uint64_t address, uint64_t access, uint64_t vector) {
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
    thread_set_flags(thread, THREAD_FAULTED);
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

void fault_answered(struct thread *thread, uint32_t label) {
    if (label != 0) {
        fault_unhandled(thread);
        return;
    }
    thread_clear_flags(thread, THREAD_FAULTED);
    thread->server = nullptr;
    thread->reply = nullptr;
    sched_ready(thread);
}
