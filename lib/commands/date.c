// date, alarm: the time of day, zones, and waiting for a moment (timed).
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/time.capnp.h"
#include "lib/badge/badge.h"
#include "lib/shell/options.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/time/civil.h"

constexpr size_t ZONE_BYTES = TIME_ZONE_MAX_BYTES + 1;
constexpr int64_t SECOND_NS = 1'000'000'000;
constexpr uint64_t PERSON_UNCERTAINTY_NS = 1'000'000'000; // who types a time has looked at a clock that shows seconds

static uint64_t held[MESSAGE_PAGE_BYTES / sizeof(uint64_t)]; // results: printing uses the message page

static bool find_time(struct time *out) {
    return status_ok(tess_cap("time", TIME_ID, &out->handle));
}

static struct time_control control_of(struct time time) {
    return (struct time_control){time.handle};
}

static int refused(const struct rpc_call *call, const char *what, status_t status) {
    char why[RPC_TEXT_BYTES];
    (void)rpc_exception_text(call, why);
    return fail("%s: %s\n", what, why[0] != '\0' ? why : status_text(status));
}

static const char *copied(char *to, size_t size, struct capnp_text text) {
    shell_printable(to, size, text.bytes, text.len);
    return to;
}

static const char *source_name(enum time_source source) {
    static const char *const names[] = {"nowhere", "the real-time clock", "a person", "the network"};
    return source < sizeof(names) / sizeof(names[0]) ? names[source] : "?";
}

// ---- showing ----

// "2026-11-22 05:10:55 CET (+01:00), Sunday".
static status_t print_local(struct time time, struct rpc_call *call, const char *zone, int64_t seconds) {
    static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    struct time_local_results results;
    char abbreviation[16];
    TRY(time_call_local(time, call, capnp_text(zone), seconds, rpc_patience(), &results));
    rpc_hold(call, held, &results.s);
    const struct time_civil civil = time_local_results_get_civil(results);
    const int32_t offset = time_local_results_get_offset(results), size = offset < 0 ? -offset : offset;
    const uint8_t weekday = time_local_results_get_weekday(results);
    (void)copied(abbreviation, sizeof(abbreviation), time_local_results_get_abbreviation(results));
    out("%04d-%02u-%02u %02u:%02u:%02u %s (%c%02d:%02d), %s", time_civil_get_year(civil), time_civil_get_month(civil), time_civil_get_day(civil),
        time_civil_get_hour(civil), time_civil_get_minute(civil), time_civil_get_second(civil), abbreviation, offset < 0 ? '-' : '+',
        size / 3600, size / 60 % 60, weekday < 7 ? days[weekday] : "?");
    return STATUS_OK;
}

static int64_t seconds_of(int64_t ns) {
    return ns / SECOND_NS - (ns % SECOND_NS < 0);
}

static int no_time(struct time time) {
    RPC_CALL(call);
    struct time_status_results results;
    char problem[RPC_TEXT_BYTES] = "";
    if (status_ok(time_call_status(time, &call, rpc_patience(), &results))) {
        (void)copied(problem, sizeof(problem), time_status_get_chip_problem(time_status_results_get_status(results)));
    }
    return fail("date: the time is not known; the real-time clock: %s. `date set` sets it\n", problem);
}

static int show(struct time time, const char *zone) {
    RPC_CALL(call);
    struct time_now_results now;
    char precision[SHELL_NUMBER_BYTES];
    status_t status = time_call_now(time, &call, rpc_patience(), &now);
    if (!status_ok(status)) {
        return refused(&call, "date", status);
    }
    const enum time_source source = time_now_results_get_source(now);
    const int64_t wall_ns = time_now_results_get_wall_ns(now);
    const uint64_t uncertainty_ns = time_now_results_get_uncertainty_ns(now);
    if (source == TIME_SOURCE_UNKNOWN) {
        return no_time(time);
    }
    status = print_local(time, &call, zone, seconds_of(wall_ns));
    if (!status_ok(status)) {
        return refused(&call, "date", status);
    }
    out("; within %s, from %s\n", shell_duration(precision, uncertainty_ns), source_name(source));
    return COMMAND_OK;
}

