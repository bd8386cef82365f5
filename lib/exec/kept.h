// The jobs of execd in memory that outlives it (docs/concepts/keep.md): what its successor knows of what was run.
//
// A place for each job, with a checksum, written whole when the job starts and when it ends. A process that is killed while it writes
// leaves a place that is no good, which is dropped: that job is not known any more, and every other one is. A start or an end is told
// to others after it is written, so what is lost so was told to nobody.
#pragma once

#include "lib/exec/jobs.h"

struct kept_job {
    uint64_t check; // of the rest; all zero: free
    struct job job;
};

struct kept_jobs {
    struct kept_job places[JOBS_MAX];
};

// Writes a job, or that its place is free, where the table has it.
void kept_put(struct kept_jobs *kept, const struct jobs *jobs, const struct job *job);

// Fills an empty table with what a process before this one has left, and writes it back. What ran then has ended: with `reason`, as
// killed, now. Returns how many those were.
size_t kept_load(struct kept_jobs *kept, struct jobs *jobs, const char *reason, uint64_t now_ns);
