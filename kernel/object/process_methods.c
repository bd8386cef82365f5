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

// ---- life and end ----------------------------------------------------------------------------------

status_t method_process_exit(struct invocation *invocation, struct process *process, uint64_t code) {
    if (process->state >= PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    const bool own = process == invocation->caller->process;
    process_end(process, &(struct exit_record){
                             .kind = own ? EXIT_NORMAL : EXIT_KILLED,
                             .code = code,
                             .thread_koid = own ? invocation->caller->object.koid.v : 0,
                         });
    return STATUS_OK;
}

status_t method_process_info(struct invocation *, struct process *process, struct process_info_out *out) {
    spin_lock(&process->lock);
    const bool ended = process->state == PROCESS_ENDED;
    *out = (struct process_info_out){
        .koid = process->object.koid.v,
        .state = process->state == PROCESS_ENDING ? PROCESS_RUNNING : process->state,
        .threads = process->thread_count,
        .handles = process->handles_made - process->handles_gone,
        .exit_kind = ended ? process->record.kind : EXIT_NOT_YET,
        .exit_code = ended ? process->record.code : 0,
        .fault_address = ended ? process->record.fault_address : 0,
        .fault_ip = ended ? process->record.ip : 0,
    };
    spin_unlock(&process->lock);
    return STATUS_OK;
}

status_t method_process_exit_record(struct invocation *invocation, struct process *process) {
    if (process->state != PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    if (invocation->caller->message_page == nullptr) {
        return STATUS_TOO_LARGE;
    }
    memcpy(invocation->caller->message_page, &process->record, sizeof(process->record));
    invocation->info = message_info(0, sizeof(process->record), 0, 0);
    return STATUS_OK;
}

status_t method_process_watch_exit(struct invocation *, struct process *process, struct notification *notification,
                                   uint64_t bits) {
    spin_lock(&process->lock);
    const bool ended = process->state == PROCESS_ENDED;
    struct notification *previous = process->exit_watch;
    // Who watches is told, whatever others do, and they may be the watched process: until nobody else refers to it.
    if (previous != nullptr && previous != notification &&
        __atomic_load_n(&previous->object.references, __ATOMIC_RELAXED) > 1) {
        spin_unlock(&process->lock);
        return STATUS_IN_USE;
    }
    process->exit_watch = ended || bits == 0 ? nullptr : notification;
    process->exit_bits = bits;
    if (process->exit_watch != nullptr) {
        object_get(&notification->object);
    }
    spin_unlock(&process->lock);
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    if (ended) {
        notification_signal(notification, bits);
    }
    return STATUS_OK;
}

status_t method_process_set_fault_endpoint(struct invocation *invocation, struct process *process,
                                           struct endpoint *endpoint) {
    if (endpoint != nullptr) {
        object_get(&endpoint->object);
    }
    spin_lock(&process->lock);
    struct endpoint *previous = process->fault_endpoint;
    process->fault_endpoint = endpoint;
    process->fault_badge = endpoint != nullptr ? invocation->argument.badge : 0;
    spin_unlock(&process->lock);
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    return STATUS_OK;
}

// ---- handles ---------------------------------------------------------------------------------------

static rights_t rights_left(const struct capability *from, uint32_t keep) {
    return (rights_t){rights_narrow(capability_rights(from).v, keep)};
}

status_t method_process_grant(struct invocation *, struct process *target, const struct capability *from,
                              uint32_t rights, bool move, uint64_t *out) {
    const rights_t keep = {rights_left(from, rights).v | SLOT_NEVER};
    if ((from->type_rights & (move ? RIGHT_TRANSFER_BIT : RIGHT_COPY_BIT)) == 0) {
        return STATUS_NO_RIGHT;
    }
    return move ? handle_move(from, target, keep, ORIGIN_GRANTED, out)
                : handle_duplicate(from, target, keep, from->badge, from->interface_id, ORIGIN_GRANTED, out);
}

status_t method_process_handle_copy(struct invocation *, struct process *process, uint64_t target, uint32_t rights,
                                    uint64_t *out) {
    struct capability from;
    TRY(handle_read(process, target, &from));
    if ((from.type_rights & RIGHT_COPY_BIT) == 0) {
        return STATUS_NO_RIGHT;
    }
    return handle_duplicate(&from, process, rights_left(&from, rights), from.badge, from.interface_id, ORIGIN_COPIED, out);
}

status_t method_process_handle_mint(struct invocation *, struct process *process, uint64_t target, uint32_t rights,
                                    uint64_t badge, uint64_t interface, uint64_t *out) {
    struct capability from;
    TRY(handle_read_as(process, target, OBJECT_ENDPOINT, RIGHT_MINT, &from));
    return handle_duplicate(&from, process, rights_left(&from, rights), badge,
                            interface != 0 ? interface : from.interface_id, ORIGIN_COPIED, out);
}

status_t method_process_handle_close(struct invocation *, struct process *process, uint64_t target) {
    return handle_close(process, target);
}

status_t method_process_handle_revoke(struct invocation *invocation, struct process *process, uint64_t target, bool itself) {
    constexpr uint32_t AT_ONCE = 64;
    struct capability from;
    TRY(handle_read(process, target, &from));
    TRACE(TRACE_HANDLE, trace_write(TRACE_REVOKE_IN, invocation->caller, from.object->koid.v));
    invocation->again = !handle_revoke_some(&from, itself, AT_ONCE);
    TRACE(TRACE_HANDLE, trace_write(TRACE_REVOKE_OUT, invocation->caller, !invocation->again));
    return STATUS_OK;
}

status_t method_process_handle_info(struct invocation *, struct process *process, uint64_t target,
                                    struct process_handle_info_out *out) {
    struct capability found;
    TRY(handle_read(process, target, &found));
    *out = (struct process_handle_info_out){capability_type(&found), capability_rights(&found).v, found.badge,
                                            found.interface_id, found.object->koid.v};
    return STATUS_OK;
}
