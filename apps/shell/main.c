// The shell: reads a line, does it, and again. Its language is lib/shell, the terminal is consoled's. With `script=...` on the
// machine's command line it does that instead, and switches the machine off.
//
// CapSet: `console`, `exec` and `supervisor` (control); `inspector`, `log`, `trace` for the commands that need them.
#include "abi/gen/stubs.h"
#include "apps/shell/language.h"
#include "apps/shell/script.h"
#include "apps/shell/shell.h"
#include "apps/shell/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "idl/log.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"

#define PROMPT "tessera$ "
#define PROMPT_MORE "> "

constexpr size_t LINE_MAX = 1024;
constexpr size_t TEXT_MAX = 8192; // of lines that belong together

constexpr uint64_t PAUSE_MS = 100;
constexpr uint64_t POWER_PATIENCE_MS = 30'000;

struct shell shell;

static struct console_control console(void) {
    return (struct console_control){shell.console};
}

static void pause(uint64_t delay_ms) {
    uint64_t bits;
    (void)tess_wait(shell.events, &bits, tess_deadline_after_ms(delay_ms));
}

// --- small commands ---

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
    RPC_CALL(call);
    out_flush();
    const status_t status = console_control_call_clear(console(), &call, rpc_patience(), nullptr);
    return status_ok(status) ? COMMAND_OK : out_problem("clear", status);
}

static int power(enum supervisor_control_power action, const char *name) {
    RPC_CALL(call);
    out_flush();
    status_t status = supervisor_control_call_power(the_supervisor_control(), &call, action, rpc_patience(), nullptr);
    if (!status_ok(status)) {
        return out_problem(name, status);
    }
    // The supervisor stops this process, too.
    uint64_t deadline_ns = tess_deadline_after_ms(POWER_PATIENCE_MS);
    while (tess_now_ns() < deadline_ns) {
        pause(PAUSE_MS);
    }
    return fail("%s: the system did not go down; see `services` and `logs`\n", name);
}

int command_reboot(const struct arguments *arguments) {
    (void)arguments;
    return power(SUPERVISOR_CONTROL_POWER_REBOOT, "reboot");
}

int command_poweroff(const struct arguments *arguments) {
    (void)arguments;
    return power(SUPERVISOR_CONTROL_POWER_OFF, "poweroff");
}

// --- the console, which may be replaced at any time ---

void shell_watch_interrupts(void) {
    RPC_CALL(call);
    // Without Ctrl-C the shell is still good for something.
    (void)console_control_call_set_interrupt(console(), &call, shell.events, BIT_INTERRUPT, rpc_patience(), nullptr);
}

static void tell_line(const char *line, size_t len) {
    RPC_CALL(call);
    // A console that does not take it has one line less to bring back.
    (void)console_control_call_add_history(console(), &call, (struct capnp_text){line, len}, rpc_patience(), nullptr);
}

void shell_introduce(void) {
    shell_watch_interrupts();
    for (size_t i = 0; i < shell.history.count; i++) {
        size_t len;
        const char *line = history_line(&shell.history, i, &len);
        tell_line(line, len);
    }
}

static void remember(const char *line, size_t len) {
    if (len > 0) {
        history_add(&shell.history, line, len);
        tell_line(line, len); // the next console gets all of them anew
    }
}

enum reading : uint8_t {
    READ_LINE,
    READ_NOTHING, // nothing yet: again
    READ_BROKEN,  // Ctrl-C: what was typed before it does not count
};

