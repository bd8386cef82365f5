// logs: the log, page by page.
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/shell/options.h"
#include "lib/badge/badge.h"

constexpr uint32_t RECORDS_DEFAULT = 50;
constexpr size_t TEXT_MAX = 1024; // of a record

struct query {
    uint64_t after;
    uint32_t limit;
    enum log_level level;
    bool last;
    char service[NAME_BYTES]; // empty: all
};

static const char *level_name(enum log_level level) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return level < sizeof(names) / sizeof(names[0]) ? names[level] : "?";
}

// COMMAND_OK, or says what is wrong.
static int parse(const struct arguments *arguments, struct query *query) {
    struct shell_options options = shell_options(arguments->words, arguments->count);
    for (int option; (option = shell_next_option(&options, "n:s:v")) != OPTION_DONE;) {
        switch (option) {
        case 'n':
            uint64_t limit;
            if (!str_parse_u64(options.value, strlen(options.value), &limit) || limit == 0 || limit > UINT32_MAX) {
                return misused("logs: -n wants a number from 1 up, not `%s`\n", options.value);
            }
            query->limit = (uint32_t)limit;
            break;
        case 's':
            if (!name_put(query->service, options.value, strlen(options.value))) {
                return misused("logs: -s wants the name of a service or job, not `%s`\n", options.value);
            }
            break;
        case 'v': query->level = LOG_LEVEL_DEBUG; break;
        case OPTION_NO_VALUE: return misused("logs: %s wants a value; see `help logs`\n", options.value);
        default: return misused("logs: there is no option `%s`; see `help logs`\n", options.value);
        }
    }
    if (options.at < arguments->count) {
        const char *word = options.words[options.at];
        return misused("logs: `%s` is too much; did you mean `logs -s %s`?\n", word, word);
    }
    return COMMAND_OK;
}

static void print_record(struct log_record record) {
    char source[NAME_BYTES], text[TEXT_MAX + 1];
    const struct capnp_text from = log_record_get_source(record), what = log_record_get_text(record);
    shell_printable(source, sizeof(source), from.bytes, from.len);
    shell_printable(text, sizeof(text), what.bytes, what.len);
    const unsigned long long ms = log_record_get_time_ns(record) / 1'000'000;
    out("%6llu.%03llu  %-7s  %-16s  %s\n", ms / 1000, ms % 1000, level_name(log_record_get_level(record)), source, text);
}

int command_logs(const struct arguments *arguments) {
    static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];
    struct query query = {.limit = RECORDS_DEFAULT, .level = LOG_LEVEL_INFO, .last = true};
    const int parsed = parse(arguments, &query);
    if (parsed != COMMAND_OK) {
        return parsed;
    }
    uint64_t shown = 0;
    for (;;) {
        RPC_CALL(call);
        struct log_query_results answer;
        status_t status = log_call_query((struct log){shell.log}, &call, query.after, query.limit, query.level,
                                         capnp_text(query.service), query.last, rpc_patience(), &answer);
        if (!status_ok(status)) {
            return fail("logs: %s\n", rpc_status_text(status));
        }
        rpc_hold(&call, page, &answer.s); // printing uses the message page
        const struct log_record_list records = log_query_results_get_records(answer);
        const uint32_t count = log_record_list_count(records);
        for (uint32_t i = 0; i < count; i++) {
            print_record(log_record_list_get(records, i));
        }
        shown += count;
        if (!log_query_results_get_more(answer) || count == 0 || count >= query.limit) {
            break;
        }
        query.limit -= count;
        query.after = log_query_results_get_next(answer);
        query.last = false;
    }
    if (shown == 0) {
        if (query.service[0] != '\0') {
            return fail("logs: nothing from `%s`\n", query.service);
        }
        return fail("logs: the log is empty\n");
    }
    return COMMAND_OK;
}
