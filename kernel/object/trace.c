#include "kernel/object/trace.h"

#include "abi/gen/methods.h"
#include "kernel/ipc/syscall.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/vmo.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"

constexpr uint64_t BUFFER_MAX_BYTES = 2ull << 20;
constexpr uint32_t BUFFER_SPAN_BITS = 40; // more bytes than are ever written into one: no two have a position in common

static struct spinlock trace_lock; // a leaf: buffers and what is on
static uint64_t classes GUARDED_BY(trace_lock);
static uint64_t buffers_made; // atomic

// ---- writing: as few instructions as can be (bench: trace_event_on) ---------------------------------

static inline struct trace_header *own_header(void) {
    return arch_percpu_pointer(offsetof(struct percpu, trace.header));
}

static inline void write(struct trace_header *header, enum trace_event event, const struct thread *thread,
                         uint64_t causal, uint64_t argument) {
    struct trace_record *record =
        (void *)((uint8_t *)header + PAGE_BYTES + (header->head_bytes & header->mask_bytes));
    record->counter = arch_cycles();
    record->event_thread = event | thread->object.koid.v;
    record->causal = causal;
    record->argument = argument;
    const uint64_t head = __atomic_load_n(&header->head_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&header->head_bytes, head + sizeof *record, __ATOMIC_RELEASE); // with the load one instruction
}

void trace_write(enum trace_event event, const struct thread *thread, uint64_t argument) {
    write(own_header(), event, thread, thread->causal, argument);
}

void trace_call(enum trace_event event, struct thread *thread, uint64_t argument) {
    struct trace_header *header = own_header();
    if ((thread->causal & 1) == 0) {
        thread->causal = header->head_bytes; // a request begins
    }
    write(header, event, thread, thread->causal, argument);
}

struct kernel_exit trace_direct_call(struct thread *server, struct thread *current) {
    struct trace_header *header = own_header();
    const uint64_t request = (current->causal & 1) != 0 ? current->causal : header->head_bytes; // as trace_call
    server->causal = request | 1;
    write(header, TRACE_CALL_DIRECT, current, request, server->object.koid.v);
    return exit_directly_to(server, current);
}

void trace_outcome(const struct thread *from, struct thread *to, status_t status) {
    if (!status_ok(status)) {
        trace_write(TRACE_FAIL, from, status.code);
        return;
    }
    to->causal = from->causal | 1;
    trace_write(TRACE_RECEIVE, to, from->object.koid.v);
}

void trace_reply(struct thread *server, const struct thread *caller) {
    trace_write(TRACE_REPLY, server, caller->object.koid.v);
    server->causal = 0;
}

struct kernel_exit trace_direct_reply(struct thread *caller, struct thread *current) {
    const uint64_t request = current->causal;
    current->causal = 0;
    write(own_header(), TRACE_REPLY_DIRECT, current, request, caller->object.koid.v);
    return exit_directly_to(caller, current);
}

void trace_handle(const struct object *object, const struct object *from, const struct object *to) {
    trace_write(TRACE_HANDLE_COPY, current_thread(), object->koid.v);
    trace_write(TRACE_HANDLE_WAY, current_thread(), from->koid.v << 32 | (uint32_t)to->koid.v);
}

// ---- buffers ---------------------------------------------------------------------------------------

static bool release_old(struct reap_item *item) {
    struct trace_cpu *trace = CONTAINER_OF(item, struct trace_cpu, release);
    struct vmo *vmo = trace->old;
    __atomic_store_n(&trace->old, nullptr, __ATOMIC_RELEASE);
    object_put(&vmo->object);
    return true;
}

static void switch_classes(struct trace_cpu *trace) REQUIRES(trace_lock) {
    for (uint32_t class = 0; class < TRACE_CLASSES; class++) {
        const uint64_t mask = 1u << class | (class == TRACE_IPC ? 1u << TRACE_SCHEDULE : 0);
        __atomic_store_n(&trace->on[class], trace->vmo != nullptr && (classes & mask) != 0, __ATOMIC_RELEASE);
    }
}

