#include "lib/exec/kept.h"

#include "abi/message.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/xxh64.h"

static uint64_t check_of(const struct job *job) {
    const uint64_t check = xxh64(job, sizeof(*job), 0);
    return check != 0 ? check : 1;
}

void kept_put(struct kept_jobs *kept, const struct jobs *jobs, const struct job *job) {
    struct kept_job *place = &kept->places[jobs_index(jobs, job)];
    place->check = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // a place that is half written is none
    memcpy(&place->job, job, sizeof(*job)); // with what lies between its members, which is checked, too
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    place->check = job->state != JOB_FREE ? check_of(&place->job) : 0;
}

// Whether it may be taken for a job: what was written by this library is whole, but may not be what a job is.
static bool is_good(const struct kept_job *place) {
    const struct job *job = &place->job;
    return place->check == check_of(job) && (job->state == JOB_RUNNING || job->state == JOB_ENDED) && job->id != 0 && job->name[0] != '\0' &&
           strnlen(job->name, sizeof(job->name)) < sizeof(job->name) &&
           strnlen(job->program, sizeof(job->program)) < sizeof(job->program) &&
           strnlen(job->reason, sizeof(job->reason)) < sizeof(job->reason);
}

size_t kept_load(struct kept_jobs *kept, struct jobs *jobs, const char *reason, uint64_t now_ns) {
    size_t ran = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (is_good(&kept->places[i]) && jobs_by_id(jobs, kept->places[i].job.id) == nullptr) {
            jobs->all[i] = kept->places[i].job;
            jobs->all[i].state = JOB_RUNNING; // until all are there, of which only some can be remembered as ended
        }
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->all[i];
        if (job->state == JOB_FREE) {
            continue;
        }
        uint64_t ended_ns = job->ended_ns;
        if (kept->places[i].job.state == JOB_RUNNING) {
            ran++;
            job->exit_kind = EXIT_KILLED;
            (void)str_copy(job->reason, sizeof(job->reason), reason); // cut where it is too long
            ended_ns = now_ns;
        }
        (void)jobs_ended(jobs, job, ended_ns); // what is forgotten is written below, like all
    }
    for (size_t i = 0; i < JOBS_MAX; i++) {
        kept_put(kept, jobs, &jobs->all[i]);
    }
    return ran;
}
