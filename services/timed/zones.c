// Zones: those of the package, which one the settings name, and conversions.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "services/timed/timed.h"

#define SETTING "time.zone"

constexpr uint64_t PATIENCE_MS = 1000; // for the settings, while others wait for us
constexpr uint64_t LOOK_AGAIN_MS = 30'000;
constexpr uint64_t BIT_SETTING = 1;

static struct zones zones;
static char current[ZONE_NAME_BYTES] = "UTC"; // a zone that there is
static char problem[ZONE_NAME_BYTES + 64];

static struct config config; // 0: not granted
static handle_t events;
static uint64_t epoch, next_look_ns = UINT64_MAX;

// ---- the setting ----

static void take_setting(const char *name) {
    struct zone ignored;
    if (zones_find(&zones, capnp_text(name), &ignored)) {
        (void)str_copy(current, sizeof(current), name); // no name of a zone is longer: find has found it
        problem[0] = '\0';
    } else { // the one that held goes on
        fmt_snprintf(problem, sizeof(problem), "there is no zone `%s`", name);
    }
}

void zones_setting_changed(void) {
    RPC_CALL(call);
    struct config_get_results results;
    const status_t status = config_call_get(config, &call, CAPNP_TEXT(SETTING), tess_deadline_after_ms(PATIENCE_MS), &results);
    if (!status_ok(status)) {
        fmt_snprintf(problem, sizeof(problem), "the setting cannot be read: %s", rpc_status_text(status));
        return;
    }
    char name[ZONE_NAME_BYTES];
    const struct capnp_text text = config_value_get_text(config_get_results_get_value(results));
    if (str_copy_bytes(name, sizeof(name), text.bytes, text.len)) {
        take_setting(name);
    } else {
        fmt_snprintf(problem, sizeof(problem), "the setting is too long");
    }
}

static void watch(void) {
    RPC_CALL(call);
    struct config_watch_results results;
    if (status_ok(config_call_watch(config, &call, CAPNP_TEXT(SETTING), (struct notification){events}, BIT_SETTING, tess_deadline_after_ms(PATIENCE_MS), &results))) {
        epoch = config_watch_results_get_epoch(results);
    }
    zones_setting_changed();
}

uint64_t zones_next_look(void) {
    return next_look_ns;
}

// A successor of the service that keeps the settings does not know that we watch. Whoever has not answered is asked again later.
void zones_look(uint64_t now_ns) {
    RPC_CALL(call);
    struct config_revision_results results;
    if (now_ns < next_look_ns) {
        return;
    }
    next_look_ns = tess_deadline_after_ms(LOOK_AGAIN_MS);
    if (status_ok(config_call_revision(config, &call, tess_deadline_after_ms(PATIENCE_MS), &results)) &&
        config_revision_results_get_epoch(results) != epoch) {
        watch();
    }
}

handle_t zones_events(void) {
    return events;
}

void zones_begin(void) {
    handle_t file;
    uint64_t len_bytes, committed_bytes, address;
    // Without zones there is UTC.
    if (status_ok(tess_cap("zones", 0, &file)) && status_ok(tess_vmo_info(file, &len_bytes, &committed_bytes)) &&
        status_ok(tess_vspace_map(tess_self_vspace(), file, 0, len_bytes, 0, PROT_READ, &address)) &&
        !zones_open((const void *)(uintptr_t)address, (size_t)len_bytes, &zones)) {
        zones.count = 0;
    }
    if (status_ok(tess_cap("config", CONFIG_ID, &config.handle)) &&
        status_ok(tess_account_create_notification(tess_self_account(), &events))) {
        next_look_ns = 0; // the first look watches: no start of that service has the epoch 0
    }
}

void zones_put_status(struct time_status_builder status) {
    time_status_set_zone(status, capnp_text(current));
    time_status_set_zone_problem(status, capnp_text(problem));
    time_status_set_zones(status, zones.count);
}

// ---- conversions ----

// The zone of this name; the one that holds where it is empty, whose name *name becomes.
static status_t find(struct rpc_request *request, struct capnp_text *name, struct zone *out) {
    TRY(rpc_well_formed(request));
    if (name->len == 0) {
        *name = capnp_text(current);
    }
    return zones_find(&zones, *name, out) ? STATUS_OK
                                          : rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no such zone; `date -z` lists them");
}

