// jobs, fg, wait: programs in the background, and pipes (beside.h).
//
// Programs are execd's, not this process's: a shell that ends leaves them running, and its successor takes them up. Pipes end with it.
// Numbers are the shell's own, for people; 1 is the first one again when there are none any more.
#include "lib/commands/background.h"

#include "abi/gen/stubs.h"
#include "lib/commands/beside.h"
#include "lib/commands/job.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"

constexpr uint64_t LOOK_AGAIN_MS = 1000;
constexpr size_t JOBS_MAX = 64;     // as many as execd runs
constexpr size_t REQUESTS_MAX = 64; // of programs in pipes, that are served before the next prompt

static struct background {
    uint32_t number, id;
    struct beside *beside; // of a pipe, which has no id. Owned
} table[JOBS_MAX]; // the youngest last
static uint32_t count;
static uint64_t seen_ends;

static void add(uint32_t id, struct beside *beside) {
    if (count < JOBS_MAX) {
        table[count] = (struct background){.number = count > 0 ? table[count - 1].number + 1 : 1, .id = id, .beside = beside};
        count++;
    }
}

static void drop_at(uint32_t index) {
    if (table[index].beside != nullptr) {
        beside_close(table[index].beside);
    }
    count--;
    for (uint32_t i = index; i < count; i++) {
        table[i] = table[i + 1];
    }
}

static void drop(uint32_t id) {
    for (uint32_t i = count; i > 0; i--) {
        if (table[i - 1].id == id) {
            drop_at(i - 1);
        }
    }
}

// The job of this id, or the pipe that it is a program of.
static const struct background *find_id(uint32_t id) {
    for (uint32_t i = 0; i < count; i++) {
        if (table[i].beside != nullptr ? beside_has(table[i].beside, id) : table[i].id == id) {
            return &table[i];
        }
    }
    return nullptr;
}

void background_add(const char *program, uint32_t id) {
    add(id, nullptr);
    const struct background *job = find_id(id);
    if (job != nullptr) {
        out("%s.%u runs in the background as %%%u\n", program, id, job->number);
    } else {
        out("%s.%u runs in the background\n", program, id);
    }
}

bool background_add_beside(struct beside *beside) {
    if (count == JOBS_MAX) {
        return false;
    }
    add(0, beside);
    out("`%s` runs in the background as %%%u\n", beside_text(beside), table[count - 1].number);
    return true;
}

static const struct background *find_word(const char *word) {
    uint64_t number;
    if (str_equal(word, "%") || str_equal(word, "%%")) {
        return count > 0 ? &table[count - 1] : nullptr;
    }
    if (word[0] == '%' && str_parse_u64(word + 1, strlen(word + 1), &number)) {
        for (uint32_t i = 0; i < count; i++) {
            if (table[i].number == number) {
                return &table[i];
            }
        }
    }
    return nullptr;
}

bool background_find(const char *word, uint32_t *id, struct beside **beside) {
    const struct background *job = find_word(word);
    *id = job != nullptr ? job->id : 0;
    *beside = job != nullptr ? job->beside : nullptr;
    return job != nullptr;
}

uint32_t background_count(void) {
    return count;
}

void each_background(void (*function)(void *context, const char *word), void *context) {
    for (uint32_t i = 0; i < count; i++) {
        char word[SHELL_NUMBER_BYTES];
        fmt_snprintf(word, sizeof(word), "%%%u", table[i].number);
        function(context, word);
    }
}

// ---- a shell's successor ----

static void adopt(void *, struct exec_job job) {
    if (exec_job_get_state(job) == SUPERVISOR_RUN_STATE_RUNNING) {
        add(exec_job_get_id(job), nullptr);
    }
}

void background_adopt(void) {
    if (!status_ok(each_job(adopt, nullptr))) {
        return; // then execd has ended, too, and what it ran with it
    }
    for (uint32_t i = 0; i < count; i++) {
        RPC_CALL(call);
        // Of one that has ended meanwhile the next look tells.
        (void)exec_control_call_watch(the_exec_control(), &call, table[i].id, (struct notification){shell.events}, BIT_JOB, rpc_patience(), nullptr);
    }
    if (count > 0) {
        out("Jobs go on that were started before: %u; `jobs` lists them.\n", count);
    }
    seen_ends = UINT64_MAX; // look once
}

// ---- ends ----

// When execd ends nobody is told of the ends of its jobs; they all ended then, so one of them shows it.
static bool lost(void) {
    int ignored;
    for (uint32_t i = 0; i < count; i++) {
        if (table[i].beside == nullptr) {
            return job_over(table[i].id, JOB_QUIET, &ignored);
        }
    }
    return false;
}

void jobs_report(void) {
    // A Ctrl-C from before the prompt is not meant for the next command; one from after it is.
    uint64_t bits = 0;
    for (size_t i = 0; i < REQUESTS_MAX && status_ok(shell_take_events(&bits, DEADLINE_POLL)); i++) {
    }
    const bool look = seen_ends != jobs_ended() || lost();
    int ignored;
    seen_ends = jobs_ended();
    for (uint32_t i = count; i > 0; i--) {
        const struct background *job = &table[i - 1];
        if (job->beside != nullptr) {
            if (beside_over(job->beside)) {
                (void)fail("%%%u `%s` ended with status %d\n", job->number, beside_text(job->beside), beside_status(job->beside));
                drop_at(i - 1);
            }
        } else if (look && job_over(job->id, JOB_TOLD, &ignored)) {
            drop_at(i - 1);
        }
    }
}

