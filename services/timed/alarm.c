// Alarms, as clients set and see them.
#include "abi/gen/stubs.h"
#include "base/str.h"
#include "lib/tess/handle.h"
#include "services/timed/timed.h"

static bool signal_watcher(handle_t watcher, uint64_t bits) {
    return status_ok(tess_signal(watcher, bits));
}

void alarm_begin(void) {
    timed.alarms.signal = signal_watcher;
    timed.alarms.close = tess_close;
}

status_t alarm_set(void *, struct rpc_request *request, struct time_set_alarm_params params, struct time_set_alarm_results_builder results) {
    const handle_t given = time_set_alarm_params_get_watcher(params).handle;
    struct alarm alarm = {
        .on_wall = time_set_alarm_params_get_wall(params),
        .holder = badge_holder(request->badge),
        .start_ns = time_set_alarm_params_get_at_ns(params),
        .period_ns = time_set_alarm_params_get_period_ns(params),
        .bits = time_set_alarm_params_get_bits(params),
    };
    TRY(rpc_well_formed(request));
    if (alarm.period_ns != 0 && alarm.period_ns < ALARM_PERIOD_MIN_NS) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a period is 10 ms or more; a timer of the kernel's goes faster");
    }
    if (alarm.bits == 0 || !signal_watcher(given, 0)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a watcher is a notification that can be signalled, and has bits");
    }
    alarm.watcher = rpc_request_keep(request, given); // as it came: of a copy nobody would know by which request
    const uint32_t id = alarms_add(&timed.alarms, &alarm);
    if (id == 0) {
        tess_close(alarm.watcher);
        return rpc_refuse(request, RPC_OVERLOADED, "a caller has at most %zu alarms, and all together %zu", ALARMS_OF_ONE_MAX, ALARMS_MAX);
    }
    time_set_alarm_results_set_id(results, id);
    return STATUS_OK;
}

status_t alarm_cancel(void *, struct rpc_request *request, struct time_cancel_alarm_params params,
                      struct time_cancel_alarm_results_builder results) {
    const uint32_t id = time_cancel_alarm_params_get_id(params);
    TRY(rpc_well_formed(request));
    time_cancel_alarm_results_set_found(
        results, alarms_cancel(&timed.alarms, badge_holder(request->badge), badge_controls(request->badge), id));
    return STATUS_OK;
}

// One of those that the caller may see, by number from 0; null at the end.
static const struct alarm *visible(uint64_t badge, uint32_t number) {
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        const struct alarm *alarm = &timed.alarms.entries[i];
        if (alarm->id != 0 && (badge_controls(badge) || alarm->holder == badge_holder(badge)) && number-- == 0) {
            return alarm;
        }
    }
    return nullptr;
}

status_t alarm_list(void *, struct rpc_request *request, struct time_alarms_params params, struct time_alarms_results_builder results) {
    constexpr uint32_t FIT = (MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 8) / (TIME_ALARM_DATA_WORDS + TIME_ALARM_POINTERS + NAME_BYTES / CAPNP_WORD_BYTES);
    const uint32_t first = time_alarms_params_get_first(params);
    TRY(rpc_well_formed(request));
    uint32_t total = 0;
    while (visible(request->badge, total) != nullptr) {
        total++;
    }
    const uint32_t left = total > first ? total - first : 0, count = left < FIT ? left : FIT;
    const struct time_alarm_list_builder list = time_alarms_results_init_alarms(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct alarm *from = visible(request->badge, first + i);
        const struct time_alarm_builder to = time_alarm_list_edit(list, i);
        char holder[NAME_BYTES];
        time_alarm_set_id(to, from->id);
        time_alarm_set_wall(to, from->on_wall);
        time_alarm_set_next_ns(to, from->next_ns);
        time_alarm_set_period_ns(to, from->period_ns);
        time_alarm_set_fired(to, from->fired);
        time_alarm_set_missed(to, from->missed);
        time_alarm_set_holder(to, capnp_text(roster_name(timed.roster, from->holder, holder)));
    }
    time_alarms_results_set_total(results, total);
    return STATUS_OK;
}
