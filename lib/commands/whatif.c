// whatif, revoke: what would break, and breaking it.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "lib/authority/effect.h"
#include "lib/badge/badge.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"

constexpr uint64_t SETTLE_MS = 5000; // within which what was foretold has come

static void print_handle(const struct authority *graph, uint32_t handle) {
    struct shell_table *table = &shell.table;
    const struct authority_handle *of = &graph->handles.at[handle];
    char name[AUTHORITY_NAME_BYTES], rights[128];
    abi_rights_text(of->seen.rights, rights, sizeof rights);
    table_cell(table, "%s", graph->processes.at[of->process].name);
    table_cell(table, "0x%x", of->seen.handle);
    table_cell(table, "%s", authority_handle_name(graph, handle, name));
    table_cell(table, "%s", rights);
}

// Of processes that end all handles go: that is one line, not many.
static void print_gone(const struct authority *graph, const struct authority_effect *effect) {
    table_begin(&shell.table, "LOSES HANDLE NAME RIGHTS", out_sink, nullptr);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        if (effect->gone[i] && !effect->ends[graph->handles.at[i].process]) {
            print_handle(graph, i);
        }
    }
    table_end(&shell.table);
}

// Nobody starts anything again when the supervisor itself ends.
static void print_ends(const struct authority *graph, const struct authority_effect *effect) {
    bool supervisor_ends = false;
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        supervisor_ends = supervisor_ends || (effect->ends[i] && authority_is_supervisor(graph, i));
    }
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        const struct authority_process *process = &graph->processes.at[i];
        const struct authority_unit *unit = process->unit == AUTHORITY_NONE ? nullptr : &graph->units.at[process->unit];
        if (effect->ends[i]) {
            const bool comes_back = unit != nullptr && unit->comes_back && !supervisor_ends;
            out("%s ends, with %u handles%s\n", process->name, process->handle_count,
                authority_is_supervisor(graph, i) ? "; nothing is started again" : comes_back ? "; the supervisor starts it again" : "");
        }
    }
}

static bool sends_to(const struct authority *graph, uint32_t client, uint32_t server) {
    const struct authority_process *of = &graph->processes.at[client];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        for (uint32_t j = 0; seen->type == OBJECT_ENDPOINT && (seen->rights & RIGHT_SEND_BIT) != 0 && j < graph->handles.count; j++) {
            const struct authority_handle *other = &graph->handles.at[j];
            if (other->process == server && other->seen.object_koid == seen->object_koid && authority_receives(graph, other)) {
                return true;
            }
        }
    }
    return false;
}

// Who has the right to send to whoever ends: calls under way end with PEER_DIED, later ones wait for the successor.
static void print_clients(const struct authority *graph, const struct authority_effect *effect) {
    for (uint32_t server = 0; server < graph->processes.count; server++) {
        bool any = false;
        for (uint32_t client = 0; effect->ends[server] && client < graph->processes.count; client++) {
            if (client != server && !effect->ends[client] && sends_to(graph, client, server)) {
                out("%s%s", any ? ", " : "calls are interrupted of: ", graph->processes.at[client].name);
                any = true;
            }
        }
        out("%s", any ? "\n" : "");
    }
}

static void print_waits(const struct authority *graph, const struct authority_effect *effect) {
    for (uint32_t i = 0; i < graph->objects.count; i++) {
        if (effect->wait[i] != AUTHORITY_WAIT_STAYS) {
            const uint32_t process = authority_process_by_koid(graph, graph->objects.at[i].numbers[3]);
            out("a thread of %s stops waiting: %s\n", graph->processes.at[process].name,
                effect->wait[i] == AUTHORITY_WAIT_DEAD ? "nobody can receive any more" : "it loses what it waits through");
        }
    }
}

static void print_effect(const struct authority *graph, const struct authority_effect *effect) {
    print_gone(graph, effect);
    print_ends(graph, effect);
    print_clients(graph, effect);
    print_waits(graph, effect);
    out("%u handles go, %u processes end, %u waits end\n", effect->gone_count, effect->ends_count, effect->wait_count);
}

static bool effect_is_known(const char *command, bool is_known) {
    if (!is_known) {
        (void)out_problem(command, STATUS_NO_MEMORY);
    }
    return is_known;
}

static int whatif(const struct authority *graph, const struct arguments *arguments) {
    const char *what = arguments->words[1];
    const bool revokes = str_equal(what, "revoke") && arguments->count == 4;
    struct authority_effect effect;
    if (!revokes && !(str_equal(what, "kill") && arguments->count == 3)) {
        (void)fail("usage: whatif revoke SERVICE HANDLE | whatif kill NAME\n");
        return COMMAND_MISUSED;
    }
    const uint32_t process = graph_process("whatif", graph, arguments->words[2]);
    if (process == AUTHORITY_NONE) {
        return COMMAND_FAILED;
    }
    const uint32_t handle = revokes ? graph_handle("whatif", graph, process, arguments->words[3]) : AUTHORITY_NONE;
    if ((revokes && handle == AUTHORITY_NONE) ||
        !effect_is_known("whatif", revokes ? authority_if_revoked(graph, handle, &effect) : authority_if_ended(graph, process, &effect))) {
        return COMMAND_FAILED;
    }
    print_effect(graph, &effect);
    authority_effect_free(&effect);
    return COMMAND_OK;
}

