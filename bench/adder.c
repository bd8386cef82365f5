// A service with the least to do, for what its contract's stubs cost (stub_overhead).
//
// CapSet: `bench_adder` (RECEIVE).
#include "bench/adder.capnp.h"
#include "lib/service/service.h"
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

static status_t dispatch(struct rpc_request *request) {
    static const struct adder_server methods = {.add = add, .echo = echo};
    return adder_dispatch(&methods, nullptr, request);
}

int main(int argc, char **argv) {
    static const struct service service = {.provides = "bench_adder"};
    (void)argc;
    (void)argv;
    return service_run(&service, &server, dispatch);
}
