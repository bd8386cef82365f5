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
    account_describe(&account->object, &described);
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

status_t method_account_set_limit(struct invocation *, struct account *account, struct account *child, uint64_t what,
                                  uint64_t limit, uint64_t extent) {
    return account_set_limit(account, child, what, limit, extent);
}

status_t method_account_limit(struct invocation *, struct account *account, uint64_t what,
                              struct account_limit_out *out) {
    spin_lock(&account->lock);
    if (what == LIMIT_BYTES) {
        *out = (struct account_limit_out){account->limit_bytes, account->used_bytes, account->reserved_bytes,
                                          account->peak_bytes};
    } else if (what == LIMIT_TIME) {
        *out = (struct account_limit_out){account->budget_ns, account->period_used_ns, account->period_ns,
                                          account->cpu_ns};
    } else if (account_counts(what)) {
        *out = (struct account_limit_out){account_count_limit(account, what), account->count[what], 0, 0};
    }
    spin_unlock(&account->lock);
    return account_counts(what) || what == LIMIT_BYTES || what == LIMIT_TIME ? STATUS_OK : STATUS_BAD_ARGUMENT;
}
