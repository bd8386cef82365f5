// authority, who-can: questions to the whole graph.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "idl/registry.capnp.h"
#include "lib/authority/export.h"
#include "lib/authority/who.h"
#include "lib/authority/why.h"
#include "lib/badge/badge.h"
#include "lib/tess/capset.h"

// ---- authority ----

// How a handle came to be where it is, in one line.
static const char *how(const struct authority *graph, uint32_t handle, char text[AUTHORITY_HOW_BYTES]) {
    struct authority_chain chain;
    authority_why(graph, handle, &chain);
    return authority_how(graph, &chain.steps[chain.count - 1], text);
}

// Who answers what is sent through it.
static const char *server_name(const struct authority *graph, const struct authority_handle *of) {
    const uint32_t server = of->seen.type == OBJECT_ENDPOINT ? authority_server_of(graph, of->seen.object_koid) : AUTHORITY_NONE;
    if (server == AUTHORITY_NONE) {
        return of->seen.type == OBJECT_ENDPOINT ? "nobody" : "the kernel";
    }
    return server == of->process ? "itself" : graph->processes.at[server].name;
}

static void print_held(const struct authority *graph, uint32_t handle) {
    struct shell_table *table = &shell.table;
    const struct authority_handle *of = &graph->handles.at[handle];
    const bool is_endpoint = of->seen.type == OBJECT_ENDPOINT;
    char name[AUTHORITY_NAME_BYTES], text[AUTHORITY_HOW_BYTES];
    table_cell(table, "%s", graph->processes.at[of->process].name);
    table_cell(table, "%s%s%s", authority_handle_name(graph, handle, name), is_endpoint && badge_controls(of->seen.badge) ? " control" : "",
               is_endpoint && (of->seen.rights & RIGHT_MINT_BIT) != 0 ? " mint" : "");
    table_cell(table, "%s", server_name(graph, of));
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

// By this name the registry resolves a service that has the method; control is what it takes beside. Null: by none.
static const char *name_to_resolve(const struct authority *graph, const struct authority_method *method, bool *control) {
    const struct authority_interface *of = authority_interface_by_id(graph, method->interface_id);
    for (const struct idl_interface *at = idl_interfaces; of != nullptr && at->name != nullptr; at++) {
        if (at->id == of->id || at->id == of->extends_id) {
            *control = at->id != of->id;
            return at->name;
        }
    }
    return nullptr;
}

// Whether the process, which has the registry, may resolve the name there: only the policy says that. Prints the line that allows it.
static status_t print_resolving(const struct authority *graph, uint32_t process, const char *name, bool control, const char *server, uint32_t *count) {
    RPC_CALL(call);
    struct policy_explain_results results;
    struct policy policy;
    char subject[AUTHORITY_NAME_BYTES], file[SHOWN_TEXT_BYTES];
    (void)str_copy(subject, sizeof subject, graph->processes.at[process].name); // the same bound
    char *number = graph->units.at[graph->processes.at[process].unit].kind == AUTHORITY_JOB ? strchr(subject, '.') : nullptr;
    if (number != nullptr) {
        *number = '\0'; // the rules are about programs
    }
    TRY(tess_cap("policy", POLICY_ID, &policy.handle));
    TRY(policy_call_explain(policy, &call, capnp_text(subject), control ? POLICY_ACTION_CONTROL : POLICY_ACTION_USE, capnp_text(name),
                            rpc_patience(), &results));
    if (policy_explain_results_get_allowed(results)) {
        rpc_hold(&call, held_results, &results.s);
        const struct policy_rule rule = policy_explain_results_get_rule(results);
        table_cell(&shell.table, "%s", graph->processes.at[process].name);
        table_cell(&shell.table, "-");
        table_cell(&shell.table, "%s", server);
        table_cell(&shell.table, "may resolve it: %s:%u, %s", shown(file, sizeof file, policy_rule_get_file(rule)),
                   policy_rule_get_line(rule), name);
        ++*count;
    }
    return STATUS_OK;
}

// Whether it may ask the registry, which is there to answer.
static bool has_registry(const struct authority *graph, uint32_t process) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (seen->type == OBJECT_ENDPOINT && (seen->rights & RIGHT_SEND_BIT) != 0 && seen->interface_id == REGISTRY_ID) {
            const uint32_t registry = authority_server_of(graph, seen->object_koid);
            return registry != AUTHORITY_NONE && registry != process && !authority_is_supervisor(graph, registry);
        }
    }
    return false;
}

static bool can_call(const struct authority *graph, const struct authority_call *call, uint32_t process) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        if (authority_can_call(graph, call, i)) {
            return true;
        }
    }
    return false;
}

// Who does not hold what it takes, and may ask the registry for it.
static status_t print_resolvers(const struct authority *graph, const struct authority_call *call, uint32_t *count) {
    for (uint32_t i = 0; i < call->method_count; i++) {
        bool control;
        const char *name = name_to_resolve(graph, call->methods[i], &control);
        const uint32_t server = name == nullptr ? AUTHORITY_NONE : authority_who_serves(graph, call, call->methods[i]);
        for (uint32_t process = 0; server != AUTHORITY_NONE && process < graph->processes.count; process++) {
            if (graph->processes.at[process].unit != AUTHORITY_NONE && !authority_is_supervisor(graph, process) && process != server &&
                has_registry(graph, process) && !can_call(graph, call, process)) {
                TRY(print_resolving(graph, process, name, control, graph->processes.at[server].name, count));
            }
        }
    }
    return STATUS_OK;
}

// `word` means no method, and why.
static int no_method(const struct authority *graph, enum authority_called found, const char *word) {
    char subject[AUTHORITY_METHOD_BYTES];
    const char *dot = strrchr(word, '.');
    if (found == AUTHORITY_CALL_MALFORMED) {
        (void)fail("usage: who-can SERVICE.METHOD\n");
        return COMMAND_MISUSED;
    }
    (void)str_copy_bytes(subject, sizeof subject, word, (size_t)(dot - word)); // cut, it is shown so
    if (found == AUTHORITY_CALL_NO_SUBJECT) {
        return fail("who-can: `%s` is no interface, service or type of object\n", subject);
    }
    if (authority_process_by_name(graph, subject) != AUTHORITY_NONE) {
        return fail("who-can: %s serves no method `%s`\n", subject, dot + 1);
    }
    return fail("who-can: there is no method `%s`; `describe %s` lists them\n", word, subject);
}

static int who_can(const struct authority *graph, const char *word) {
    struct authority_call call;
    uint32_t count = 0;
    const enum authority_called found = authority_call_named(graph, word, &call);
    if (found != AUTHORITY_CALL_FOUND) {
        return no_method(graph, found, word);
    }
    table_begin(&shell.table, "HOLDER HANDLE OF HOW", out_sink, nullptr);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        if (authority_can_call(graph, &call, i)) {
            print_held(graph, i);
            count++;
        }
    }
    const status_t status = print_resolvers(graph, &call, &count);
    if (count > 0) {
        table_end(&shell.table);
    }
    if (!status_ok(status)) { // then there may be more
        return fail("who-can: who may resolve it at the registry is not known: %s\n", status_text(status));
    }
    if (count == 0) {
        out("Nobody can\n");
    }
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
