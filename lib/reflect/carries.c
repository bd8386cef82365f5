#include "lib/reflect/carries.h"

constexpr uint32_t PATH_MAX = 16; // structs in structs; whoever is deeper may carry anything

struct walk {
    reflect_carried_fn *each;
    void *context;
    uint32_t depth;
    const struct capnp_schema *at[PATH_MAX];
};

static void walk_struct(const struct capnp_schema *schema, struct walk *walk);

static void walk_field(const struct capnp_schema *schema, struct schema_field field, struct walk *walk) {
    enum schema_type_which which = SCHEMA_TYPE_STRUCT;
    struct schema_type type = {};
    if (schema_field_which(field) != SCHEMA_FIELD_GROUP) {
        type = schema_field_slot_get_type(schema_field_get_slot(field));
        while (schema_type_which(type) == SCHEMA_TYPE_LIST) {
            type = schema_type_list_group_get_element_type(schema_type_get_list(type));
        }
        which = schema_type_which(type);
    }
    if (which == SCHEMA_TYPE_INTERFACE) {
        walk->each(walk->context, schema_type_interface_get_type_id(schema_type_get_interface(type)));
    } else if (which == SCHEMA_TYPE_ANY_POINTER) {
        walk->each(walk->context, REFLECT_ANYTHING);
    } else if (which == SCHEMA_TYPE_STRUCT) {
        walk_struct(reflect_field_type(schema, field), walk);
    }
}

static void walk_struct(const struct capnp_schema *schema, struct walk *walk) {
    for (uint32_t i = 0; i < walk->depth; i++) {
        if (walk->at[i] == schema) {
            return; // it is being looked at
        }
    }
    if (schema == nullptr || walk->depth == PATH_MAX) {
        walk->each(walk->context, REFLECT_ANYTHING);
        return;
    }
    walk->at[walk->depth++] = schema;
    const struct schema_field_list fields = reflect_fields(schema);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        walk_field(schema, schema_field_list_get(fields, i), walk);
    }
    walk->depth--;
}

void reflect_carried(const struct capnp_schema *schema, reflect_carried_fn *each, void *context) {
    struct walk walk = {.each = each, .context = context};
    if (schema != nullptr) {
        walk_struct(schema, &walk);
    }
}
