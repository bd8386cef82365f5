// What the supervisor knows of services, and execd of jobs and programs, for the commands.
//
// Results of a call lie in the thread's message page, which printing uses: who prints while reading holds them first.
#pragma once

#include "base/suggest.h"
#include "idl/exec.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/badge/badge.h"

constexpr size_t SHOWN_TEXT_BYTES = 128; // of a reason, a list of words

// Where the running command holds results (rpc_hold), one at a time.
extern uint64_t held_results[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];

struct policy the_policy(void); // (policy.c)
struct supervisor the_supervisor(void);
struct supervisor_control the_supervisor_control(void);
struct exec the_exec(void);
struct exec_control the_exec_control(void);

typedef void service_fn(void *context, struct supervisor_service service);
typedef void job_fn(void *context, struct exec_job job);
typedef void program_fn(void *context, struct exec_program program);

// Calls the function for each, in order. What it is given is good until it returns; it may print, but not ask again.
// Says that there is no such service. COMMAND_FAILED. (services.c)
int no_service(const char *command, const char *name);

status_t each_service(service_fn *function, void *context);
status_t each_job(job_fn *function, void *context);
status_t each_program(program_fn *function, void *context);

// Calls the function for each capability that a service or job (NAME.ID or its number) was granted when it was started, with its
// process's koid (0: it does not run), which *koid becomes, too.
typedef void granted_fn(void *context, uint64_t koid, struct supervisor_granted_capability granted);
status_t each_granted(const char *name, granted_fn *function, void *context, bool *found, uint64_t *koid);

// "stopped", "starting", "running", "waiting", "failed", "ended".
const char *run_state_name(enum supervisor_run_state state);

// Why it was not done, for a person.
const char *outcome_text(enum exec_control_outcome outcome);

// Copies a service's text so that it can be shown on one line; cut where too long. Returns `out`.
const char *shown(char *out, size_t size, struct capnp_text text);

// The name nearest to a word, among those that were offered.
struct guess {
    struct suggestion suggestion;
    char nearest[NAME_BYTES];
};
void guess_add(struct guess *guess, struct capnp_text name);
