// The shell: reads a line, does it, and again. Its language is lib/shell, the terminal is consoled's.
//
// CapSet: `console` and `supervisor` (control), `inspector`, `log`, `trace`.
#include "abi/gen/stubs.h"
#include "apps/shell/shell.h"
#include "apps/shell/units.h"
#include "idl/log.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "lib/wire/console_client.h"

static const char PROMPT[] = "tessera$ ";

constexpr uint64_t PAUSE_MS = 100;
constexpr uint64_t POWER_PATIENCE_MS = 30'000;

struct shell shell;

static void pause(uint64_t delay_ms) {
    uint64_t bits;
    (void)tess_wait(shell.events, &bits, tess_deadline_after_ms(delay_ms));
}

// --- small commands ---

void command_echo(const struct arguments *arguments) {
    for (size_t i = 1; i < arguments->count; i++) {
        out("%s%s", i > 1 ? " " : "", arguments->words[i]);
    }
    out("\n");
}

void command_history(const struct arguments *arguments) {
    (void)arguments;
    for (size_t i = 0; i < shell.history.count; i++) {
        size_t len;
        const char *line = history_line(&shell.history, i, &len);
        out("%5zu  %.*s\n", i + 1, (int)len, line);
    }
}

void command_clear(const struct arguments *arguments) {
    (void)arguments;
    out_flush();
    status_t status = console_clear(shell.console);
    if (!status_ok(status)) {
        out_problem("clear", status);
    }
}

static void power(enum supervisor_control_power action, const char *name) {
    RPC_CALL(call);
    out_flush();
    status_t status = supervisor_control_call_power(the_supervisor_control(), &call, action, rpc_patience(), nullptr);
    if (!status_ok(status)) {
        out("%s: %s\n", name, rpc_status_text(status));
        return;
    }
    // The supervisor stops this process, too.
    uint64_t deadline_ns = tess_deadline_after_ms(POWER_PATIENCE_MS);
    while (tess_now_ns() < deadline_ns) {
        pause(PAUSE_MS);
    }
    out("%s: the system did not go down; see `services` and `logs`\n", name);
}

void command_reboot(const struct arguments *arguments) {
    (void)arguments;
    power(SUPERVISOR_CONTROL_POWER_REBOOT, "reboot");
}

void command_poweroff(const struct arguments *arguments) {
    (void)arguments;
    power(SUPERVISOR_CONTROL_POWER_OFF, "poweroff");
}

// --- the console, which may be replaced at any time ---

void shell_watch_interrupts(void) {
    // Without Ctrl-C the shell is still good for something.
    (void)console_set_interrupt(shell.console, shell.events, BIT_INTERRUPT);
}

// Tells a console (the first, or its successor) what it must know of this shell.
static void introduce(void) {
    shell_watch_interrupts();
    for (size_t i = 0; i < shell.history.count; i++) {
        size_t len;
        const char *line = history_line(&shell.history, i, &len);
        (void)console_add_history(shell.console, line, len);
    }
}

static void remember(const char *line, size_t len) {
    if (len > 0) {
        history_add(&shell.history, line, len);
        // The next console gets all lines anew.
        (void)console_add_history(shell.console, line, len);
    }
}

// Reads until there is something to do: true with a line to carry out.
static bool read_line(char *line, size_t size, struct console_input *input, bool *resume) {
    status_t status = console_read_line(shell.console, PROMPT, *resume, line, size, input, DEADLINE_NEVER);
    *resume = false;
    if (status_is(status, STATUS_PEER_DIED) || status_is(status, wire_status(WIRE_BAD_STATE))) {
        introduce();
        out("\nThe console was started again.\n");
        out_flush();
        return false;
    }
    if (!status_ok(status)) {
        if (status_is(status, wire_status(WIRE_NOT_ALLOWED))) {
            tess_panic("shell: the manifest must grant `console` with control");
        }
        pause(PAUSE_MS);
        return false;
    }
    switch (input->event) {
    case CONSOLE_LINE: return true;
    case CONSOLE_COMPLETE:
        complete(line, input->len);
        *resume = true;
        return false;
    case CONSOLE_END:
        out("There is nowhere to log out to; `poweroff` switches the machine off.\n");
        return false;
    case CONSOLE_INTERRUPTED: return false;
    }
    return false;
}

static void set_up(void) {
    shell.console = tess_cap_required("console", WIRE_INTERFACE_CONSOLE);
    shell.supervisor = tess_cap_required("supervisor", SUPERVISOR_ID);
    shell.log = tess_cap_required("log", LOG_ID);
    shell.inspector = tess_cap_required("inspector", 0);
    shell.trace = tess_cap_required("trace", 0);
    if (!status_ok(tess_account_create_notification(tess_self_account(), &shell.events))) {
        tess_panic("shell: no memory for a notification");
    }
    history_init(&shell.history);
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    static char line[CONSOLE_LINE_MAX + 1];
    set_up();
    introduce();
    out("Tessera. `help` lists the commands.\n");
    bool resume = false;
    for (;;) {
        struct console_input input;
        jobs_report();
        out_flush();
        if (read_line(line, sizeof(line), &input, &resume)) {
            remember(line, input.len);
            command_line(line, input.len);
        }
    }
}
