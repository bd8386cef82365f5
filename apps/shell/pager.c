// The pager: what a command prints, a screen at a time. It counts what goes through output.c.
#include "apps/shell/shell.h"
#include "idl/console.capnp.h"

#define MORE "-- more: Enter goes on, q ends -- "

constexpr size_t ROWS = 24; // of a console that does not say
constexpr size_t COLUMNS = 80;

static struct {
    bool on;
    bool enough; // the person does not want to see the rest
    size_t rows, columns;
    size_t row, column; // where the cursor is, from the first row of this screen
} pager;

void pager_begin(void) {
    RPC_CALL(call);
    struct console_stats_results results;
    if (!setting_is_on("shell.pager", true)) {
        return;
    }
    pager.on = true;
    pager.enough = false;
    pager.rows = ROWS;
    pager.columns = COLUMNS;
    pager.row = pager.column = 0;
    if (status_ok(console_call_stats((struct console){shell.console}, &call, rpc_patience(), &results))) {
        const struct console_stats stats = console_stats_results_get_stats(results);
        const size_t rows = console_stats_get_rows(stats), columns = console_stats_get_columns(stats);
        pager.rows = rows > 2 ? rows : ROWS;
        pager.columns = columns > 0 ? columns : COLUMNS;
    }
}

void pager_end(void) {
    pager.on = false;
}

size_t pager_columns(void) {
    return pager.on ? pager.columns : COLUMNS;
}

static bool is_new(status_t status, struct console_control_read_line_results results) {
    return status_is(status, STATUS_PEER_DIED) || (status_ok(status) && console_control_read_line_results_get_is_new(results));
}

// Whether there is to be another screen.
static bool go_on(void) {
    out_flush();
    for (;;) {
        RPC_CALL(call);
        struct console_control_read_line_results results;
        const status_t status = console_control_call_read_line((struct console_control){shell.console}, &call,
                                                               CAPNP_TEXT(MORE), false, false, DEADLINE_NEVER, &results);
        if (is_new(status, results)) {
            shell_introduce();
            continue;
        }
        if (!status_ok(status)) {
            return false;
        }
        switch (console_control_read_line_results_get_event(results)) {
        case CONSOLE_CONTROL_EVENT_LINE: return console_control_read_line_results_get_line(results).bytes[0] != 'q';
        case CONSOLE_CONTROL_EVENT_COMPLETE: continue; // there is nothing to complete
        case CONSOLE_CONTROL_EVENT_INTERRUPTED:
        case CONSOLE_CONTROL_EVENT_END: return false;
        }
        return false; // a newer console has more to say
    }
}

static bool is_full(void) {
    return pager.row + 1 >= pager.rows; // the last row is for the question
}

// Moves the cursor as the terminal does.
static void advance(char c) {
    if (c == '\n') {
        pager.row++;
        pager.column = 0;
    } else if (((unsigned char)c & 0xc0) != 0x80) { // a character's first byte
        if (pager.column == pager.columns) {
            pager.row++;
            pager.column = 0;
        }
        pager.column++;
    }
}

size_t pager_take(const char *bytes, size_t len) {
    size_t at = 0;
    if (!pager.on) {
        return len;
    }
    if (!pager.enough && is_full()) {
        pager.row = pager.column = 0;
        pager.enough = !go_on();
    }
    while (!pager.enough && at < len && !is_full()) {
        advance(bytes[at++]);
    }
    return at;
}