// Reads until there is something to do: a line to carry out, in line[0..*len].
static enum reading read_line(struct capnp_text prompt, char line[LINE_MAX + 1], size_t *len, bool *resume) {
    RPC_CALL(call);
    struct console_control_read_line_results results;
    const status_t status = console_control_call_read_line(console(), &call, prompt, *resume, false, DEADLINE_NEVER, &results);
    *resume = false;
    if (status_is(status, STATUS_PEER_DIED) ||
        (status_ok(status) && console_control_read_line_results_get_is_new(results))) {
        shell_introduce();
        out("\nThe console was started again.\n");
        out_flush();
        return READ_NOTHING;
    }
    if (!status_ok(status)) {
        if (status_is(status, rpc_status(RPC_UNIMPLEMENTED))) {
            tess_panic("shell: the manifest must grant `console` with control");
        }
        pause(PAUSE_MS);
        return READ_NOTHING;
    }
    const struct capnp_text got = console_control_read_line_results_get_line(results);
    *len = got.len < LINE_MAX ? got.len : LINE_MAX;
    memcpy(line, got.bytes, *len);
    line[*len] = '\0';
    switch (console_control_read_line_results_get_event(results)) {
    case CONSOLE_CONTROL_EVENT_LINE: return READ_LINE;
    case CONSOLE_CONTROL_EVENT_COMPLETE:
        complete(line, *len);
        *resume = true;
        return READ_NOTHING;
    case CONSOLE_CONTROL_EVENT_END:
        (void)command_logout(nullptr);
        return READ_NOTHING;
    case CONSOLE_CONTROL_EVENT_INTERRUPTED: return READ_BROKEN;
    }
    return READ_NOTHING;
}

static void set_up(void) {
    shell.console = tess_cap_required("console", CONSOLE_ID);
    shell.supervisor = tess_cap_required("supervisor", SUPERVISOR_ID);
    shell.exec = tess_cap_required("exec", EXEC_ID);
    // What it was not granted its commands do without, and say so.
    (void)tess_cap("log", LOG_ID, &shell.log);
    (void)tess_cap("inspector", INSPECTOR_ID, &shell.inspector.handle);
    (void)tess_cap("trace", TRACE_ID, &shell.trace.handle);
    if (!status_ok(tess_account_create_notification(tess_self_account(), &shell.events))) {
        tess_panic("shell: no memory for a notification");
    }
    history_init(&shell.history);
    metrics_init(&shell.own, shell_figures, SHELL_FIGURES);
}

// Lines that belong together: all but the last are incomplete.
static struct {
    size_t used;
    char text[TEXT_MAX];
} entry;

// Takes one more line, and carries them out when they are whole.
static void enter(const char *line, size_t len) {
    bool incomplete = false;
    if (len + 1 > TEXT_MAX - entry.used) {
        (void)fail("these lines are too long together\n");
    } else {
        memcpy(entry.text + entry.used, line, len);
        entry.used += len;
        (void)language_run(entry.text, entry.used, &incomplete); // $? keeps it
        entry.text[entry.used++] = '\n';
    }
    if (language_left()) {
        (void)command_logout(nullptr);
    }
    entry.used = incomplete ? entry.used : 0;
}

[[noreturn]] static void read_lines(void) {
    static char line[LINE_MAX + 1];
    bool resume = false;
    for (;;) {
        size_t len;
        jobs_report();
        if (!resume && !identity_attend()) {
            continue;
        }
        out_flush();
        switch (read_line(entry.used > 0 ? CAPNP_TEXT(PROMPT_MORE) : CAPNP_TEXT(PROMPT), line, &len, &resume)) {
        case READ_LINE:
            if (identity_attend()) { // the session may have locked itself, or ended, while the person was away
                remember(line, len);
                metrics_keep(&shell.own);
                enter(line, len);
            }
            break;
        case READ_NOTHING: break;
        case READ_BROKEN: entry.used = 0; break;
        }
    }
}

int main(int argc, char **argv) {
    const char *script = argc > 1 ? str_find_word(argv[1], "script") : nullptr;
    set_up();
    language_init();
    shell_introduce();
    if (script != nullptr && script[0] == '=') {
        script_run(script + 1);
    }
    out("Tessera. `help` lists the commands.\n");
    identity_begin();
    read_lines();
}