static int show_status(struct time time) {
    RPC_CALL(call);
    struct time_status_results results;
    char text[RPC_TEXT_BYTES], number[SHELL_NUMBER_BYTES];
    const status_t status = time_call_status(time, &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, "date", status);
    }
    rpc_hold(&call, held, &results.s);
    const struct time_status now = time_status_results_get_status(results);
    const enum time_source source = time_status_get_source(now);
    out("source       %s\n", source_name(source));
    if (source != TIME_SOURCE_UNKNOWN) {
        const uint64_t since_ns = tess_now_ns() - time_status_get_set_ns(now);
        (void)copied(text, sizeof(text), time_status_get_set_by(now));
        out("set          %s ago%s%s\n", shell_duration(number, since_ns), text[0] != '\0' ? " by " : "", text);
        out("off by       %s at most, and %u us more each second\n", shell_duration(number, time_status_get_uncertainty_ns(now)),
            time_status_get_drift_ppm(now));
        const int64_t slew = time_status_get_slew_ns(now);
        out("slewing      %s%s\n", slew < 0 ? "-" : "", shell_duration(number, slew < 0 ? (uint64_t)-slew : (uint64_t)slew));
    }
    (void)copied(text, sizeof(text), time_status_get_chip(now));
    out("chip         %s", text[0] != '\0' ? text : "none that is known");
    (void)copied(text, sizeof(text), time_status_get_chip_problem(now));
    out("%s%s\n", text[0] != '\0' ? ": " : "", text);
    out("zone         %s, of %u", copied(text, sizeof(text), time_status_get_zone(now)), time_status_get_zones(now));
    (void)copied(text, sizeof(text), time_status_get_zone_problem(now));
    out("%s%s\n", text[0] != '\0' ? "; " : "", text);
    return COMMAND_OK;
}

// ---- zones ----

