// least: what a service was granted and never used, as a change of the manifest.
#include "lib/authority/least.h"

#include "abi/gen/stubs.h"
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
    struct source source;
    struct source_span entry;
    bool is_written; // the unit is an entry of this source
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

static void begin(struct least *least) {
    least->source.text = source_text(&least->source.len);
    least->source.count = 0;
    least->is_written = str_equal(least->unit->manifest_file, SOURCE_FILE) &&
                        source_entry(&least->source, least->unit->manifest_line, &least->entry);
}

// Takes out what was not needed. What the entry does not spell out itself stays, and is told.
static void judge(struct least *least, uint32_t grant) {
    const struct authority_grant *of = &least->graph->grants.at[grant];
    const enum authority_need need = authority_need_of(least->graph, grant);
    bool is_cut = false;
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

static status_t service_of(const char *name, struct rpc_call *call, struct supervisor_service *out) {
    struct supervisor_service_results results;
    TRY(supervisor_call_service(the_supervisor(), call, capnp_text(name), rpc_patience(), &results));
    *out = supervisor_service_detail_get_service(supervisor_service_results_get_detail(results));
    return supervisor_service_results_get_found(results) ? STATUS_OK : STATUS_NOT_FOUND;
}

// For how long it was looked at, and how much memory that took; with `cut` the limit becomes that.
static status_t judge_service(struct least *least, bool cut) {
    RPC_CALL(call);
    struct supervisor_service service;
    char time[SHELL_NUMBER_BYTES];
    TRY(service_of(least->unit->name, &call, &service));
    const struct supervisor_memory memory = supervisor_service_get_memory(service);
    const uint64_t since_ns = supervisor_service_get_started_ns(service), peak = supervisor_memory_get_peak_bytes(memory);
    const uint64_t kib = (peak + PAGE_BYTES - 1) / PAGE_BYTES * (PAGE_BYTES / 1024);
    out("# What %s used in the %s since it was started", least->unit->name,
        shell_duration(time, least->graph->taken_ns > since_ns ? least->graph->taken_ns - since_ns : 0));
    if (supervisor_service_get_restarts(service) > 0) {
        out("; not what it did before its last restart");
    }
    out(". What it was not asked for in that time is not known.\n# Memory: at most %lu of %lu KiB\n", (unsigned long)kib,
        (unsigned long)(supervisor_memory_get_limit_bytes(memory) / 1024));
    if (cut && least->is_written) {
        (void)source_set_number(&least->source, least->entry, "memoryKib", kib); // required, so it is there
    }
    return STATUS_OK;
}

static int answer(const struct authority *graph, uint32_t process, bool memory) {
    static struct least least;
    const uint32_t unit = graph->processes.at[process].unit;
    if (unit == AUTHORITY_NONE || graph->units.at[unit].kind != AUTHORITY_SERVICE) {
        return fail("least: %s is no service\n", graph->processes.at[process].name);
    }
    least.graph = graph;
    least.unit = &graph->units.at[unit];
    begin(&least);
    const status_t status = judge_service(&least, memory);
    if (!status_ok(status)) {
        return out_problem("least", status);
    }
    for (uint32_t i = 0; i < graph->grants.count; i++) {
        if (graph->grants.at[i].process_koid == graph->processes.at[process].koid) {
            judge(&least, i);
        }
    }
    if (!least.is_written) {
        out("# %s:%u is not in this package: no difference can be shown\n", least.unit->manifest_file, least.unit->manifest_line);
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
        return misused("usage: least SERVICE [--memory]\n");
    }
    if (!graph_taken("least", &graph)) {
        return COMMAND_FAILED;
    }
    const uint32_t process = graph_process("least", &graph, arguments->words[1]);
    const int exit_status = process == AUTHORITY_NONE ? COMMAND_FAILED : answer(&graph, process, memory);
    authority_free(&graph);
    return exit_status;
}
