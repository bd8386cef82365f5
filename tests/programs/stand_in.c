// stand_in: stands in for an account. It writes into the log what it is asked for, forwards it to the account that it was
// granted itself, and lets less through: only small memory, no processes, and one timer at a time, which is one of its own
// behind which the kernel's is.
//
// CapSet: `account` (RECEIVE), `behind` (the account), `log`.
#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "idl/kernel.capnp.h"
#include "idl/log.capnp.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/mutex.h"
#include "lib/tess/panic.h"
#include "lib/tess/thread.h"

constexpr uint64_t LARGEST_BYTES = 64 * 1024;

static struct account behind;
static struct log log;
static handle_t timers; // the endpoint behind which all timers are that were given out
static struct rpc_server for_account, for_timers;

static struct tess_mutex lock; // the methods of a timer hold it
static uint64_t number;        // of the timer: the badge of who holds it
static struct timer current;

// Writes down how it went, and passes that on.
static status_t noted(const char *what, status_t status) {
    RPC_CALL(call);
    char text[64];
    fmt_snprintf(text, sizeof(text), "%s: %s", what, status_ok(status) ? "done" : abi_status_name(status.code));
    (void)log_call_append(log, &call, LOG_LEVEL_INFO, capnp_text(text), rpc_patience(), nullptr);
    return status;
}

// ---- the account ----

static status_t create_vmo(void *, struct rpc_request *, struct account_create_vmo_params params,
                           struct account_create_vmo_results_builder results) {
    RPC_CALL(call);
    struct account_create_vmo_results made;
    const uint64_t len_bytes = account_create_vmo_params_get_len_bytes(params);
    if (len_bytes > LARGEST_BYTES) {
        return noted("create_vmo", STATUS_NOT_ALLOWED);
    }
    TRY(noted("create_vmo", account_call_create_vmo(behind, &call, len_bytes, rpc_patience(), &made)));
    const struct vmo vmo = account_create_vmo_results_get_vmo(made);
    rpc_keep(&call, vmo.handle);
    account_create_vmo_results_give_vmo(results, vmo);
    return STATUS_OK;
}

static status_t create_notification(void *, struct rpc_request *, struct account_create_notification_params,
                                    struct account_create_notification_results_builder results) {
    RPC_CALL(call);
    struct account_create_notification_results made;
    TRY(noted("create_notification", account_call_create_notification(behind, &call, rpc_patience(), &made)));
    const struct notification notification = account_create_notification_results_get_notification(made);
    rpc_keep(&call, notification.handle);
    account_create_notification_results_give_notification(results, notification);
    return STATUS_OK;
}

// The one before is taken away from who has it.
static status_t create_timer(void *, struct rpc_request *, struct account_create_timer_params,
                             struct account_create_timer_results_builder results) {
    RPC_CALL(call);
    struct account_create_timer_results made;
    struct timer mine;
    TRY(noted("create_timer", account_call_create_timer(behind, &call, rpc_patience(), &made)));
    tess_mutex_lock(&lock);
    const status_t status = tess_handle_mint(timers, (rights_t){RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT}, number + 1, TIMER_ID, &mine.handle);
    if (status_ok(status)) {
        number++;
        tess_close(current.handle);
        current = account_create_timer_results_get_timer(made);
        rpc_keep(&call, current.handle);
        account_create_timer_results_give_timer(results, mine);
    }
    tess_mutex_unlock(&lock);
    return status;
}

// ---- its timers, served by a thread of their own ----

static status_t timer_set(void *, struct rpc_request *, struct timer_set_params params, struct timer_set_results_builder) {
    RPC_CALL(call);
    return noted("timer.set",
                 timer_call_set(current, &call, timer_set_params_get_deadline_ns(params), timer_set_params_get_period_ns(params),
                                timer_set_params_get_slack_ns(params), timer_set_params_get_notification(params),
                                timer_set_params_get_bits(params), rpc_patience(), nullptr));
}

static status_t timer_cancel(void *, struct rpc_request *, struct timer_cancel_params, struct timer_cancel_results_builder results) {
    RPC_CALL(call);
    struct timer_cancel_results found;
    TRY(noted("timer.cancel", timer_call_cancel(current, &call, rpc_patience(), &found)));
    timer_cancel_results_set_was_set(results, timer_cancel_results_get_was_set(found));
    return STATUS_OK;
}

static status_t timer_info(void *, struct rpc_request *, struct timer_info_params, struct timer_info_results_builder results) {
    RPC_CALL(call);
    struct timer_info_results found;
    TRY(noted("timer.info", timer_call_info(current, &call, rpc_patience(), &found)));
    timer_info_results_set_next_ns(results, timer_info_results_get_next_ns(found));
    timer_info_results_set_period_ns(results, timer_info_results_get_period_ns(found));
    timer_info_results_set_fired(results, timer_info_results_get_fired(found));
    timer_info_results_set_missed(results, timer_info_results_get_missed(found));
    return STATUS_OK;
}

static void serve_timers(void *) {
    static const struct timer_server methods = {.set = timer_set, .cancel = timer_cancel, .info = timer_info};
    rpc_server_init(&for_timers, timers, 1); // a notification
    while (rpc_server_next(&for_timers, DEADLINE_NEVER) == RPC_REQUEST) {
        struct rpc_request *request = &for_timers.request;
        tess_mutex_lock(&lock);
        const status_t status =
            request->badge == number ? timer_dispatch(&methods, nullptr, request) : noted("timer", STATUS_OBJECT_DEAD);
        tess_mutex_unlock(&lock);
        rpc_server_done(&for_timers, status);
    }
}

static status_t dispatch(struct rpc_request *request) {
    static const struct account_server methods = {
        .create_vmo = create_vmo,
        .create_notification = create_notification,
        .create_timer = create_timer,
    };
    return account_dispatch(&methods, nullptr, request);
}

int main(int, char **) {
    static const struct service service = {.provides = "account", .interface_id = ACCOUNT_ID};
    struct tess_thread *thread;
    log.handle = tess_cap_required("log", LOG_ID);
    behind.handle = tess_cap_required("behind", ACCOUNT_ID);
    if (!status_ok(tess_account_create_endpoint(tess_self_account(), TIMER_ID, &timers)) ||
        !status_ok(tess_thread_create(serve_timers, nullptr, nullptr, &thread))) {
        tess_panic("stand_in: its account is too small");
    }
    return service_run(&service, &for_account, dispatch);
}
