// A service with the least to do, for what its contract's stubs cost (stub_overhead).
//
// CapSet: `bench_adder` (RECEIVE).
#include "bench/adder.capnp.h"
#include "lib/tess/capset.h"
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

int main(int argc, char **argv) {
    static const struct adder_server methods = {.add = add, .echo = echo};
    (void)argc;
    (void)argv;
    rpc_server_init(&server, tess_cap_required("bench_adder", 0), 0);
    while (rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST) {
        rpc_server_done(&server, adder_dispatch(&methods, nullptr, &server.request));
    }
    return 1;
}
