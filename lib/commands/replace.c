// replace: another process of a service in place of the one that serves, and how that goes.
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "lib/shell/options.h"
#include "lib/tess/clock.h"

constexpr uint64_t LOOK_AGAIN_MS = 1000;
constexpr size_t REASON_BYTES = 256;

static status_t look(struct rpc_call *call, struct supervisor_replacement *out) {
    struct supervisor_replacement_results results;
    TRY(supervisor_call_replacement(the_supervisor(), call, rpc_patience(), &results));
    rpc_hold(call, held_results, &results.s);
    *out = supervisor_replacement_results_get_replacement(results);
    return STATUS_OK;
}

static bool is_over(struct supervisor_replacement of) {
    const enum supervisor_replace_step step = supervisor_replacement_get_step(of);
    return step == SUPERVISOR_REPLACE_STEP_NONE || step == SUPERVISOR_REPLACE_STEP_DONE || step == SUPERVISOR_REPLACE_STEP_FAILED;
}

static unsigned long us(uint64_t ns) {
    return ns / 1000;
}

// A line for each step that it has reached since the last time.
static void print_steps(struct supervisor_replacement of, uint32_t *printed) {
    char name[NAME_BYTES], program[NAME_BYTES];
    const enum supervisor_replace_step step = supervisor_replacement_get_step(of);
    const uint64_t ready = supervisor_replacement_get_ready_ns(of), saved = supervisor_replacement_get_saved_ns(of);
    const uint64_t begun = supervisor_replacement_get_begun_ns(of), over = supervisor_replacement_get_over_ns(of);
    shown(name, sizeof(name), supervisor_replacement_get_service(of));
    if (*printed < 1) {
        out("%s: a process of `%s` sets itself up beside the one that serves\n", name,
            shown(program, sizeof(program), supervisor_replacement_get_program(of)));
        *printed = 1;
    }
    if (ready != 0 && *printed < 2) {
        out("%s: ready to begin after %lu us; the one that serves hands its state over\n", name, us(ready));
        *printed = 2;
    }
    if (saved != 0 && *printed < 3) {
        out("%s: handed over after %lu us, %lu bytes beside what is kept for it\n", name, us(saved), supervisor_replacement_get_state_bytes(of));
        *printed = 3;
    }
    if (begun != 0 && *printed < 4) {
        out("%s: replaced after %lu us; who called meanwhile waited for at most %lu us\n", name, us(begun), us(begun - ready));
        *printed = 4;
    }
    if (step == SUPERVISOR_REPLACE_STEP_DONE && *printed < 5) {
        out("%s: the one that served has finished, after %lu us\n", name, us(over));
        *printed = 5;
    }
    out_flush();
}

static int print_end(struct supervisor_replacement of) {
    char reason[REASON_BYTES], name[NAME_BYTES];
    if (supervisor_replacement_get_step(of) != SUPERVISOR_REPLACE_STEP_FAILED) {
        return COMMAND_OK;
    }
    shown(reason, sizeof(reason), supervisor_replacement_get_reason(of));
    return fail("replace: %s was not replaced: %s\n", shown(name, sizeof(name), supervisor_replacement_get_service(of)), reason);
}

static int show_last(void) {
    RPC_CALL(call);
    struct supervisor_replacement last;
    uint32_t printed = 0;
    const status_t status = look(&call, &last);
    if (!status_ok(status)) {
        return out_problem("replace", status);
    }
    if (supervisor_replacement_get_service(last).len == 0) {
        out("Nothing has been replaced yet.\n");
        return COMMAND_OK;
    }
    print_steps(last, &printed);
    return print_end(last);
}

// As long as it goes on; the supervisor says in the shell's notification when there is more to be seen.
static int watch(void) {
    for (uint32_t printed = 0;;) {
        RPC_CALL(call);
        struct supervisor_replacement now;
        const status_t status = look(&call, &now);
        if (!status_ok(status)) {
            return out_problem("replace", status);
        }
        print_steps(now, &printed);
        if (is_over(now)) {
            return print_end(now);
        }
        uint64_t bits = 0;
        if (!status_ok(shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS)))) {
            shell.front->watch_interrupts(); // in case that the console was restarted meanwhile
        } else if ((bits & BIT_INTERRUPT) != 0) {
            out("It goes on, and is done or undone; `replace` alone shows what came of it.\n");
            return COMMAND_INTERRUPTED;
        }
    }
}

// What would be lost without --lose-state the service says, and the supervisor passes on.
static status_t begin(struct rpc_call *call, const char *name, const char *program, bool may_lose,
                      struct supervisor_control_replace_results *results) {
    const struct supervisor_control_replace_params_builder params = supervisor_control_begin_replace(the_supervisor_control(), call);
    supervisor_control_replace_params_set_name(params, capnp_text(name));
    supervisor_control_replace_params_set_program(params, capnp_text(program));
    supervisor_control_replace_params_set_lose_state(params, may_lose);
    supervisor_control_replace_params_set_watcher(params, (struct notification){shell.events});
    supervisor_control_replace_params_set_bits(params, BIT_ANSWER);
    return supervisor_control_finish_replace(call, rpc_patience(), results);
}

int command_replace(const struct arguments *arguments) {
    RPC_CALL(call);
    struct supervisor_control_replace_results results;
    struct shell_options options = shell_options(arguments->words, arguments->count);
    char reason[REASON_BYTES];
    bool may_lose = false;
    for (int option; (option = shell_next_option(&options, "l(lose-state)")) != OPTION_DONE;) {
        if (option != 'l') {
            return misused("replace: there is no option %s\n", options.value);
        }
        may_lose = true;
    }
    const size_t left = arguments->count - options.at;
    if (left == 0 && !may_lose) {
        return show_last();
    }
    if (left < 1 || left > 2) {
        return misused("usage: replace [--lose-state] SERVICE [PROGRAM]\n");
    }
    const char *name = options.words[options.at];
    const status_t status = begin(&call, name, left == 2 ? options.words[options.at + 1] : "", may_lose, &results);
    if (!status_ok(status)) {
        return out_problem("replace", status);
    }
    const enum supervisor_control_outcome outcome = supervisor_control_replace_results_get_outcome(results);
    if (outcome == SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND) {
        return no_service("replace", name);
    }
    if (outcome != SUPERVISOR_CONTROL_OUTCOME_DONE) {
        return fail("replace: %s\n", shown(reason, sizeof(reason), supervisor_control_replace_results_get_reason(results)));
    }
    return watch();
}