int command_whatif(const struct arguments *arguments) {
    struct authority graph;
    if (!graph_taken("whatif", &graph)) {
        return COMMAND_FAILED;
    }
    const int exit_status = whatif(&graph, arguments);
    authority_free(&graph);
    return exit_status;
}

// ---- revoke ----

// Asks who started the process. *done is false when that process has no such handle, or does not run any more.
static status_t ask_to_revoke(const struct authority_unit *unit, uint32_t handle, bool *done) {
    RPC_CALL(call);
    const struct capnp_text name = capnp_text(unit->name);
    if (unit->kind == AUTHORITY_JOB) {
        struct exec_control_revoke_results results;
        TRY(exec_control_call_revoke(the_exec_control(), &call, name, handle, rpc_patience(), &results));
        *done = exec_control_revoke_results_get_outcome(results) == EXEC_CONTROL_OUTCOME_DONE;
    } else {
        struct supervisor_control_revoke_results results;
        TRY(supervisor_control_call_revoke(the_supervisor_control(), &call, name, handle, rpc_patience(), &results));
        *done = supervisor_control_revoke_results_get_outcome(results) == SUPERVISOR_CONTROL_OUTCOME_DONE;
    }
    return STATUS_OK;
}

// Looks again until all has gone that should, or for so long that it never will.
static bool settled(const struct authority *before, const struct authority_effect *effect, struct authority_difference *out) {
    const uint64_t until_ns = tess_deadline_after_ms(SETTLE_MS);
    do {
        struct authority later;
        if (!graph_taken("revoke", &later)) {
            return false;
        }
        *out = authority_compare(before, effect, &later);
        authority_free(&later);
    } while (out->still_there > 0 && tess_now_ns() < until_ns);
    return true;
}

// The name of what goes of this shell's that it takes to look again; null: nothing.
static const char *looks_with(const struct authority *graph, const struct authority_effect *effect) {
    const struct {
        const char *name;
        handle_t handle;
    } all[] = {{"inspector", shell.inspector.handle}, {"supervisor", shell.supervisor}, {"exec", shell.exec}};
    const uint32_t self = authority_process_by_name(graph, tess_bootstrap->program);
    for (size_t i = 0; self != AUTHORITY_NONE && i < sizeof all / sizeof all[0]; i++) {
        const uint32_t handle = authority_handle_of(graph, self, all[i].handle.v);
        if (handle != AUTHORITY_NONE && effect->gone[handle]) {
            return all[i].name;
        }
    }
    return nullptr;
}

// Revokes, and says whether what came of it is what was foretold.
static int carry_out(const struct authority *graph, uint32_t handle, const struct authority_effect *effect) {
    const struct authority_handle *of = &graph->handles.at[handle];
    const struct authority_process *holder = &graph->processes.at[of->process];
    struct authority_difference difference;
    bool done = false;
    if (holder->unit == AUTHORITY_NONE || graph->units.at[holder->unit].kind == AUTHORITY_SUPERVISOR) {
        return fail("revoke: %s is no service or job, and nobody may take from it\n", holder->name);
    }
    const status_t status = ask_to_revoke(&graph->units.at[holder->unit], of->seen.handle, &done);
    if (!status_ok(status)) {
        return out_problem("revoke", status);
    }
    if (!done) {
        return fail("revoke: %s does not have it any more\n", holder->name);
    }
    const char *blind = looks_with(graph, effect);
    if (blind != nullptr) {
        out("Revoked: %u handles were to go. Whether they have this shell cannot see, for it looked with `%s`\n", effect->gone_count, blind);
        return COMMAND_OK;
    }
    if (!settled(graph, effect, &difference)) {
        return COMMAND_FAILED;
    }
    if (difference.still_there > 0 || difference.also_gone > 0) {
        return fail("Not as foretold: of %u handles %u are still there, and %u others went\n", effect->gone_count,
                    difference.still_there, difference.also_gone);
    }
    out("As foretold: %u handles are gone", effect->gone_count);
    if (difference.closed > 0) {
        out("; %u others were closed by their holders meanwhile\n", difference.closed);
    } else {
        out(", and no others\n");
    }
    return COMMAND_OK;
}

static int revoke(const struct authority *graph, const struct arguments *arguments) {
    struct authority_effect effect;
    const uint32_t process = graph_process("revoke", graph, arguments->words[1]);
    const uint32_t handle = process == AUTHORITY_NONE ? AUTHORITY_NONE : graph_handle("revoke", graph, process, arguments->words[2]);
    if (handle == AUTHORITY_NONE || !effect_is_known("revoke", authority_if_revoked(graph, handle, &effect))) {
        return COMMAND_FAILED;
    }
    const int exit_status = carry_out(graph, handle, &effect);
    authority_effect_free(&effect);
    return exit_status;
}

int command_revoke(const struct arguments *arguments) {
    struct authority graph;
    if (!graph_taken("revoke", &graph)) {
        return COMMAND_FAILED;
    }
    const int exit_status = revoke(&graph, arguments);
    authority_free(&graph);
    return exit_status;
}