// Each name that begins so. What it is given is good until it returns; it may print, but not call.
static status_t each_name(struct time time, const char *prefix, void (*function)(void *context, const char *name), void *context) {
    uint32_t first = 0, count = 0, total = 0;
    do {
        RPC_CALL(call);
        struct time_zones_results results;
        TRY(time_call_zones(time, &call, capnp_text(prefix), first, rpc_patience(), &results));
        rpc_hold(&call, held, &results.s);
        const struct capnp_text_list names = time_zones_results_get_names(results);
        count = capnp_text_list_count(names);
        total = time_zones_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            char name[ZONE_BYTES];
            function(context, copied(name, sizeof(name), capnp_text_list_get(names, i)));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

void each_zone(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context) {
    struct time time;
    char begin[ZONE_BYTES];
    if (str_copy_bytes(begin, sizeof(begin), prefix, prefix_bytes) && find_time(&time)) {
        (void)each_name(time, begin, function, context); // what cannot be asked for is not offered
    }
}

static void print_zone(void *, const char *name) {
    out("%s\n", name);
}

// ---- setting ----

static int outcome_said(enum time_control_outcome outcome) {
    static const char *const texts[] = {"", "the time can be set to 1970 up to 2200",
                                        "that is more than an hour off, or the time is not known: set it without -s",
                                        "there is no chip that can be read; see `date -v`"};
    return outcome == TIME_CONTROL_OUTCOME_DONE ? COMMAND_OK
                                                : fail("date: %s\n", outcome < sizeof(texts) / sizeof(texts[0]) ? texts[outcome] : "?");
}

// The moment that a person means: "2026-11-22 05:10" in a zone; of two the earlier.
static bool moment_of(struct time time, const char *text, const char *zone, int64_t *seconds) {
    RPC_CALL(call);
    struct civil civil;
    struct time_instants_results results;
    if (!civil_parse(text, strlen(text), &civil)) {
        return misused("date: `%s` is no time; 2026-11-22 05:10 is one\n", text) == COMMAND_OK;
    }
    const struct time_instants_params_builder params = time_begin_instants(time, &call);
    const struct time_civil_builder to = time_instants_params_init_civil(params);
    time_instants_params_set_zone(params, capnp_text(zone));
    time_civil_set_year(to, civil.year);
    time_civil_set_month(to, civil.month);
    time_civil_set_day(to, civil.day);
    time_civil_set_hour(to, civil.hour);
    time_civil_set_minute(to, civil.minute);
    time_civil_set_second(to, civil.second);
    const status_t status = time_finish_instants(&call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, "date", status) == COMMAND_OK;
    }
    rpc_hold(&call, held, &results.s);
    *seconds = time_instants_results_get_first(results);
    switch (time_instants_results_get_match(results)) {
    case TIME_MATCH_ONCE: break;
    case TIME_MATCH_TWICE: out("This comes twice, because clocks are put back; the earlier one is taken.\n"); break;
    default: return fail("date: clocks there never say this: they are put forward over it\n") == COMMAND_OK;
    }
    return true;
}

static int set(struct time time, const struct arguments *arguments, const char *zone) {
    RPC_CALL(call);
    const bool slew = arguments->count > 2 && str_equal(arguments->words[2], "-s");
    const size_t at = slew ? 3 : 2;
    char text[32];
    int64_t seconds;
    struct time_control_set_results results;
    if (arguments->count == 3 && str_equal(arguments->words[2], "rtc")) {
        struct time_control_read_chip_results read;
        const status_t status = time_control_call_read_chip(control_of(time), &call, rpc_patience(), &read);
        return status_ok(status) ? outcome_said(time_control_read_chip_results_get_outcome(read)) : refused(&call, "date", status);
    }
    if (arguments->count < at + 1 || arguments->count > at + 2) {
        return misused("usage: date set [-s] YYYY-MM-DD HH:MM[:SS], date set rtc\n");
    }
    fmt_snprintf(text, sizeof(text), "%s%s%s", arguments->words[at], arguments->count > at + 1 ? " " : "",
                 arguments->count > at + 1 ? arguments->words[at + 1] : "");
    if (!moment_of(time, text, zone, &seconds)) {
        return COMMAND_FAILED;
    }
    if (seconds < 0 || seconds > INT64_MAX / SECOND_NS) {
        return outcome_said(TIME_CONTROL_OUTCOME_OUT_OF_RANGE);
    }
    const status_t status = time_control_call_set(control_of(time), &call, seconds * SECOND_NS, PERSON_UNCERTAINTY_NS, TIME_SOURCE_PERSON,
                                                  slew, rpc_patience(), &results);
    return status_ok(status) ? outcome_said(time_control_set_results_get_outcome(results)) : refused(&call, "date", status);
}

int command_date(const struct arguments *arguments) {
    const char *word = arguments->count > 1 ? arguments->words[1] : "";
    const char *more = arguments->count > 2 ? arguments->words[2] : "";
    struct time time;
    if (!find_time(&time)) {
        return fail_ungranted("date", "time", TIME_ID);
    }
    if (str_equal(word, "set")) {
        return identity_check("date", "time", nullptr) == COMMAND_OK ? set(time, arguments, "") : COMMAND_FAILED;
    }
    if (str_equal(word, "-z") && arguments->count <= 3) {
        const status_t status = each_name(time, more, print_zone, nullptr);
        return status_ok(status) ? COMMAND_OK : out_problem("date", status);
    }
    if (arguments->count > 2 || (word[0] == '-' && !str_equal(word, "-u") && !str_equal(word, "-v"))) {
        return misused("usage: date [-u|-v|ZONE], date -z [PREFIX], date set [-s] YYYY-MM-DD HH:MM[:SS], date set rtc\n");
    }
    return str_equal(word, "-v") ? show_status(time) : show(time, str_equal(word, "-u") ? "UTC" : word);
}

// ---- alarms ----

// "10s", "250ms", "5m", "2h". False: it is none.
static bool parse_duration(const char *text, uint64_t *ns) {
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
    size_t digits = 0;
    uint64_t number;
    while (char_is_digit(text[digits])) {
        digits++;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_equal(text + digits, units[i].unit)) {
            return str_parse_u64(text, digits, &number) && !__builtin_mul_overflow(number, units[i].ns, ns) && *ns <= INT64_MAX / 2;
        }
    }
    return false;
}

static int list_alarms(struct time time) {
    uint32_t first = 0, count = 0, total = 0;
    table_begin(&shell.table, ">ID CLOCK >NEXT >PERIOD >FIRED >MISSED HOLDER", out_sink, nullptr);
    do {
        RPC_CALL(call);
        struct time_alarms_results results;
        const status_t status = time_call_alarms(time, &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("alarm", status);
        }
        rpc_hold(&call, held, &results.s);
        const struct time_alarm_list alarms = time_alarms_results_get_alarms(results);
        count = time_alarm_list_count(alarms);
        total = time_alarms_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            const struct time_alarm alarm = time_alarm_list_get(alarms, i);
            char holder[NAME_BYTES], period[SHELL_NUMBER_BYTES];
            table_cell(&shell.table, "%u", time_alarm_get_id(alarm));
            table_cell(&shell.table, "%s", time_alarm_get_wall(alarm) ? "wall" : "monotonic");
            table_cell(&shell.table, "%ld", seconds_of(time_alarm_get_next_ns(alarm)));
            table_cell(&shell.table, "%s", time_alarm_get_period_ns(alarm) == 0 ? "-" : shell_duration(period, time_alarm_get_period_ns(alarm)));
            table_cell(&shell.table, "%llu", (unsigned long long)time_alarm_get_fired(alarm));
            table_cell(&shell.table, "%llu", (unsigned long long)time_alarm_get_missed(alarm));
            table_cell(&shell.table, "%s", copied(holder, sizeof(holder), time_alarm_get_holder(alarm)));
        }
        first += count;
    } while (count > 0 && first < total);
    table_end(&shell.table);
    return COMMAND_OK;
}

