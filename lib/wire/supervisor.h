// The contract of the supervisor (init): what runs, what it holds, start and stop.
//
// Lists are read page by page: words[0] is the index to begin at; the answer has words[0] entries in
// the page and words[1] entries in all.
//
// SUPERVISOR_SERVICES  list of struct supervisor_service, in manifest order.
// SUPERVISOR_SERVICE   page: name. Answer: struct supervisor_detail in the page.
// SUPERVISOR_CAPSET    words[0] index; page: name of a service, or a job as NAME.ID or ID. Answer: a list of
//                      struct supervisor_capability; words[2] the koid of its process, 0 when not running.
// SUPERVISOR_PROGRAMS  list of struct supervisor_program: what SUPERVISOR_RUN knows.
// SUPERVISOR_RUN       control. words[0] number of strings, words[1] 1: in the foreground (band interactive),
//                      words[2] bits; page: program name and arguments, each with a NUL; no handle, or a
//                      notification with SIGNAL that gets the bits when the job ends.
//                      Answer: words[0] job id, words[1] process koid.
// SUPERVISOR_JOBS      list of struct supervisor_job, by id; ended ones are kept for a while.
// SUPERVISOR_JOB       words[0] id. Answer: struct supervisor_job in the page.
// SUPERVISOR_KILL      control. words[0] id of a job or service, or 0 and page: its name. A service with restart
//                      `always` comes back.
// SUPERVISOR_RESTART   control. page: name of a service. Ends it and starts it at once, its failures forgotten.
// SUPERVISOR_POWER     control. words[0] enum supervisor_power. Stops everything in order, then the machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/wire.h"

enum supervisor_method : uint32_t {
    SUPERVISOR_SERVICES = 1,
    SUPERVISOR_SERVICE = 2,
    SUPERVISOR_CAPSET = 3,
    SUPERVISOR_PROGRAMS = 4,
    SUPERVISOR_RUN = 5,
    SUPERVISOR_JOBS = 6,
    SUPERVISOR_JOB = 7,
    SUPERVISOR_KILL = 8,
    SUPERVISOR_RESTART = 9,
    SUPERVISOR_POWER = 10,
};

enum supervisor_power : uint32_t {
    SUPERVISOR_POWER_OFF = 0,
    SUPERVISOR_REBOOT = 1,
};

enum supervisor_state : uint32_t {
    SUPERVISOR_STOPPED = 0,  // not started yet, or stopped for good
    SUPERVISOR_STARTING = 1,
    SUPERVISOR_RUNNING = 2,
    SUPERVISOR_BACKOFF = 3,  // ended, will be started again after a pause
    SUPERVISOR_FAILED = 4,   // ended too often, or cannot be started
    SUPERVISOR_ENDED = 5,    // a job that is over; a service with `restart never` that is over
    SUPERVISOR_STATE_COUNT = 6,
};

// "stopped", "starting", "running", "waiting", "failed", "ended".
const char *supervisor_state_name(uint32_t state);

constexpr size_t SUPERVISOR_REASON_BYTES = 128;
constexpr size_t SUPERVISOR_ARGS_MAX = 32;
constexpr size_t SUPERVISOR_ARGS_BYTES = 2048; // all strings with their NULs

struct supervisor_service {
    char name[WIRE_NAME_BYTES];
    uint32_t id; // the same until shutdown; jobs and services share the numbers
    uint32_t state;
    uint32_t restarts;
    uint32_t band;
    uint64_t started_ns; // 0 when not running
    uint64_t memory_used_bytes;
    uint64_t memory_limit_bytes;
    uint64_t process_koid; // 0 when not running
};
static_assert(sizeof(struct supervisor_service) == 72);

struct supervisor_detail {
    struct supervisor_service service;
    char program[WIRE_NAME_BYTES];
    uint32_t restart_policy; // 0 never, 1 on-failure, 2 always
    uint32_t manifest_line;  // where the service is described
    uint64_t peak_bytes;
    uint64_t ended_ns; // when it last ended, 0 never
    char last_end[SUPERVISOR_REASON_BYTES]; // why, in words; empty
    char provides[SUPERVISOR_REASON_BYTES]; // interface names with spaces between
    char args[SUPERVISOR_REASON_BYTES];     // as in the manifest, cut with "..." where too long
};

// One handle that was granted when the process was started.
struct supervisor_capability {
    uint32_t handle;        // in that process's table
    uint32_t manifest_line; // that granted it; 0: every process is given it
    uint64_t interface_id;
    char name[WIRE_NAME_BYTES];
    char source[56]; // what was granted, in the manifest's words: "service log"; NUL-terminated
};
static_assert(sizeof(struct supervisor_capability) == 96);

struct supervisor_program {
    char name[WIRE_NAME_BYTES];
    uint64_t memory_limit_bytes;
};

struct supervisor_job {
    char name[WIRE_NAME_BYTES]; // of the program
    uint32_t id;
    uint32_t state; // RUNNING, ENDED or FAILED (did not start)
    uint32_t exit_kind;
    uint32_t foreground;
    uint64_t exit_code;
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t memory_used_bytes;
    uint64_t memory_limit_bytes;
    uint64_t process_koid;
    char reason[SUPERVISOR_REASON_BYTES]; // why it ended, in words; empty while it runs
};
static_assert(sizeof(struct supervisor_job) == 216);

struct supervisor_run {
    bool foreground;
    uint64_t bits;
    handle_t watcher; // 0: none
    size_t count;     // strings, the first the program's name; at least 1
    const char *strings; // one after the other in the request's page, each with its NUL
    size_t strings_bytes;
};

// --- the server's side: false when the request is malformed ---
[[nodiscard]] bool supervisor_run_decode(const struct wire_request *request, struct supervisor_run *out);

// --- the client's side ---
[[nodiscard]] bool supervisor_run_encode(uint8_t *page, const char *const *argv, size_t argc, bool foreground,
                                         uint64_t bits, struct wire_body *out);

// Whether a received structure holds terminated strings and known states, so that it can be shown.
[[nodiscard]] bool supervisor_service_valid(const struct supervisor_service *service);
[[nodiscard]] bool supervisor_detail_valid(const struct supervisor_detail *detail);
[[nodiscard]] bool supervisor_capability_valid(const struct supervisor_capability *capability);
[[nodiscard]] bool supervisor_job_valid(const struct supervisor_job *job);
