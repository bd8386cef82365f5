#include "lib/reflect/call.h"

static bool is_capability(struct schema_type type) {
    const struct schema_type_any_pointer any = schema_type_get_any_pointer(type);
    if (schema_type_which(type) != SCHEMA_TYPE_ANY_POINTER) {
        return schema_type_which(type) == SCHEMA_TYPE_INTERFACE;
    }
    return schema_type_any_pointer_which(any) == SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED &&
           schema_type_any_pointer_unconstrained_which(schema_type_any_pointer_get_unconstrained(any)) ==
               SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED_CAPABILITY;
}

// Also of its groups, whose pointers are its own; they are as deep as the schema's source is.
static bool all_pointers_are_capabilities(const struct capnp_schema *schema) {
    const struct schema_field_list fields = reflect_fields(schema);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        const struct schema_field field = schema_field_list_get(fields, i);
        if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
            const struct capnp_schema *group = reflect_field_type(schema, field);
            if (group == nullptr || !all_pointers_are_capabilities(group)) {
                return false;
            }
            continue;
        }
        const struct schema_type type = schema_field_slot_get_type(schema_field_get_slot(field));
        if (reflect_is_pointer(schema_type_which(type)) && !is_capability(type)) {
            return false;
        }
    }
    return true;
}

static struct rpc_shape shape_of(const struct capnp_schema *schema) {
    if (schema == nullptr) { // a stream has no results
        return (struct rpc_shape){.in_registers = true};
    }
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    const uint16_t words = schema_node_struct_get_data_word_count(node);
    const uint16_t pointers = schema_node_struct_get_pointer_count(node);
    const bool fits = words <= RPC_REGISTER_WORDS && pointers <= RPC_REGISTER_POINTERS;
    return (struct rpc_shape){words, pointers, fits && all_pointers_are_capabilities(schema)};
}

struct rpc_method reflect_rpc_method(const struct reflect_method *method) {
    struct reflect_family family;
    reflect_family_of(method->interface, &family);
    return (struct rpc_method){
        .interface_id = method->interface->id,
        .ordinal = method->ordinal,
        .repeatable = method->repeatable,
        .params = shape_of(method->params),
        .results = shape_of(method->results),
        .extends = family.count > 1,
    };
}
