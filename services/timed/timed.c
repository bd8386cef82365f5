// timed: the one authority for the time of day. Wiring only: clock, chip, zones and alarms are lib/time, the contract idl/time.capnp.
//
// CapSet: `time` (RECEIVE), `roster`; `rtc` (ports or registers), `zones` (file) and `config`, which it does without where it must.
#include "services/timed/timed.h"

#include "abi/gen/stubs.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"

struct timed timed;

static struct rpc_server server;

static status_t status(void *, struct rpc_request *, struct time_status_params, struct time_status_results_builder results) {
    const struct time_status_builder status = time_status_results_init_status(results);
    wall_put_status(status);
    zones_put_status(status);
    return STATUS_OK;
}

static const struct time_control_server methods = {
    .time = {.now = wall_now_method,
             .status = status,
             .local = zones_local,
             .instants = zones_instants,
             .zones = zones_list,
             .set_alarm = alarm_set,
             .cancel_alarm = alarm_cancel,
             .alarms = alarm_list},
    .set = wall_set_method,
    .read_chip = wall_read_chip_method,
};

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t before_wait(void) {
    return least(least(wall_next_poll(), zones_next_look()), alarms_next(&timed.alarms, &timed.wall));
}

static void when_due(void) {
    const uint64_t now_ns = tess_now_ns();
    wall_poll(now_ns);
    zones_look(now_ns);
    alarms_run(&timed.alarms, tess_now_ns(), &timed.wall);
}

static void signalled(uint64_t) {
    zones_setting_changed();
}

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? time_control_dispatch(&methods, nullptr, request)
                                          : time_dispatch(&methods.time, nullptr, request);
}

static const struct service service = {
    .provides = "time",
    .interface_id = TIME_ID,
    .accept = 1, // a watcher
    .before_wait = before_wait,
    .when_due = when_due,
    .signalled = signalled,
};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    const handle_t endpoint = tess_cap_required("time", TIME_ID);
    timed.roster = roster_open("roster");
    alarm_begin();
    wall_begin();
    zones_begin();
    if (tess_handle_valid(zones_events()) && !status_ok(tess_notification_bind(zones_events(), endpoint))) {
        tess_panic("timed: the notification cannot be bound");
    }
    return service_run(&service, &server, dispatch);
}
