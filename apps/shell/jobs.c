// run, jobs, kill: programs that are run on demand.
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "apps/shell/shell.h"
#include "base/str.h"
#include "lib/shell/suggest.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"
#include "lib/wire/supervisor_client.h"

constexpr size_t BACKGROUND_MAX = 32; // jobs whose end is reported
constexpr uint64_t LOOK_AGAIN_MS = 1000;

static uint32_t background[BACKGROUND_MAX];
static size_t background_count;
static bool job_ended; // since jobs_report looked

// Takes the bits of the shell's notification; what they say of jobs is kept for jobs_report.
static status_t take_events(uint64_t *bits, uint64_t deadline_ns) {
    TRY(tess_wait(shell.events, bits, deadline_ns));
    job_ended = job_ended || (*bits & BIT_JOB) != 0;
    return STATUS_OK;
}

static bool went_well(const struct supervisor_job *job) {
    return job->state == SUPERVISOR_ENDED && job->exit_kind == EXIT_NORMAL && job->exit_code == 0;
}

static void report_end(const struct supervisor_job *job) {
    out("%s.%u: %s\n", job->name, job->id, job->reason[0] != '\0' ? job->reason : "ended");
}

// What became of a job that is waited for in the foreground. True when that is over.
static bool foreground_over(uint32_t id) {
    struct supervisor_job job;
    status_t status = supervisor_job(shell.supervisor, id, &job);
    if (!status_ok(status)) {
        out_problem("run", status);
        return true;
    }
    if (job.state == SUPERVISOR_RUNNING || job.state == SUPERVISOR_STARTING) {
        return false;
    }
    if (!went_well(&job)) {
        report_end(&job);
    }
    return true;
}

static void wait_in_foreground(uint32_t id) {
    bool interrupted = false;
    for (;;) {
        uint64_t bits = 0;
        status_t status = take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS));
        if (status_ok(status) && (bits & BIT_INTERRUPT) != 0) {
            if (interrupted) {
                out("run: job %u does not end; it goes on in the background\n", id);
                return;
            }
            interrupted = true;
            // That it has ended by itself meanwhile is no mistake.
            (void)supervisor_kill(shell.supervisor, id, nullptr);
        }
        if (!status_ok(status)) {
            shell_watch_interrupts(); // in case that the console was replaced meanwhile
        }
        // The supervisor is asked only when something happened, and now and then in case a signal was lost.
        if (foreground_over(id)) {
            return;
        }
    }
}

static void no_program(const char *name) {
    static struct supervisor_program programs[32];
    struct shell_suggestion suggestion = shell_suggest(name);
    size_t count = 0;
    size_t total;
    if (status_ok(supervisor_programs(shell.supervisor, 0, programs, 32, &count, &total))) {
        for (size_t i = 0; i < count; i++) {
            shell_suggest_add(&suggestion, programs[i].name);
        }
    }
    if (suggestion.nearest != nullptr) {
        out("run: there is no program `%s`; did you mean `%s`?\n", name, suggestion.nearest);
    } else {
        out("run: there is no program `%s`; press Tab after `run ` to see which there are\n", name);
    }
}

void command_run(const struct arguments *arguments) {
    uint32_t id;
    status_t status = supervisor_run(shell.supervisor, arguments->words + 1, arguments->count - 1,
                                     !arguments->background, shell.events, BIT_JOB, &id);
    if (status_is(status, wire_status(WIRE_NOT_FOUND)) || status_is(status, wire_status(WIRE_BAD_REQUEST))) {
        no_program(arguments->words[1]);
        return;
    }
    if (!status_ok(status)) {
        out("run %s: %s\n", arguments->words[1], wire_status_text(status));
        return;
    }
    if (!arguments->background) {
        out_flush();
        wait_in_foreground(id);
        return;
    }
    out("%s.%u runs in the background\n", arguments->words[1], id);
    if (background_count < BACKGROUND_MAX) {
        background[background_count++] = id;
    }
}

