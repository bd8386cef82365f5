// run and kill: programs that are run on demand, and waiting for them.
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "lib/commands/background.h"
#include "lib/commands/beside.h"
#include "lib/commands/job.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

constexpr uint64_t LOOK_AGAIN_MS = 1000;

static uint64_t ends; // how often the shell was told of one

void shell_note_events(uint64_t bits) {
    ends += (bits & BIT_JOB) != 0 ? 1 : 0;
    shell.interrupted = shell.interrupted || (bits & BIT_INTERRUPT) != 0;
}

uint64_t jobs_ended(void) {
    return ends;
}

// A program's exit status: its own, as far as that goes into one, or that it was ended.
static int exit_status_of(struct exec_job job) {
    if (exec_job_get_state(job) != SUPERVISOR_RUN_STATE_ENDED) {
        return COMMAND_CANNOT_RUN;
    }
    const uint64_t code = exec_job_get_exit_code(job);
    switch (exec_job_get_exit_kind(job)) {
    case EXIT_NORMAL: return code < COMMAND_CANNOT_RUN ? (int)code : COMMAND_CANNOT_RUN - 1;
    case EXIT_KILLED: return COMMAND_KILLED;
    default: return COMMAND_CRASHED;
    }
}

static bool goes_on(struct exec_job job) {
    const enum supervisor_run_state state = exec_job_get_state(job);
    return state == SUPERVISOR_RUN_STATE_RUNNING || state == SUPERVISOR_RUN_STATE_STARTING;
}

static void report_end(struct exec_job job) {
    char name[NAME_BYTES];
    char reason[SHOWN_TEXT_BYTES];
    shown(reason, sizeof(reason), exec_job_get_reason(job));
    (void)fail("%s.%u: %s\n", shown(name, sizeof(name), exec_job_get_name(job)), exec_job_get_id(job),
               reason[0] != '\0' ? reason : "ended");
}

// Asks about one job. The results are held, and lie there as long as the call.
static status_t fetch_job(struct rpc_call *call, uint32_t id, bool *found, struct exec_job *job) {
    static uint64_t page[MESSAGE_PAGE_BYTES / sizeof(uint64_t)]; // not held_results: a command that prints into a pipe may use those
    struct exec_job_results results;
    TRY(exec_call_job(the_exec(), call, id, rpc_patience(), &results));
    rpc_hold(call, page, &results.s);
    *found = exec_job_results_get_found(results);
    *job = exec_job_results_get_job(results);
    return STATUS_OK;
}

bool job_over(uint32_t id, enum job_telling telling, int *exit_status) {
    RPC_CALL(call);
    bool found = false;
    struct exec_job job;
    const status_t status = fetch_job(&call, id, &found, &job);
    if (!status_ok(status) || !found) {
        *exit_status = status_ok(status) ? fail("run: job %u ended with execd, which ran it; see `service execd`\n", id)
                                         : out_problem("run", status);
        return true;
    }
    if (goes_on(job)) {
        return false;
    }
    *exit_status = exit_status_of(job);
    if (telling == JOB_TOLD || (telling == JOB_FAILURES && *exit_status != COMMAND_OK)) {
        report_end(job);
    }
    return true;
}

// By number, or by NAME.ID.
static status_t end_named(const char *target, enum exec_control_outcome *outcome) {
    RPC_CALL(call);
    struct exec_control_kill_results results;
    TRY(exec_control_call_kill(the_exec_control(), &call, capnp_text(target), rpc_patience(), &results));
    *outcome = exec_control_kill_results_get_outcome(results);
    return STATUS_OK;
}

static status_t end_job(uint32_t id, enum exec_control_outcome *outcome) {
    char target[SHELL_NUMBER_BYTES];
    fmt_snprintf(target, sizeof(target), "%u", id);
    return end_named(target, outcome);
}

void job_end(uint32_t id) {
    enum exec_control_outcome ignored;
    (void)end_job(id, &ignored); // there may be nothing to end any more
}

int job_wait(uint32_t id) {
    bool interrupted = false;
    int exit_status;
    for (;;) {
        uint64_t bits = 0;
        status_t status = shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS));
        if (status_ok(status) && (bits & BIT_INTERRUPT) != 0) {
            if (interrupted) {
                (void)fail("run: job %u does not end; it goes on in the background\n", id);
                return COMMAND_INTERRUPTED;
            }
            interrupted = true;
            job_end(id);
        }
        if (!status_ok(status)) {
            shell.front->watch_interrupts(); // in case that the console was replaced meanwhile
        }
        // The supervisor is asked only when something happened, and now and then in case a signal was lost.
        if (job_over(id, JOB_FAILURES, &exit_status)) {
            return interrupted ? COMMAND_INTERRUPTED : exit_status;
        }
    }
}

