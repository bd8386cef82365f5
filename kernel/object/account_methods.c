// The methods of account: what it creates, and what is asked and told about it.
#include "abi/gen/methods.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

// Gives the caller the first handle to an object just made.
static status_t hand_over(struct invocation *invocation, struct object *object) {
    return handle_to_new(invocation->caller->process, object, 0, &invocation->words[0]);
}

// Makes an object that is nothing special at first.
static status_t create(struct invocation *invocation, enum object_type type, uint64_t interface_id) {
    struct object *object;
    TRY(object_create(type, account_of(invocation->object), &object));
    return handle_to_new(invocation->caller->process, object, interface_id, &invocation->words[0]);
}

status_t method_account_create_account(struct invocation *invocation) {
    struct account *account;
    TRY(account_create(account_of(invocation->object), invocation->words[0], &account));
    return hand_over(invocation, &account->object);
}

status_t method_account_create_process(struct invocation *invocation) {
    struct process *const caller = invocation->caller->process, *process;
    static_assert(PROCESS_NAME_BYTES == 2 * sizeof(uint64_t)); // the first two words, as they lie there
    TRY(process_create(account_of(invocation->object), (const char *)invocation->words, &process));
    struct vspace *vspace = process->vspace;
    object_get(&vspace->object);
    uint64_t process_handle;
    status_t status = handle_to_new(caller, &process->object, 0, &process_handle);
    if (!status_ok(status)) {
        object_put(&vspace->object);
        return status;
    }
    status = handle_to_new(caller, &vspace->object, 0, &invocation->words[1]);
    if (!status_ok(status)) {
        status_t ignored = handle_close(caller, process_handle);
        (void)ignored; // another thread may have guessed and closed it
        return status;
    }
    invocation->words[0] = process_handle;
    return STATUS_OK;
}

status_t method_account_create_vmo(struct invocation *invocation) {
    struct vmo *vmo;
    TRY(vmo_create(account_of(invocation->object), invocation->words[0], &vmo));
    return hand_over(invocation, &vmo->object);
}

status_t method_account_create_endpoint(struct invocation *invocation) {
    return create(invocation, OBJECT_ENDPOINT, invocation->words[0]);
}

status_t method_account_create_notification(struct invocation *invocation) {
    return create(invocation, OBJECT_NOTIFICATION, 0);
}

status_t method_account_create_timer(struct invocation *invocation) {
    return create(invocation, OBJECT_TIMER, 0);
}

status_t method_account_info(struct invocation *invocation) {
    struct inspect_account account;
    account_describe(account_of(invocation->object), &account);
    invocation->words[0] = account.limit_bytes;
    invocation->words[1] = account.used_bytes;
    invocation->words[2] = account.peak_bytes;
    invocation->words[3] = 0;
    for (uint32_t type = 0; type < OBJECT_TYPE_COUNT; type++) {
        invocation->words[3] += account.objects[type];
    }
    return STATUS_OK;
}

status_t method_account_end(struct invocation *invocation) {
    account_end(account_of(invocation->object));
    if (account_has_ended(invocation->caller->process->object.account)) {
        process_end(invocation->caller->process, &(struct exit_record){.kind = EXIT_KILLED});
    }
    return STATUS_OK;
}

status_t method_account_set_limits(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    struct object *child;
    TRY(handle_hold(invocation->caller->process, words[0], OBJECT_ACCOUNT, (rights_t){0}, &child));
    status_t status = account_set_limits(account_of(invocation->object), account_of(child), words[1], words[2],
                                         words[3], words[4]);
    object_put(child);
    return status;
}

status_t method_account_set_kind_limit(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    struct object *child;
    TRY(handle_object(invocation->caller->process, words[0], OBJECT_ACCOUNT, (rights_t){0}, &child));
    return account_set_kind_limit(account_of(invocation->object), account_of(child), words[1], words[2]);
}

status_t method_account_kind_limit(struct invocation *invocation) {
    const struct account *account = account_of(invocation->object);
    const uint64_t type = invocation->words[0];
    if (type == OBJECT_NONE || type >= OBJECT_TYPE_COUNT) {
        return STATUS_BAD_ARGUMENT;
    }
    invocation->words[0] = account->count[type];
    invocation->words[1] = account_is_counter(account) ? account->count_limit[type] : COUNT_UNLIMITED;
    return STATUS_OK;
}

status_t method_account_limits(struct invocation *invocation) {
    struct inspect_account account;
    account_describe(account_of(invocation->object), &account);
    invocation->words[0] = account.reserved_bytes;
    invocation->words[1] = account.count[0];
    invocation->words[2] = account.counts ? account.count_limit[0] : COUNT_UNLIMITED;
    invocation->words[3] = account.count[1];
    invocation->words[4] = account.counts ? account.count_limit[1] : COUNT_UNLIMITED;
    invocation->words[5] = account.cpu_ns;
    return STATUS_OK;
}

status_t method_account_set_time_limit(struct invocation *invocation) {
    const uint64_t *words = invocation->words;
    struct object *child;
    TRY(handle_object(invocation->caller->process, words[0], OBJECT_ACCOUNT, (rights_t){0}, &child));
    return account_set_time_limit(account_of(invocation->object), account_of(child), words[1], words[2]);
}

status_t method_account_time_limit(struct invocation *invocation) {
    const struct account *account = account_of(invocation->object);
    invocation->words[0] = account->budget_ns;
    invocation->words[1] = account->period_ns;
    invocation->words[2] = __atomic_load_n(&account->period_used_ns, __ATOMIC_RELAXED);
    invocation->words[3] = __atomic_load_n(&account->period_end_ns, __ATOMIC_RELAXED);
    return STATUS_OK;
}
