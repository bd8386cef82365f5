// metrics, status: figures of the system, and how well it is.
#include "idl/metrics.capnp.h"

#include "lib/commands/shell.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/shell/options.h"
#include "lib/tess/capset.h"

constexpr size_t NAME_SHOWN = 48, REASON_SHOWN = 128;

const struct metrics_definition shell_figures[SHELL_FIGURES] = {
    [SHELL_COMMAND_TIME] = {"shell_command_time", "How long commands of the shell took.", METRICS_KIND_HISTOGRAM, METRICS_UNIT_NANOSECONDS},
    [SHELL_COMMANDS_FAILED] = {"shell_commands_failed", "Commands of the shell that failed.", METRICS_KIND_COUNTER, METRICS_UNIT_NONE},
};

static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];

static bool the_metrics(struct metrics *metrics) {
    return status_ok(tess_cap("metrics", METRICS_ID, &metrics->handle));
}

static const char *shown(char *out, size_t size, struct capnp_text text) {
    shell_printable(out, size, text.bytes, text.len);
    return out;
}

static const char *value_text(char out[SHELL_NUMBER_BYTES], enum metrics_unit unit, int64_t value) {
    if (unit == METRICS_UNIT_BYTES && value >= 0) {
        return shell_size(out, (uint64_t)value);
    }
    if (unit == METRICS_UNIT_NANOSECONDS && value >= 0) {
        return shell_duration(out, (uint64_t)value);
    }
    fmt_snprintf(out, SHELL_NUMBER_BYTES, "%ld", value);
    return out;
}

// Nanoseconds and bytes are told apart from mere numbers here, too; short times are shown exactly.
static void duration_cell(enum metrics_unit unit, uint64_t value) {
    char text[SHELL_NUMBER_BYTES];
    if (unit == METRICS_UNIT_NANOSECONDS && value < 1'000'000) {
        table_cell(&shell.table, "%lu ns", value);
    } else {
        table_cell(&shell.table, "%s", value_text(text, unit, (int64_t)(value < INT64_MAX ? value : INT64_MAX)));
    }
}

static void print_sample(struct metrics_sample sample) {
    char name[NAME_SHOWN], source[NAME_SHOWN];
    const enum metrics_unit unit = metrics_sample_get_unit(sample);
    table_cell(&shell.table, "%s", shown(name, sizeof(name), metrics_sample_get_name(sample)));
    table_cell(&shell.table, "%s", shown(source, sizeof(source), metrics_sample_get_source(sample)));
    if (metrics_sample_get_kind(sample) == METRICS_KIND_HISTOGRAM) {
        table_cell(&shell.table, "%lu values", metrics_sample_get_count(sample));
        duration_cell(unit, metrics_sample_get_median(sample));
        duration_cell(unit, metrics_sample_get_p99(sample));
        duration_cell(unit, metrics_sample_get_greatest(sample));
    } else {
        char text[SHELL_NUMBER_BYTES];
        table_cell(&shell.table, "%s", value_text(text, unit, metrics_sample_get_value(sample)));
        for (int i = 0; i < 3; i++) {
            table_cell(&shell.table, "%s", "");
        }
    }
}

