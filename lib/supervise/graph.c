#include "lib/supervise/graph.h"

constexpr size_t WORDS = GRAPH_MAX / 64;

bool graph_satisfied(const struct graph *graph, size_t index, const struct graph_set *ready) {
    for (size_t i = 0; i < WORDS; i++) {
        if ((graph->needs[index].words[i] & ~ready->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool meets(const struct graph_set *a, const struct graph_set *b) {
    uint64_t common = 0;
    for (size_t i = 0; i < WORDS; i++) {
        common |= a->words[i] & b->words[i];
    }
    return common != 0;
}

struct graph_set graph_dependents(const struct graph *graph, size_t index) {
    struct graph_set reached = {}, found = {};
    graph_add(&reached, index);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < graph->count; i++) {
            if (!graph_has(&reached, i) && meets(&graph->needs[i], &reached)) {
                graph_add(&reached, i);
                graph_add(&found, i);
                more = true;
            }
        }
    }
    return found;
}

bool graph_order(const struct graph *graph, uint16_t order[GRAPH_MAX]) {
    struct graph_set placed = {};
    for (size_t next = 0; next < graph->count; next++) {
        size_t i = 0;
        while (i < graph->count && (graph_has(&placed, i) || !graph_satisfied(graph, i, &placed))) {
            i++;
        }
        if (i == graph->count) {
            return false;
        }
        graph_add(&placed, i);
        order[next] = (uint16_t)i;
    }
    return true;
}
