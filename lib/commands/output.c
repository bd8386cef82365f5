#include "lib/commands/output.h"

#include <stdarg.h>

#include "abi/gen/abi.h"
#include "lib/commands/denials.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/rpc/call.h"
#include "lib/console/console.h"
#include "lib/denial/refusal.h"

static char buffer[CONSOLE_PIECE_BYTES];
static size_t used;
static struct outlet *outlet; // null: the console

constexpr size_t WORD_BYTES = 256; // as far as it is shown
constexpr size_t DETAILS_BYTES = 1024; // of a paragraph of a command's details

void out_flush(void) {
    if (used > 0) {
        shell.front->write(buffer, used);
        used = 0;
    }
}

void out_console(const char *bytes, size_t len) {
    while (len > 0) {
        if (used == sizeof(buffer)) {
            out_flush();
        }
        const size_t room = sizeof(buffer) - used;
        const size_t piece = pager_take(bytes, len < room ? len : room); // which may flush, too
        if (piece == 0) {
            return;
        }
        if (piece > sizeof(buffer) - used) { // it has waited, and others have printed meanwhile
            out_flush();
        }
        memcpy(buffer + used, bytes, piece);
        used += piece;
        bytes += piece;
        len -= piece;
    }
}

void out_at_once(const char *bytes, size_t len) {
    out_flush();
    shell.front->write(bytes, len);
}

void out_push(struct outlet *to) {
    to->outer = outlet;
    outlet = to;
}

void out_pop(void) {
    outlet = outlet->outer;
}

struct outlet *out_outlet(void) {
    return outlet;
}

bool out_put(struct outlet *to, const char *bytes, size_t len) {
    if (to == nullptr) {
        out_console(bytes, len);
        return true;
    }
    to->closed = to->closed || !to->take(to->context, bytes, len);
    return !to->closed;
}

bool out_is_closed(void) {
    return outlet != nullptr && outlet->closed;
}

void out_sink(void *context, const char *bytes, size_t len) {
    (void)context;
    (void)out_put(outlet, bytes, len); // what nobody wants is dropped; who has much to say asks out_is_closed
}

void out(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(out_sink, nullptr, format, args);
    va_end(args);
}

static void console_sink(void *context, const char *bytes, size_t len) {
    (void)context;
    out_console(bytes, len);
}

int fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(console_sink, nullptr, format, args);
    va_end(args);
    return COMMAND_FAILED;
}

int misused(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(console_sink, nullptr, format, args);
    va_end(args);
    return COMMAND_MISUSED;
}

// Why something was not there that somebody would have had to answer: the last that was said of it, and has not been shown.
static char gone[RPC_TEXT_BYTES];

static void take_refusal(const struct rpc_call *call, status_t status) {
    gone[0] = '\0';
    if (status_is(status, rpc_status(RPC_DISCONNECTED))) {
        (void)rpc_exception_text(call, gone);
    }
}

void out_open(void) {
    rpc_when_refused = take_refusal;
}

const char *status_text(status_t status) {
    static char text[DENIAL_TEXT_BYTES];
    if (status_is(status, rpc_status(RPC_DISCONNECTED)) && gone[0] != '\0') {
        (void)str_copy(text, sizeof text, gone); // it is shorter
        gone[0] = '\0';
        return text;
    }
    return denial_refused(status, text) ? text : denial_status_text(status, text);
}

int out_problem(const char *what, status_t status) {
    return fail("%s: %s\n", what, status_text(status));
}

// The bytes of a word, and of those that stand with it: a type is not parted from its name.
static size_t word_bytes(const char *text) {
    const char *end = strchr(text, ' ');
    while (end != nullptr && (end[1] == ':' || end[1] == '=' || end[-1] == '=')) {
        end = strchr(end + 1, ' ');
    }
    return end != nullptr ? (size_t)(end - text) : strlen(text);
}

void out_wrapped(size_t column, size_t indent, const char *text) {
    const size_t columns = pager_columns();
    bool first = true;
    for (; *text == ' '; text++) {
    }
    while (*text != '\0') {
        const size_t len = word_bytes(text);
        char word[WORD_BYTES];
        shell_printable(word, sizeof(word), text, len);
        if (!first && column + 1 + len > columns) {
            out("\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            out(" ");
            column++;
        }
        out("%s", word);
        column += len;
        first = false;
        for (text += len; *text == ' '; text++) {
        }
    }
    out("\n");
}

// Where the second column of a line begins, behind two blanks or more; 0: there is none.
static size_t second_column(const char *line, size_t len) {
    for (size_t i = len; i > 2; i--) {
        if (line[i - 1] != ' ' && line[i - 2] == ' ' && line[i - 3] == ' ') {
            return i - 1;
        }
    }
    return 0;
}

static size_t line_bytes(const char *text) {
    const char *end = strchr(text, '\n');
    return end != nullptr ? (size_t)(end - text) : strlen(text);
}

// What is wider than the screen goes on in the next line, if that is prose, too.
void out_details(const char *text, size_t indent) {
    while (*text != '\0') {
        char whole[DETAILS_BYTES];
        size_t len = line_bytes(text), lead = 0;
        while (lead < len && text[lead] == ' ') {
            lead++;
        }
        const size_t second = second_column(text + lead, len - lead);
        out("%*s%.*s", len > 0 ? (int)(indent + lead) : 0, "", (int)second, text + lead);
        (void)str_copy_bytes(whole, sizeof(whole), text + lead + second, len - lead - second);
        for (text += len; *text == '\n' && second == 0 && indent + lead + len > pager_columns(); text += 1 + len) {
            len = line_bytes(text + 1);
            if (len == 0 || text[1] == ' ' || second_column(text + 1, len) != 0) {
                break;
            }
            const size_t filled = strlen(whole);
            fmt_snprintf(whole + filled, sizeof(whole) - filled, " %.*s", (int)len, text + 1);
        }
        out_wrapped(indent + lead + second, indent + lead + second, whole);
        text += *text == '\n' ? 1 : 0;
    }
}
