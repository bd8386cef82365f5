// authority, who-can, prove: questions to the whole graph.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/authority/export.h"
#include "lib/authority/why.h"
#include "lib/badge/badge.h"

// ---- authority ----

// Who serves an endpoint: its last receiver, or whoever may be the first. AUTHORITY_NONE: nobody.
static uint32_t server_of(const struct authority *graph, uint64_t endpoint_koid) {
    uint32_t found = AUTHORITY_NONE;
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.object_koid == endpoint_koid && authority_receives(graph, handle)) {
            found = handle->process; // the supervisor comes first: it may receive for each that has not begun to
        }
    }
    return found;
}

// How a handle came to be where it is, in one line.
static const char *how(const struct authority *graph, uint32_t handle, char text[AUTHORITY_HOW_BYTES]) {
    struct authority_chain chain;
    authority_why(graph, handle, &chain);
    return authority_how(graph, &chain.steps[chain.count - 1], text);
}

static void print_held(const struct authority *graph, uint32_t handle) {
    struct shell_table *table = &shell.table;
    const struct authority_handle *of = &graph->handles.at[handle];
    const uint32_t server = of->seen.type == OBJECT_ENDPOINT ? server_of(graph, of->seen.object_koid) : AUTHORITY_NONE;
    char name[AUTHORITY_NAME_BYTES], text[AUTHORITY_HOW_BYTES];
    table_cell(table, "%s", graph->processes.at[of->process].name);
    table_cell(table, "%s%s", authority_handle_name(graph, handle, name), badge_controls(of->seen.badge) ? " control" : "");
    table_cell(table, "%s", server == of->process ? "itself" : server != AUTHORITY_NONE ? graph->processes.at[server].name : "the kernel");
    table_cell(table, "%s", how(graph, handle, text));
}

static void print_all(const struct authority *graph) {
    table_begin(&shell.table, "HOLDER HANDLE OF HOW", out_sink, nullptr);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        print_held(graph, i);
    }
    table_end(&shell.table);
}

int command_authority(const struct arguments *arguments) {
    const char *form = arguments->count > 1 ? arguments->words[1] : "";
    struct authority graph;
    if (form[0] != '\0' && !str_equal(form, "--json") && !str_equal(form, "--dot")) {
        (void)fail("usage: authority [--json|--dot]\n");
        return COMMAND_MISUSED;
    }
    if (!graph_taken("authority", &graph)) {
        return COMMAND_FAILED;
    }
    if (str_equal(form, "--json")) {
        authority_write_json(&graph, out_sink, nullptr);
    } else if (str_equal(form, "--dot")) {
        authority_write_dot(&graph, out_sink, nullptr);
    } else {
        pager_begin();
        print_all(&graph);
        pager_end();
    }
    authority_free(&graph);
    return COMMAND_OK;
}

// ---- who-can ----

// Whether the method is one that the words mean: of an interface that the service serves, or that is called so.
static bool is_meant(const struct authority *graph, const struct authority_method *method, const char *subject, const char *name) {
    const char *dot = strchr(method->name, '.');
    struct authority_target target;
    if (dot == nullptr || !str_equal(dot + 1, name) || !authority_target_called(graph, subject, &target)) {
        return false;
    }
    const struct authority_interface *interface = authority_interface_by_id(graph, method->interface_id);
    return target.process != AUTHORITY_NONE ||
           (interface != nullptr && (interface->id == target.interface_id || interface->extends_id == target.interface_id));
}

static uint32_t print_callers(const struct authority *graph, const struct authority_method *method, const char *subject) {
    const uint32_t service = authority_process_by_name(graph, subject);
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (seen->type == OBJECT_ENDPOINT && (seen->rights & RIGHT_SEND_BIT) != 0 && authority_may_use(graph, seen, method->interface_id) &&
            (service == AUTHORITY_NONE || server_of(graph, seen->object_koid) == service)) {
            print_held(graph, i);
            count++;
        }
    }
    return count;
}

