#include "lib/reflect/carries.h"

constexpr uint32_t PATH_MAX = 16; // structs in structs; whoever is deeper may carry anything

struct path {
    uint32_t depth;
    const struct capnp_schema *at[PATH_MAX];
};

static bool carries(const struct capnp_schema *schema, struct path *path);

static bool field_carries(const struct capnp_schema *schema, struct schema_field field, struct path *path) {
    enum schema_type_which which = SCHEMA_TYPE_STRUCT;
    if (schema_field_which(field) != SCHEMA_FIELD_GROUP) {
        struct schema_type type = schema_field_slot_get_type(schema_field_get_slot(field));
        while (schema_type_which(type) == SCHEMA_TYPE_LIST) {
            type = schema_type_list_group_get_element_type(schema_type_get_list(type));
        }
        which = schema_type_which(type);
    }
    if (which == SCHEMA_TYPE_INTERFACE || which == SCHEMA_TYPE_ANY_POINTER) {
        return true;
    }
    if (which != SCHEMA_TYPE_STRUCT) {
        return false;
    }
    const struct capnp_schema *inner = reflect_field_type(schema, field);
    return inner == nullptr || carries(inner, path);
}

static bool carries(const struct capnp_schema *schema, struct path *path) {
    for (uint32_t i = 0; i < path->depth; i++) {
        if (path->at[i] == schema) {
            return false; // it is being looked at
        }
    }
    if (path->depth == PATH_MAX) {
        return true;
    }
    path->at[path->depth++] = schema;
    const struct schema_field_list fields = reflect_fields(schema);
    bool found = false;
    for (uint32_t i = 0; i < schema_field_list_count(fields) && !found; i++) {
        found = field_carries(schema, schema_field_list_get(fields, i), path);
    }
    path->depth--;
    return found;
}

bool reflect_carries(const struct capnp_schema *schema) {
    struct path path = {};
    return schema != nullptr && carries(schema, &path);
}
