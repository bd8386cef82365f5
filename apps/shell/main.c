// The shell: reads a line, does it, and again. Its language is lib/shell, the terminal is consoled's. With `script=...` on the
// machine's command line it does that instead, and switches the machine off.
//
// CapSet: `console`, `exec` and `supervisor` (control); `inspector`, `log`, `trace` for the commands that need them.
#include "abi/gen/stubs.h"
#include "apps/shell/background.h"
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
    out_flush();
    const status_t status = shell.front->clear();
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

// --- lines ---

static void remember(const char *line, size_t len) {
    if (len > 0) {
        history_add(&shell.history, line, len);
        shell.front->remember(line, len);
    }
}

enum reading : uint8_t {
    READ_LINE,
    READ_NOTHING, // nothing yet: again
    READ_BROKEN,  // Ctrl-C: what was typed before it does not count
};

// Reads until there is something to do: a line to carry out, in line[0..*len].
static enum reading read_line(const char *prompt, char line[LINE_MAX + 1], size_t *len, bool *resume) {
    struct shell_text got;
    const enum front_event event = shell.front->read((struct front_question){.prompt = prompt, .resume = *resume}, &got);
    *resume = false;
    switch (event) {
    case FRONT_LINE:
    case FRONT_COMPLETE:
        *len = got.len < LINE_MAX ? got.len : LINE_MAX;
        memcpy(line, got.bytes, *len);
        line[*len] = '\0';
        if (event == FRONT_LINE) {
            return READ_LINE;
        }
        complete(line, *len);
        *resume = true;
        return READ_NOTHING;
    case FRONT_INTERRUPTED: return READ_BROKEN;
    case FRONT_END: (void)command_logout(nullptr); return READ_NOTHING;
    case FRONT_REPLACED:
        out("\nThe console was started again.\n");
        out_flush();
        return READ_NOTHING;
    case FRONT_FAILED: pause(PAUSE_MS); return READ_NOTHING;
    }
    return READ_NOTHING;
}

bool shell_is_first(void) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    if (!status_ok(supervisor_call_service(the_supervisor(), &call, CAPNP_TEXT("shell"), rpc_patience(), &results))) {
        return true; // it cannot be told
    }
    const struct supervisor_service service =
        supervisor_service_detail_get_service(supervisor_service_results_get_detail(results));
    return supervisor_service_get_restarts(service) == 0;
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
    shell.front = front_choose();
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
        switch (read_line(entry.used > 0 ? PROMPT_MORE : PROMPT, line, &len, &resume)) {
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
    if (script != nullptr && script[0] == '=') {
        script_run(script + 1);
    }
    if (!shell.front->interactive) {
        tess_panic("shell: it has no script, and to read lines the manifest must grant `console` with control");
    }
    out("Tessera. `help` lists the commands.\n");
    if (!shell_is_first()) {
        background_adopt();
    }
    identity_begin();
    read_lines();
}
