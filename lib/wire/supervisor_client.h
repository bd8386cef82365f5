// Client stubs of the supervisor (lib/wire/supervisor.h). Statuses: lib/wire/client.h. All may block.
//
// Lists: entries from `index` on, at most `max`, into the caller's array; *total is how many there are.
#pragma once

#include "lib/wire/supervisor.h"

status_t supervisor_services(handle_t supervisor, size_t index, struct supervisor_service *out, size_t max,
                             size_t *count, size_t *total);
status_t supervisor_programs(handle_t supervisor, size_t index, struct supervisor_program *out, size_t max,
                             size_t *count, size_t *total);
status_t supervisor_jobs(handle_t supervisor, size_t index, struct supervisor_job *out, size_t max, size_t *count,
                         size_t *total);

// The handles that a service or job was granted; *koid is its process, 0 when it is not running.
status_t supervisor_capset(handle_t supervisor, const char *name, size_t index, struct supervisor_capability *out,
                           size_t max, size_t *count, size_t *total, uint64_t *koid);

status_t supervisor_service(handle_t supervisor, const char *name, struct supervisor_detail *out);
status_t supervisor_job(handle_t supervisor, uint32_t id, struct supervisor_job *out);

// Starts a program. `watcher` is 0, or a notification (COPY, SIGNAL) that gets `bits` when the job ends.
status_t supervisor_run(handle_t supervisor, const char *const *argv, size_t argc, bool foreground, handle_t watcher,
                        uint64_t bits, uint32_t *id);

// Ends a job or service: by id, or with id 0 by name.
status_t supervisor_kill(handle_t supervisor, uint32_t id, const char *name);
status_t supervisor_restart(handle_t supervisor, const char *name);

// Success means that the system is going down; the answer comes before it does.
status_t supervisor_power(handle_t supervisor, enum supervisor_power action);