static int cancel(struct time time, const char *text) {
    RPC_CALL(call);
    struct time_cancel_alarm_results results;
    uint64_t id;
    if (!str_parse_u64(text, strlen(text), &id) || id > UINT32_MAX) {
        return misused("alarm: `%s` is no number of an alarm\n", text);
    }
    const status_t status = time_call_cancel_alarm(time, &call, (uint32_t)id, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, "alarm", status);
    }
    return time_cancel_alarm_results_get_found(results) ? COMMAND_OK : fail("alarm: there is no alarm %s\n", text);
}

// Whether timed still knows of it.
static bool is_set(struct time time, uint32_t id) {
    uint32_t first = 0, count = 0;
    do {
        RPC_CALL(call);
        struct time_alarms_results results;
        if (!status_ok(time_call_alarms(time, &call, first, rpc_patience(), &results))) {
            return true; // it could not be asked: later
        }
        const struct time_alarm_list alarms = time_alarms_results_get_alarms(results);
        count = time_alarm_list_count(alarms);
        for (uint32_t i = 0; i < count; i++) {
            if (time_alarm_get_id(time_alarm_list_get(alarms, i)) == id) {
                return true;
            }
        }
        first += count;
    } while (count > 0);
    return false;
}

static int wait_for(struct time time, bool wall, int64_t at_ns, uint64_t period_ns) {
    RPC_CALL(call);
    struct time_set_alarm_results results;
    const status_t status = time_call_set_alarm(time, &call, wall, at_ns, period_ns, (struct notification){shell.events}, BIT_ALARM, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, "alarm", status);
    }
    const uint32_t id = time_set_alarm_results_get_id(results);
    uint64_t bits;
    while (shell_wait_for_more(&bits)) {
        if (bits == 0 && !is_set(time, id) && (!status_ok(shell_take_events(&bits, DEADLINE_POLL)) || bits == 0)) {
            return fail("alarm: timed was started anew, and has forgotten it\n");
        }
        if ((bits & BIT_ALARM) != 0) {
            out("alarm %u\n", id);
            if (period_ns == 0) {
                return COMMAND_OK;
            }
        }
    }
    (void)time_call_cancel_alarm(time, &call, id, rpc_patience(), nullptr); // if it is still there
    return COMMAND_INTERRUPTED;
}

int command_alarm(const struct arguments *arguments) {
    const char *const *words = arguments->words;
    uint64_t after_ns, period_ns = 0;
    int64_t seconds;
    struct time time;
    if (!find_time(&time)) {
        return fail_ungranted("alarm", "time", TIME_ID);
    }
    if (arguments->count == 1) {
        return list_alarms(time);
    }
    if (arguments->count == 3 && str_equal(words[1], "cancel")) {
        return cancel(time, words[2]);
    }
    if (arguments->count == 3 && str_equal(words[1], "every") && parse_duration(words[2], &period_ns)) {
        return wait_for(time, false, (int64_t)(tess_now_ns() + period_ns), period_ns);
    }
    if (arguments->count == 2 && parse_duration(words[1], &after_ns)) {
        return wait_for(time, false, (int64_t)(tess_now_ns() + after_ns), 0);
    }
    if (arguments->count <= 3) {
        char text[32];
        fmt_snprintf(text, sizeof(text), "%s%s%s", words[1], arguments->count == 3 ? " " : "", arguments->count == 3 ? words[2] : "");
        struct civil ignored;
        if (civil_parse(text, strlen(text), &ignored)) {
            if (!moment_of(time, text, "", &seconds)) {
                return COMMAND_FAILED;
            }
            if (seconds < INT64_MIN / SECOND_NS || seconds > INT64_MAX / SECOND_NS) {
                return fail("alarm: that is too far\n");
            }
            return wait_for(time, true, seconds * SECOND_NS, 0);
        }
    }
    return misused("usage: alarm, alarm 10s|5m|2h, alarm every 10s, alarm YYYY-MM-DD HH:MM[:SS], alarm cancel ID\n");
}