static int who_can(const struct authority *graph, const char *word) {
    const char *dot = strchr(word, '.');
    char subject[AUTHORITY_NAME_BYTES];
    uint32_t methods = 0, callers = 0;
    if (dot == nullptr || !str_copy_bytes(subject, sizeof subject, word, (size_t)(dot - word))) {
        (void)fail("usage: who-can SERVICE.METHOD\n");
        return COMMAND_MISUSED;
    }
    table_begin(&shell.table, "HOLDER HANDLE OF HOW", out_sink, nullptr);
    for (uint32_t i = 0; i < graph->methods.count; i++) {
        if (is_meant(graph, &graph->methods.at[i], subject, dot + 1)) {
            methods++;
            callers += print_callers(graph, &graph->methods.at[i], subject);
        }
    }
    if (methods == 0) {
        return fail("who-can: there is no method `%s`; `describe %s` lists them\n", word, subject);
    }
    if (callers == 0) {
        out("Nobody can\n");
        return COMMAND_OK;
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

int command_who_can(const struct arguments *arguments) {
    struct authority graph;
    if (!graph_taken("who-can", &graph)) {
        return COMMAND_FAILED;
    }
    const int exit_status = who_can(&graph, arguments->words[1]);
    authority_free(&graph);
    return exit_status;
}

// ---- prove ----

static const char *flow_text(enum authority_flow flow) {
    switch (flow) {
    case AUTHORITY_FLOW_HELD: return "holds it";
    case AUTHORITY_FLOW_BROUGHT: return "may be brought it by a request of";
    case AUTHORITY_FLOW_GIVEN: return "may be given it in an answer of";
    case AUTHORITY_FLOW_SEIZED: return "may take it out of, or be made to by,";
    case AUTHORITY_FLOW_MADE: return "may make it by itself:";
    }
    return "?";
}

// From the process back to who holds it now. Origins were set in the order of their finding, so the way has no circle.
static void print_way(const struct authority *graph, const struct authority_reach *reach, uint32_t process, uint32_t item) {
    for (uint32_t steps = 0; steps < reach->process_count; steps++) {
        const struct authority_origin *origin = &reach->origins[(size_t)process * reach->item_count + item];
        out("  %s %s", graph->processes.at[process].name, flow_text(origin->flow));
        if (origin->flow == AUTHORITY_FLOW_HELD || origin->flow == AUTHORITY_FLOW_MADE) {
            out("\n");
            return;
        }
        out(" %s%s%s\n", graph->processes.at[origin->from].name, origin->method != AUTHORITY_NONE ? ": " : "",
            origin->method != AUTHORITY_NONE ? graph->methods.at[origin->method].name : "");
        process = origin->from;
        for (uint32_t i = 0; i < reach->item_count; i++) { // the supervisor lends less than it has
            if (reach->items[i].object_koid == reach->items[item].object_koid && reach->holds[(size_t)process * reach->item_count + i]) {
                item = i;
                break;
            }
        }
    }
}

static int prove(const struct authority *graph, const struct authority_reach *reach, const struct arguments *arguments) {
    const char *name = arguments->words[1], *word = arguments->words[3];
    const uint32_t process = graph_process("prove", graph, name);
    struct authority_target target;
    if (process == AUTHORITY_NONE) {
        return COMMAND_FAILED;
    }
    if (!authority_target_called(graph, word, &target)) {
        return fail("prove: `%s` is no interface, service or type of object\n", word);
    }
    const uint32_t item = authority_reaches(graph, reach, process, &target);
    if (item != AUTHORITY_NONE) {
        out("Cannot prove that %s cannot reach %s:\n", name, word);
        print_way(graph, reach, process, item);
        return COMMAND_FAILED;
    }
    if (arguments->count > 4) {
        authority_write_certificate(graph, reach, process, word, out_sink, nullptr);
    } else {
        out("Proved: %s cannot reach %s\n", name, word);
    }
    return COMMAND_OK;
}

int command_prove(const struct arguments *arguments) {
    struct authority graph;
    struct authority_reach reach;
    if (!str_equal(arguments->words[2], "--cannot-reach") || (arguments->count > 4 && !str_equal(arguments->words[4], "--certificate"))) {
        (void)fail("usage: prove SERVICE --cannot-reach TARGET [--certificate]\n");
        return COMMAND_MISUSED;
    }
    if (!graph_taken("prove", &graph)) {
        return COMMAND_FAILED;
    }
    const bool is_known = authority_reach(&graph, &reach);
    const int exit_status = is_known ? prove(&graph, &reach, arguments) : out_problem("prove", STATUS_NO_MEMORY);
    if (is_known) {
        authority_reach_free(&reach);
    }
    authority_free(&graph);
    return exit_status;
}
