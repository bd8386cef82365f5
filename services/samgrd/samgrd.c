// samgrd: from a name to a service. Wiring only; the table is lib/registry, the contract idl/registry.capnp.
//
// CapSet: `registry` (RECEIVE). Everything else comes by message from the supervisor.
#include "abi/gen/abi.h"
#include "idl/registry.capnp.h"
#include "lib/registry/registry.h"
#include "lib/service/service.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"

static struct registry_table table;
static struct rpc_server server;

static bool take_name(struct rpc_request *request, struct capnp_text text, char name[NAME_BYTES],
                      status_t *refused) {
    const bool good = name_put(name, text.bytes, text.len);
    if (!good) {
        *refused = rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space",
                              NAME_BYTES - 1);
    }
    return good;
}

// What a client is given of a service.
static status_t mint(handle_t endpoint, uint64_t badge, handle_t *out) {
    const rights_t rights = {RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT}; // TRANSFER: to be moved in the answer
    return tess_handle_mint(endpoint, rights, badge_holder(badge), 0, out);
}

static status_t resolve(void *, struct rpc_request *request, struct registry_resolve_params params,
                        struct registry_resolve_results_builder results) {
    char name[NAME_BYTES];
    status_t refused;
    const struct registry_name *entry = nullptr;
    if (!take_name(request, registry_resolve_params_get_name(params), name, &refused)) {
        return refused;
    }
    const enum registry_outcome outcome =
        registry_look_up(&table, request->badge, name, registry_resolve_params_get_interface_id(params), &entry);
    registry_resolve_results_set_outcome(results, outcome);
    if (entry != nullptr) {
        registry_resolve_results_set_interface_id(results, entry->interface_id);
    }
    if (outcome == REGISTRY_OUTCOME_FOUND) {
        handle_t service;
        TRY(mint(entry->endpoint, request->badge, &service));
        registry_resolve_results_give_service(results, service);
    }
    return STATUS_OK;
}

static status_t list(void *, struct rpc_request *request, struct registry_list_params params,
                     struct registry_list_results_builder results) {
    const struct registry_name *names[REGISTRY_NAMES_MAX];
    size_t count;
    const size_t total = registry_list_names(&table, request->badge, registry_list_params_get_first(params), names,
                                             REGISTRY_NAMES_MAX, &count);
    struct registry_entry_list_builder entries = registry_list_results_init_entries(results, (uint32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        struct registry_entry_builder entry = registry_entry_list_edit(entries, i);
        registry_entry_set_name(entry, capnp_text(names[i]->name));
        registry_entry_set_interface_id(entry, names[i]->interface_id);
    }
    registry_list_results_set_total(results, (uint32_t)total);
    return STATUS_OK;
}

static status_t register_service(void *, struct rpc_request *request, struct registry_control_register_params params,
                                 struct registry_control_register_results_builder) {
    char name[NAME_BYTES];
    status_t refused;
    handle_t old;
    handle_t minted;
    const handle_t service = registry_control_register_params_get_service(params);
    if (!take_name(request, registry_control_register_params_get_name(params), name, &refused)) {
        return refused;
    }
    if (!tess_handle_valid(service)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service came with the name `%s`", name);
    }
    const uint64_t interface_id = registry_control_register_params_get_interface_id(params);
    TRY(rpc_well_formed(request));
    if (!status_ok(mint(service, 0, &minted))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "nobody could be given `%s`: it is no endpoint, or lacks SEND or MINT", name);
    }
    tess_close(minted);
    if (!registry_put(&table, name, interface_id, service, &old)) {
        return rpc_refuse(request, RPC_FAILED, "all %zu names are taken", REGISTRY_NAMES_MAX);
    }
    (void)rpc_request_keep(request, service);
    tess_close(old);
    return STATUS_OK;
}

static status_t allow(void *, struct rpc_request *request, struct registry_control_allow_params params,
                      struct registry_control_allow_results_builder) {
    char names[REGISTRY_NAMES_MAX][NAME_BYTES];
    status_t refused;
    const uint64_t holder = registry_control_allow_params_get_holder(params);
    const struct capnp_text_list wanted = registry_control_allow_params_get_names(params);
    const uint32_t count = capnp_text_list_count(wanted); // the contract's limit is no more than there are names
    for (uint32_t i = 0; i < count; i++) {
        if (!take_name(request, capnp_text_list_get(wanted, i), names[i], &refused)) {
            return refused;
        }
    }
    if (holder == 0 || badge_controls(holder)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "%#lx is nobody's number", holder);
    }
    TRY(rpc_well_formed(request));
    return registry_permit(&table, holder, names, count)
               ? STATUS_OK
               : rpc_refuse(request, RPC_FAILED, "there is no room for another name or holder");
}

static const struct registry_control_server methods = {
    .registry = {.resolve = resolve, .list = list},
    .register_ = register_service,
    .allow = allow,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? registry_control_dispatch(&methods, nullptr, request)
                                          : registry_dispatch(&methods.registry, nullptr, request);
}

static const struct service service = {.provides = "registry", .interface_id = REGISTRY_ID, .accept = 1}; // what is registered

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return service_run(&service, &server, dispatch);
}
