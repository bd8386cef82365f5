#include "lib/supervise/graph.h"

#include "base/test.h"

static struct graph graph;
static uint16_t order[GRAPH_MAX];

static void begin(size_t count) {
    memset(&graph, 0, sizeof(graph));
    graph.count = count;
}

TEST(each_comes_after_what_it_needs) {
    begin(5); // 4 <- 0 <- 2, 1 <- 2, 3 alone
    graph_add(&graph.needs[0], 4);
    graph_add(&graph.needs[2], 0);
    graph_add(&graph.needs[2], 1);
    REQUIRE(graph_order(&graph, order));
    static const uint16_t expected[] = {1, 3, 4, 0, 2};
    CHECK_MEM_EQ(order, expected, sizeof(expected));
    struct graph_set ready = {};
    CHECK(graph_satisfied(&graph, 3, &ready));
    CHECK(!graph_satisfied(&graph, 2, &ready));
    graph_add(&ready, 0);
    CHECK(!graph_satisfied(&graph, 2, &ready));
    graph_add(&ready, 1);
    CHECK(graph_satisfied(&graph, 2, &ready));
}

TEST(dependents_are_found_all_the_way) {
    begin(4);
    graph_add(&graph.needs[0], 1);
    graph_add(&graph.needs[1], 2);
    const struct graph_set of_two = graph_dependents(&graph, 2);
    CHECK(graph_has(&of_two, 0) && graph_has(&of_two, 1) && !graph_has(&of_two, 2) && !graph_has(&of_two, 3));
    const struct graph_set of_zero = graph_dependents(&graph, 0);
    CHECK_EQ(of_zero.words[0] | of_zero.words[1], 0);
}

TEST(a_cycle_has_no_order) {
    begin(3);
    graph_add(&graph.needs[0], 1);
    graph_add(&graph.needs[1], 2);
    graph_add(&graph.needs[2], 0);
    CHECK(!graph_order(&graph, order));
    begin(1);
    graph_add(&graph.needs[0], 0);
    CHECK(!graph_order(&graph, order));
}

// Random graphs: edges only from later to earlier places of a random permutation, so that there is an order.
TEST(random_graphs_are_ordered) {
    uint64_t seed = 0x9e37'79b9'7f4a'7c15;
    for (size_t round = 0; round < 200; round++) {
        uint16_t place[GRAPH_MAX], at[GRAPH_MAX];
        begin(1 + round % GRAPH_MAX);
        for (size_t i = 0; i < graph.count; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const size_t other = (seed >> 33) % (i + 1);
            place[i] = place[other];
            place[other] = (uint16_t)i;
        }
        for (size_t i = 0; i < graph.count; i++) {
            for (size_t j = 0; j < i; j++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                if ((seed >> 40) % 8 == 0) {
                    graph_add(&graph.needs[place[i]], place[j]);
                }
            }
        }
        REQUIRE(graph_order(&graph, order));
        for (size_t i = 0; i < graph.count; i++) {
            at[order[i]] = (uint16_t)i;
        }
        for (size_t i = 0; i < graph.count; i++) {
            for (size_t j = 0; j < graph.count; j++) {
                if (graph_has(&graph.needs[i], j)) {
                    const struct graph_set up = graph_dependents(&graph, j);
                    REQUIRE(at[j] < at[i] && graph_has(&up, i));
                }
            }
        }
    }
}
