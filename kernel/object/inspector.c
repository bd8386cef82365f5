// inspector: the right to look at the whole system. It changes nothing and grants nothing.
#include "abi/gen/methods.h"
#include "abi/inspect.h"
#include "abi/message.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/iospace.h"
#include "kernel/object/notification.h"
#include "kernel/object/page_table.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"

// Slots and siblings that one call looks at, at most.
constexpr uint32_t INSPECT_STEPS = 4096;

// With what it has been idle for now. It may wake meanwhile: then this is at most that much wrong, once.
static uint64_t idle_ns_of(const struct percpu *cpu, uint64_t now_ns) {
    const uint64_t since_ns = __atomic_load_n(&cpu->idle_since_ns, __ATOMIC_RELAXED);
    const uint64_t idle_ns = __atomic_load_n(&cpu->idle_ns, __ATOMIC_RELAXED);
    return since_ns != 0 && since_ns < now_ns ? idle_ns + (now_ns - since_ns) : idle_ns;
}

// ---- Methods. All write into the caller's message page, and fail with TOO_LARGE when it has none. ----

status_t method_inspector_system(struct invocation *invocation) {
    struct inspect_system *system = invocation->caller->message_page;
    if (system == nullptr) {
        return STATUS_TOO_LARGE;
    }
    const uint64_t free = frame_free_bytes();
    *system = (struct inspect_system){
        .uptime_ns = clock_now().v,
        .ram_bytes = boot_info_ram_bytes(boot_machine),
        .used_bytes = boot_info_ram_bytes(boot_machine) - free,
        .kernel_image_bytes = boot_machine->kernel_phys_bytes,
        .package_bytes = boot_machine->package_bytes,
        .free_bytes = free,
        .slab_bytes = slab_total_bytes(),
        .page_table_bytes = page_table_bytes() + mmu_table_bytes(),
        .user_bytes = vmo_all_committed_bytes(),
        .handles = handle_total_count(),
        .processors = cpu_count(),
        .reap_pending = reaper_pending(),
        .spurious_interrupts = __atomic_load_n(&interrupt_spurious_count, __ATOMIC_RELAXED),
    };
    static_assert(CPU_MAX <= sizeof system->processor_idle_ns / sizeof system->processor_idle_ns[0]);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        const struct percpu *cpu = percpu_of((cpu_id_t){i});
        const uint64_t idle_ns = idle_ns_of(cpu, system->uptime_ns);
        system->context_switches += __atomic_load_n(&cpu->context_switches, __ATOMIC_RELAXED);
        system->idle_ns += idle_ns;
        system->processor_idle_ns[i] = idle_ns;
    }
    constexpr size_t TYPES = sizeof system->live_objects / sizeof system->live_objects[0];
    static_assert(OBJECT_TYPE_COUNT <= TYPES);
    for (size_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        system->live_objects[type] = object_live_count((enum object_type)type);
    }
    invocation->info = message_info(0, sizeof *system, 0, 0);
    return STATUS_OK;
}

// Fills the message page with what is in a list behind this koid.
static status_t list_objects(struct invocation *invocation, struct object_list *list, uint64_t koid,
                             void describe(struct object *object, void *out), size_t entry_bytes, uint64_t *count) {
    char *page = invocation->caller->message_page;
    struct object *object;
    if (page == nullptr) {
        return STATUS_TOO_LARGE;
    }
    for (*count = 0; (*count + 1) * entry_bytes <= MESSAGE_PAGE_BYTES; ++*count) {
        if ((object = object_list_after(list, koid)) == nullptr) {
            break;
        }
        describe(object, page + *count * entry_bytes);
        koid = object->koid.v;
        object_put(object);
    }
    invocation->info = message_info(0, (uint32_t)(*count * entry_bytes), 0, 0);
    return STATUS_OK;
}

status_t method_inspector_processes(struct invocation *invocation, uint64_t after_koid, uint64_t *count) {
    return list_objects(invocation, &process_list, after_koid, process_describe, sizeof(struct inspect_process), count);
}

status_t method_inspector_accounts(struct invocation *invocation, uint64_t after_koid, uint64_t *count) {
    return list_objects(invocation, &account_list, after_koid, account_describe, sizeof(struct inspect_account), count);
}

// Describes the handle in the slot at *index, or the next one, and moves *index behind it; takes from *steps what it
// looked at. False at the end, or when *steps ran out.
typedef bool next_entry(const struct process *process, uint64_t *index, uint32_t *steps, void *out);

// Fills the message page with entries for the handles of a process, from a slot on.
static status_t list_handles(struct invocation *invocation, uint64_t koid, uint64_t index, next_entry *next,
                             size_t entry_bytes, uint64_t *count, uint64_t *next_index) {
    char *page = invocation->caller->message_page;
    if (page == nullptr) {
        return STATUS_TOO_LARGE;
    }
    struct object *object = object_list_find(&process_list, koid);
    if (object == nullptr) {
        return STATUS_NOT_FOUND;
    }
    const struct process *process = CONTAINER_OF(object, struct process, object);
    uint64_t ahead = index;
    uint32_t steps = INSPECT_STEPS;
    bool found = true;
    *count = 0;
    while (found && (*count + 1) * entry_bytes <= MESSAGE_PAGE_BYTES) {
        found = next(process, &ahead, &steps, page + *count * entry_bytes);
        if (found && steps == 0 && *count > 0) {
            break; // the parent of a handle may be found when the next page begins with it
        }
        index = ahead;
        *count += found;
    }
    *next_index = index < process->slot_limit ? index : 0;
    invocation->info = message_info(0, (uint32_t)(*count * entry_bytes), 0, 0);
    object_put(object);
    return STATUS_OK;
}