status_t zones_local(void *, struct rpc_request *request, struct time_local_params params, struct time_local_results_builder results) {
    struct capnp_text name = time_local_params_get_zone(params);
    const int64_t seconds = time_local_params_get_seconds(params);
    struct zone zone;
    TRY(find(request, &name, &zone));
    if (seconds < CIVIL_SECONDS_MIN + DAY_SECONDS || seconds > CIVIL_SECONDS_MAX - DAY_SECONDS) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "years go from %d to %d", CIVIL_YEAR_MIN, CIVIL_YEAR_MAX);
    }
    const struct zone_offset offset = zone_at(&zone, seconds);
    const struct civil civil = civil_from_seconds(seconds + offset.seconds);
    const struct time_civil_builder to = time_local_results_init_civil(results);
    time_civil_set_year(to, civil.year);
    time_civil_set_month(to, civil.month);
    time_civil_set_day(to, civil.day);
    time_civil_set_hour(to, civil.hour);
    time_civil_set_minute(to, civil.minute);
    time_civil_set_second(to, civil.second);
    time_local_results_set_weekday(results, civil_weekday(civil_days(civil.year, civil.month, civil.day)));
    time_local_results_set_offset(results, offset.seconds);
    time_local_results_set_daylight(results, offset.is_dst);
    time_local_results_set_abbreviation(results, capnp_text(offset.abbreviation));
    time_local_results_set_zone(results, name);
    return STATUS_OK;
}

status_t zones_instants(void *, struct rpc_request *request, struct time_instants_params params,
                        struct time_instants_results_builder results) {
    struct capnp_text name = time_instants_params_get_zone(params);
    const struct time_civil from = time_instants_params_get_civil(params);
    const struct civil civil = {
        .year = time_civil_get_year(from),
        .month = time_civil_get_month(from),
        .day = time_civil_get_day(from),
        .hour = time_civil_get_hour(from),
        .minute = time_civil_get_minute(from),
        .second = time_civil_get_second(from),
    };
    struct zone zone;
    int64_t first, second;
    TRY(find(request, &name, &zone));
    // The years at the ends are left out: a moment lies up to a day beside what is said there.
    if (!civil_is_valid(civil) || civil.year == CIVIL_YEAR_MIN || civil.year == CIVIL_YEAR_MAX) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no such date or time");
    }
    static_assert((int)ZONE_ONCE == TIME_MATCH_ONCE && (int)ZONE_TWICE == TIME_MATCH_TWICE && (int)ZONE_NEVER == TIME_MATCH_NEVER);
    time_instants_results_set_match(results, (enum time_match)zone_instants(&zone, civil, &first, &second));
    time_instants_results_set_first(results, first);
    time_instants_results_set_second(results, second);
    return STATUS_OK;
}

static bool begins(struct capnp_text name, struct capnp_text prefix) {
    return name.len >= prefix.len && memcmp(name.bytes, prefix.bytes, prefix.len) == 0;
}

status_t zones_list(void *, struct rpc_request *request, struct time_zones_params params, struct time_zones_results_builder results) {
    const struct capnp_text prefix = time_zones_params_get_prefix(params);
    const uint32_t skip = time_zones_params_get_first(params);
    const struct capnp_text release = time_zone_files_get_release(zones.files);
    TRY(rpc_well_formed(request));
    const uint32_t from = zones_first(&zones, prefix);
    size_t words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 8 - release.len / CAPNP_WORD_BYTES;
    uint32_t end = from, count = 0;
    bool full = false;
    for (; end < zones.count && begins(zones_name(&zones, end), prefix); end++) {
        const size_t words = 2 + zones_name(&zones, end).len / CAPNP_WORD_BYTES;
        full = full || words > words_left;
        if (!full && end - from >= skip) {
            words_left -= words;
            count++;
        }
    }
    const struct capnp_text_list_builder names = time_zones_results_init_names(results, count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(names, i, zones_name(&zones, from + skip + i));
    }
    time_zones_results_set_total(results, end - from);
    time_zones_results_set_release(results, release);
    return STATUS_OK;
}
