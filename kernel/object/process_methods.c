// The methods of process: threads and ends are in thread.c and process.c, this is what callers reach.
#include "abi/gen/methods.h"
#include "base/mem.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"

static struct process *process_of(struct invocation *invocation) {
    return CONTAINER_OF(invocation->object, struct process, object);
}

// ---- life and end ----------------------------------------------------------------------------------

status_t method_process_exit(struct invocation *invocation) {
    struct process *process = process_of(invocation);
    if (process->state >= PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    const bool own = process == invocation->caller->process;
    process_end(process, &(struct exit_record){
                             .kind = own ? EXIT_NORMAL : EXIT_KILLED,
                             .code = invocation->words[0],
                             .thread_koid = own ? invocation->caller->object.koid.v : 0,
                         });
    return STATUS_OK;
}

status_t method_process_info(struct invocation *invocation) {
    struct process *process = process_of(invocation);
    spin_lock(&process->lock);
    const bool ended = process->state == PROCESS_ENDED;
    uint64_t *words = invocation->words;
    words[0] = process->object.koid.v;
    words[1] = process->state == PROCESS_ENDING ? PROCESS_RUNNING : process->state;
    words[2] = process->thread_count;
    words[3] = process->handle_count;
    words[4] = ended ? process->record.kind : EXIT_NOT_YET;
    words[5] = ended ? process->record.code : 0;
    words[6] = ended ? process->record.fault_address : 0;
    words[7] = ended ? process->record.ip : 0;
    spin_unlock(&process->lock);
    return STATUS_OK;
}

status_t method_process_exit_record(struct invocation *invocation) {
    struct process *process = process_of(invocation);
    if (process->state != PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    if (invocation->caller->message_page == nullptr) {
        return STATUS_TOO_LARGE;
    }
    memcpy(invocation->caller->message_page, &process->record, sizeof(process->record));
    invocation->page_bytes = sizeof(process->record);
    return STATUS_OK;
}

status_t method_process_watch_exit(struct invocation *invocation) {
    struct process *process = process_of(invocation);
    const uint64_t bits = invocation->words[1];
    struct object *object;
    TRY(handle_object(invocation->caller->process, invocation->words[0], OBJECT_NOTIFICATION, RIGHT_SIGNAL,
                      &object));
    struct notification *notification = CONTAINER_OF(object, struct notification, object);
    spin_lock(&process->lock);
    const bool ended = process->state == PROCESS_ENDED;
    struct notification *previous = process->exit_watch;
    // Who watches is told, whatever others do, and they may be the watched process: until nobody else refers to it.
    const bool taken = previous != nullptr && previous != notification &&
                       __atomic_load_n(&previous->object.references, __ATOMIC_RELAXED) > 1;
    if (!taken) {
        process->exit_watch = ended || bits == 0 ? nullptr : notification;
        process->exit_bits = bits;
    }
    if (!taken && process->exit_watch != nullptr) {
        object_get(object);
    }
    spin_unlock(&process->lock);
    if (taken) {
        return STATUS_IN_USE;
    }
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    if (ended) {
        notification_signal(notification, bits);
    }
    return STATUS_OK;
}

status_t method_process_set_fault_endpoint(struct invocation *invocation) {
    struct process *process = process_of(invocation);
    struct endpoint *endpoint = nullptr;
    uint64_t badge = 0;
    if (invocation->words[0] != 0) {
        struct capability sender;
        TRY(handle_read_as(invocation->caller->process, invocation->words[0], OBJECT_ENDPOINT, RIGHT_SEND,
                           &sender));
        endpoint = CONTAINER_OF(sender.object, struct endpoint, object);
        badge = sender.badge;
        object_get(&endpoint->object);
    }
    spin_lock(&process->lock);
    struct endpoint *previous = process->fault_endpoint;
    process->fault_endpoint = endpoint;
    process->fault_badge = badge;
    spin_unlock(&process->lock);
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    return STATUS_OK;
}

// ---- handles ---------------------------------------------------------------------------------------

status_t method_process_grant(struct invocation *invocation) {
    struct process *target = process_of(invocation);
    const uint64_t move = invocation->words[2];
    struct capability from;
    TRY(handle_read(invocation->caller->process, invocation->words[0], &from));
    if (move > 1 || invocation->words[1] > UINT32_MAX) {
        return STATUS_BAD_ARGUMENT;
    }
    const uint32_t need = move == 1 ? RIGHT_TRANSFER_BIT : RIGHT_COPY_BIT;
    if ((from.type_rights & need) == 0) {
        return STATUS_NO_RIGHT;
    }
    const rights_t keep = {rights_narrow(capability_rights(&from).v, (uint32_t)invocation->words[1])};
    handle_t granted;
    TRY(move == 1
            ? handle_move(&from, target, keep, ORIGIN_GRANTED, &granted)
            : handle_duplicate(&from, target, keep, from.badge, from.interface_id, ORIGIN_GRANTED, &granted));
    invocation->words[0] = granted.v;
    return STATUS_OK;
}

// In the process's own table: a handle derived from one of it, with at most the rights in word 1.
static status_t derive(struct invocation *invocation, const struct capability *from, uint64_t badge,
                       uint64_t interface_id) {
    handle_t derived;
    TRY(handle_duplicate(from, process_of(invocation),
                         (rights_t){rights_narrow(capability_rights(from).v, (uint32_t)invocation->words[1])}, badge,
                         interface_id, ORIGIN_COPIED, &derived));
    invocation->words[0] = derived.v;
    return STATUS_OK;
}

status_t method_process_handle_copy(struct invocation *invocation) {
    struct capability from;
    TRY(handle_read(process_of(invocation), invocation->words[0], &from));
    return (from.type_rights & RIGHT_COPY_BIT) != 0 ? derive(invocation, &from, from.badge, from.interface_id)
                                                    : STATUS_NO_RIGHT;
}

status_t method_process_handle_mint(struct invocation *invocation) {
    const uint64_t badge = invocation->words[2], interface_id = invocation->words[3];
    struct capability from;
    TRY(handle_read_as(process_of(invocation), invocation->words[0], OBJECT_ENDPOINT, RIGHT_MINT, &from));
    return derive(invocation, &from, badge, interface_id != 0 ? interface_id : from.interface_id);
}

status_t method_process_handle_close(struct invocation *invocation) {
    return handle_close(process_of(invocation), invocation->words[0]);
}

status_t method_process_handle_revoke(struct invocation *invocation) {
    constexpr uint32_t AT_ONCE = 64;
    struct capability from;
    TRY(handle_read(process_of(invocation), invocation->words[0], &from));
    TRACE(TRACE_HANDLE, trace_write(TRACE_REVOKE_IN, invocation->caller, from.object->koid.v));
    invocation->again = !handle_revoke_some(&from, AT_ONCE);
    TRACE(TRACE_HANDLE, trace_write(TRACE_REVOKE_OUT, invocation->caller, !invocation->again));
    return STATUS_OK;
}

status_t method_process_handle_info(struct invocation *invocation) {
    struct capability capability;
    TRY(handle_read(process_of(invocation), invocation->words[0], &capability));
    invocation->words[0] = capability_type(&capability);
    invocation->words[1] = capability_rights(&capability).v;
    invocation->words[2] = capability.badge;
    invocation->words[3] = capability.interface_id;
    invocation->words[4] = capability.object->koid.v;
    return STATUS_OK;
}
