// Uses the time as services do: time_client.
//
// Prints "time_client: as it should be", or what was not. Sets the wall clock, and leaves it at 2040-01-01.
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/time.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "tests/programs/common.h"

constexpr int64_t SECOND_NS = 1'000'000'000, YEAR_2040 = 2'208'988'800;
constexpr uint64_t BIT = 8, SOON_MS = 5000;

static uint32_t failures;
static struct time time, control;

static void check(bool good, const char *what, status_t status) {
    if (!good) {
        SAY("time_client: %s: %s\n", what, rpc_status_text(status));
        failures++;
    }
}

static int64_t wall_now(void) {
    RPC_CALL(call);
    struct time_now_results results;
    const status_t status = time_call_now(time, &call, rpc_patience(), &results);
    check(status_ok(status), "now", status);
    return status_ok(status) ? time_now_results_get_wall_ns(results) : 0;
}

static int set(struct time to, int64_t wall_ns, enum time_source source, bool slew) {
    RPC_CALL(call);
    struct time_control_set_results results;
    const status_t status =
        time_control_call_set((struct time_control){to.handle}, &call, wall_ns, 0, source, slew, rpc_patience(), &results);
    return status_ok(status) ? (int)time_control_set_results_get_outcome(results) : -(int)status.code;
}

static handle_t watcher(void) {
    handle_t handle = {};
    check(status_ok(tess_account_create_notification(tess_self_account(), &handle)), "a notification", STATUS_OK);
    return handle;
}

static status_t set_alarm(bool wall, int64_t at_ns, uint64_t period_ns, handle_t to, uint32_t *id) {
    RPC_CALL(call);
    struct time_set_alarm_results results;
    TRY(time_call_set_alarm(time, &call, wall, at_ns, period_ns, (struct notification){to}, BIT, rpc_patience(), &results));
    *id = time_set_alarm_results_get_id(results);
    return STATUS_OK;
}

static bool went_off(handle_t to, uint64_t deadline_ns) {
    uint64_t bits = 0;
    return status_ok(tess_wait(to, &bits, deadline_ns)) && bits == BIT;
}

static void the_clock_is_set(void) {
    RPC_CALL(call);
    struct time_now_results results;
    check(set(time, 0, TIME_SOURCE_PERSON, false) == -(int)RPC_DENIED, "only who may sets it", STATUS_OK);
    check(set(control, -1, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_OUT_OF_RANGE, "before 1970", STATUS_OK);
    check(set(control, INT64_MAX, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_OUT_OF_RANGE, "after 2200", STATUS_OK);
    check(set(control, 1, TIME_SOURCE_UNKNOWN, false) == TIME_CONTROL_OUTCOME_NO_SOURCE, "from nowhere", STATUS_OK);
    check(set(control, YEAR_2040 * SECOND_NS, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_DONE, "set", STATUS_OK);
    const status_t status = time_call_now(time, &call, rpc_patience(), &results);
    check(status_ok(status) && time_now_results_get_source(results) == TIME_SOURCE_PERSON, "who set it is said", status);
    const int64_t now = time_now_results_get_wall_ns(results);
    check(now >= YEAR_2040 * SECOND_NS && now < (YEAR_2040 + 60) * SECOND_NS, "it goes on from there", STATUS_OK);
    check(time_now_results_get_monotonic_ns(results) <= tess_now_ns(), "the monotonic clock is the one that everybody has", STATUS_OK);
    check(set(control, now + 7200 * SECOND_NS, TIME_SOURCE_PERSON, true) == TIME_CONTROL_OUTCOME_TOO_FAR, "too far to slew", STATUS_OK);
    check(set(control, now - 10 * SECOND_NS, TIME_SOURCE_PERSON, true) == TIME_CONTROL_OUTCOME_DONE, "slewed", STATUS_OK);
    int64_t before = wall_now();
    check(before >= now, "it does not jump back", STATUS_OK);
    for (int i = 0; i < 100; i++) {
        const int64_t after = wall_now();
        check(after > before, "it goes forward", STATUS_OK);
        before = after;
    }
}

static void alarms_go_off(void) {
    const handle_t once = watcher(), later = watcher(), often = watcher();
    uint32_t id, ignored;
    check(status_ok(set_alarm(false, (int64_t)tess_now_ns() + 20'000'000, 0, once, &ignored)), "an alarm", STATUS_OK);
    check(went_off(once, tess_deadline_after_ms(SOON_MS)), "goes off", STATUS_OK);
    // The wall clock is set over one.
    check(status_ok(set_alarm(true, (YEAR_2040 + 36'000) * SECOND_NS, 0, later, &ignored)), "one on the wall clock", STATUS_OK);
    check(status_ok(set_alarm(true, (YEAR_2040 + 3600) * SECOND_NS, 3600 * (uint64_t)SECOND_NS, often, &id)), "one with a period", STATUS_OK);
    check(!went_off(later, DEADLINE_POLL) && !went_off(often, DEADLINE_POLL), "not yet", STATUS_OK);
    check(set(control, (YEAR_2040 + 35'000) * SECOND_NS, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_DONE, "set", STATUS_OK);
    check(went_off(often, tess_deadline_after_ms(SOON_MS)), "goes off once", STATUS_OK);
    check(!went_off(often, tess_deadline_after_ms(30)) && !went_off(later, DEADLINE_POLL), "and no more", STATUS_OK);
    check(set(control, YEAR_2040 * SECOND_NS, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_DONE, "set back", STATUS_OK);
    check(set(control, (YEAR_2040 + 3600) * SECOND_NS, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_DONE, "and forward", STATUS_OK);
    check(went_off(often, tess_deadline_after_ms(SOON_MS)), "its moment came again", STATUS_OK);
    RPC_CALL(call);
    struct time_cancel_alarm_results results;
    status_t status = time_call_cancel_alarm(time, &call, id, rpc_patience(), &results);
    check(status_ok(status) && time_cancel_alarm_results_get_found(results), "cancelled", status);
    status = time_call_cancel_alarm(time, &call, id, rpc_patience(), &results);
    check(status_ok(status) && !time_cancel_alarm_results_get_found(results), "once", status);
}

static void what_cannot_be_is_refused(void) {
    RPC_CALL(call);
    const handle_t to = watcher();
    uint32_t ignored;
    status_t status = set_alarm(false, 0, 1000, to, &ignored);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a period of a microsecond", status);
    status = set_alarm(false, 0, 0, tess_self_process(), &ignored);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a process is no watcher", status);
    status = set_alarm(false, 0, 0, (handle_t){}, &ignored);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "nobody to tell", status);
    status = time_call_local(time, &call, CAPNP_TEXT("Europe/Atlantis"), 0, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "no such zone", status);
    status = time_call_local(time, &call, CAPNP_TEXT("UTC"), INT64_MIN, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "no such year", status);
    int count = 0; // one is left of what was set before
    while (count < 20 && status_ok(set_alarm(false, INT64_MAX, 0, to, &ignored))) {
        count++;
    }
    check(count == 7, "a caller has eight at most", STATUS_OK);
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    time.handle = tess_cap_required("time", TIME_ID);
    control.handle = tess_cap_required("control", TIME_ID);
    the_clock_is_set();
    alarms_go_off();
    what_cannot_be_is_refused();
    check(set(control, YEAR_2040 * SECOND_NS, TIME_SOURCE_PERSON, false) == TIME_CONTROL_OUTCOME_DONE, "set", STATUS_OK);
    if (failures == 0) {
        SAY("time_client: as it should be\n");
    }
    return failures == 0 ? 0 : 1;
}
