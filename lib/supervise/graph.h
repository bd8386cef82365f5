// Who needs whom: the order in which services start, who goes down with one, and the order in which they stop. Pure; the
// manifest's reader has made sure that there is no cycle.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t GRAPH_MAX = 128;

// A set of services by index.
struct graph_set {
    uint64_t words[GRAPH_MAX / 64];
};

static inline bool graph_has(const struct graph_set *set, size_t index) {
    return (set->words[index / 64] >> index % 64 & 1) != 0;
}
static inline void graph_add(struct graph_set *set, size_t index) {
    set->words[index / 64] |= 1ull << index % 64;
}

struct graph {
    size_t count; // at most GRAPH_MAX
    struct graph_set needs[GRAPH_MAX];
};

// All that one of `count` services needs is in the set.
bool graph_satisfied(const struct graph *graph, size_t index, const struct graph_set *ready);

// All that need this one, and those that need them, and so on; not itself.
struct graph_set graph_dependents(const struct graph *graph, size_t index);

// Fills in an order in which each comes after all that it needs, and otherwise as they are numbered. False: there is a cycle.
[[nodiscard]] bool graph_order(const struct graph *graph, uint16_t order[GRAPH_MAX]);