static void guess_program(void *context, struct exec_program program) {
    guess_add(context, exec_program_get_name(program));
}

static int no_program(const char *name) {
    struct guess guess = {.suggestion = suggestion_of(name)};
    (void)each_program(guess_program, &guess); // without an answer there is just nothing to suggest
    if (guess.suggestion.nearest != nullptr) {
        (void)fail("run: there is no program `%s`; did you mean `%s`?\n", name, guess.suggestion.nearest);
    } else {
        (void)fail("run: there is no program `%s`; press Tab after `run ` to see which there are\n", name);
    }
    return COMMAND_NOT_FOUND;
}

static void hand(struct exec_handed_list_builder list, uint32_t index, const char *name, handle_t capability) {
    const struct exec_handed_builder handed = exec_handed_list_edit(list, index);
    exec_handed_set_name(handed, capnp_text(name));
    exec_handed_set_capability(handed, capability);
}

// Starts a program with these arguments, in whose place of the console and as whose input it is handed what is not 0; *id is written
// when the outcome is DONE. Else `why` says what failed, if there is more to say.
static status_t start(const char *program, const char *const *words, size_t count, bool foreground, handle_t console, handle_t input,
                      enum exec_control_outcome *outcome, uint32_t *id, char why[RPC_TEXT_BYTES]) {
    RPC_CALL(call);
    struct exec_control_run_results results;
    const struct exec_control_run_params_builder params =
        exec_control_begin_run(the_exec_control(), &call);
    const bool writes = tess_handle_valid(console), reads = tess_handle_valid(input);
    exec_control_run_params_set_program(params, capnp_text(program));
    const struct capnp_text_list_builder list = exec_control_run_params_init_arguments(params, (uint32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(list, i, capnp_text(words[i]));
    }
    exec_control_run_params_set_foreground(params, foreground);
    exec_control_run_params_set_watcher(params, (struct notification){shell.events});
    exec_control_run_params_set_bits(params, BIT_JOB);
    const struct exec_handed_list_builder handed =
        exec_control_run_params_init_handed(params, (writes ? 1u : 0u) + (reads ? 1u : 0u));
    if (writes) {
        hand(handed, 0, "console", console);
    }
    if (reads) {
        hand(handed, writes ? 1 : 0, "input", input);
    }
    const status_t status = exec_control_finish_run(&call, rpc_patience(), &results);
    if (!status_ok(status)) {
        (void)rpc_exception_text(&call, why);
        if (status_is(status, rpc_status(RPC_DISCONNECTED))) {
            why[0] = '\0'; // status_text says it
        }
        return status;
    }
    (void)shown(why, RPC_TEXT_BYTES, exec_control_run_results_get_why(results));
    *outcome = exec_control_run_results_get_outcome(results);
    *id = exec_control_run_results_get_id(results);
    return STATUS_OK;
}

int job_start(const char *const *words, size_t count, bool foreground, handle_t console, handle_t input, uint32_t *id) {
    const char *program = words[0];
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    char why[RPC_TEXT_BYTES];
    if (identity_check("run", "run", nullptr) != COMMAND_OK) { // also where a program stands in a pipe
        return COMMAND_CANNOT_RUN;
    }
    const status_t status = start(program, words + 1, count - 1, foreground, console, input, &outcome, id, why);
    if (outcome == EXEC_CONTROL_OUTCOME_NOT_FOUND) {
        return no_program(program);
    }
    if (!status_ok(status) || outcome != EXEC_CONTROL_OUTCOME_DONE) {
        const char *what = status_ok(status) ? outcome_text(outcome) : status_text(status);
        (void)fail("run %s: %s%s%s\n", program, what, why[0] != '\0' ? ": " : "", why);
        return COMMAND_CANNOT_RUN;
    }
    return COMMAND_OK;
}

int program_run(const char *const *words, size_t count, bool in_background) {
    uint32_t id = 0;
    const int started = job_start(words, count, !in_background, (handle_t){}, (handle_t){}, &id);
    if (started != COMMAND_OK) {
        return started;
    }
    if (!in_background) {
        out_flush();
        return job_wait(id);
    }
    background_add(words[0], id);
    return COMMAND_OK;
}

int command_run(const struct arguments *arguments) {
    return program_run(arguments->words + 1, arguments->count - 1, arguments->background);
}

struct program_search {
    const char *name;
    bool found;
};

static void look_for_program(void *context, struct exec_program program) {
    struct program_search *search = context;
    search->found = search->found || capnp_text_equal(exec_program_get_name(program), capnp_text(search->name));
}

bool program_exists(const char *name) {
    struct program_search search = {.name = name};
    (void)each_program(look_for_program, &search); // those that cannot be listed cannot be run
    return search.found;
}

struct job_search {
    const char *program;
    uint32_t found, running;
};

static void look_for_job(void *context, struct exec_job job) {
    struct job_search *search = context;
    if (exec_job_get_state(job) != SUPERVISOR_RUN_STATE_RUNNING ||
        !capnp_text_equal(exec_job_get_name(job), capnp_text(search->program))) {
        return;
    }
    if (search->running++ == 1) {
        (void)fail("kill: several jobs run `%s`: %s.%u", search->program, search->program, search->found);
    }
    if (search->running > 1) {
        (void)fail(" %s.%u", search->program, exec_job_get_id(job));
    }
    search->found = exec_job_get_id(job);
}

// The running job of a program: its id; 0 when there is none, or more than one, which then are listed.
static uint32_t only_job_of(const char *program) {
    struct job_search search = {.program = program};
    (void)each_job(look_for_job, &search); // those that are not seen do not run, as far as one can tell
    if (search.running > 1) {
        (void)fail("\n");
        return 0;
    }
    if (search.running == 0) {
        (void)fail("kill: there is no job or service `%s`; `services` and `jobs` list them\n", program);
    }
    return search.found;
}

// By its number in this shell, which is no service's name.
static status_t end_numbered(const char *word, enum exec_control_outcome *outcome) {
    uint32_t id;
    struct beside *beside;
    *outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND;
    if (!background_find(word, &id, &beside)) {
        return STATUS_OK;
    }
    if (beside == nullptr) {
        return end_job(id, outcome);
    }
    beside_end(beside);
    *outcome = EXEC_CONTROL_OUTCOME_DONE;
    return STATUS_OK;
}

// What becomes of a service that is to be ended, in execd's words.
static status_t end_service(const char *name, enum exec_control_outcome *outcome) {
    RPC_CALL(call);
    struct supervisor_control_kill_results results;
    TRY(supervisor_control_call_kill(the_supervisor_control(), &call, capnp_text(name), rpc_patience(), &results));
    switch (supervisor_control_kill_results_get_outcome(results)) {
    case SUPERVISOR_CONTROL_OUTCOME_DONE: *outcome = EXEC_CONTROL_OUTCOME_DONE; break;
    case SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND: *outcome = EXEC_CONTROL_OUTCOME_NOT_FOUND; break;
    default: *outcome = EXEC_CONTROL_OUTCOME_BAD_STATE; break;
    }
    return STATUS_OK;
}

int command_kill(const struct arguments *arguments) {
    const char *name = arguments->words[1];
    enum exec_control_outcome outcome = EXEC_CONTROL_OUTCOME_DONE;
    const bool numbered = name[0] == '%';
    status_t status = numbered ? end_numbered(name, &outcome) : end_service(name, &outcome);
    if (numbered && outcome == EXEC_CONTROL_OUTCOME_NOT_FOUND) {
        return fail("kill: there is no job `%s`; `jobs` lists them\n", name);
    }
    if (status_ok(status) && outcome == EXEC_CONTROL_OUTCOME_NOT_FOUND) {
        status = end_named(name, &outcome);
    }
    if (status_ok(status) && outcome == EXEC_CONTROL_OUTCOME_NOT_FOUND) {
        const uint32_t only = only_job_of(name);
        if (only == 0) {
            return COMMAND_FAILED;
        }
        status = end_job(only, &outcome);
    }
    if (!status_ok(status)) {
        return out_problem("kill", status);
    }
    if (outcome == EXEC_CONTROL_OUTCOME_BAD_STATE) {
        return fail("kill: `%s` is not running\n", name);
    }
    return outcome == EXEC_CONTROL_OUTCOME_DONE ? COMMAND_OK : fail("kill: %s\n", outcome_text(outcome));
}
