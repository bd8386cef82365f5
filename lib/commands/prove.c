// prove: what a process can never come to hold.
#include "base/fmt.h"
#include "base/str.h"
#include "lib/authority/export.h"
#include "lib/authority/why.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "lib/tess/heap.h"

static const char *flow_text(enum authority_flow flow) {
    switch (flow) {
    case AUTHORITY_FLOW_HELD: return "holds it";
    case AUTHORITY_FLOW_BROUGHT: return "may be brought it by a request of";
    case AUTHORITY_FLOW_GIVEN: return "may be given it in an answer of";
    case AUTHORITY_FLOW_SEIZED: return "may take it out of, or be made to by,";
    case AUTHORITY_FLOW_MADE: return "may make it by itself:";
    case AUTHORITY_FLOW_SHARED: return "may be handed it by";
    }
    return "?";
}

// Whether a step of a way is its last.
static bool is_end(const struct authority_origin *origin) {
    return origin->flow == AUTHORITY_FLOW_HELD || origin->flow == AUTHORITY_FLOW_MADE;
}

static const char *step_text(const struct authority *graph, uint32_t process, const struct authority_origin *origin,
                             char text[AUTHORITY_HOW_BYTES]) {
    const bool named = !is_end(origin) && origin->method != AUTHORITY_NONE;
    fmt_snprintf(text, AUTHORITY_HOW_BYTES, "%s %s%s%s%s%s", graph->processes.at[process].name, flow_text(origin->flow),
                 is_end(origin) ? "" : " ", is_end(origin) ? "" : graph->processes.at[origin->from].name, named ? ": " : "",
                 named ? graph->methods.at[origin->method].name : "");
    return text;
}

// From the process back to who holds it now, each step behind `before`. Origins were set in the order of their finding, so the way
// has no circle.
static void print_way(const struct authority *graph, const struct authority_reach *reach, uint32_t process, uint32_t item,
                      const char *before, const char *after) {
    for (uint32_t steps = 0; steps < reach->process_count; steps++) {
        const struct authority_origin *origin = authority_origin_of(reach, process, item);
        char text[AUTHORITY_HOW_BYTES];
        out("%s%s%s", before, step_text(graph, process, origin, text), after);
        if (is_end(origin)) {
            return;
        }
        process = origin->from;
        item = origin->item;
    }
}

// Who is taken to keep to contracts. The supervisor always is.
static void print_trusted(const struct authority *graph, const bool *rogues) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        if (!rogues[i] && !graph->processes.at[i].ended && !authority_is_supervisor(graph, i)) {
            out("%s%s", count++ == 0 ? "As long as they keep to their contracts: " : ", ", graph->processes.at[i].name);
        }
    }
    out(count == 0 ? "Whatever any service or program does\n" : "\n");
}

static int prove(const struct authority *graph, uint32_t process, const char *word, const struct authority_target *target,
                 bool certificate) {
    const char *name = graph->processes.at[process].name;
    bool *rogues = calloc(graph->processes.count, sizeof *rogues);
    struct authority_reach reach;
    bool is_proved;
    if (rogues == nullptr || !authority_prove(graph, process, target, rogues, &is_proved, &reach)) {
        free(rogues);
        return out_problem("prove", STATUS_NO_MEMORY);
    }
    if (!is_proved) {
        out("Cannot prove that %s cannot reach %s:\n", name, word);
        print_way(graph, &reach, process, authority_reaches(graph, &reach, process, target), "  ", "\n");
    } else if (certificate) {
        authority_write_certificate(graph, &reach, rogues, process, word, out_sink, nullptr);
    } else {
        out("Proved: %s cannot reach %s\n", name, word);
        print_trusted(graph, rogues);
    }
    authority_reach_free(&reach);
    free(rogues);
    return is_proved ? COMMAND_OK : COMMAND_FAILED;
}

// Every process but the supervisor, each as if all others kept to their contracts.
static int prove_all(const struct authority *graph, const char *word, const struct authority_target *target) {
    struct authority_reach reach;
    uint32_t proved = 0, asked = 0;
    if (!authority_reach(graph, nullptr, &reach)) {
        return out_problem("prove", STATUS_NO_MEMORY);
    }
    for (uint32_t process = 0; process < graph->processes.count; process++) {
        if (graph->processes.at[process].ended || authority_is_supervisor(graph, process)) {
            continue;
        }
        const uint32_t item = authority_reaches(graph, &reach, process, target);
        asked++;
        proved += item == AUTHORITY_NONE;
        out(item == AUTHORITY_NONE ? "%s cannot reach %s" : "%s may:", graph->processes.at[process].name, word);
        if (item != AUTHORITY_NONE) {
            print_way(graph, &reach, process, item, " ", ";");
        }
        out("\n");
    }
    authority_reach_free(&reach);
    out("Proved of %u of %u processes\n", proved, asked);
    return proved == asked ? COMMAND_OK : COMMAND_FAILED;
}

static int answer(const struct authority *graph, const struct arguments *arguments) {
    const char *name = arguments->words[1], *word = arguments->words[3];
    const bool all = str_equal(name, "-a");
    const uint32_t process = all ? AUTHORITY_NONE : graph_process("prove", graph, name);
    struct authority_target target;
    if (!all && process == AUTHORITY_NONE) {
        return COMMAND_FAILED;
    }
    if (!authority_target_called(graph, word, &target)) {
        return fail("prove: `%s` is no interface, service or type of object\n", word);
    }
    if (authority_target_is_anybodys(&target)) {
        return fail("prove: every process can make a %s of its own; prove it of a service that has one\n", word);
    }
    return all ? prove_all(graph, word, &target) : prove(graph, process, word, &target, arguments->count > 4);
}

int command_prove(const struct arguments *arguments) {
    struct authority graph;
    const bool certificate = arguments->count > 4;
    if (!str_equal(arguments->words[2], "--cannot-reach") || (certificate && !str_equal(arguments->words[4], "--certificate")) ||
        (certificate && str_equal(arguments->words[1], "-a"))) {
        return misused("usage: prove SERVICE --cannot-reach TARGET [--certificate]\n       prove -a --cannot-reach TARGET\n");
    }
    if (!graph_taken_whole("prove", &graph)) {
        return COMMAND_FAILED;
    }
    const int exit_status = authority_is_whole(&graph)
                                ? answer(&graph, arguments)
                                : fail("prove: handles came to processes that had been looked at, again and again; try when less goes on\n");
    authority_free(&graph);
    return exit_status;
}
