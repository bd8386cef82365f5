// least: what a service or a running job was granted and never used, as a change of the manifest.
#include "lib/authority/least.h"

#include "abi/gen/stubs.h"
#include "idl/policy.capnp.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "lib/authority/source.h"
#include "lib/tess/capset.h"
#include "lib/tess/page.h"

static const char SOURCE_FILE[] = "system/tessera.capnp"; // that the grant of this name has

struct least {
    const struct authority *graph;
    const struct authority_unit *unit;
    uint64_t process_koid;
    char entry_name[NAME_BYTES]; // in the manifest: of a job its program's
    struct source source;
    struct source_span entry;
    bool is_written; // the unit is an entry of this source
    bool may_resolve; // it keeps the grant without which no name is resolved
};

// How long a process was looked at, and what memory it had.
struct life {
    uint64_t process_koid;
    uint64_t since_ns, limit_bytes, peak_bytes;
    bool is_first; // there was none before it
};

// The manifest's source, where it is mapped: at the first use, and then for good. Empty where the package has none.
static const char *source_text(size_t *len) {
    static const char *text;
    static size_t text_len;
    handle_t vmo;
    uint64_t len_bytes, committed_bytes, address;
    if (text == nullptr && status_ok(tess_cap("manifest_source", 0, &vmo)) &&
        status_ok(tess_vmo_info(vmo, &len_bytes, &committed_bytes)) &&
        status_ok(tess_vspace_map(tess_self_vspace(), vmo, 0, len_bytes, 0, PROT_READ, &address))) {
        text = (const char *)(uintptr_t)address;
        text_len = strnlen(text, len_bytes); // zeros behind the file's end
    }
    *len = text == nullptr ? 0 : text_len;
    return text;
}

// Of a job nobody says where its program is described, but where its grants are.
static bool find_program(struct least *least) {
    bool is_found = false;
    for (uint32_t i = 0; i < least->graph->grants.count && !is_found; i++) {
        const struct authority_grant *grant = &least->graph->grants.at[i];
        is_found = grant->process_koid == least->process_koid && str_equal(grant->manifest_file, SOURCE_FILE) && grant->manifest_line != 0 &&
                   source_entry_around(&least->source, grant->manifest_line, least->entry_name, &least->entry);
    }
    return is_found;
}

static void begin(struct least *least) {
    const char *name = least->unit->name, *dot = strchr(name, '.');
    const bool is_job = least->unit->kind == AUTHORITY_JOB;
    (void)str_copy_bytes(least->entry_name, sizeof least->entry_name, name, is_job && dot != nullptr ? (size_t)(dot - name) : strlen(name));
    least->source.text = source_text(&least->source.len);
    least->source.count = 0;
    least->may_resolve = false;
    least->is_written = is_job ? find_program(least)
                               : str_equal(least->unit->manifest_file, SOURCE_FILE) &&
                                     source_entry(&least->source, least->unit->manifest_line, &least->entry);
}

// Takes out what was not needed. What the entry does not spell out itself stays, and is told.
static void judge(struct least *least, uint32_t grant) {
    const struct authority_grant *of = &least->graph->grants.at[grant];
    const enum authority_need need = authority_need_of(least->graph, grant);
    bool is_cut = false;
    least->may_resolve = least->may_resolve || (need != AUTHORITY_UNUSED && str_equal(of->name, "registry"));
    if (need == AUTHORITY_NEEDED || of->manifest_line == 0 || str_starts_with(of->source, "provides ")) {
        return;
    }
    if (need == AUTHORITY_NOT_SEEN) {
        out("# %s is kept: its use is not noted\n", of->name);
        return;
    }
    if (least->is_written && need == AUTHORITY_UNUSED) {
        is_cut = source_drop_grant(&least->source, least->entry, of->name);
        if (str_equal(of->name, "registry")) { // nothing was resolved, and without it nothing may be
            (void)source_drop_field(&least->source, least->entry, "resolve"); // few have any
        }
    } else if (least->is_written) {
        is_cut = source_drop_control(&least->source, least->entry, of->name);
    }
    out("# %s (%s:%u, %s) was %s%s\n", of->name, of->manifest_file, of->manifest_line, of->source,
        need == AUTHORITY_UNUSED ? "never used" : "never used for what takes control", is_cut ? "" : "; it is not written in this entry");
}

