#include "lib/commands/graph.h"

#include "abi/gen/stubs.h"
#include "lib/commands/background.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/authority/contracts.h"
#include "lib/tess/clock.h"
#include "lib/tess/heap.h"
#include "lib/tess/page.h"

constexpr uint64_t PATIENCE_MS = 5000, LOOK_AGAIN_MS = 20;

// Copies a page of entries, for what is called next overwrites the message page. How many there are.
static uint64_t copy_page(void *to, uint64_t count, size_t entry_bytes) {
    count = count <= MESSAGE_PAGE_BYTES / entry_bytes ? count : 0;
    memcpy(to, tess_message_page(), count * entry_bytes);
    return count;
}

static status_t added(bool is_added) {
    return is_added ? STATUS_OK : STATUS_NO_MEMORY;
}

// ---- what the kernel knows ----

static status_t take_handles(struct authority *graph, uint64_t koid) {
    static struct inspect_handle page[MESSAGE_PAGE_BYTES / sizeof(struct inspect_handle)];
    uint64_t index = 0;
    do {
        RPC_CALL(call);
        struct inspector_handles_results results;
        TRY(inspector_call_handles(shell.inspector, &call, koid, index, rpc_patience(), &results));
        index = inspector_handles_results_get_next_index(results);
        const uint64_t count = copy_page(page, inspector_handles_results_get_count(results), sizeof page[0]);
        for (uint64_t i = 0; i < count; i++) {
            TRY(added(authority_add_handle(graph, koid, &page[i])));
        }
    } while (index != 0);
    return STATUS_OK;
}

static status_t take_objects(struct authority *graph, uint64_t koid) {
    static struct inspect_object page[MESSAGE_PAGE_BYTES / sizeof(struct inspect_object)];
    uint64_t index = 0;
    do {
        RPC_CALL(call);
        struct inspector_objects_results results;
        TRY(inspector_call_objects(shell.inspector, &call, koid, index, rpc_patience(), &results));
        index = inspector_objects_results_get_next_index(results);
        const uint64_t count = copy_page(page, inspector_objects_results_get_count(results), sizeof page[0]);
        for (uint64_t i = 0; i < count; i++) {
            TRY(added(authority_add_object(graph, &page[i])));
        }
    } while (index != 0);
    return STATUS_OK;
}

// A process that goes meanwhile holds nothing any more.
static status_t unless_gone(status_t status) {
    return status_is(status, STATUS_NOT_FOUND) ? STATUS_OK : status;
}

static status_t take_process(struct authority *graph, const struct inspect_process *process) {
    TRY(added(authority_add_process(graph, process)));
    TRY(unless_gone(take_handles(graph, process->koid)));
    return unless_gone(take_objects(graph, process->koid));
}

static status_t look_again(struct authority *graph, const struct inspect_process *process) {
    authority_look_again(graph, process);
    return STATUS_OK;
}

static status_t each_process(struct authority *graph, status_t look(struct authority *graph, const struct inspect_process *process)) {
    static struct inspect_process page[MESSAGE_PAGE_BYTES / sizeof(struct inspect_process)];
    uint64_t after = 0, count;
    do {
        RPC_CALL(call);
        struct inspector_processes_results results;
        TRY(inspector_call_processes(shell.inspector, &call, after, rpc_patience(), &results));
        count = copy_page(page, inspector_processes_results_get_count(results), sizeof page[0]);
        for (uint64_t i = 0; i < count; i++) {
            after = page[i].koid;
            TRY(look(graph, &page[i]));
        }
    } while (count > 0);
    return STATUS_OK;
}

static status_t take_accounts(struct authority *graph) {
    static struct inspect_account page[MESSAGE_PAGE_BYTES / sizeof(struct inspect_account)];
    uint64_t after = 0, count;
    do {
        RPC_CALL(call);
        struct inspector_accounts_results results;
        TRY(inspector_call_accounts(shell.inspector, &call, after, rpc_patience(), &results));
        count = copy_page(page, inspector_accounts_results_get_count(results), sizeof page[0]);
        for (uint64_t i = 0; i < count; i++) {
            TRY(added(authority_add_account(graph, page[i].koid, page[i].parent_koid)));
            after = page[i].koid;
        }
    } while (count > 0);
    return STATUS_OK;
}

