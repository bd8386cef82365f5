// The parts of timed, and the one state that they share. It is a single thread.
//
//   timed.c   bring-up and the loop      wall.c   the wall clock, and the chip that it is read from
//   zones.c   zones and conversions      alarm.c  alarms
#pragma once

#include "idl/time.capnp.h"
#include "lib/badge/badge.h"
#include "lib/roster/roster.h"
#include "lib/time/alarm.h"
#include "lib/time/wall.h"
#include "lib/time/zones.h"
#include "services/timed/chip.h"

constexpr size_t ZONE_NAME_BYTES = TIME_ZONE_MAX_BYTES + 1;

struct timed {
    const struct roster *roster;
    struct wall wall;
    struct alarms alarms;
};

extern struct timed timed;

// --- wall.c ---

void wall_begin(void);                // reads the chip for the first time
void wall_poll(uint64_t now_ns);      // reads it again, while that makes it more precise
uint64_t wall_next_poll(void);        // when that is; UINT64_MAX: no more
void wall_put_status(struct time_status_builder status);
status_t wall_now_method(void *, struct rpc_request *, struct time_now_params, struct time_now_results_builder results);
status_t wall_set_method(void *, struct rpc_request *request, struct time_control_set_params params,
                         struct time_control_set_results_builder results);
status_t wall_read_chip_method(void *, struct rpc_request *request, struct time_control_read_chip_params,
                               struct time_control_read_chip_results_builder results);

// --- zones.c ---

void zones_begin(void);               // the package's zones, and the setting
void zones_setting_changed(void);     // reads the setting anew
void zones_look(uint64_t now_ns);     // whether those who keep settings still know that we watch
uint64_t zones_next_look(void);
void zones_put_status(struct time_status_builder status);
status_t zones_local(void *, struct rpc_request *request, struct time_local_params params, struct time_local_results_builder results);
status_t zones_instants(void *, struct rpc_request *request, struct time_instants_params params,
                        struct time_instants_results_builder results);
status_t zones_list(void *, struct rpc_request *request, struct time_zones_params params, struct time_zones_results_builder results);

// The notification of settings, bound to the service's endpoint; 0: there is none.
handle_t zones_events(void);

// --- alarm.c ---

void alarm_begin(void);
status_t alarm_set(void *, struct rpc_request *request, struct time_set_alarm_params params, struct time_set_alarm_results_builder results);
status_t alarm_cancel(void *, struct rpc_request *request, struct time_cancel_alarm_params params,
                      struct time_cancel_alarm_results_builder results);
status_t alarm_list(void *, struct rpc_request *request, struct time_alarms_params params, struct time_alarms_results_builder results);