// ---- commands ----

struct job_rows {
    uint64_t now;
    size_t count;
};

static void print_job(void *context, struct exec_job job) {
    struct job_rows *rows = context;
    struct shell_table *to = &shell.table;
    const uint64_t started = exec_job_get_started_ns(job), ended = exec_job_get_ended_ns(job);
    const uint64_t until = ended != 0 ? ended : rows->now;
    const struct background *background = find_id(exec_job_get_id(job));
    char name[NAME_BYTES];
    char number[SHELL_NUMBER_BYTES];
    char reason[SHOWN_TEXT_BYTES];
    table_cell(to, "%u", exec_job_get_id(job));
    table_cell(to, "%s", shown(name, sizeof(name), exec_job_get_name(job)));
    table_cell(to, "%s", run_state_name(exec_job_get_state(job)));
    table_cell(to, "%s", shell_duration(number, until > started ? until - started : 0));
    table_cell(to, "%s", shell_size(number, supervisor_memory_get_used_bytes(exec_job_get_memory(job))));
    if (background != nullptr) {
        table_cell(to, "%%%u", background->number);
    } else {
        table_cell(to, "-");
    }
    table_cell(to, "%s", shown(reason, sizeof(reason), exec_job_get_reason(job)));
    rows->count++;
}

int command_jobs(const struct arguments *) {
    struct job_rows rows = {.now = tess_now_ns()};
    table_begin(&shell.table, ">ID PROGRAM STATE >TIME >MEMORY JOB END", out_sink, nullptr);
    const status_t status = each_job(print_job, &rows);
    if (!status_ok(status)) {
        return out_problem("jobs", status);
    }
    if (rows.count == 0) {
        out("jobs: no program was run yet\n");
        return COMMAND_OK;
    }
    table_end(&shell.table);
    for (uint32_t i = 0; i < count; i++) {
        if (table[i].beside != nullptr) {
            out("%%%u is `%s`\n", table[i].number, beside_text(table[i].beside));
        }
    }
    return COMMAND_OK;
}

// A job by its number in this shell, its id, or NAME.ID: *beside of a pipe, else *id. False, and it was said: none.
static bool find(const char *command, const char *word, uint32_t *id, struct beside **beside) {
    const char *dot = strrchr(word, '.');
    const char *digits = dot != nullptr ? dot + 1 : word;
    uint64_t number;
    if (background_find(word, id, beside)) {
        return true;
    }
    if (!str_parse_u64(digits, strlen(digits), &number) || number == 0 || number > UINT32_MAX) {
        (void)fail("%s: there is no job `%s`; `jobs` lists them\n", command, word);
        return false;
    }
    *id = (uint32_t)number;
    return true;
}

static void drop_beside(const struct beside *beside) {
    for (uint32_t i = 0; i < count; i++) {
        if (table[i].beside == beside) {
            drop_at(i);
            return;
        }
    }
}

// Ctrl-C ends the pipe, a second one the wait; or at once, when it is to be left alone.
static int wait_for_beside(struct beside *beside, bool leave_alone) {
    bool interrupted = false;
    uint64_t bits = 0;
    while (!beside_over(beside)) {
        out_flush();
        if (!status_ok(shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS)))) {
            shell.front->watch_interrupts(); // in case that the console was replaced meanwhile
        } else if ((bits & BIT_INTERRUPT) != 0) {
            if (leave_alone || interrupted) {
                return COMMAND_INTERRUPTED;
            }
            interrupted = true;
            beside_end(beside);
        }
    }
    const int status = beside_status(beside);
    drop_beside(beside);
    return interrupted ? COMMAND_INTERRUPTED : status;
}

int command_fg(const struct arguments *arguments) {
    uint32_t id;
    struct beside *beside;
    if (arguments->count == 1 && count == 0) {
        return fail("fg: nothing runs in the background\n");
    }
    if (!find("fg", arguments->count > 1 ? arguments->words[1] : "%", &id, &beside)) {
        return COMMAND_FAILED;
    }
    if (beside != nullptr) {
        out("waiting for `%s`; Ctrl-C ends it\n", beside_text(beside));
        return wait_for_beside(beside, false);
    }
    out("waiting for job %u; Ctrl-C ends it\n", id);
    out_flush();
    const int status = job_wait(id);
    int ignored;
    if (job_over(id, JOB_QUIET, &ignored)) {
        drop(id);
    }
    return status;
}

// Unlike `fg` it leaves them alone: Ctrl-C ends the wait, not the job.
static int wait_for(uint32_t id, struct beside *beside) {
    int status = COMMAND_OK;
    uint64_t bits;
    if (beside != nullptr) {
        return wait_for_beside(beside, true);
    }
    while (!job_over(id, JOB_FAILURES, &status)) {
        if (!shell_wait_for_more(&bits)) {
            return COMMAND_INTERRUPTED;
        }
    }
    drop(id);
    return status;
}

int command_wait(const struct arguments *arguments) {
    int status = COMMAND_OK;
    for (size_t i = 1; i < arguments->count; i++) {
        uint32_t id;
        struct beside *beside;
        if (!find("wait", arguments->words[i], &id, &beside)) {
            return COMMAND_FAILED;
        }
        status = wait_for(id, beside);
        if (status == COMMAND_INTERRUPTED) {
            return status;
        }
    }
    while (arguments->count == 1 && count > 0) {
        if (wait_for(table[0].id, table[0].beside) == COMMAND_INTERRUPTED) {
            return COMMAND_INTERRUPTED;
        }
    }
    return status;
}
