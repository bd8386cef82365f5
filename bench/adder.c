// A service with the least to do, for what its contracts' stubs cost (stub_overhead), and dependent calls (ring_pipeline_3).
//
// CapSet: `bench_adder` (RECEIVE).
#include "bench/adder.capnp.h"
#include "bench/node.capnp.h"
#include "lib/service/service.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"

static struct rpc_server server;

static status_t add(void *, struct rpc_request *, struct adder_add_params params, struct adder_add_results_builder results) {
    adder_add_results_set_sum(results, adder_add_params_get_a(params) + adder_add_params_get_b(params));
    return STATUS_OK;
}

static status_t echo(void *, struct rpc_request *, struct adder_echo_params params, struct adder_echo_results_builder results) {
    adder_echo_results_set_text(results, adder_echo_params_get_text(params));
    return STATUS_OK;
}

// How far a node is from the first is in its badge.
static uint64_t distance(const struct rpc_request *request) {
    return badge_is_made(request->badge) ? request->badge & ~BADGE_MADE : 0;
}

static status_t next(void *, struct rpc_request *request, struct node_next_params, struct node_next_results_builder results) {
    node_next_results_mint_next(results, request, (rights_t){RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT}, BADGE_MADE | (distance(request) + 1));
    return STATUS_OK;
}

static status_t read(void *, struct rpc_request *request, struct node_read_params params, struct node_read_results_builder results) {
    node_read_results_set_value(results, node_read_params_get_value(params) + distance(request));
    return STATUS_OK;
}

static status_t dispatch(struct rpc_request *request) {
    static const struct node_server nodes = {.next = next, .read = read};
    static const struct adder_server methods = {.add = add, .echo = echo};
    if (request->interface_id == ADDER_ID) [[clang::likely]] {
        return adder_dispatch(&methods, nullptr, request);
    }
    return node_dispatch(&nodes, nullptr, request);
}

int main(int argc, char **argv) {
    static const struct service service = {.provides = "bench_adder"};
    (void)argc;
    (void)argv;
    return service_run(&service, &server, dispatch);
}