// ---- what those know that start programs ----

struct units {
    struct authority *graph;
    status_t status;
};

static void take_unit(struct units *units, struct authority_unit unit, const char *name) {
    const bool fits = str_copy(unit.name, sizeof unit.name, name);
    if (status_ok(units->status)) {
        units->status = added(fits && authority_add_unit(units->graph, &unit));
    }
}

static void take_service(void *context, struct supervisor_service service) {
    char name[NAME_BYTES];
    take_unit(context,
              (struct authority_unit){.kind = AUTHORITY_SERVICE, .process_koid = supervisor_service_get_process_koid(service)},
              shown(name, sizeof name, supervisor_service_get_name(service)));
}

static void take_job(void *context, struct exec_job job) {
    char name[NAME_BYTES], whole[NAME_BYTES];
    fmt_snprintf(whole, sizeof whole, "%s.%u", shown(name, sizeof name, exec_job_get_name(job)), exec_job_get_id(job));
    if (exec_job_get_process_koid(job) != 0) {
        take_unit(context, (struct authority_unit){.kind = AUTHORITY_JOB, .process_koid = exec_job_get_process_koid(job)}, whole);
    }
}

// Where a service is described, whether it comes back, and which processes it had.
static status_t take_detail(struct authority *graph, struct authority_unit *unit) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    TRY(supervisor_call_service(the_supervisor(), &call, capnp_text(unit->name), rpc_patience(), &results));
    const struct supervisor_service_detail detail = supervisor_service_results_get_detail(results);
    unit->manifest_line = supervisor_service_detail_get_manifest_line(detail);
    shown(unit->manifest_file, sizeof unit->manifest_file, supervisor_service_detail_get_manifest_file(detail));
    unit->comes_back = supervisor_service_detail_get_restart(detail) == SUPERVISOR_RESTART_ALWAYS;
    const struct capnp_u64_list former = supervisor_service_detail_get_former(detail);
    for (uint32_t i = 0; i < capnp_u64_list_count(former); i++) {
        TRY(added(authority_add_former(graph, &(struct authority_former){capnp_u64_list_get(former, i), (uint32_t)(unit - graph->units.at)})));
    }
    return STATUS_OK;
}

struct taking {
    struct authority *graph;
    status_t status;
};

static void take_grant(void *context, uint64_t koid, struct supervisor_granted_capability from) {
    struct taking *taking = context;
    struct authority_grant grant = {
        .process_koid = koid,
        .handle = supervisor_granted_capability_get_handle(from),
        .manifest_line = supervisor_granted_capability_get_manifest_line(from),
    };
    shown(grant.name, sizeof grant.name, supervisor_granted_capability_get_name(from));
    shown(grant.source, sizeof grant.source, supervisor_granted_capability_get_source(from));
    shown(grant.manifest_file, sizeof grant.manifest_file, supervisor_granted_capability_get_manifest_file(from));
    if (status_ok(taking->status)) {
        taking->status = added(authority_add_grant(taking->graph, &grant));
    }
}

static status_t take_grants(struct authority *graph, const char *name) {
    struct taking taking = {.graph = graph};
    bool found;
    uint64_t koid;
    TRY(each_granted(name, take_grant, &taking, &found, &koid));
    return taking.status;
}

static status_t take_units(struct authority *graph) {
    struct units units = {.graph = graph};
    if (graph->processes.count > 0) { // the first process there ever was is what the kernel started
        take_unit(&units, (struct authority_unit){.kind = AUTHORITY_SUPERVISOR, .process_koid = graph->processes.at[0].koid},
                  graph->processes.at[0].name);
    }
    TRY(each_service(take_service, &units));
    TRY(each_job(take_job, &units));
    TRY(units.status);
    for (uint32_t i = 0; i < graph->units.count; i++) {
        struct authority_unit *unit = &graph->units.at[i];
        if (unit->kind == AUTHORITY_SERVICE) {
            TRY(take_detail(graph, unit));
        }
        if (unit->kind != AUTHORITY_SUPERVISOR) {
            TRY(take_grants(graph, unit->name));
        }
    }
    return STATUS_OK;
}

// ---- all of it ----

static status_t take_processes(struct authority *graph) {
    authority_begin_again(graph);
    graph->taken_ns = tess_now_ns();
    TRY(each_process(graph, take_process));
    return each_process(graph, look_again);
}

