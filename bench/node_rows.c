#include "bench/node_rows.h"

#include "bench/node.capnp.h"
#include "lib/rpc/promise.h"
#include "lib/tess/panic.h"

static struct node first;
static struct rpc_ring ring;

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("bench: %s: status %u", what, status.code);
    }
}

void node_rows_begin(handle_t service) {
    first = (struct node){service};
}

static void check_read(struct node_read_results results, uint64_t expected) {
    if (node_read_results_get_value(results) != expected) {
        tess_panic("bench: the wrong node was read");
    }
}

// One plain round trip that brings a handle; the call owns that.
static struct node next_of(struct node node, struct rpc_call *call) {
    struct node_next_results results;
    require(node_call_next(node, call, DEADLINE_NEVER, &results), "next");
    return node_next_results_get_next(results);
}

uint64_t typed_2(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        RPC_CALL(one);
        RPC_CALL(other);
        (void)next_of(next_of(first, &one), &other);
    }
    return tess_arch_cycles() - start;
}

uint64_t typed_3(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct node_read_results results;
        RPC_CALL(one);
        RPC_CALL(other);
        RPC_CALL(last);
        require(node_call_read(next_of(next_of(first, &one), &other), &last, i, DEADLINE_NEVER, &results), "read");
        check_read(results, i + 2);
    }
    return tess_arch_cycles() - start;
}

static void pipeline(uint64_t i) {
    struct node_read_results results;
    const struct rpc_promise one = node_submit_next(&ring, node_target(first));
    const struct rpc_promise other = node_submit_next(&ring, node_next_promise_next(one));
    const struct rpc_promise last = node_submit_read(&ring, node_next_promise_next(other), i);
    rpc_drop(&ring, one);
    rpc_drop(&ring, other);
    require(node_take_read(&ring, last, DEADLINE_NEVER, &results), "read");
    check_read(results, i + 2);
    rpc_drop(&ring, last);
}

uint64_t ring_pipeline_3(uint64_t count) {
    require(rpc_ring_create(4, &ring), "create_ring");
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        pipeline(i);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    rpc_ring_destroy(&ring);
    return ticks;
}