// ---- for how long, and with how much memory ----

static void take_memory(struct life *life, struct supervisor_memory memory) {
    life->limit_bytes = supervisor_memory_get_limit_bytes(memory);
    life->peak_bytes = supervisor_memory_get_peak_bytes(memory);
}

static status_t life_of_service(const char *name, struct life *out) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    TRY(supervisor_call_service(the_supervisor(), &call, capnp_text(name), rpc_patience(), &results));
    const struct supervisor_service_detail detail = supervisor_service_results_get_detail(results);
    const struct supervisor_service service = supervisor_service_detail_get_service(detail);
    out->since_ns = supervisor_service_get_started_ns(service);
    out->is_first = supervisor_service_get_restarts(service) == 0 && supervisor_service_detail_get_replacements(detail) == 0;
    take_memory(out, supervisor_service_get_memory(service));
    return supervisor_service_results_get_found(results) ? STATUS_OK : STATUS_NOT_FOUND;
}

static void take_job(void *context, struct exec_job job) {
    struct life *life = context;
    if (exec_job_get_process_koid(job) == life->process_koid) {
        life->since_ns = exec_job_get_started_ns(job);
        life->is_first = true; // it runs once
        take_memory(life, exec_job_get_memory(job));
    }
}

static status_t life_of(const struct least *least, struct life *out) {
    *out = (struct life){.process_koid = least->process_koid};
    return least->unit->kind == AUTHORITY_SERVICE ? life_of_service(least->unit->name, out) : each_job(take_job, out);
}

// With `cut` its limit becomes what it used.
static void tell_life(struct least *least, const struct life *life, bool cut) {
    char time[SHELL_NUMBER_BYTES];
    const uint64_t kib = (life->peak_bytes + PAGE_BYTES - 1) / PAGE_BYTES * (PAGE_BYTES / 1024);
    out("# What %s used in the %s since it was started", least->unit->name,
        shell_duration(time, least->graph->taken_ns > life->since_ns ? least->graph->taken_ns - life->since_ns : 0));
    if (!life->is_first) {
        out("; not what it did before its last restart");
    }
    out(". What it was not asked for in that time is not known.\n# Memory: at most %lu of %lu KiB\n", (unsigned long)kib,
        (unsigned long)(life->limit_bytes / 1024));
    if (cut && least->is_written) {
        (void)source_set_number(&least->source, least->entry, "memoryKib", kib); // required, so it is there
    }
}

// ---- the names that it may resolve ----

constexpr uint32_t NAMES_MAX = 32; // of one entry; what is beyond them stays

struct names {
    uint32_t count;
    char at[NAMES_MAX][NAME_BYTES];
};

