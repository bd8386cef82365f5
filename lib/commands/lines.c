// echo, history, clear: what is about lines, those that are shown and those that were entered.
#include "lib/commands/shell.h"
#include "base/str.h"

int command_echo(const struct arguments *arguments) {
    for (size_t i = 1; i < arguments->count; i++) {
        out("%s%s", i > 1 ? " " : "", arguments->words[i]);
    }
    out("\n");
    return COMMAND_OK;
}

int command_history(const struct arguments *arguments) {
    uint64_t most = shell.history.count;
    if (arguments->count > 1 && !str_parse_u64(arguments->words[1], strlen(arguments->words[1]), &most)) {
        return misused("history: `%s` is no number of lines\n", arguments->words[1]);
    }
    for (size_t i = most < shell.history.count ? shell.history.count - (size_t)most : 0; i < shell.history.count; i++) {
        size_t len;
        const char *line = history_line(&shell.history, i, &len);
        out("%5zu  %.*s\n", i + 1, (int)len, line);
    }
    return COMMAND_OK;
}

int command_clear(const struct arguments *arguments) {
    (void)arguments;
    out_flush();
    const status_t status = shell.front->clear();
    return status_ok(status) ? COMMAND_OK : out_problem("clear", status);
}
