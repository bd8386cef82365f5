// execd: the one service that runs programs. The parts of it, and the one state that they share.
//
// It holds what the programs of the manifest may be granted (grant kind `programs`), and nothing else that could be given
// away. A single thread around one endpoint: requests and, through a bound notification, the ends of jobs.
//
//   main.c     bring-up and the loop     job.c   start and end of one job
//   control.c  what it can be told to do view.c  what can be seen
//   crash.c    records of what crashed   report.c  what the log is told
//
// CapSet: `exec` (RECEIVE), `programs` and what comes with it, `supervisor` and `log` (control), `symbols`, `crashes` and what comes with it, `records`.
#pragma once

#include "idl/exec.capnp.h"
#include "lib/crash/crash.h"
#include "lib/exec/kept.h"
#include "lib/launch/launch.h"
#include "lib/manifest/manifest.h"
#include "lib/package/package.h"

// What a job is beside what lib/exec knows of it; under the same index.
struct execd_process {
    const struct manifest_unit *spec;
    struct spawned process; // handles owned
    handle_t account;       // owned; its own
    handle_t lent;          // owned; above those that it was granted. 0: none
    struct launch_capset capset;
    handle_t watcher; // owned; gets watch_bits when it ends
    uint64_t watch_bits;
};

struct execd {
    handle_t package_vmo, accounts, supervisor, log;
    handle_t ends;            // notification bound to the endpoint: processes that ended, 63 bits shared by all jobs, and CRASH_BIT
    const char *command_line; // the machine's; null when there is none
    struct package package;
    struct manifest manifest;
    struct jobs jobs;
    struct kept_jobs *kept; // the same, beyond this process
    struct execd_process processes[JOBS_MAX];
    struct rpc_server server;
};

extern struct execd execd;

static inline struct execd_process *process_of(const struct job *job) {
    return &execd.processes[jobs_index(&execd.jobs, job)];
}

// --- job.c ---

// What is wanted of a job. The handed capabilities stay the caller's.
struct job_request {
    const struct manifest_unit *spec;
    const char *const *arguments;
    size_t argument_count;
    bool foreground;
    uint64_t memory_bytes;
    const struct launch_handed *handed;
    size_t handed_count;
};

// Starts it. On failure nothing is left of it, and `why` says for a person what failed; BUSY: there are too many.
status_t job_start(const struct job_request *request, struct job **out, char *why, size_t why_bytes);

// Looks at all jobs that `bits` may mean, and settles those whose process has ended.
void jobs_collect(uint64_t bits);

// --- crash.c ---

extern const struct crash_machine crash_machine;

// The records are kept in this memory. Finds the table of symbols, and the box with what is left of services.
void crash_open(void *memory, size_t len_bytes);

// Keeps what is known of a job that has ended, while its memory is still there. Null: that was no crash. Good until the next.
const struct crash *crash_of_job(const struct job *job, const struct exit_record *record);

// Makes records of what lies in the box, and tells the log of them; and when that is due, DEADLINE_NEVER when all is done.
void crash_collect(void);
uint64_t crash_due(void);

// The record with this number; null when there is none (any more). How many there ever were.
const struct crash *crash_find(uint32_t number);
uint32_t crash_count(void);

// --- report.c ---

// One line: where it happened, and who called that. Not OK: the log does not listen now.
status_t report_crash(const struct crash *crash);

// Why a job was not started.
void report_failure(const struct job *job, const char *why);

// Why a job ended, and of a crash where; with a fault also the registers.
void report_end(const struct job *job, const struct exit_record *record, const struct crash *crash);

// --- control.c, view.c ---

extern const struct exec_control_server execd_control_methods;
extern const struct exec_server execd_view_methods;