static bool next_handle(const struct process *process, uint64_t *index, uint32_t *steps, void *out) {
    return handle_describe(process, index, steps, out);
}

status_t method_inspector_handles(struct invocation *invocation, uint64_t process_koid, uint64_t after_index,
                                  struct inspector_handles_out *out) {
    return list_handles(invocation, process_koid, after_index, next_handle, sizeof(struct inspect_handle), &out->count,
                        &out->next_index);
}

// ---- objects ----

constexpr uint32_t COUNT_AT_MOST = 64; // waiters of one object

// Of whatever has its object as the first member; null: 0.
static uint64_t koid_of(const void *object) {
    return object == nullptr ? 0 : ((const struct object *)object)->koid.v;
}

static uint64_t length_of(const struct list *list) {
    uint64_t count = 0;
    for (struct list_node *node = list_first(list); node != nullptr && count < COUNT_AT_MOST;
         node = list_next(list, node)) {
        count++;
    }
    return count;
}

static void say(struct inspect_object *out, uint32_t state, uint64_t n0, uint64_t n1, uint64_t n2, uint64_t n3) {
    out->state = state;
    out->numbers[0] = n0;
    out->numbers[1] = n1;
    out->numbers[2] = n2;
    out->numbers[3] = n3;
}

static void describe_endpoint(struct endpoint *endpoint, struct inspect_object *out) {
    uint64_t receivers = 0;
    spin_lock(&endpoint->lock);
    for (const struct thread *each = endpoint->receivers; each != nullptr && receivers < COUNT_AT_MOST;
         each = each->next) {
        receivers++;
    }
    say(out, endpoint->attention, length_of(&endpoint->senders), receivers, koid_of(endpoint->server),
        endpoint->receive_handles);
    spin_unlock(&endpoint->lock);
}

static void describe_notification(struct notification *notification, struct inspect_object *out) {
    spin_lock(&notification->lock);
    say(out, notification->bound != nullptr, notification->bits, length_of(&notification->waiters),
        koid_of(notification->bound), 0);
    spin_unlock(&notification->lock);
}

static void describe_process(struct object *process, struct inspect_object *out) {
    struct inspect_process of;
    process_describe(process, &of);
    say(out, of.state, of.threads, of.handles, of.account_koid, of.cpu_ns);
}

static void describe_account(struct object *account, struct inspect_object *out) {
    struct inspect_account of;
    account_describe(account, &of);
    say(out, of.ended, of.limit_bytes, of.used_bytes, of.reserved_bytes, of.cpu_ns);
}

static void describe_object(struct object *object, struct inspect_object *out) {
    const struct thread *thread = CONTAINER_OF(object, struct thread, object);
    struct vmo *vmo = vmo_of(object);
    switch ((enum object_type)object->type) {
    case OBJECT_ACCOUNT: describe_account(object, out); break;
    case OBJECT_PROCESS: describe_process(object, out); break;
    case OBJECT_THREAD:
        say(out, thread->state, koid_of(thread->waiting_on), thread->band, thread->cpu_ns, koid_of(thread->process));
        break;
    case OBJECT_ENDPOINT: describe_endpoint(CONTAINER_OF(object, struct endpoint, object), out); break;
    case OBJECT_NOTIFICATION: describe_notification(CONTAINER_OF(object, struct notification, object), out); break;
    case OBJECT_VMO: say(out, vmo->kind, vmo_len_bytes(vmo), vmo_committed_bytes(vmo), 0, 0); break;
    case OBJECT_IOSPACE: iospace_describe(CONTAINER_OF(object, struct iospace, object), out); break;
    default: break; // nothing but what all have
    }
}

static bool next_object(const struct process *process, uint64_t *index, uint32_t *steps, void *out) {
    struct capability capability;
    do {
        if (*index >= process->slot_limit || *steps == 0) {
            return false;
        }
        --*steps;
    } while (!status_ok(handle_read_at(process, (uint32_t)(*index)++, &capability)));
    struct object *object = capability.object;
    struct inspect_object *described = out;
    *described = (struct inspect_object){
        .koid = object->koid.v,
        .account_koid = object->account == nullptr ? 0 : object->account->object.koid.v,
        .handle = capability.handle,
        .type = object->type,
        .references = object->references,
    };
    describe_object(object, described);
    return true;
}

status_t method_inspector_objects(struct invocation *invocation, uint64_t process_koid, uint64_t after_index,
                                  struct inspector_objects_out *out) {
    return list_handles(invocation, process_koid, after_index, next_object, sizeof(struct inspect_object), &out->count,
                        &out->next_index);
}
