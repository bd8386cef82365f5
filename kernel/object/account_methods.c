// The methods of account: what it creates, and what is asked and told about it.
#include "abi/gen/methods.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

// All rights that mean something for each type: what the creator of an object gets.
constexpr uint32_t RIGHTS_PLAIN = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t RIGHTS_ACCOUNT = RIGHTS_PLAIN | RIGHT_MANAGE_BIT | RIGHT_CREATE_BIT;
constexpr uint32_t RIGHTS_PROCESS = RIGHTS_PLAIN | RIGHT_MANAGE_BIT | RIGHT_KILL_BIT;
constexpr uint32_t RIGHTS_VSPACE = RIGHTS_PLAIN | RIGHT_MAP_BIT;
constexpr uint32_t RIGHTS_VMO =
    RIGHTS_PLAIN | RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT | RIGHT_MAP_BIT;
constexpr uint32_t RIGHTS_ENDPOINT = RIGHTS_PLAIN | RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT;
constexpr uint32_t RIGHTS_NOTIFICATION = RIGHTS_PLAIN | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT;
constexpr uint32_t RIGHTS_TIMER = RIGHTS_PLAIN | RIGHT_MANAGE_BIT;

// Gives the caller a handle to an object just made; takes the object's only reference in any case.
static status_t hand_over(struct invocation *invocation, struct object *object, uint32_t rights,
                          uint64_t interface_id, handle_t *out) {
    status_t status = handle_insert(invocation->caller->process, object, (rights_t){rights}, 0, interface_id,
                                    nullptr, ORIGIN_CREATED, out);
    if (!status_ok(status)) {
        object_put(object);
    }
    return status;
}

static status_t hand_over_one(struct invocation *invocation, struct object *object, uint32_t rights,
                              uint64_t interface_id) {
    handle_t handle;
    TRY(hand_over(invocation, object, rights, interface_id, &handle));
    invocation->words[0] = handle.v;
    return STATUS_OK;
}

status_t method_account_create_account(struct invocation *invocation) {
    struct account *account;
    TRY(account_create(account_of(invocation->object), invocation->words[0], &account));
    return hand_over_one(invocation, &account->object, RIGHTS_ACCOUNT, 0);
}

status_t method_account_create_process(struct invocation *invocation) {
    char name[PROCESS_NAME_BYTES];
    static_assert(PROCESS_NAME_BYTES == 2 * sizeof(uint64_t));
    for (unsigned i = 0; i < PROCESS_NAME_BYTES; i++) {
        name[i] = (char)(invocation->words[i / 8] >> i % 8 * 8);
    }
    struct process *process;
    TRY(process_create(account_of(invocation->object), name, &process));
    struct vspace *vspace = process->vspace;
    object_get(&vspace->object);

    handle_t process_handle, vspace_handle;
    status_t status = hand_over(invocation, &process->object, RIGHTS_PROCESS, 0, &process_handle);
    if (!status_ok(status)) {
        object_put(&vspace->object);
        return status;
    }
    status = hand_over(invocation, &vspace->object, RIGHTS_VSPACE, 0, &vspace_handle);
    if (!status_ok(status)) {
        status_t ignored = handle_close(invocation->caller->process, process_handle.v);
        (void)ignored; // another thread may have guessed and closed it
        return status;
    }
    invocation->words[0] = process_handle.v;
    invocation->words[1] = vspace_handle.v;
    return STATUS_OK;
}

status_t method_account_create_vmo(struct invocation *invocation) {
    struct vmo *vmo;
    TRY(vmo_create(account_of(invocation->object), invocation->words[0], &vmo));
    return hand_over_one(invocation, &vmo->object, RIGHTS_VMO, 0);
}

status_t method_account_create_endpoint(struct invocation *invocation) {
    struct endpoint *endpoint;
    TRY(endpoint_create(account_of(invocation->object), &endpoint));
    return hand_over_one(invocation, &endpoint->object, RIGHTS_ENDPOINT, invocation->words[0]);
}

status_t method_account_create_notification(struct invocation *invocation) {
    struct notification *notification;
    TRY(notification_create(account_of(invocation->object), &notification));
    return hand_over_one(invocation, &notification->object, RIGHTS_NOTIFICATION, 0);
}

status_t method_account_create_timer(struct invocation *invocation) {
    struct timer *timer;
    TRY(timer_create(account_of(invocation->object), &timer));
    return hand_over_one(invocation, &timer->object, RIGHTS_TIMER, 0);
}

status_t method_account_info(struct invocation *invocation) {
    struct account_usage usage = account_usage(account_of(invocation->object));
    invocation->words[0] = usage.limit_bytes;
    invocation->words[1] = usage.used_bytes;
    invocation->words[2] = usage.peak_bytes;
    invocation->words[3] = usage.objects;
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
    TRY(handle_object(invocation->caller->process, words[0], OBJECT_ACCOUNT, (rights_t){0}, &child));
    return account_set_limits(account_of(invocation->object), account_of(child), words[1], words[2], words[3],
                              words[4]);
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
    invocation->words[1] = account->counts ? account->count_limit[type] : COUNT_UNLIMITED;
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
