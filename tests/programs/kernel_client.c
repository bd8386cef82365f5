// kernel_client: uses an account of the kernel's and one that a service stands in for (stand_in.c), with the same code, and
// compares what it sees: every status, every result.
//
// CapSet: `console`, `mine` (an account), `theirs` (another: the service).
#include "idl/console.capnp.h"
#include "idl/kernel.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/syscall.h"

constexpr uint64_t LEN_BYTES = 12'288, PERIOD_NS = 3'600'000'000'000, BITS = 0x50;

// What one use of an account came to, in its order.
struct seen {
    size_t count;
    uint64_t values[40];
};

static void note(struct seen *seen, uint64_t value) {
    if (seen->count < sizeof(seen->values) / sizeof(seen->values[0])) {
        seen->values[seen->count++] = value;
    }
}

static void use_vmo(struct account account, struct seen *seen) {
    RPC_CALL(call);
    RPC_CALL(of_vmo);
    struct account_create_vmo_results made;
    struct vmo_info_results info;
    note(seen, account_call_create_vmo(account, &call, 0, rpc_patience(), &made).code);
    note(seen, account_call_create_vmo(account, &call, 1ull << 63, rpc_patience(), nullptr).code != STATUS_CODE_OK);
    const status_t status = account_call_create_vmo(account, &call, LEN_BYTES, rpc_patience(), &made);
    note(seen, status.code);
    if (status_ok(status)) {
        const struct vmo vmo = account_create_vmo_results_get_vmo(made); // closed with the call
        note(seen, vmo_call_commit(vmo, &of_vmo, 0, 4096, rpc_patience(), nullptr).code);
        note(seen, vmo_call_commit(vmo, &of_vmo, 1, 4096, rpc_patience(), nullptr).code);
        note(seen, vmo_call_info(vmo, &of_vmo, rpc_patience(), &info).code);
        note(seen, vmo_info_results_get_len_bytes(info));
        note(seen, vmo_info_results_get_committed_bytes(info));
    }
}

static void use_timer(struct account account, struct seen *seen) {
    RPC_CALL(call);
    RPC_CALL(of_timer);
    struct account_create_notification_results made;
    struct account_create_timer_results with;
    struct timer_cancel_results canceled;
    struct timer_info_results info;
    note(seen, account_call_create_notification(account, &call, rpc_patience(), &made).code);
    TESS_OWNED handle_t notified = rpc_keep(&call, account_create_notification_results_get_notification(made).handle);
    const struct notification notification = {notified};
    note(seen, account_call_create_timer(account, &call, rpc_patience(), &with).code);
    const struct timer timer = account_create_timer_results_get_timer(with);
    note(seen, timer_call_set(timer, &of_timer, 0, PERIOD_NS, 0, notification, BITS, rpc_patience(), nullptr).code);
    uint64_t bits = 0;
    note(seen, tess_wait(notified, &bits, rpc_patience()).code);
    note(seen, bits);
    note(seen, timer_call_info(timer, &of_timer, rpc_patience(), &info).code);
    note(seen, timer_info_results_get_period_ns(info));
    note(seen, timer_info_results_get_fired(info));
    // Refused by the kernel, whoever was asked.
    note(seen, timer_call_set(timer, &of_timer, 0, 0, 0, notification, 0, rpc_patience(), nullptr).code);
    note(seen, timer_call_set(timer, &of_timer, 0, 0, 0, (struct notification){}, 1, rpc_patience(), nullptr).code);
    note(seen, timer_call_set(timer, &of_timer, 0, 0, 0, (struct notification){account.handle}, 1, rpc_patience(), nullptr).code);
    note(seen, timer_call_cancel(timer, &of_timer, rpc_patience(), &canceled).code);
    note(seen, timer_cancel_results_get_was_set(canceled));
    note(seen, timer_call_cancel(timer, &of_timer, rpc_patience(), &canceled).code);
    note(seen, timer_cancel_results_get_was_set(canceled));
}

