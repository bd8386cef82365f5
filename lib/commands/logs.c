// logs: the log, page by page, and on as it grows.
#include "lib/commands/denials.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/badge/badge.h"
#include "lib/shell/duration.h"
#include "lib/shell/options.h"
#include "lib/tess/clock.h"

constexpr uint32_t RECORDS_DEFAULT = 50;
constexpr size_t TEXT_MAX = 1024;        // of a record

struct query {
    uint64_t after;
    uint32_t limit;
    enum log_level level;
    bool last, crashes, denials, whole, follow, stats;
    uint64_t cause, from_ns;
    const char *service, *domain, *contains, *field; // "": any
};

static struct log the_log(void) {
    return (struct log){shell.log};
}

static const char *const level_names[] = {"error", "warning", "info", "debug"};
constexpr uint64_t LEVELS = sizeof(level_names) / sizeof(level_names[0]);

static bool parse_level(const char *word, enum log_level *level) {
    for (uint64_t i = 0; i < LEVELS; i++) {
        if (str_equal(word, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

// "@12.5": that moment. Else how long ago.
static bool parse_since(const char *word, uint64_t *from_ns) {
    uint64_t ns;
    const bool moment = word[0] == '@';
    if (!shell_parse_duration(word + moment, &ns)) {
        return false;
    }
    const uint64_t now_ns = tess_now_ns();
    *from_ns = moment ? ns : ns < now_ns ? now_ns - ns : 0;
    return true;
}

static int parse_option(int option, const char *value, struct query *query) {
    char name[NAME_BYTES];
    uint64_t number;
    switch (option) {
    case 'n':
        if (!str_parse_u64(value, strlen(value), &number) || number == 0 || number > UINT32_MAX) {
            return misused("logs: -n wants a number from 1 up, not `%s`\n", value);
        }
        query->limit = (uint32_t)number;
        break;
    case 's':
        if (!name_put(name, value, strlen(value))) {
            return misused("logs: -s wants the name of a service or job, not `%s`\n", value);
        }
        query->service = value;
        break;
    case 'l':
        if (!parse_level(value, &query->level)) {
            return misused("logs: -l wants error, warning, info or debug, not `%s`\n", value);
        }
        break;
    case 'C':
        if (!str_parse_u64(value, strlen(value), &query->cause) || query->cause == 0) {
            return misused("logs: --cause wants a number from 1 up, not `%s`\n", value);
        }
        break;
    case 'S':
        if (!parse_since(value, &query->from_ns)) {
            return misused("logs: --since wants a time such as 90, 5m or @12.5, not `%s`\n", value);
        }
        break;
    case 'd': query->domain = value; break;
    case 'F': query->field = value; break;
    case 'g': query->contains = value; break;
    case 'c': query->crashes = true; break;
    case 'D': query->denials = true; break;
    case 'f': query->follow = true; break;
    case 'T': query->stats = true; break;
    case 'v':
        query->level = LOG_LEVEL_DEBUG;
        query->whole = true;
        break;
    case OPTION_NO_VALUE: return misused("logs: %s wants a value; see `help logs`\n", value);
    default: return misused("logs: there is no option `%s`; see `help logs`\n", value);
    }
    return COMMAND_OK;
}

// COMMAND_OK, or says what is wrong.
static int parse(const struct arguments *arguments, struct query *query) {
    static const char letters[] =
        "n:(lines)s:(service)d:(domain)l:(level)c(crashes)D(denials)f(follow)vC:(cause)F:(field)g:(grep)S:(since)T(stats)";
    struct shell_options options = shell_options(arguments->words, arguments->count);
    for (int option; (option = shell_next_option(&options, letters)) != OPTION_DONE;) {
        const int parsed = parse_option(option, options.value, query);
        if (parsed != COMMAND_OK) {
            return parsed;
        }
    }
    if (options.at < arguments->count) {
        const char *word = options.words[options.at];
        return misused("logs: `%s` is too much; did you mean `logs -s %s`?\n", word, word);
    }
    return COMMAND_OK;
}

// ---- records ----

static void print_text(struct capnp_text text) {
    char shown[TEXT_MAX + 1];
    shell_printable(shown, sizeof(shown), text.bytes, text.len);
    out("%s", shown);
}

static void print_field(struct log_field field) {
    out("  ");
    print_text(log_field_get_name(field));
    switch (log_field_which(field)) {
    case LOG_FIELD_INTEGER: out("=%ld", log_field_get_integer(field)); break;
    case LOG_FIELD_TEXT:
        out("=\"");
        print_text(log_field_get_text(field));
        out("\"");
        break;
    default: out("=?"); break; // of a newer log
    }
}

static void print_record(struct log_record record, bool whole) {
    char source[NAME_BYTES];
    const struct capnp_text from = log_record_get_source(record), domain = log_record_get_domain(record);
    const enum log_level level = log_record_get_level(record);
    const unsigned long long ms = log_record_get_time_ns(record) / 1'000'000;
    shell_printable(source, sizeof(source), from.bytes, from.len);
    out("%6llu.%03llu  %-7s  %-16s  ", ms / 1000, ms % 1000, level < LEVELS ? level_names[level] : "?", source);
    if (domain.len > 0) {
        out("[");
        print_text(domain);
        out("] ");
    }
    char told[DENIAL_TEXT_BYTES];
    const bool denied = log_record_get_kind(record) == LOG_KIND_DENIAL;
    print_text(denied && !whole && denial_told(record, told) ? capnp_text(told) : log_record_get_text(record));
    const struct log_field_list fields = log_record_get_fields(record);
    const bool said = denied && !whole; // all of it, in the sentence
    for (uint32_t i = 0; !said && i < log_field_list_count(fields); i++) {
        print_field(log_field_list_get(fields, i));
    }
    if (log_record_get_cause(record) != 0) {
        out("  cause=%lu", log_record_get_cause(record));
    }
    out("\n");
}

// Asks once, prints, and moves `query` on. `*more` says whether to ask again.
static status_t print_page(struct query *query, uint64_t *shown, bool *more) {
    static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];
    RPC_CALL(call);
    struct log_query_results answer;
    TRY(log_call_query(the_log(), &call, query->after, query->limit, query->level, capnp_text(query->service), query->last,
                       capnp_text(query->domain), query->cause, query->from_ns, UINT64_MAX, capnp_text(query->contains),
                       capnp_text(query->field), query->crashes, query->denials, rpc_patience(), &answer));
    rpc_hold(&call, page, &answer.s); // printing uses the message page
    const struct log_record_list records = log_query_results_get_records(answer);
    const uint32_t count = log_record_list_count(records);
    const uint64_t next = log_query_results_get_next(answer), dropped = log_query_results_get_dropped(answer);
    if (next < query->after) {
        out("-- the log was started anew --\n");
    } else if (dropped > 0 && query->follow) {
        out("-- %lu records are gone --\n", dropped);
    }
    for (uint32_t i = 0; i < count; i++) {
        print_record(log_record_list_get(records, i), query->whole);
    }
    *more = next < query->after || (log_query_results_get_more(answer) && count > 0 && (query->limit == 0 || count < query->limit));
    query->after = next < query->after ? 0 : next;
    query->limit -= query->limit == 0 ? 0 : count;
    query->last = false;
    *shown += count;
    return STATUS_OK;
}

static status_t print_all(struct query *query, uint64_t *shown) {
    for (bool more = true; more;) {
        TRY(print_page(query, shown, &more));
    }
    return STATUS_OK;
}

// ---- as it grows ----

static status_t watch(handle_t notification) {
    RPC_CALL(call);
    return log_call_follow(the_log(), &call, (struct notification){notification}, BIT_LOG, rpc_patience(), nullptr);
}

// Until Ctrl-C. A log that is started anew is followed from its beginning.
static int follow(struct query *query) {
    uint64_t shown = 0;
    uint64_t bits;
    query->limit = 0;
    do {
        status_t status = watch(shell.events); // again each time: it may be another log
        if (status_ok(status)) {
            status = print_all(query, &shown);
        }
        if (!status_ok(status) && !status_is(status, STATUS_TIMED_OUT) && !status_is(status, STATUS_PEER_DIED)) {
            return out_problem("logs", status);
        }
    } while (shell_wait_for_more(&bits));
    denials_end();
    (void)watch((handle_t){}); // a log that is not there forgets by itself
    return COMMAND_INTERRUPTED;
}

// ---- how much ----

static int print_sources(void) {
    static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];
    table_begin(&shell.table, "SOURCE >RECORDS >MEMORY >APPENDED >DROPPED >LIMITED", out_sink, nullptr);
    for (uint32_t first = 0, count = 1, total = 1; count > 0 && first < total; first += count) {
        RPC_CALL(call);
        struct log_sources_results results;
        const status_t status = log_call_sources(the_log(), &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("logs", status);
        }
        rpc_hold(&call, page, &results.s);
        const struct log_source_list list = log_sources_results_get_sources(results);
        count = log_source_list_count(list);
        total = log_sources_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            const struct log_source source = log_source_list_get(list, i);
            const struct capnp_text name = log_source_get_name(source);
            char shown[NAME_BYTES], size[SHELL_NUMBER_BYTES];
            shell_printable(shown, sizeof(shown), name.bytes, name.len);
            table_cell(&shell.table, "%s", shown);
            table_cell(&shell.table, "%lu", log_source_get_records(source));
            table_cell(&shell.table, "%s", shell_size(size, log_source_get_used_bytes(source)));
            table_cell(&shell.table, "%lu", log_source_get_appended(source));
            table_cell(&shell.table, "%lu", log_source_get_dropped(source));
            table_cell(&shell.table, "%lu", log_source_get_limited(source));
        }
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

static int print_stats(void) {
    RPC_CALL(call);
    struct log_stats_results results;
    const status_t status = log_call_stats(the_log(), &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return out_problem("logs", status);
    }
    const struct log_stats stats = log_stats_results_get_stats(results);
    const uint64_t records = log_stats_get_records(stats), appended = log_stats_get_appended(stats);
    const uint64_t dropped = log_stats_get_dropped(stats), limited = log_stats_get_limited(stats);
    const uint64_t refused = log_stats_get_refused(stats);
    const uint32_t followers = log_stats_get_followers(stats);
    char used[SHELL_NUMBER_BYTES], capacity[SHELL_NUMBER_BYTES];
    shell_size(used, log_stats_get_used_bytes(stats));
    shell_size(capacity, log_stats_get_capacity_bytes(stats));
    out("%lu records in %s of %s; %u follow\n", records, used, capacity, followers);
    out("%lu appended since logd started, %lu of them dropped to make room\n", appended, dropped);
    out("%lu not taken because they were too many at once, %lu because they were malformed\n\n", limited, refused);
    return print_sources();
}

int command_logs(const struct arguments *arguments) {
    struct query query = {.limit = RECORDS_DEFAULT, .level = LOG_LEVEL_INFO, .last = true, .service = "", .domain = "", .contains = "",
                          .field = ""};
    const int parsed = parse(arguments, &query);
    if (parsed != COMMAND_OK) {
        return parsed;
    }
    if (query.stats) {
        return print_stats();
    }
    uint64_t shown = 0;
    const bool follows = query.follow;
    query.follow = false; // what was before is gone for whoever comes now
    const status_t status = print_all(&query, &shown);
    denials_end();
    if (!status_ok(status)) {
        return out_problem("logs", status);
    }
    if (follows) {
        query.follow = true;
        return follow(&query);
    }
    if (shown == 0) {
        return query.service[0] != '\0' ? fail("logs: nothing from `%s`\n", query.service)
                                        : fail("logs: there is nothing\n");
    }
    return COMMAND_OK;
}