static status_t names_of(struct policy policy, const char *subject, struct names *names) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct policy_list_results results;
        TRY(policy_call_list(policy, &call, first, rpc_patience(), &results));
        const struct policy_rule_list rules = policy_list_results_get_rules(results);
        count = policy_rule_list_count(rules);
        total = policy_list_results_get_total(results);
        for (uint32_t i = 0; i < count && names->count < NAMES_MAX; i++) {
            const struct policy_rule rule = policy_rule_list_get(rules, i);
            if (policy_rule_get_origin(rule) == POLICY_ORIGIN_RESOLVE && str_equal(policy_rule_get_subject(rule).bytes, subject)) {
                shown(names->at[names->count++], NAME_BYTES, policy_rule_get_object(rule));
            }
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

// Whether nobody has asked the policy for it since that was started: what the registry does before it gives something. The policy says
// so of what would change without it.
static status_t is_never_asked_for(struct policy policy, const char *subject, const char *name, bool *out) {
    RPC_CALL(call);
    struct policy_dry_run_results results;
    const struct policy_proposal_builder rule =
        policy_proposal_list_edit(policy_dry_run_params_init_rules(policy_begin_dry_run(policy, &call), 1), 0);
    policy_proposal_set_subject(rule, capnp_text(subject));
    policy_proposal_set_action(rule, POLICY_ACTION_USE);
    policy_proposal_set_object(rule, capnp_text(name));
    TRY(policy_finish_dry_run(&call, rpc_patience(), &results));
    const struct policy_change_list changes = policy_dry_run_results_get_changes(results);
    *out = policy_change_list_count(changes) == 1 && policy_dry_run_results_get_total(results) == 1 &&
           !policy_change_get_in_use(policy_change_list_get(changes, 0));
    return STATUS_OK;
}

// Whether the policy has noted all that was asked for since then: the process that serves it has been there as long, or always.
static bool policy_knows(const struct authority *graph, struct policy policy, uint64_t since_ns) {
    struct life life;
    uint64_t endpoint_koid;
    if (!status_ok(tess_process_handle_info(tess_self_process(), policy.handle.v, nullptr, nullptr, nullptr, nullptr, &endpoint_koid))) {
        return false;
    }
    const uint32_t server = authority_server_of(graph, endpoint_koid);
    return server != AUTHORITY_NONE && status_ok(life_of_service(graph->processes.at[server].name, &life)) &&
           (life.is_first || life.since_ns <= since_ns);
}

static status_t judge_names(struct least *least, const struct life *life) {
    static struct names names; // large
    struct policy policy;
    bool is_unused;
    names.count = 0;
    TRY(tess_cap("policy", POLICY_ID, &policy.handle));
    TRY(names_of(policy, least->entry_name, &names));
    if (names.count > 0 && !policy_knows(least->graph, policy, life->since_ns)) {
        out("# What it may resolve is kept: whoever notes what is asked for was started again since\n");
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        TRY(is_never_asked_for(policy, least->entry_name, names.at[i], &is_unused));
        if (is_unused) {
            const bool is_cut = least->is_written && source_drop_name(&least->source, least->entry, names.at[i]);
            out("# %s, which it may resolve, was never asked for%s\n", names.at[i], is_cut ? "" : "; it is not written in this entry");
        }
    }
    return STATUS_OK;
}

// ---- the answer ----

static status_t judge_all(struct least *least, bool memory) {
    struct life life;
    TRY(life_of(least, &life));
    tell_life(least, &life, memory);
    for (uint32_t i = 0; i < least->graph->grants.count; i++) {
        if (least->graph->grants.at[i].process_koid == least->process_koid) {
            judge(least, i);
        }
    }
    if (least->may_resolve && !status_ok(judge_names(least, &life))) {
        out("# What it may resolve is kept: the policy does not say what was asked for\n");
    }
    return STATUS_OK;
}

static int answer(const struct authority *graph, uint32_t process, bool memory) {
    static struct least least;
    const uint32_t unit = graph->processes.at[process].unit;
    if (unit == AUTHORITY_NONE || graph->units.at[unit].kind == AUTHORITY_SUPERVISOR) {
        return fail("least: %s is no service or job\n", graph->processes.at[process].name);
    }
    least.graph = graph;
    least.unit = &graph->units.at[unit];
    least.process_koid = graph->processes.at[process].koid;
    begin(&least);
    const status_t status = judge_all(&least, memory);
    if (!status_ok(status)) {
        return out_problem("least", status);
    }
    if (!least.is_written) {
        out("# The entry of %s is not in this package: no difference can be shown\n", least.entry_name);
    } else if (least.source.count == 0) {
        out("# Nothing can be taken from it\n");
    }
    source_write_diff(&least.source, SOURCE_FILE, out_sink, nullptr);
    return COMMAND_OK;
}

int command_least(const struct arguments *arguments) {
    const bool memory = arguments->count > 2;
    struct authority graph;
    if (memory && !str_equal(arguments->words[2], "--memory")) {
        return misused("usage: least SERVICE|JOB [--memory]\n");
    }
    if (!graph_taken("least", &graph)) {
        return COMMAND_FAILED;
    }
    const uint32_t process = graph_process("least", &graph, arguments->words[1]);
    const int exit_status = process == AUTHORITY_NONE ? COMMAND_FAILED : answer(&graph, process, memory);
    authority_free(&graph);
    return exit_status;
}