static int print_samples(struct metrics metrics, const char *prefix) {
    uint64_t after = 0, count = 0;
    table_begin(&shell.table, "NAME SOURCE >VALUE >MEDIAN >99% >GREATEST", out_sink, nullptr);
    for (bool more = true; more;) {
        RPC_CALL(call);
        struct metrics_samples_results results;
        const status_t status = metrics_call_samples(metrics, &call, after, capnp_text(prefix), rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("metrics", status);
        }
        rpc_hold(&call, page, &results.s); // printing uses the message page
        const struct metrics_sample_list list = metrics_samples_results_get_samples(results);
        for (uint32_t i = 0; i < metrics_sample_list_count(list); i++) {
            print_sample(metrics_sample_list_get(list, i));
        }
        count += metrics_sample_list_count(list);
        more = metrics_samples_results_get_more(results) && metrics_samples_results_get_next(results) > after;
        after = metrics_samples_results_get_next(results);
    }
    if (count == 0) {
        return fail("metrics: no figure has a name that begins with `%s`\n", prefix);
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

static int print_prometheus(struct metrics metrics) {
    uint64_t after = 0;
    for (bool more = true; more;) {
        RPC_CALL(call);
        struct metrics_prometheus_results results;
        const status_t status = metrics_call_prometheus(metrics, &call, after, rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("metrics", status);
        }
        rpc_hold(&call, page, &results.s);
        const struct capnp_text text = metrics_prometheus_results_get_text(results);
        out_sink(nullptr, text.bytes, text.len);
        more = metrics_prometheus_results_get_more(results) && metrics_prometheus_results_get_next(results) > after;
        after = metrics_prometheus_results_get_next(results);
    }
    return COMMAND_OK;
}

int command_metrics(const struct arguments *arguments) {
    struct shell_options options = shell_options(arguments->words, arguments->count);
    struct metrics metrics;
    bool prometheus = false;
    for (int option; (option = shell_next_option(&options, "p(prometheus)")) != OPTION_DONE;) {
        if (option != 'p') {
            return misused("metrics: there is no option `%s`; see `help metrics`\n", options.value);
        }
        prometheus = true;
    }
    if (options.at + 1 < options.count || (prometheus && options.at < options.count)) {
        return misused("metrics: `%s` is too much; see `help metrics`\n", options.words[options.count - 1]);
    }
    if (!the_metrics(&metrics)) {
        return fail_ungranted("metrics", "metrics", METRICS_ID);
    }
    const char *prefix = options.at < options.count ? options.words[options.at] : "";
    return prometheus ? print_prometheus(metrics) : print_samples(metrics, prefix);
}

// ---- status ----

static const char *health_name(enum metrics_health health) {
    static const char *const names[] = {"ok", "degraded", "failed"};
    return health < sizeof(names) / sizeof(names[0]) ? names[health] : "?";
}

static int print_timeline(struct metrics metrics) {
    uint64_t after = 0;
    for (bool more = true; more;) {
        RPC_CALL(call);
        struct metrics_timeline_results results;
        const status_t status = metrics_call_timeline(metrics, &call, after, rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("status", status);
        }
        rpc_hold(&call, page, &results.s);
        const uint64_t dropped = metrics_timeline_results_get_dropped(results);
        const struct metrics_health_change_list list = metrics_timeline_results_get_changes(results);
        if (dropped > 0) {
            out("-- %lu changes are gone --\n", dropped);
        }
        for (uint32_t i = 0; i < metrics_health_change_list_count(list); i++) {
            const struct metrics_health_change change = metrics_health_change_list_get(list, i);
            char source[NAME_BYTES], reason[REASON_SHOWN];
            const uint64_t ms = metrics_health_change_get_time_ns(change) / 1'000'000;
            shown(source, sizeof(source), metrics_health_change_get_source(change));
            out("%6lu.%03lu  %-8s  %-16s  %s\n", ms / 1000, ms % 1000, health_name(metrics_health_change_get_health(change)),
                source[0] != '\0' ? source : "system", shown(reason, sizeof(reason), metrics_health_change_get_reason(change)));
        }
        more = metrics_timeline_results_get_more(results) && metrics_timeline_results_get_next(results) > after;
        after = metrics_timeline_results_get_next(results);
    }
    return COMMAND_OK;
}

// Its status is the system's: a script may ask.
int command_status(const struct arguments *arguments) {
    (void)arguments;
    struct metrics metrics;
    if (!the_metrics(&metrics)) {
        return fail_ungranted("status", "metrics", METRICS_ID);
    }
    RPC_CALL(call);
    struct metrics_health_results results;
    const status_t status = metrics_call_health(metrics, &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return out_problem("status", status);
    }
    char reason[REASON_SHOWN];
    const enum metrics_health health = metrics_health_results_get_health(results);
    const uint64_t since_ms = metrics_health_results_get_since_ns(results) / 1'000'000;
    shown(reason, sizeof(reason), metrics_health_results_get_reason(results));
    out("%s%s%s, since %lu.%03lu\n", health_name(health), reason[0] != '\0' ? ": " : "", reason, since_ms / 1000, since_ms % 1000);
    const int printed = print_timeline(metrics);
    return printed != COMMAND_OK || health == METRICS_HEALTH_OK ? printed : COMMAND_FAILED;
}
