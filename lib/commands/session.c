#include "lib/commands/session.h"

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/commands/background.h"
#include "lib/commands/language.h"
#include "lib/commands/mode.h"
#include "lib/commands/output.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "idl/log.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"

constexpr size_t PROMPT_BYTES = 32;
constexpr size_t LINE_MAX = 1024;
constexpr size_t TEXT_MAX = 8192; // of lines that belong together
constexpr uint64_t PAUSE_MS = 100;

struct shell shell;

void shell_open(const struct front *front) {
    shell.front = front;
    out_open();
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
    language_init();
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

// ---- lines ----

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
    uint64_t bits;
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
    case FRONT_FAILED:
        (void)shell_take_events(&bits, tess_deadline_after_ms(PAUSE_MS));
        return READ_NOTHING;
    }
    return READ_NOTHING;
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

// In which mode the system is, is to be seen as long as it is not the usual one.
static const char *prompt(char text[PROMPT_BYTES]) {
    if (entry.used > 0) {
        return "> ";
    }
    const enum supervisor_mode mode = mode_now();
    fmt_snprintf(text, PROMPT_BYTES, mode == SUPERVISOR_MODE_FULL ? "tessera$ " : "tessera(%s)$ ", mode_name(mode));
    return text;
}

void shell_attend(void) {
    static char line[LINE_MAX + 1];
    char text[PROMPT_BYTES];
    static bool resume;
    size_t len;
    shell.interrupted = false;
    jobs_report();
    if (shell.interrupted) { // while what fits the line was looked for: it is dropped like any other
        resume = false;
        entry.used = 0;
    }
    if (!resume && !identity_attend()) {
        return;
    }
    out_flush();
    switch (read_line(prompt(text), line, &len, &resume)) {
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

void shell_read_lines(void) {
    out("Tessera. `help` lists the commands.\n");
    if (!shell_is_first()) {
        background_adopt();
    }
    identity_begin();
    for (;;) {
        shell_attend();
    }
}
