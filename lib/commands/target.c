#include "lib/commands/target.h"

#include "abi/bootstrap.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "idl/kernel.capnp.h"
#include "idl/registry.capnp.h"
#include "idl/schemas.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

static const struct capnp_schema *interface_of(uint64_t id) {
    const struct capnp_schema *schema = idl_schema_by_id(id);
    return schema != nullptr && reflect_is(schema, SCHEMA_NODE_INTERFACE) ? schema : nullptr;
}

static bool granted_target(uint32_t index, struct target *out) {
    const struct bootstrap_cap *cap = &bootstrap_caps(tess_bootstrap)[index];
    *out = (struct target){.interface = interface_of(cap->interface_id), .handle = {cap->handle}};
    return out->interface != nullptr && name_put(out->name, cap->name, strnlen(cap->name, sizeof(cap->name)));
}

bool cap_may_be(const struct bootstrap_cap *cap, const struct capnp_schema *wanted) {
    const struct capnp_schema *interface = idl_schema_by_id(cap->interface_id);
    const bool any_service = wanted != nullptr && wanted->id == ENDPOINT_ID && cap->type == OBJECT_ENDPOINT;
    return wanted == nullptr || interface == nullptr || any_service || reflect_extends(interface, wanted->id) ||
           reflect_extends(wanted, interface->id);
}

static bool is_granted(const char *name) {
    handle_t ignored;
    return status_ok(tess_cap(name, 0, &ignored));
}

// Names that the registry has for this program, without those that were granted.
static void each_registered(target_fn *function, void *context) {
    struct registry registry;
    uint32_t first = 0, count, total;
    if (!status_ok(tess_cap("registry", REGISTRY_ID, &registry.handle))) {
        return;
    }
    do {
        RPC_CALL(call);
        struct registry_list_results results;
        if (!status_ok(registry_call_list(registry, &call, first, rpc_patience(), &results))) {
            return; // what is not there now can't be called now
        }
        static uint64_t held[MESSAGE_PAGE_BYTES / sizeof(uint64_t)];
        rpc_hold(&call, held, &results.s);
        const struct registry_entry_list entries = registry_list_results_get_entries(results);
        count = registry_entry_list_count(entries);
        total = registry_list_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            const struct registry_entry entry = registry_entry_list_get(entries, i);
            const struct capnp_text name = registry_entry_get_name(entry);
            struct target target = {.interface = interface_of(registry_entry_get_interface_id(entry))};
            if (target.interface != nullptr && name_put(target.name, name.bytes, name.len) && !is_granted(target.name)) {
                function(context, &target);
            }
        }
        first += count;
    } while (count > 0 && first < total);
}

void each_target(target_fn *function, void *context) {
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        struct target target;
        if (granted_target(i, &target)) {
            function(context, &target);
        }
    }
    each_registered(function, context);
}

struct search {
    const char *name;
    struct target *found;
    bool is_found;
};

static void look(void *context, const struct target *target) {
    struct search *search = context;
    if (!search->is_found && str_equal(target->name, search->name)) {
        *search->found = *target;
        search->is_found = true;
    }
}

static bool find(const char *name, struct target *out) {
    struct search search = {.name = name, .found = out};
    each_target(look, &search);
    return search.is_found;
}

bool target_find(const char *name, struct target *out) {
    if (find(name, out)) {
        return true;
    }
    RPC_CALL(call);
    struct supervisor_service_results results;
    if (!status_ok(supervisor_call_service(the_supervisor(), &call, capnp_text(name), rpc_patience(), &results))) {
        return false;
    }
    rpc_hold(&call, held_results, &results.s);
    const struct capnp_text_list provides =
        supervisor_service_detail_get_provides(supervisor_service_results_get_detail(results));
    for (uint32_t i = 0; i < capnp_text_list_count(provides); i++) {
        if (find(capnp_text_list_get(provides, i).bytes, out)) {
            return true;
        }
    }
    return false;
}

status_t target_open(struct target *target) {
    struct registry registry;
    RPC_CALL(call);
    struct registry_resolve_results results;
    if (tess_handle_valid(target->handle)) {
        return STATUS_OK;
    }
    TRY(tess_cap("registry", REGISTRY_ID, &registry.handle));
    TRY(registry_call_resolve(registry, &call, capnp_text(target->name), target->interface->id, rpc_patience(), &results));
    if (registry_resolve_results_get_outcome(results) != REGISTRY_OUTCOME_FOUND) {
        return STATUS_NOT_FOUND;
    }
    target->handle = rpc_keep(&call, registry_resolve_results_get_service(results).handle);
    target->owned = true;
    return STATUS_OK;
}

void target_close(struct target *target) {
    if (target->owned) {
        tess_close(target->handle);
        target->owned = false;
    }
}

const struct capnp_schema *interface_extension(const struct capnp_schema *interface, uint32_t index) {
    for (const struct capnp_schema *const *const *contract = idl_schemas; *contract != nullptr; contract++) {
        for (const struct capnp_schema *const *at = *contract; *at != nullptr; at++) {
            if (*at != interface && reflect_is(*at, SCHEMA_NODE_INTERFACE) && reflect_extends(*at, interface->id) &&
                index-- == 0) {
                return *at;
            }
        }
    }
    return nullptr;
}

bool interface_find_method(const struct capnp_schema *interface, struct capnp_text name, struct reflect_method *out) {
    bool found = reflect_find_method(interface, name, out);
    const struct capnp_schema *extension;
    for (uint32_t i = 0; !found && (extension = interface_extension(interface, i)) != nullptr; i++) {
        found = reflect_find_method(extension, name, out);
    }
    return found;
}
