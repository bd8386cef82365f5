#include "lib/commands/units.h"

#include "lib/commands/shell.h"
#include "base/str.h"

uint64_t held_results[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];

struct supervisor_control the_supervisor_control(void) {
    return (struct supervisor_control){shell.supervisor};
}

struct supervisor the_supervisor(void) {
    return supervisor_control_as_supervisor(the_supervisor_control());
}

struct exec_control the_exec_control(void) {
    return (struct exec_control){shell.exec};
}

struct exec the_exec(void) {
    return exec_control_as_exec(the_exec_control());
}

status_t each_service(service_fn *function, void *context) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct supervisor_services_results results;
        TRY(supervisor_call_services(the_supervisor(), &call, first, rpc_patience(), &results));
        rpc_hold(&call, held_results, &results.s);
        const struct supervisor_service_list list = supervisor_services_results_get_services(results);
        count = supervisor_service_list_count(list);
        total = supervisor_services_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, supervisor_service_list_get(list, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

status_t each_job(job_fn *function, void *context) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct exec_jobs_results results;
        TRY(exec_call_jobs(the_exec(), &call, first, rpc_patience(), &results));
        rpc_hold(&call, held_results, &results.s);
        const struct exec_job_list list = exec_jobs_results_get_jobs(results);
        count = exec_job_list_count(list);
        total = exec_jobs_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, exec_job_list_get(list, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

status_t each_program(program_fn *function, void *context) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct exec_programs_results results;
        TRY(exec_call_programs(the_exec(), &call, first, rpc_patience(), &results));
        rpc_hold(&call, held_results, &results.s);
        const struct exec_program_list list = exec_programs_results_get_programs(results);
        count = exec_program_list_count(list);
        total = exec_programs_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, exec_program_list_get(list, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

// One piece of what there is to be told of a service or a job.
struct granted {
    bool found;
    uint64_t koid;
    uint32_t total;
    struct supervisor_granted_capability_list list;
};

typedef status_t ask_fn(struct rpc_call *call, const char *name, uint32_t first, struct granted *granted);

static status_t ask_supervisor(struct rpc_call *call, const char *name, uint32_t first, struct granted *granted) {
    struct supervisor_capabilities_results results;
    TRY(supervisor_call_capabilities(the_supervisor(), call, capnp_text(name), first, rpc_patience(), &results));
    rpc_hold(call, held_results, &results.s);
    *granted = (struct granted){supervisor_capabilities_results_get_found(results),
                                supervisor_capabilities_results_get_process_koid(results),
                                supervisor_capabilities_results_get_total(results),
                                supervisor_capabilities_results_get_capabilities(results)};
    return STATUS_OK;
}

static status_t ask_execd(struct rpc_call *call, const char *name, uint32_t first, struct granted *granted) {
    struct exec_capabilities_results results;
    TRY(exec_call_capabilities(the_exec(), call, capnp_text(name), first, rpc_patience(), &results));
    rpc_hold(call, held_results, &results.s);
    *granted = (struct granted){exec_capabilities_results_get_found(results), exec_capabilities_results_get_process_koid(results),
                                exec_capabilities_results_get_total(results), exec_capabilities_results_get_capabilities(results)};
    return STATUS_OK;
}

static status_t each_granted_by(ask_fn *ask, const char *name, granted_fn *function, void *context, bool *found, uint64_t *koid) {
    uint32_t first = 0, count;
    struct granted granted;
    do {
        RPC_CALL(call);
        TRY(ask(&call, name, first, &granted));
        *found = granted.found;
        *koid = granted.koid;
        count = supervisor_granted_capability_list_count(granted.list);
        for (uint32_t i = 0; i < count; i++) {
            function(context, granted.koid, supervisor_granted_capability_list_get(granted.list, i));
        }
        first += count;
    } while (count > 0 && first < granted.total);
    return STATUS_OK;
}

status_t each_granted(const char *name, granted_fn *function, void *context, bool *found, uint64_t *koid) {
    TRY(each_granted_by(ask_supervisor, name, function, context, found, koid));
    return *found ? STATUS_OK : each_granted_by(ask_execd, name, function, context, found, koid);
}

const char *run_state_name(enum supervisor_run_state state) {
    static const char *const names[] = {"stopped", "starting", "running", "waiting", "failed", "ended"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *outcome_text(enum exec_control_outcome outcome) {
    switch (outcome) {
    case EXEC_CONTROL_OUTCOME_DONE: return "done";
    case EXEC_CONTROL_OUTCOME_NOT_FOUND: return "there is nothing of that name";
    case EXEC_CONTROL_OUTCOME_BAD_PROGRAM: return "the program's file is damaged";
    case EXEC_CONTROL_OUTCOME_BUSY: return "the service is busy; try again";
    case EXEC_CONTROL_OUTCOME_NO_MEMORY: return "not enough memory in the account that would pay";
    case EXEC_CONTROL_OUTCOME_BAD_STATE: return "it is not in a state in which that can be done";
    case EXEC_CONTROL_OUTCOME_TOO_LONG: return "it is longer than the service takes";
    }
    return "it did not work; see `logs`"; // a newer supervisor has more to say
}

const char *shown(char *out, size_t size, struct capnp_text text) {
    shell_printable(out, size, text.bytes, text.len);
    return out;
}

void guess_add(struct guess *guess, struct capnp_text name) {
    char candidate[NAME_BYTES];
    suggestion_add(&guess->suggestion, shown(candidate, sizeof(candidate), name));
    if (guess->suggestion.nearest == candidate) {
        (void)str_copy(guess->nearest, sizeof(guess->nearest), candidate);
        guess->suggestion.nearest = guess->nearest;
    }
}
