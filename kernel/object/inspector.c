#include "kernel/object/inspector.h"

#include "abi/gen/methods.h"
#include "abi/inspect.h"
#include "abi/message.h"
#include "kernel/arch/mmu.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"

// Slots and siblings that one call looks at, at most.
constexpr uint32_t INSPECT_STEPS = 4096;

static struct {
    uint64_t ram, kernel_image, package;
} boot_bytes;

void inspector_set_memory(uint64_t ram, uint64_t kernel_image, uint64_t package) {
    boot_bytes.ram = ram;
    boot_bytes.kernel_image = kernel_image;
    boot_bytes.package = package;
}

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
        .ram_bytes = boot_bytes.ram,
        .used_bytes = boot_bytes.ram - free,
        .kernel_image_bytes = boot_bytes.kernel_image,
        .package_bytes = boot_bytes.package,
        .free_bytes = free,
        .slab_bytes = slab_total_bytes(),
        .page_table_bytes = arch_table_bytes(),
        .user_bytes = vmo_all_committed_bytes(),
        .handles = handle_total_count(),
        .processors = cpu_count(),
        .reap_pending = reaper_pending(),
    };
    static_assert(CPU_MAX <= sizeof system->processor_idle_ns / sizeof system->processor_idle_ns[0]);
    for (uint32_t i = 0; i < system->processors; i++) {
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
    invocation->page_bytes = sizeof *system;
    return STATUS_OK;
}

status_t method_inspector_processes(struct invocation *invocation) {
    constexpr uint32_t MOST = MESSAGE_PAGE_BYTES / sizeof(struct inspect_process);
    struct inspect_process *list = invocation->caller->message_page;
    if (list == nullptr) {
        return STATUS_TOO_LARGE;
    }
    uint64_t koid = invocation->words[0];
    uint32_t count = 0;
    for (; count < MOST; count++) {
        struct process *process = process_first_after(koid);
        if (process == nullptr) {
            break;
        }
        list[count] = (struct inspect_process){};
        process_describe(process, &list[count]);
        koid = process->object.koid.v;
        object_put(&process->object);
    }
    invocation->words[0] = count;
    invocation->page_bytes = count * sizeof *list;
    return STATUS_OK;
}

status_t method_inspector_handles(struct invocation *invocation) {
    constexpr uint32_t MOST = MESSAGE_PAGE_BYTES / sizeof(struct inspect_handle);
    struct inspect_handle *list = invocation->caller->message_page;
    if (list == nullptr) {
        return STATUS_TOO_LARGE;
    }
    struct process *process = process_find(invocation->words[0]);
    if (process == nullptr) {
        return STATUS_NOT_FOUND;
    }
    uint32_t index = invocation->words[1] < UINT32_MAX ? (uint32_t)invocation->words[1] : UINT32_MAX;
    uint32_t steps = INSPECT_STEPS, count = 0, next = index;
    bool found = true;
    while (found && count < MOST) {
        found = handle_describe(process, &next, &steps, &list[count]);
        if (found && steps == 0 && count > 0) {
            break; // its parent may be found when the next page begins with it
        }
        index = next;
        count += found;
    }
    invocation->words[1] = index < process->slot_limit ? index : 0;
    object_put(&process->object);
    invocation->words[0] = count;
    invocation->page_bytes = count * sizeof *list;
    return STATUS_OK;
}

status_t method_inspector_accounts(struct invocation *invocation) {
    constexpr uint32_t MOST = MESSAGE_PAGE_BYTES / sizeof(struct inspect_account);
    struct inspect_account *list = invocation->caller->message_page;
    if (list == nullptr) {
        return STATUS_TOO_LARGE;
    }
    uint64_t koid = invocation->words[0];
    uint32_t count = 0;
    for (struct account *account; count < MOST && (account = account_first_after(koid)) != nullptr; count++) {
        account_describe(account, &list[count]);
        koid = account->object.koid.v;
        object_put(&account->object);
    }
    invocation->words[0] = count;
    invocation->page_bytes = count * sizeof *list;
    return STATUS_OK;
}

// ---- objects ----

constexpr uint32_t COUNT_AT_MOST = 64; // waiters of one object

static uint64_t koid_of(const struct object *object) {
    return object == nullptr ? 0 : object->koid.v;
}

static uint64_t length_of(const struct list *list) {
    uint64_t count = 0;
    for (struct list_node *node = list_first(list); node != nullptr && count < COUNT_AT_MOST;
         node = list_next(list, node)) {
        count++;
    }
    return count;
}

