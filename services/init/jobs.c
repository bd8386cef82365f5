// Who the jobs are that services run: their numbers, which no two holders share, and what others are told of them.
#include "base/fmt.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/tess/panic.h"
#include "services/init/init.h"

static_assert(1 + MANIFEST_UNITS_MAX + INIT_JOBS_MAX <= ROSTER_ENTRIES);

// The free place that was not used for longest: what a job said last may still be on its way to the log, under its name.
static struct init_job *free_place(void) {
    static size_t last;
    for (size_t i = 1; i <= INIT_JOBS_MAX; i++) {
        struct init_job *job = &init.jobs[(last + i) % INIT_JOBS_MAX];
        if (job->id == 0) {
            last = (size_t)(job - init.jobs);
            return job;
        }
    }
    return nullptr;
}

struct init_job *job_enlist(uint32_t owner, const struct manifest_unit *program) {
    struct init_job *job = free_place();
    if (job == nullptr) {
        return nullptr;
    }
    if (job->listed != 0) {
        roster_remove(init.roster, job->listed);
    }
    char name[NAME_BYTES], suffix[16];
    *job = (struct init_job){.id = init.next_id++, .owner = owner};
    job->listed = job->id;
    const size_t len = fmt_snprintf(suffix, sizeof suffix, ".%u", job->id);
    fmt_snprintf(name, sizeof name, "%.*s%s", (int)(sizeof name - 1 - len), program->name, suffix);
    const bool entered = roster_put(init.roster, job->id, name); // there is room for all places
    TESS_ASSERT(entered);
    withheld_report(program, job->id);
    return job;
}

void job_report_ends(const struct init_unit *owner) {
    char names[128] = "", name[NAME_BYTES];
    size_t count = 0, len = 0;
    for (size_t i = 0; i < INIT_JOBS_MAX; i++) {
        const struct init_job *job = &init.jobs[i];
        if (job->owner == owner->id && job->id != 0) {
            const char *next = roster_name(init.roster, job->id, name);
            if (len + strlen(next) + sizeof ", " <= sizeof names) {
                len += fmt_snprintf(names + len, sizeof names - len, "%s%s", count == 0 ? "" : ", ", next);
            } // else the number says that there were more
            count++;
        }
    }
    if (count > 0) {
        outbox_log(owner, LOG_LEVEL_WARNING, "%s ran %zu job%s, which ended with it: %s", owner->name, count, count == 1 ? "" : "s", names);
    }
}

void job_discharge(uint32_t owner, uint32_t id) {
    for (size_t i = 0; i < INIT_JOBS_MAX; i++) {
        struct init_job *job = &init.jobs[i];
        if (job->owner == owner && (id == 0 || job->id == id)) {
            job->id = 0;
        }
    }
}
