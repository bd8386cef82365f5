// Logs in while identityd is replaced: the session that comes of it is one, whichever of the two processes looked at the password.
//
// Prints "identity_client: as it should be", or what was not. CapSet: `console`, `identity` and `supervisor` with control.
#include "base/mem.h"
#include "base/str.h"
#include "idl/identity.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/thread.h"
#include "tests/programs/common.h"

constexpr uint64_t BEGUN_MS = 20; // a login is under way by then; a password takes longer
constexpr uint64_t PATIENCE_MS = 60'000;
constexpr uint32_t LOGINS = 3;

#define NAME CAPNP_TEXT("anna")
static const struct capnp_data password = {(const uint8_t *)"correct horse", 13};

static struct identity_control identity;
static struct supervisor_control supervisor;
static uint32_t failures;

static void check(bool good, const char *what, status_t status) {
    if (!good) {
        SAY("identity_client: %s: %s\n", what, rpc_status_text(status));
        failures++;
    }
}

// Closes what it was given.
static void check_session(handle_t session, const char *what) {
    RPC_CALL(call);
    struct session_info_results results;
    const status_t status = session_call_info((struct session){session}, &call, tess_deadline_after_ms(PATIENCE_MS), &results);
    check(status_ok(status) && str_equal(session_info_get_name(session_info_results_get_info(results)).bytes, "anna"), what, status);
    tess_close(session);
}

static void set_up(void) {
    RPC_CALL(call);
    struct identity_control_set_up_results results;
    const status_t status = identity_control_call_set_up(identity, &call, NAME, password, tess_deadline_after_ms(PATIENCE_MS), &results);
    const bool done = status_ok(status) && identity_control_set_up_results_get_outcome(results) == IDENTITY_OUTCOME_DONE;
    check(done, "set up", status);
    if (done) {
        check_session(rpc_keep(&call, identity_control_set_up_results_get_session(results).handle), "the first session");
    }
}

static void log_in(void *) {
    RPC_CALL(call);
    struct identity_login_results results;
    const status_t status = identity_call_login((struct identity){identity.handle}, &call, NAME, password, tess_deadline_after_ms(PATIENCE_MS), &results);
    const bool done = status_ok(status) && identity_login_results_get_outcome(results) == IDENTITY_OUTCOME_DONE;
    check(done, "log in", status);
    if (done) {
        check_session(rpc_keep(&call, identity_login_results_get_session(results).handle), "a session of a login during a replacement");
    }
}

static void pause_ms(uint64_t ms) {
    uint64_t bits;
    handle_t never;
    if (status_ok(tess_account_create_notification(tess_self_account(), &never))) {
        (void)tess_wait(never, &bits, tess_deadline_after_ms(ms)).code;
        tess_close(never);
    }
}

// Until it is over.
static void replace(void) {
    RPC_CALL(call);
    struct supervisor_control_replace_results begun;
    status_t status = supervisor_control_call_replace(supervisor, &call, CAPNP_TEXT("identityd"), CAPNP_TEXT(""), false, (struct notification){}, 0,
                                                      tess_deadline_after_ms(PATIENCE_MS), &begun);
    check(status_ok(status) && supervisor_control_replace_results_get_outcome(begun) == SUPERVISOR_CONTROL_OUTCOME_DONE, "replace", status);
    enum supervisor_replace_step step = SUPERVISOR_REPLACE_STEP_STARTING;
    for (const uint64_t end_ns = tess_deadline_after_ms(PATIENCE_MS);
         status_ok(status) && step != SUPERVISOR_REPLACE_STEP_DONE && step != SUPERVISOR_REPLACE_STEP_FAILED && tess_now_ns() < end_ns;) {
        RPC_CALL(asked);
        struct supervisor_replacement_results results;
        pause_ms(1);
        status = supervisor_call_replacement((struct supervisor){supervisor.handle}, &asked, tess_deadline_after_ms(PATIENCE_MS), &results);
        step = status_ok(status) ? supervisor_replacement_get_step(supervisor_replacement_results_get_replacement(results)) : step;
    }
    check(step == SUPERVISOR_REPLACE_STEP_DONE, "the replacement", status);
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    identity = (struct identity_control){tess_cap_required("identity", IDENTITY_ID)};
    supervisor = (struct supervisor_control){tess_cap_required("supervisor", SUPERVISOR_ID)};
    set_up();
    for (uint32_t i = 0; i < LOGINS && failures == 0; i++) {
        struct tess_thread *thread;
        const status_t status = tess_thread_create(log_in, nullptr, nullptr, &thread);
        check(status_ok(status), "a thread", status);
        if (status_ok(status)) {
            pause_ms(BEGUN_MS);
            replace();
            check(status_ok(tess_thread_join(thread, tess_deadline_after_ms(PATIENCE_MS))), "the login ends", STATUS_OK);
        }
    }
    if (failures == 0) {
        SAY("identity_client: as it should be\n");
    }
    return failures > 0;
}