static status_t take_all(struct authority *graph) {
    TRY(take_processes(graph));
    if (!authority_is_whole(graph)) { // the memory for it was made meanwhile, and with that handles of the shell's own
        TRY(take_processes(graph));
    }
    TRY(take_accounts(graph));
    TRY(take_units(graph));
    return added(authority_add_contracts(graph));
}

status_t graph_take(struct authority *graph) {
    *graph = (struct authority){};
    const status_t status = take_all(graph);
    if (status_ok(status)) {
        authority_link(graph);
    } else {
        authority_free(graph);
    }
    return status;
}

bool graph_taken(const char *command, struct authority *graph) {
    const status_t status = graph_take(graph);
    if (!status_ok(status)) {
        (void)out_problem(command, status);
    }
    return status_ok(status);
}

bool graph_taken_whole(const char *command, struct authority *graph) {
    const uint64_t until_ns = tess_deadline_after_ms(PATIENCE_MS);
    uint64_t bits;
    bool is_taken = graph_taken(command, graph);
    while (is_taken && !authority_is_whole(graph) && tess_now_ns() < until_ns && !shell.interrupted) {
        authority_free(graph);
        (void)shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS));
        is_taken = graph_taken(command, graph);
    }
    return is_taken;
}

// The process of a job by what `kill` takes for it: its number in this shell, its id, or its program if no other job runs that.
// A job's process is called `PROGRAM.ID`.
static uint32_t process_of_job(const struct authority *graph, const char *word) {
    uint32_t id, found = AUTHORITY_NONE;
    struct beside *beside;
    char number[SHELL_NUMBER_BYTES];
    const bool is_numbered = background_find(word, &id, &beside) && beside == nullptr;
    fmt_snprintf(number, sizeof(number), "%u", id);
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        const char *name = graph->processes.at[i].name, *dot = strchr(name, '.');
        if (dot == nullptr || !(is_numbered ? str_equal(dot + 1, number) : str_equal(dot + 1, word) ||
                                    (strlen(word) == (size_t)(dot - name) && memcmp(name, word, strlen(word)) == 0))) {
            continue;
        }
        if (found != AUTHORITY_NONE) {
            return AUTHORITY_NONE; // which of them is not said
        }
        found = i;
    }
    return found;
}

uint32_t graph_process(const char *command, const struct authority *graph, const char *name) {
    const uint32_t named = authority_process_by_name(graph, name);
    const uint32_t process = named != AUTHORITY_NONE ? named : process_of_job(graph, name);
    struct guess guess = {.suggestion = suggestion_of(name)};
    if (process != AUTHORITY_NONE) {
        return process;
    }
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        guess_add(&guess, capnp_text(graph->processes.at[i].name));
    }
    if (guess.suggestion.nearest != nullptr) {
        (void)fail("%s: no process is called `%s`; did you mean `%s`?\n", command, name, guess.suggestion.nearest);
    } else {
        (void)fail("%s: no process is called `%s`; `ps` lists them\n", command, name);
    }
    return AUTHORITY_NONE;
}

// Whether another handle of the same process goes by the name.
static bool is_ambiguous(const struct authority *graph, uint32_t handle, const char *name) {
    const struct authority_process *of = &graph->processes.at[graph->handles.at[handle].process];
    char other[AUTHORITY_NAME_BYTES];
    for (uint32_t i = handle + 1; i < of->first_handle + of->handle_count; i++) {
        if (str_equal(authority_handle_name(graph, i, other), name)) {
            return true;
        }
    }
    return false;
}

uint32_t graph_handle(const char *command, const struct authority *graph, uint32_t process, const char *word) {
    const uint32_t handle = authority_handle_called(graph, process, word);
    const char *holder = graph->processes.at[process].name;
    if (handle == AUTHORITY_NONE) {
        (void)fail("%s: %s has no handle `%s`; `caps %s` lists them\n", command, holder, word, holder);
        return AUTHORITY_NONE;
    }
    if (is_ambiguous(graph, handle, word)) {
        (void)fail("%s: several handles of %s are called `%s`; `caps %s` shows their numbers\n", command, holder, word, holder);
        return AUTHORITY_NONE;
    }
    return handle;
}