// Over the ring: what was made is asked before the caller has it; what was not made breaks the promise.
static void use_promises(struct account account, struct seen *seen) {
    struct rpc_ring ring;
    struct account_create_vmo_results made;
    struct vmo_info_results info = {};
    const status_t status = rpc_ring_create(5, &ring);
    note(seen, status.code);
    if (!status_ok(status)) {
        return;
    }
    const struct rpc_promise vmo = account_submit_create_vmo(&ring, account_target(account), LEN_BYTES);
    const struct rpc_promise of_vmo = vmo_submit_info(&ring, account_create_vmo_promise_vmo(vmo));
    const struct rpc_promise none = account_submit_create_vmo(&ring, account_target(account), 0);
    const struct rpc_promise of_none = vmo_submit_info(&ring, account_create_vmo_promise_vmo(none));
    const struct rpc_promise of_nobody = vmo_submit_info(&ring, (struct vmo_target){});
    const struct rpc_promise too_many = vmo_submit_info(&ring, account_create_vmo_promise_vmo(vmo));
    note(seen, vmo_take_info(&ring, of_vmo, rpc_patience(), &info).code);
    note(seen, vmo_info_results_get_len_bytes(info));
    note(seen, vmo_take_info(&ring, of_none, rpc_patience(), nullptr).code);
    note(seen, account_take_create_vmo(&ring, none, rpc_patience(), nullptr).code);
    note(seen, vmo_take_info(&ring, of_nobody, rpc_patience(), nullptr).code);
    note(seen, vmo_take_info(&ring, too_many, rpc_patience(), nullptr).code);
    note(seen, account_take_create_vmo(&ring, vmo, rpc_patience(), &made).code);
    TESS_OWNED handle_t kept = rpc_promise_keep(&ring, vmo, account_create_vmo_results_get_vmo(made).handle);
    rpc_ring_destroy(&ring);
    RPC_CALL(call);
    note(seen, vmo_call_info((struct vmo){kept}, &call, rpc_patience(), &info).code);
    note(seen, vmo_info_results_get_len_bytes(info));
}

static struct seen use(struct account account) {
    struct seen seen = {};
    use_vmo(account, &seen);
    use_timer(account, &seen);
    use_promises(account, &seen);
    return seen;
}

// What the service does not let through, and what becomes of a capability that it took back.
static bool is_attenuated(struct account theirs) {
    RPC_CALL(call);
    RPC_CALL(second);
    RPC_CALL(of_timer);
    struct account_create_timer_results first, next;
    return status_is(account_call_create_vmo(theirs, &call, 1 << 20, rpc_patience(), nullptr), STATUS_NOT_ALLOWED) &&
           status_is(account_call_create_process(theirs, &call, 0, 0, rpc_patience(), nullptr), STATUS_BAD_METHOD) &&
           status_ok(account_call_create_timer(theirs, &call, rpc_patience(), &first)) &&
           status_ok(account_call_create_timer(theirs, &second, rpc_patience(), &next)) &&
           status_is(timer_call_cancel(account_create_timer_results_get_timer(first), &of_timer, rpc_patience(), nullptr),
                     STATUS_OBJECT_DEAD) &&
           status_ok(timer_call_cancel(account_create_timer_results_get_timer(next), &of_timer, rpc_patience(), nullptr));
}

int main(int, char **) {
    const handle_t console = tess_cap_required("console", CONSOLE_ID);
    const struct account mine = {tess_cap_required("mine", ACCOUNT_ID)}, theirs = {tess_cap_required("theirs", ACCOUNT_ID)};
    handle_t ignored;
    if (!status_is(tess_cap("mine", TIMER_ID, &ignored), STATUS_WRONG_TYPE) || !status_is(tess_cap("theirs", TIMER_ID, &ignored), STATUS_WRONG_TYPE)) {
        (void)console_print(console, "kernel_client: an account passes for a timer\n");
        return 1;
    }
    const struct seen of_kernel = use(mine), of_service = use(theirs);
    size_t differ = of_kernel.count != of_service.count;
    for (size_t i = 0; i < of_kernel.count && i < of_service.count; i++) {
        if (of_kernel.values[i] != of_service.values[i]) {
            (void)console_print(console, "kernel_client: number %zu is %lu, and of the service %lu\n", i, of_kernel.values[i], of_service.values[i]);
            differ++;
        }
    }
    const bool attenuated = is_attenuated(theirs);
    (void)console_print(console, "kernel_client: %zu results, %zu differ; the service lets %s through\n", of_kernel.count, differ,
                        attenuated ? "less" : "too much");
    for (size_t i = 0; i < of_kernel.count; i++) {
        (void)console_print(console, "%lu%s", of_kernel.values[i], i + 1 < of_kernel.count ? " " : "\n");
    }
    return differ == 0 && attenuated ? 0 : 1;
}
