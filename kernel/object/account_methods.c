// The methods of account: what it creates, and what is asked and told about it.
#include "abi/gen/methods.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

status_t method_account_create_account(struct invocation *, struct account *parent, uint64_t limit_bytes,
                                       struct account **out) {
    return account_create(parent, limit_bytes, out);
}

status_t method_account_create_process(struct invocation *invocation, struct account *account, uint64_t name0,
                                       uint64_t name1, struct account_create_process_out *out) {
    struct process *const caller = invocation->caller->process, *process;
    const uint64_t name[] = {name0, name1};
    static_assert(PROCESS_NAME_BYTES == sizeof name);
    TRY(process_create(account, (const char *)name, &process));
    struct vspace *vspace = process->vspace;
    object_get(&vspace->object);
    status_t status = handle_to_new(caller, &process->object, 0, &out->process);
    if (!status_ok(status)) {
        object_put(&vspace->object);
        return status;
    }
    status = handle_to_new(caller, &vspace->object, 0, &out->vspace);
    if (!status_ok(status)) {
        status_t ignored = handle_close(caller, out->process);
        (void)ignored; // another thread may have guessed and closed it
    }
    return status;
}

status_t method_account_create_vmo(struct invocation *, struct account *account, uint64_t len_bytes, struct vmo **out) {
    return vmo_create(account, len_bytes, out);
}

status_t method_account_create_endpoint(struct invocation *invocation, struct account *account, uint64_t interface,
                                        uint64_t *out) {
    struct object *endpoint;
    TRY(object_create(OBJECT_ENDPOINT, account, &endpoint));
    return handle_to_new(invocation->caller->process, endpoint, interface, out);
}

status_t method_account_create_notification(struct invocation *, struct account *account, struct notification **out) {
    return object_create(OBJECT_NOTIFICATION, account, (struct object **)out);
}

status_t method_account_create_timer(struct invocation *, struct account *account, struct timer **out) {
    return object_create(OBJECT_TIMER, account, (struct object **)out);
}

status_t method_account_info(struct invocation *, struct account *account, struct account_info_out *out) {
    struct inspect_account described;
    account_describe(account, &described);
    *out = (struct account_info_out){described.limit_bytes, described.used_bytes, described.peak_bytes, 0};
    for (uint32_t type = 0; type < OBJECT_TYPE_COUNT; type++) {
        out->objects += described.objects[type];
    }
    return STATUS_OK;
}

status_t method_account_end(struct invocation *invocation, struct account *account) {
    account_end(account);
    if (account_has_ended(invocation->caller->process->object.account)) {
        process_end(invocation->caller->process, &(struct exit_record){.kind = EXIT_KILLED});
    }
    return STATUS_OK;
}

status_t method_account_set_limits(struct invocation *, struct account *account, struct account *child,
                                   uint64_t limit_bytes, uint64_t reserved_bytes, uint64_t objects, uint64_t handles) {
    return account_set_limits(account, child, limit_bytes, reserved_bytes, objects, handles);
}

status_t method_account_set_kind_limit(struct invocation *, struct account *account, struct account *child,
                                       uint64_t type, uint64_t objects) {
    return account_set_kind_limit(account, child, type, objects);
}

status_t method_account_kind_limit(struct invocation *, struct account *account, uint64_t type,
                                   struct account_kind_limit_out *out) {
    if (type == OBJECT_NONE || type >= OBJECT_TYPE_COUNT) {
        return STATUS_BAD_ARGUMENT;
    }
    out->objects = account->count[type];
    out->limit = account_is_counter(account) ? account->count_limit[type] : COUNT_UNLIMITED;
    return STATUS_OK;
}

status_t method_account_limits(struct invocation *, struct account *account, struct account_limits_out *out) {
    struct inspect_account described;
    account_describe(account, &described);
    out->reserved_bytes = described.reserved_bytes;
    out->objects = described.count[0];
    out->objects_limit = described.counts ? described.count_limit[0] : COUNT_UNLIMITED;
    out->handles = described.count[1];
    out->handles_limit = described.counts ? described.count_limit[1] : COUNT_UNLIMITED;
    out->cpu_ns = described.cpu_ns;
    return STATUS_OK;
}

status_t method_account_set_time_limit(struct invocation *, struct account *account, struct account *child,
                                       uint64_t budget_ns, uint64_t period_ns) {
    return account_set_time_limit(account, child, budget_ns, period_ns);
}

status_t method_account_time_limit(struct invocation *, struct account *account, struct account_time_limit_out *out) {
    *out = (struct account_time_limit_out){
        account->budget_ns, account->period_ns, __atomic_load_n(&account->period_used_ns, __ATOMIC_RELAXED),
        __atomic_load_n(&account->period_end_ns, __ATOMIC_RELAXED)};
    return STATUS_OK;
}
