#include "lib/authority/contracts.h"

#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/fmt.h"
#include "idl/interfaces.h"
#include "idl/lifecycle.capnp.h"
#include "idl/schemas.h"
#include "lib/reflect/carries.h"

struct carrying {
    struct authority *graph;
    bool is_given, is_added;
};

static void take_carried(void *context, uint64_t interface_id) {
    struct carrying *carrying = context;
    const struct authority_carried one = {interface_id, carrying->is_given};
    carrying->is_added = carrying->is_added && authority_add_carried(carrying->graph, &one);
}

static bool take_methods(struct authority *graph, const struct capnp_schema *schema) {
    for (uint32_t i = 0; i < reflect_method_count(schema); i++) {
        struct reflect_method method;
        reflect_method_at(schema, i, &method);
        struct authority_method one = {
            .interface_id = schema->id,
            .ordinal = method.ordinal,
        };
        fmt_snprintf(one.name, sizeof one.name, "%s.%s", reflect_name(schema).bytes, schema_method_get_name(method.method).bytes);
        if (!authority_add_method(graph, &one)) {
            return false;
        }
        struct carrying carrying = {.graph = graph, .is_added = true};
        reflect_carried(method.params, take_carried, &carrying);
        carrying.is_given = true;
        reflect_carried(method.results, take_carried, &carrying);
        if (!carrying.is_added) {
            return false;
        }
    }
    return true;
}

// The type of the kernel's objects that have the interface; 0: it is a service's.
static uint32_t object_type(const struct capnp_schema *schema) {
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (idl_interface_by_name(abi_object_name(type)) == schema->id) {
            return type;
        }
    }
    return 0;
}

static bool take_interface(struct authority *graph, const struct capnp_schema *schema) {
    struct reflect_family family;
    reflect_family_of(schema, &family);
    struct authority_interface one = {.id = schema->id, .extends_id = family.count > 1 ? family.members[1]->id : 0,
                                      .object_type = object_type(schema)};
    fmt_snprintf(one.name, sizeof one.name, "%s", reflect_name(schema).bytes);
    return authority_add_interface(graph, &one) && take_methods(graph, schema);
}

static bool take_contract(struct authority *graph, const struct capnp_schema *const contract[]) {
    for (; *contract != nullptr; contract++) {
        if (reflect_is(*contract, SCHEMA_NODE_INTERFACE) && !take_interface(graph, *contract)) {
            return false;
        }
    }
    return true;
}

bool authority_add_contracts(struct authority *graph) {
    for (const struct capnp_schema *const *const *contract = idl_schemas; *contract != nullptr; contract++) {
        if (!take_contract(graph, *contract)) {
            return false;
        }
    }
    return take_contract(graph, lifecycle_capnp_schemas); // nobody is granted it by name
}
