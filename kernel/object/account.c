#include "kernel/object/account.h"

#include "kernel/ipc/invoke.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/panic.h"
#include "abi/gen/methods.h"

SLAB_CACHE(account_cache, struct account);

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

// ---- Creation and destruction ----

struct account *account_create_root(uint64_t limit_bytes) {
    struct object *object;
    if (!status_ok(object_create(OBJECT_ACCOUNT, nullptr, &object))) {
        panic("no memory for the root account");
    }
    struct account *account = account_of(object);
    account->limit_bytes = limit_bytes;
    return account;
}

status_t account_create(struct account *parent, uint64_t limit_bytes, struct account **out) {
    if (limit_bytes == 0 || parent->depth == ACCOUNT_MAX_DEPTH) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(account_charge(parent, limit_bytes));
    struct object *object;
    status_t status = object_create(OBJECT_ACCOUNT, parent, &object);
    if (!status_ok(status)) {
        account_uncharge(parent, limit_bytes);
        return status;
    }
    struct account *account = account_of(object);
    account->depth = parent->depth + 1;
    account->limit_bytes = limit_bytes;
    *out = account;
    return STATUS_OK;
}

// Everything charged holds a reference, so nothing is charged any more.
bool account_destroy_step(struct object *object) {
    struct account *account = account_of(object);
    spin_lock(&account->lock);
    ASSERT(account->used_bytes == 0 && account->object_count == 0);
    spin_unlock(&account->lock);
    if (object->account != nullptr) {
        account_uncharge(object->account, account->limit_bytes);
    }
    return true;
}

// ---- Charging ----

static status_t charge(struct account *account, uint64_t bytes, uint64_t objects) {
    status_t status = STATUS_NO_MEMORY;
    spin_lock(&account->lock);
    if (bytes <= account->limit_bytes - account->used_bytes) {
        account->used_bytes += bytes;
        account->object_count += objects;
        if (account->used_bytes > account->peak_bytes) {
            account->peak_bytes = account->used_bytes;
        }
        status = STATUS_OK;
    }
    spin_unlock(&account->lock);
    return status;
}

static void uncharge(struct account *account, uint64_t bytes, uint64_t objects) {
    spin_lock(&account->lock);
    ASSERT(account->used_bytes >= bytes && account->object_count >= objects);
    account->used_bytes -= bytes;
    account->object_count -= objects;
    spin_unlock(&account->lock);
}

status_t account_charge(struct account *account, uint64_t bytes) {
    return charge(account, bytes, 0);
}

void account_uncharge(struct account *account, uint64_t bytes) {
    uncharge(account, bytes, 0);
}

status_t account_charge_object(struct account *account, uint64_t bytes) {
    return charge(account, bytes, 1);
}

void account_uncharge_object(struct account *account, uint64_t bytes) {
    uncharge(account, bytes, 1);
}

struct account_usage account_usage(struct account *account) {
    spin_lock(&account->lock);
    struct account_usage usage = {account->limit_bytes, account->used_bytes, account->peak_bytes,
                                  account->object_count};
    spin_unlock(&account->lock);
    return usage;
}

// ---- Methods ----

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
    struct account *account = account_of(invocation->object);
    __atomic_store_n(&account->ended, true, __ATOMIC_RELEASE);
    process_end_all(account);
    return STATUS_OK;
}
