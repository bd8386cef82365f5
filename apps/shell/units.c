#include "apps/shell/units.h"

#include "apps/shell/shell.h"
#include "base/str.h"

uint64_t held_results[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];

struct supervisor_control the_supervisor_control(void) {
    return (struct supervisor_control){shell.supervisor};
}

struct supervisor the_supervisor(void) {
    return supervisor_control_as_supervisor(the_supervisor_control());
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
        struct supervisor_jobs_results results;
        TRY(supervisor_call_jobs(the_supervisor(), &call, first, rpc_patience(), &results));
        rpc_hold(&call, held_results, &results.s);
        const struct supervisor_job_list list = supervisor_jobs_results_get_jobs(results);
        count = supervisor_job_list_count(list);
        total = supervisor_jobs_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, supervisor_job_list_get(list, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

status_t each_program(program_fn *function, void *context) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct supervisor_programs_results results;
        TRY(supervisor_call_programs(the_supervisor(), &call, first, rpc_patience(), &results));
        rpc_hold(&call, held_results, &results.s);
        const struct supervisor_program_list list = supervisor_programs_results_get_programs(results);
        count = supervisor_program_list_count(list);
        total = supervisor_programs_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, supervisor_program_list_get(list, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

const char *run_state_name(enum supervisor_run_state state) {
    static const char *const names[] = {"stopped", "starting", "running", "waiting", "failed", "ended"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *outcome_text(enum supervisor_control_outcome outcome) {
    switch (outcome) {
    case SUPERVISOR_CONTROL_OUTCOME_DONE: return "done";
    case SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND: return "there is nothing of that name";
    case SUPERVISOR_CONTROL_OUTCOME_BAD_PROGRAM: return "the program's file is damaged";
    case SUPERVISOR_CONTROL_OUTCOME_BUSY: return "the service is busy; try again";
    case SUPERVISOR_CONTROL_OUTCOME_NO_MEMORY: return "not enough memory in the account that would pay";
    case SUPERVISOR_CONTROL_OUTCOME_BAD_STATE: return "it is not in a state in which that can be done";
    case SUPERVISOR_CONTROL_OUTCOME_TOO_LONG: return "it is longer than the service takes";
    }
    return "it did not work; see `logs`"; // a newer supervisor has more to say
}

const char *shown(char *out, size_t size, struct capnp_text text) {
    shell_printable(out, size, text.bytes, text.len);
    return out;
}

void guess_add(struct guess *guess, struct capnp_text name) {
    char candidate[NAME_BYTES];
    shell_suggest_add(&guess->suggestion, shown(candidate, sizeof(candidate), name));
    if (guess->suggestion.nearest == candidate) {
        (void)str_copy(guess->nearest, sizeof(guess->nearest), candidate);
        guess->suggestion.nearest = guess->nearest;
    }
}
