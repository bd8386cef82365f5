// Uses the settings as services do: config_client [toggle].
//
// Prints "config_client: as it should be", or what was not. With `toggle` it changes the zone again and again, until it is killed.
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "lib/tess/clock.h"
#include "tests/programs/common.h"

#define KEY "time.zone"

constexpr uint64_t BIT_CHANGED = 4;

static uint32_t failures;
static struct config config, control; // the ordinary facet, and the one that may set everything

static void check(bool good, const char *what, status_t status) {
    if (!good) {
        SAY("config_client: %s: %s\n", what, rpc_status_text(status));
        failures++;
    }
}

// A commit of up to two changes in the layer `session`; its outcome, or -1 when the call failed.
static int commit(struct config to, uint64_t expected, const char *first, const char *second, uint64_t *revision) {
    RPC_CALL(call);
    struct config_commit_results results;
    const struct config_commit_params_builder params = config_begin_commit(to, &call);
    const struct config_change_list_builder changes = config_commit_params_init_changes(params, second != nullptr ? 2 : 1);
    config_commit_params_set_expected(params, expected);
    config_commit_params_set_layer(params, CONFIG_LAYER_SESSION);
    config_change_set_key(config_change_list_edit(changes, 0), CAPNP_TEXT(KEY));
    config_change_set_written(config_change_list_edit(changes, 0), capnp_text(first));
    if (second != nullptr) {
        config_change_set_key(config_change_list_edit(changes, 1), CAPNP_TEXT("shell.pager"));
        config_change_set_written(config_change_list_edit(changes, 1), capnp_text(second));
    }
    const status_t status = config_finish_commit(&call, rpc_patience(), &results);
    check(status_ok(status), "commit", status);
    if (!status_ok(status)) {
        return -1;
    }
    *revision = config_commit_results_get_revision(results);
    return (int)config_commit_results_get_outcome(results);
}

static bool zone_is(const char *zone) {
    RPC_CALL(call);
    struct config_get_results results;
    const status_t status = config_call_get(config, &call, CAPNP_TEXT(KEY), rpc_patience(), &results);
    check(status_ok(status), "get", status);
    return status_ok(status) && str_equal(config_value_get_text(config_get_results_get_value(results)).bytes, zone);
}

static void commits_are_whole(void) {
    uint64_t seen, now;
    check(commit(config, 0, "Mars/Olympus", nullptr, &now) == CONFIG_OUTCOME_NOT_ALLOWED, "who is no writer is refused", STATUS_OK);
    check(zone_is("UTC"), "and changes nothing", STATUS_OK);
    check(commit(control, 0, "One", "off", &seen) == CONFIG_OUTCOME_DONE && zone_is("One"), "both are set", STATUS_OK);
    check(commit(control, 0, "Two", "perhaps", &now) == CONFIG_OUTCOME_INVALID && now == seen && zone_is("One"), "none is set", STATUS_OK);
    check(commit(control, seen, "Three", nullptr, &now) == CONFIG_OUTCOME_DONE, "nobody has changed it", STATUS_OK);
    check(commit(control, seen, "Four", nullptr, &now) == CONFIG_OUTCOME_CONFLICT && zone_is("Three"), "somebody has", STATUS_OK);
}

static void watchers_are_told(void) {
    RPC_CALL(call);
    handle_t watcher = {};
    uint64_t bits = 0, now;
    check(status_ok(tess_account_create_notification(tess_self_account(), &watcher)), "a notification", STATUS_OK);
    status_t status = config_call_watch(config, &call, CAPNP_TEXT("time."), (struct notification){watcher}, BIT_CHANGED, rpc_patience(), nullptr);
    check(status_ok(status), "watch", status);
    check(status_is(tess_wait(watcher, &bits, DEADLINE_POLL), STATUS_TIMED_OUT), "nothing has changed yet", STATUS_OK);
    check(commit(control, 0, "Five", nullptr, &now) == CONFIG_OUTCOME_DONE, "a change", STATUS_OK);
    check(status_ok(tess_wait(watcher, &bits, DEADLINE_POLL)) && bits == BIT_CHANGED, "is told before it is answered", STATUS_OK);
    status = config_call_watch(config, &call, CAPNP_TEXT("time."), (struct notification){tess_self_process()}, BIT_CHANGED, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a process is no watcher", status);
    status = config_call_watch(config, &call, CAPNP_TEXT("time."), (struct notification){watcher}, 0, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a watcher has bits", status);
}

static void what_is_saved_comes_back(void) {
    static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];
    RPC_CALL(call);
    RPC_CALL(restoring);
    struct config_control_save_results saved;
    struct config_control_restore_results restored;
    uint64_t now;
    const struct config_control all = {control.handle};
    status_t status = config_control_call_save((struct config_control){config.handle}, &call, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_DENIED)), "only who looks after the system saves", status);
    status = config_control_call_save(all, &call, rpc_patience(), &saved);
    check(status_ok(status), "save", status);
    if (!status_ok(status)) {
        return;
    }
    rpc_hold(&call, page, &saved.s);
    check(commit(control, 0, "Six", nullptr, &now) == CONFIG_OUTCOME_DONE, "a change", STATUS_OK);
    const struct config_control_restore_params_builder params = config_control_begin_restore(all, &restoring);
    config_control_restore_params_set_saved(params, config_control_save_results_get_saved(saved));
    status = config_control_finish_restore(&restoring, rpc_patience(), &restored);
    check(status_ok(status), "restore", status);
    check(config_control_restore_results_get_kept(restored) == 2 && config_control_restore_results_get_dropped(restored) == 0,
          "what was kept", STATUS_OK);
    check(zone_is("Five"), "it is as it was saved", STATUS_OK);
}

static void nothing_remains(void) {
    RPC_CALL(call);
    (void)config_control_begin_restore((struct config_control){control.handle}, &call);
    const status_t status = config_control_finish_restore(&call, rpc_patience(), nullptr);
    check(status_ok(status) && zone_is("UTC"), "nothing is set any more", status);
}

[[noreturn]] static void toggle(void) {
    handle_t never = {}; // without it: no pause
    uint64_t ignored;
    (void)tess_account_create_notification(tess_self_account(), &never);
    for (bool odd = false;; odd = !odd) {
        (void)commit(control, 0, odd ? "Odd" : "Even", nullptr, &ignored);
        (void)tess_wait(never, &ignored, tess_deadline_after_ms(20));
    }
}

int main(int argc, char **argv) {
    config.handle = tess_cap_required("config", CONFIG_ID);
    control.handle = tess_cap_required("control", CONFIG_ID);
    if (argc > 1 && str_equal(argv[1], "toggle")) {
        toggle();
    }
    commits_are_whole();
    watchers_are_told();
    what_is_saved_comes_back();
    nothing_remains();
    if (failures == 0) {
        SAY("config_client: as it should be\n");
    }
    return failures == 0 ? 0 : 1;
}