void jobs_report(void) {
    // A Ctrl-C from before the prompt is not meant for the next command; one from after it is.
    uint64_t stale;
    (void)tess_wait(shell.events, &stale, DEADLINE_POLL);
    size_t kept = 0;
    for (size_t i = 0; i < background_count; i++) {
        struct supervisor_job job;
        status_t status = supervisor_job(shell.supervisor, background[i], &job);
        if (status_ok(status) && job.state != SUPERVISOR_RUNNING && job.state != SUPERVISOR_STARTING) {
            report_end(&job);
        } else if (!status_is(status, wire_status(WIRE_NOT_FOUND))) {
            background[kept++] = background[i];
        }
    }
    background_count = kept;
}

void command_jobs(const struct arguments *arguments) {
    (void)arguments;
    static struct supervisor_job jobs[16];
    struct shell_table *table = &shell.table;
    uint64_t now = tess_now_ns();
    size_t total = 0;
    size_t count;
    size_t shown = 0;
    table_begin(table, ">ID PROGRAM STATE >TIME >MEMORY END", out_sink, nullptr);
    for (size_t index = 0; index == 0 || index < total; index += count) {
        status_t status = supervisor_jobs(shell.supervisor, index, jobs, 16, &count, &total);
        if (!status_ok(status)) {
            out_problem("jobs", status);
            return;
        }
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            const struct supervisor_job *job = &jobs[i];
            char number[SHELL_NUMBER_BYTES];
            uint64_t until = job->ended_ns != 0 ? job->ended_ns : now;
            table_cell(table, "%u", job->id);
            table_cell(table, "%s", job->name);
            table_cell(table, "%s", supervisor_state_name(job->state));
            table_cell(table, "%s", shell_duration(number, until > job->started_ns ? until - job->started_ns : 0));
            table_cell(table, "%s", shell_size(number, job->memory_used_bytes));
            table_cell(table, "%s", job->reason);
            shown++;
        }
    }
    if (shown == 0) {
        out("jobs: no program was run yet\n");
        return;
    }
    table_end(table);
}

// The running job of a program: its id; 0 when there is none, or more than one, which then are listed.
static uint32_t only_job_of(const char *program) {
    static struct supervisor_job jobs[16];
    uint32_t found = 0;
    unsigned running = 0;
    size_t count = 0;
    size_t total = 1;
    for (size_t index = 0; index < total; index += count) {
        if (!status_ok(supervisor_jobs(shell.supervisor, index, jobs, 16, &count, &total)) || count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].state == SUPERVISOR_RUNNING && str_equal(jobs[i].name, program)) {
                if (running++ == 1) {
                    out("kill: several jobs run `%s`: %s.%u", program, program, found);
                }
                if (running > 1) {
                    out(" %s.%u", program, jobs[i].id);
                }
                found = jobs[i].id;
            }
        }
    }
    if (running > 1) {
        out("\n");
        return 0;
    }
    if (running == 0) {
        out("kill: there is no job or service `%s`; `services` and `jobs` list them\n", program);
    }
    return found;
}

void command_kill(const struct arguments *arguments) {
    const char *name = arguments->words[1];
    uint64_t id = 0;
    status_t status;
    if (str_parse_u64(name, strlen(name), &id) && id > 0 && id <= UINT32_MAX) {
        status = supervisor_kill(shell.supervisor, (uint32_t)id, nullptr);
    } else {
        status = supervisor_kill(shell.supervisor, 0, name);
    }
    if (status_is(status, wire_status(WIRE_NOT_FOUND))) {
        uint32_t only = only_job_of(name);
        if (only == 0) {
            return;
        }
        status = supervisor_kill(shell.supervisor, only, nullptr);
    }
    if (status_is(status, wire_status(WIRE_BAD_STATE))) {
        out("kill: `%s` is not running\n", name);
    } else if (!status_ok(status)) {
        out_problem("kill", status);
    }
}
