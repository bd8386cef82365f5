#include "lib/exec/jobs.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

// Which place is taken next: a free one, or the one that ended first.
static const struct job *next_place(const struct jobs *jobs) {
    const struct job *oldest = nullptr;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &jobs->all[i];
        if (job->state == JOB_FREE) {
            return job;
        }
        if (job->state == JOB_ENDED && (oldest == nullptr || job->ended_ns < oldest->ended_ns)) {
            oldest = job;
        }
    }
    return oldest;
}

bool jobs_have_room(const struct jobs *jobs) {
    return next_place(jobs) != nullptr;
}

struct job *jobs_add(struct jobs *jobs, uint32_t id, const char *program, uint64_t now_ns) {
    const struct job *place = next_place(jobs);
    if (place == nullptr) {
        return nullptr;
    }
    struct job *job = &jobs->all[jobs_index(jobs, place)];
    *job = (struct job){.state = JOB_RUNNING, .id = id, .started_ns = now_ns};
    (void)str_copy(job->program, sizeof(job->program), program); // same bound
    char suffix[16];
    const size_t len = fmt_snprintf(suffix, sizeof(suffix), ".%u", id);
    fmt_snprintf(job->name, sizeof(job->name), "%.*s%s", (int)(sizeof(job->name) - 1 - len), program, suffix);
    return job;
}

void jobs_remove(struct job *job) {
    *job = (struct job){};
}

struct job *jobs_ended(struct jobs *jobs, struct job *job, uint64_t now_ns) {
    size_t ended = 0;
    struct job *oldest = job;
    job->state = JOB_ENDED;
    job->ended_ns = now_ns;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *other = &jobs->all[i];
        if (other->state == JOB_ENDED) {
            ended++;
            oldest = other->ended_ns < oldest->ended_ns ? other : oldest;
        }
    }
    if (ended <= JOBS_KEPT) {
        return nullptr;
    }
    jobs_remove(oldest);
    return oldest;
}

struct job *jobs_by_id(struct jobs *jobs, uint32_t id) {
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs->all[i].state != JOB_FREE && jobs->all[i].id == id) {
            return &jobs->all[i];
        }
    }
    return nullptr;
}

struct job *jobs_by_name(struct jobs *jobs, const char *name, size_t len) {
    uint64_t id;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &jobs->all[i];
        if (job->state != JOB_FREE && strlen(job->name) == len && memcmp(job->name, name, len) == 0) {
            return job;
        }
    }
    return str_parse_u64(name, len, &id) && id <= UINT32_MAX ? jobs_by_id(jobs, (uint32_t)id) : nullptr;
}

const struct job *jobs_from(const struct jobs *jobs, uint32_t id) {
    const struct job *next = nullptr;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &jobs->all[i];
        if (job->state != JOB_FREE && job->id >= id && (next == nullptr || job->id < next->id)) {
            next = job;
        }
    }
    return next;
}

bool jobs_check(const struct jobs *jobs) {
    size_t ended = 0;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &jobs->all[i];
        ended += job->state == JOB_ENDED;
        for (size_t j = 0; j < i; j++) {
            if (job->state != JOB_FREE && jobs->all[j].state != JOB_FREE && job->id == jobs->all[j].id) {
                return false;
            }
        }
        if (job->state == JOB_FREE ? job->id != 0 : job->id == 0 || strlen(job->name) == 0) {
            return false;
        }
    }
    return ended <= JOBS_KEPT;
}