static void describe_endpoint(struct endpoint *endpoint, struct inspect_object *out) {
    spin_lock(&endpoint->lock);
    out->state = endpoint->attention;
    out->numbers[0] = length_of(&endpoint->senders);
    for (const struct thread *each = endpoint->receivers; each != nullptr && out->numbers[1] < COUNT_AT_MOST;
         each = each->next) {
        out->numbers[1]++;
    }
    out->numbers[2] = endpoint->server == nullptr ? 0 : endpoint->server->object.koid.v;
    out->numbers[3] = endpoint->receive_handles;
    spin_unlock(&endpoint->lock);
}

static void describe_notification(struct notification *notification, struct inspect_object *out) {
    spin_lock(&notification->lock);
    out->state = notification->bound != nullptr;
    out->numbers[0] = notification->bits;
    out->numbers[1] = length_of(&notification->waiters);
    out->numbers[2] = notification->bound == nullptr ? 0 : notification->bound->object.koid.v;
    spin_unlock(&notification->lock);
}

static void describe_thread(const struct thread *thread, struct inspect_object *out) {
    out->state = thread->state;
    out->numbers[0] = koid_of(thread->waiting_on); // an object is the first member of what waits are on
    out->numbers[1] = thread->band;
    out->numbers[2] = thread->cpu_ns;
    out->numbers[3] = thread->process == nullptr ? 0 : thread->process->object.koid.v;
}

static void describe_process(struct process *process, struct inspect_object *out) {
    struct inspect_process description;
    process_describe(process, &description);
    out->state = description.state;
    out->numbers[0] = description.threads;
    out->numbers[1] = description.handles;
    out->numbers[2] = description.account_koid;
    out->numbers[3] = description.cpu_ns;
}

static void describe_account(struct account *account, struct inspect_object *out) {
    struct inspect_account description;
    account_describe(account, &description);
    out->state = description.ended;
    out->numbers[0] = description.limit_bytes;
    out->numbers[1] = description.used_bytes;
    out->numbers[2] = description.reserved_bytes;
    out->numbers[3] = description.cpu_ns;
}

static void describe_object(struct object *object, struct inspect_object *out) {
    switch ((enum object_type)object->type) {
    case OBJECT_ACCOUNT: describe_account(account_of(object), out); break;
    case OBJECT_PROCESS: describe_process(CONTAINER_OF(object, struct process, object), out); break;
    case OBJECT_THREAD: describe_thread(CONTAINER_OF(object, struct thread, object), out); break;
    case OBJECT_ENDPOINT: describe_endpoint(CONTAINER_OF(object, struct endpoint, object), out); break;
    case OBJECT_NOTIFICATION:
        describe_notification(CONTAINER_OF(object, struct notification, object), out);
        break;
    case OBJECT_VMO:
        out->state = vmo_of(object)->kind;
        out->numbers[0] = vmo_len_bytes(vmo_of(object));
        out->numbers[1] = vmo_committed_bytes(vmo_of(object));
        break;
    default: break; // nothing but what all have
    }
}

status_t method_inspector_objects(struct invocation *invocation) {
    constexpr uint32_t MOST = MESSAGE_PAGE_BYTES / sizeof(struct inspect_object);
    struct inspect_object *list = invocation->caller->message_page;
    if (list == nullptr) {
        return STATUS_TOO_LARGE;
    }
    struct process *process = process_find(invocation->words[0]);
    if (process == nullptr) {
        return STATUS_NOT_FOUND;
    }
    uint32_t index = invocation->words[1] < UINT32_MAX ? (uint32_t)invocation->words[1] : UINT32_MAX;
    uint32_t count = 0;
    for (uint32_t steps = INSPECT_STEPS; steps > 0 && count < MOST && index < process->slot_limit; steps--) {
        struct capability capability;
        if (status_ok(handle_read_at(process, index++, &capability))) {
            struct object *object = capability.object;
            list[count] = (struct inspect_object){
                .koid = object->koid.v,
                .account_koid = object->account == nullptr ? 0 : object->account->object.koid.v,
                .handle = capability.handle,
                .type = object->type,
                .references = object->references,
            };
            describe_object(object, &list[count++]);
        }
    }
    invocation->words[0] = count;
    invocation->words[1] = index < process->slot_limit ? index : 0;
    invocation->page_bytes = count * sizeof *list;
    object_put(&process->object);
    return STATUS_OK;
}
