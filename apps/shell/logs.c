// logs: the log, page by page.
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/shell/options.h"
#include "lib/tess/page.h"
#include "lib/wire/log_client.h"

constexpr uint64_t RECORDS_DEFAULT = 50;

static bool parse(const struct arguments *arguments, struct log_query *query) {
    struct shell_options options = shell_options(arguments->words, arguments->count);
    for (int option; (option = shell_next_option(&options, "n:s:v")) != OPTION_DONE;) {
        switch (option) {
        case 'n':
            if (!str_parse_u64(options.value, strlen(options.value), &query->limit) || query->limit == 0) {
                out("logs: -n wants a number from 1 up, not `%s`\n", options.value);
                return false;
            }
            break;
        case 's':
            if (!wire_name_put(query->service, options.value)) {
                out("logs: -s wants the name of a service or job, not `%s`\n", options.value);
                return false;
            }
            break;
        case 'v': query->level = LOG_DEBUG; break;
        case OPTION_NO_VALUE: out("logs: %s wants a value; see `help logs`\n", options.value); return false;
        default: out("logs: there is no option `%s`; see `help logs`\n", options.value); return false;
        }
    }
    if (options.at < arguments->count) {
        const char *word = options.words[options.at];
        out("logs: `%s` is too much; did you mean `logs -s %s`?\n", word, word);
        return false;
    }
    return true;
}

static void print_record(const struct log_record *record) {
    char text[LOG_TEXT_MAX + 1];
    shell_printable(text, sizeof(text), record->text, record->header.text_bytes);
    unsigned long long ms = record->header.time_ns / 1'000'000;
    out("%6llu.%03llu  %-7s  %-16s  %s\n", ms / 1000, ms % 1000, log_level_name((enum log_level)record->header.level),
        record->header.service, text);
}

void command_logs(const struct arguments *arguments) {
    static uint8_t page[MESSAGE_PAGE_BYTES];
    struct log_query query = {.limit = RECORDS_DEFAULT, .level = LOG_INFO, .last = true};
    if (!parse(arguments, &query)) {
        return;
    }
    uint64_t shown = 0;
    for (;;) {
        struct log_answer answer;
        status_t status = log_query(shell.log, &query, &answer);
        if (!status_ok(status)) {
            out_problem("logs", status);
            return;
        }
        // Printing uses the message page.
        memcpy(page, tess_message_page(), answer.page_bytes);
        size_t offset = 0;
        struct log_record record;
        while (log_record_next(page, answer.page_bytes, &offset, &record)) {
            print_record(&record);
            shown++;
        }
        if (!answer.more || answer.records == 0 || answer.records >= query.limit) {
            break;
        }
        query.limit -= answer.records;
        query.after = answer.next_after;
        query.last = false;
    }
    if (shown == 0) {
        if (query.service[0] != '\0') {
            out("logs: nothing from `%s`\n", query.service);
        } else {
            out("logs: the log is empty\n");
        }
    }
}