// Replaces a processor's buffer; null: by none. Takes over a reference. False while the one before the last is
// still to be released: again then.
static bool set_buffer(struct percpu *cpu, struct vmo *vmo, struct trace_header *header) {
    struct trace_cpu *trace = &cpu->trace;
    spin_lock(&trace_lock);
    const bool free = __atomic_load_n(&trace->old, __ATOMIC_ACQUIRE) == nullptr;
    struct vmo *old = trace->vmo;
    if (free) {
        trace->old = old;
        trace->vmo = vmo;
        if (vmo != nullptr) {
            __atomic_store_n(&trace->header, header, __ATOMIC_RELEASE);
        }
        switch_classes(trace);
    }
    spin_unlock(&trace_lock);
    if (free && old != nullptr) {
        trace->release.step = release_old;
        reaper_defer(&trace->release);
    }
    return free;
}

// ---- methods ---------------------------------------------------------------------------------------

status_t method_trace_start(struct invocation *, uint64_t chosen) {
    if (chosen >= 1u << TRACE_CLASSES) {
        return STATUS_BAD_ARGUMENT;
    }
    spin_lock(&trace_lock);
    classes = chosen;
    for (uint32_t i = 0; i < cpu_count(); i++) {
        switch_classes(&percpu_of((cpu_id_t){i})->trace);
    }
    spin_unlock(&trace_lock);
    return STATUS_OK;
}

status_t method_trace_stop(struct invocation *invocation) {
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (!set_buffer(percpu_of((cpu_id_t){i}), nullptr, nullptr)) {
            invocation->again = true;
        }
    }
    return STATUS_OK;
}

status_t method_trace_info(struct invocation *, uint64_t processor, struct trace_info_out *out) {
    if (processor >= cpu_count()) {
        return STATUS_BAD_ARGUMENT;
    }
    const struct trace_cpu *trace = &percpu_of((cpu_id_t){(uint32_t)processor})->trace;
    spin_lock(&trace_lock);
    const struct trace_header none = {}, *header = trace->vmo == nullptr ? &none : trace->header;
    const uint64_t written = __atomic_load_n(&header->head_bytes, __ATOMIC_RELAXED) - header->first_bytes;
    const uint64_t room = header->mask_bytes + 1;
    out->classes = classes;
    spin_unlock(&trace_lock);
    out->processors = cpu_count();
    out->written = written / sizeof(struct trace_record);
    out->lost = (written > room ? written - room : 0) / sizeof(struct trace_record);
    return STATUS_OK;
}

status_t method_trace_buffer(struct invocation *invocation, uint64_t processor, uint64_t len_bytes,
                             struct account *account, uint64_t *out) {
    if (processor >= cpu_count() || len_bytes < PAGE_BYTES || len_bytes > BUFFER_MAX_BYTES ||
        (len_bytes & (len_bytes - 1)) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    struct percpu *cpu = percpu_of((cpu_id_t){(uint32_t)processor});
    invocation->again = __atomic_load_n(&cpu->trace.old, __ATOMIC_RELAXED) != nullptr;
    if (invocation->again) {
        return STATUS_OK;
    }
    struct process *caller = invocation->caller->process;
    struct vmo *vmo;
    paddr_t frame = {};
    TRY(vmo_create_contiguous(account, PAGE_BYTES + len_bytes, &vmo));
    (void)vmo_peek(vmo, 0, &frame); // contiguous: it is there
    struct trace_header *header = phys_to_virt(frame);
    const uint64_t first = __atomic_add_fetch(&buffers_made, 1, __ATOMIC_RELAXED) << BUFFER_SPAN_BITS;
    *header = (struct trace_header){TRACE_MAGIC, sizeof(struct trace_record), first, first, len_bytes - 1, processor,
                                    kernel_clock.base, kernel_clock.mult};
    vmo->object.withheld |= RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT;
    object_get(&vmo->object); // the trace's
    uint64_t handle;
    status_t status = handle_to_new(caller, &vmo->object, 0, &handle);
    if (!status_ok(status)) {
        object_put(&vmo->object);
        return status;
    }
    if (!set_buffer(cpu, vmo, header)) { // another thread was faster
        object_put(&vmo->object);
        status_t ignored = handle_close(caller, handle);
        (void)ignored; // somebody may have guessed and closed it
        invocation->again = true;
        return STATUS_OK;
    }
    *out = handle;
    return STATUS_OK;
}
