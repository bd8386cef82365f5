// authority, who-can: questions to the whole graph.
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

// How a handle came to be where it is, in one line.
static const char *how(const struct authority *graph, uint32_t handle, char text[AUTHORITY_HOW_BYTES]) {
    struct authority_chain chain;
    authority_why(graph, handle, &chain);
    return authority_how(graph, &chain.steps[chain.count - 1], text);
}

static void print_held(const struct authority *graph, uint32_t handle) {
    struct shell_table *table = &shell.table;
    const struct authority_handle *of = &graph->handles.at[handle];
    const uint32_t server = of->seen.type == OBJECT_ENDPOINT ? authority_server_of(graph, of->seen.object_koid) : AUTHORITY_NONE;
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
    if (!graph_taken_whole("authority", &graph)) {
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
            (service == AUTHORITY_NONE || authority_server_of(graph, seen->object_koid) == service)) {
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
