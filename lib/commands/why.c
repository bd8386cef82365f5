// why: where a handle is from, step by step.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/authority/why.h"
#include "lib/badge/badge.h"

// Of one that is gone that of what it was a process of, if anybody knows.
static const char *name_of_holder(const struct authority *graph, const struct authority_step *step) {
    if (step->holder != AUTHORITY_NONE) {
        return graph->processes.at[step->holder].name;
    }
    return step->former != AUTHORITY_NONE ? graph->units.at[step->former].name : "-";
}

static void print_step(const struct authority *graph, const struct authority_step *step) {
    struct shell_table *table = &shell.table;
    char text[AUTHORITY_HOW_BYTES];
    char name[AUTHORITY_NAME_BYTES];
    const struct inspect_handle *seen = step->handle == AUTHORITY_NONE ? nullptr : &graph->handles.at[step->handle].seen;
    table_cell(table, "%s", name_of_holder(graph, step));
    table_cell(table, "%s", seen == nullptr ? "-" : authority_handle_name(graph, step->handle, name));
    if (seen == nullptr) {
        table_cell(table, "-");
        table_cell(table, "-");
    } else {
        abi_rights_text(seen->rights, text, sizeof text);
        table_cell(table, "%s", text);
        const uint64_t age_ns = graph->taken_ns > seen->granted_ns ? graph->taken_ns - seen->granted_ns : 0;
        table_cell(table, "%s ago", shell_duration(name, age_ns));
    }
    table_cell(table, "%s", authority_how(graph, step, text));
}

// What the handle is: "shell's console (0x10004): endpoint, Console with control".
static void print_handle(const struct authority *graph, uint32_t handle) {
    const struct authority_handle *of = &graph->handles.at[handle];
    const struct authority_interface *interface = authority_interface_by_id(graph, of->seen.interface_id);
    char name[AUTHORITY_NAME_BYTES];
    out("%s's %s (0x%x): %s", graph->processes.at[of->process].name, authority_handle_name(graph, handle, name), of->seen.handle,
        abi_object_name(of->seen.type));
    if (of->seen.type == OBJECT_ENDPOINT && interface != nullptr) {
        out(", %s%s", interface->name, badge_controls(of->seen.badge) ? " with control" : "");
    }
    out("\n");
}

static void print_end(const struct authority *graph, const struct authority_chain *chain) {
    const struct authority_unit *unit = chain->reason == AUTHORITY_NONE ? nullptr : &graph->units.at[chain->reason];
    if (unit != nullptr && unit->manifest_line != 0) {
        out("Paid for by %s: %s:%u\n", unit->name, unit->manifest_file, unit->manifest_line);
    } else if (unit != nullptr) {
        out("Paid for by %s\n", unit->name);
    }
    if (chain->gap != nullptr) {
        out("Not complete: %s\n", chain->gap);
    }
}

static void print_why(const struct authority *graph, uint32_t handle) {
    struct authority_chain chain;
    authority_why(graph, handle, &chain);
    print_handle(graph, handle);
    table_begin(&shell.table, "HOLDER HANDLE RIGHTS SINCE HOW", out_sink, nullptr);
    for (uint32_t i = 0; i < chain.count; i++) {
        print_step(graph, &chain.steps[i]);
    }
    table_end(&shell.table);
    print_end(graph, &chain);
}

// Every handle of the system, or of one process: those whose chain has a gap, and how many have none.
static int print_gaps(const struct authority *graph, uint32_t process) {
    uint32_t complete = 0, all = 0;
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        struct authority_chain chain;
        if (process != AUTHORITY_NONE && graph->handles.at[i].process != process) {
            continue;
        }
        authority_why(graph, i, &chain);
        all++;
        complete += chain.gap == nullptr;
        if (chain.gap != nullptr) {
            print_handle(graph, i);
            out("  %s\n", chain.gap);
        }
    }
    out("%u of %u handles have a complete chain\n", complete, all);
    return complete == all ? COMMAND_OK : COMMAND_FAILED;
}

static int answer(const struct authority *graph, const struct arguments *arguments) {
    const bool everything = str_equal(arguments->words[1], "-a");
    const uint32_t process = everything ? AUTHORITY_NONE : graph_process("why", graph, arguments->words[1]);
    if (!everything && process == AUTHORITY_NONE) {
        return COMMAND_FAILED;
    }
    if (arguments->count < 3) {
        return print_gaps(graph, process);
    }
    const uint32_t handle = everything ? AUTHORITY_NONE : graph_handle("why", graph, process, arguments->words[2]);
    if (handle == AUTHORITY_NONE) {
        return COMMAND_FAILED;
    }
    print_why(graph, handle);
    return COMMAND_OK;
}

int command_why(const struct arguments *arguments) {
    struct authority graph;
    if (!graph_taken_whole("why", &graph)) {
        return COMMAND_FAILED;
    }
    const int exit_status = answer(&graph, arguments);
    authority_free(&graph);
    return exit_status;
}
