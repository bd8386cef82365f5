// The jobs of execd: which run, how those ended that are still remembered, and which one a word means. Pure: what a job is
// beside that, its handles and so on, the user keeps under the same index.
//
// As many as JOBS_MAX run at once; of those that ended the last JOBS_KEPT are remembered, and fewer when places run short.
// Numbers come from outside (the supervisor's) and rise. Invariants: jobs_check.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/badge/badge.h"

constexpr size_t JOBS_MAX = 64;
constexpr size_t JOBS_KEPT = 16;
constexpr size_t JOBS_REASON_BYTES = 128;

enum job_state : uint8_t { JOB_FREE, JOB_RUNNING, JOB_ENDED };

struct job {
    enum job_state state;
    bool foreground;
    uint32_t id;
    char program[NAME_BYTES];
    char name[NAME_BYTES]; // PROGRAM.ID, the program's name cut where that is too long
    uint64_t started_ns, ended_ns;
    uint64_t limit_bytes, peak_bytes;
    uint32_t exit_kind; // enum exit_kind
    uint64_t exit_code;
    char reason[JOBS_REASON_BYTES]; // why it ended, in words
};

struct jobs {
    struct job all[JOBS_MAX];
};

// A place for a job, running from now on; what was remembered there is forgotten. Null when JOBS_MAX run.
struct job *jobs_add(struct jobs *jobs, uint32_t id, const char *program, uint64_t now_ns);

// Whether jobs_add would find a place.
bool jobs_have_room(const struct jobs *jobs);

// It never ran after all.
void jobs_remove(struct job *job);

// Returns the one that is not remembered any more because of it, or null.
struct job *jobs_ended(struct jobs *jobs, struct job *job, uint64_t now_ns);

struct job *jobs_by_id(struct jobs *jobs, uint32_t id);

// What a word means: a job's name, or its number. Null when it means none.
struct job *jobs_by_name(struct jobs *jobs, const char *name, size_t len);

// The job with the lowest number from `id` on; places are used again, so their order says nothing. Null: none.
const struct job *jobs_from(const struct jobs *jobs, uint32_t id);

static inline size_t jobs_index(const struct jobs *jobs, const struct job *job) {
    return (size_t)(job - jobs->all);
}

bool jobs_check(const struct jobs *jobs);
