// crashes, crash: services and programs that ended in a fault, and where.
#include "lib/commands/identity.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/shell/options.h"

constexpr size_t TEXT_MAX = 24 * 1024; // of a record

static void put_row(struct exec_crash crash) {
    struct shell_table *table = &shell.table;
    char text[SHOWN_TEXT_BYTES];
    table_cell(table, "%u", exec_crash_get_number(crash));
    table_cell(table, "%s", shown(text, sizeof(text), exec_crash_get_name(crash)));
    table_cell(table, "%s", shown(text, sizeof(text), exec_crash_get_function(crash)));
    table_cell(table, "%s", shown(text, sizeof(text), exec_crash_get_reason(crash)));
}

int command_crashes(const struct arguments *) {
    uint32_t first = 0, count, total, rows = 0;
    table_begin(&shell.table, ">NUMBER NAME FUNCTION WHY", out_sink, nullptr);
    do {
        RPC_CALL(call);
        struct exec_crashes_results results;
        const status_t status = exec_call_crashes(the_exec(), &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return out_problem("crashes", status);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct exec_crash_list list = exec_crashes_results_get_crashes(results);
        total = exec_crashes_results_get_total(results);
        count = exec_crash_list_count(list);
        for (uint32_t i = 0; i < count; i++) {
            put_row(exec_crash_list_get(list, i));
        }
        first += count;
        rows += count;
    } while (count > 0 && first < total);
    if (rows == 0) {
        out("no service and no program has crashed\n");
        return COMMAND_OK;
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

// The whole text of a record, which comes in pieces.
static status_t fetch(uint32_t number, char text[TEXT_MAX], size_t *len, bool *found) {
    uint32_t total;
    *len = 0;
    do {
        RPC_CALL(call);
        struct exec_crash_results results;
        TRY(exec_call_crash(the_exec(), &call, number, (uint32_t)*len, rpc_patience(), &results));
        const struct capnp_text piece = exec_crash_results_get_text(results);
        *found = exec_crash_results_get_found(results);
        total = exec_crash_results_get_total(results);
        if (piece.len == 0 || piece.len > TEXT_MAX - *len) {
            return STATUS_OK;
        }
        memcpy(text + *len, piece.bytes, piece.len);
        *len += piece.len;
    } while (*len < total);
    return STATUS_OK;
}

static bool begins(const char *line, size_t len, const char *with) {
    return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

// Without the memory it is for people; whole it is for tools/minidump.
static void print(const char *text, size_t len, bool whole) {
    for (size_t at = 0, end; at < len; at = end) {
        const char *newline = memchr(text + at, '\n', len - at);
        end = newline == nullptr ? len : (size_t)(newline - text) + 1;
        if (whole || !(begins(text + at, end - at, "memory ") || begins(text + at, end - at, "-- "))) {
            out("%.*s", (int)(end - at), text + at);
        }
    }
}

int command_crash(const struct arguments *arguments) {
    static char text[TEXT_MAX];
    struct shell_options options = shell_options(arguments->words, arguments->count);
    bool whole = false, found = false;
    for (int option; (option = shell_next_option(&options, "d(dump)")) != OPTION_DONE;) {
        if (option != 'd') {
            return misused("crash: there is no option `%s`\n", options.value);
        }
        whole = true;
    }
    if (whole && identity_check("crash", "dumps", nullptr) != COMMAND_OK) { // pieces of somebody's memory are in it
        return COMMAND_FAILED;
    }
    uint64_t number = 0;
    size_t len;
    const char *word = options.at < arguments->count ? arguments->words[options.at] : "";
    if (!str_parse_u64(word, strlen(word), &number) || number > UINT32_MAX) {
        return misused("crash: a number from `crashes` is expected, not `%s`\n", word);
    }
    const status_t status = fetch((uint32_t)number, text, &len, &found);
    if (!status_ok(status)) {
        return out_problem("crash", status);
    }
    if (!found) {
        return fail("crash: there is no record %s (any more); `crashes` lists them\n", word);
    }
    print(text, len, whole);
    return COMMAND_OK;
}
