#include "lib/reflect/reflect.h"

struct capnp_text reflect_name(const struct capnp_schema *schema) {
    const struct schema_node node = reflect_node(schema);
    const struct capnp_text whole = schema_node_get_display_name(node);
    const uint32_t prefix = schema_node_get_display_name_prefix_length(node);
    return prefix <= whole.len ? (struct capnp_text){whole.bytes + prefix, whole.len - prefix} : whole;
}

const struct capnp_schema *reflect_needed(const struct capnp_schema *schema, uint64_t id) {
    if (schema->id == id) {
        return schema;
    }
    for (const struct capnp_schema *const *at = schema->needs; at != nullptr && *at != nullptr; at++) {
        if ((*at)->id == id) {
            return *at;
        }
    }
    return nullptr;
}

// ---- structs and enums ----
//
// What a node has of its kind lies in the same place for every kind: which it is comes first.

struct schema_field_list reflect_fields(const struct capnp_schema *schema) {
    const struct schema_node node = reflect_node(schema);
    return schema_node_which(node) == SCHEMA_NODE_STRUCT ? schema_node_struct_get_fields(schema_node_get_struct(node))
                                                         : (struct schema_field_list){};
}

struct schema_enumerant_list reflect_enumerants(const struct capnp_schema *schema) {
    const struct schema_node node = reflect_node(schema);
    return schema_node_which(node) == SCHEMA_NODE_ENUM ? schema_node_enum_get_enumerants(schema_node_get_enum(node))
                                                       : (struct schema_enumerant_list){};
}

bool reflect_find_field(const struct capnp_schema *schema, struct capnp_text name, uint32_t *index) {
    const struct schema_field_list fields = reflect_fields(schema);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        if (capnp_text_equal(schema_field_get_name(schema_field_list_get(fields, i)), name)) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool reflect_find_enumerant(const struct capnp_schema *schema, struct capnp_text name, uint32_t *index) {
    const struct schema_enumerant_list enumerants = reflect_enumerants(schema);
    for (uint32_t i = 0; i < schema_enumerant_list_count(enumerants); i++) {
        if (capnp_text_equal(schema_enumerant_get_name(schema_enumerant_list_get(enumerants, i)), name)) {
            *index = i;
            return true;
        }
    }
    return false;
}

const struct capnp_schema *reflect_type(const struct capnp_schema *schema, struct schema_type type) {
    while (schema_type_which(type) == SCHEMA_TYPE_LIST) {
        type = schema_type_list_group_get_element_type(schema_type_get_list(type));
    }
    switch (schema_type_which(type)) {
    case SCHEMA_TYPE_ENUM: return reflect_needed(schema, schema_type_enum_get_type_id(schema_type_get_enum(type)));
    case SCHEMA_TYPE_STRUCT: return reflect_needed(schema, schema_type_struct_get_type_id(schema_type_get_struct(type)));
    case SCHEMA_TYPE_INTERFACE:
        return reflect_needed(schema, schema_type_interface_get_type_id(schema_type_get_interface(type)));
    default: return nullptr;
    }
}

const struct capnp_schema *reflect_field_type(const struct capnp_schema *schema, struct schema_field field) {
    if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
        return reflect_needed(schema, schema_field_group_get_type_id(schema_field_get_group(field)));
    }
    return reflect_type(schema, schema_field_slot_get_type(schema_field_get_slot(field)));
}

enum capnp_element reflect_element(enum schema_type_which type) {
    switch (type) {
    case SCHEMA_TYPE_VOID: return CAPNP_VOID;
    case SCHEMA_TYPE_BOOL: return CAPNP_BITS;
    case SCHEMA_TYPE_INT8:
    case SCHEMA_TYPE_UINT8: return CAPNP_1_BYTE;
    case SCHEMA_TYPE_INT16:
    case SCHEMA_TYPE_UINT16:
    case SCHEMA_TYPE_ENUM: return CAPNP_2_BYTES;
    case SCHEMA_TYPE_INT32:
    case SCHEMA_TYPE_UINT32:
    case SCHEMA_TYPE_FLOAT32: return CAPNP_4_BYTES;
    case SCHEMA_TYPE_INT64:
    case SCHEMA_TYPE_UINT64:
    case SCHEMA_TYPE_FLOAT64: return CAPNP_8_BYTES;
    case SCHEMA_TYPE_STRUCT: return CAPNP_STRUCTS;
    default: return CAPNP_POINTERS;
    }
}

// ---- interfaces ----

static bool is_member(const struct reflect_family *family, const struct capnp_schema *schema) {
    for (uint32_t i = 0; i < family->count; i++) {
        if (family->members[i]->id == schema->id) {
            return true;
        }
    }
    return false;
}

static struct schema_superclass_list parents_of(const struct capnp_schema *interface) {
    const struct schema_node node = reflect_node(interface);
    return schema_node_which(node) == SCHEMA_NODE_INTERFACE
               ? schema_node_interface_get_superclasses(schema_node_get_interface(node))
               : (struct schema_superclass_list){};
}

// Breadth first: what was added is looked at in turn.
void reflect_family_of(const struct capnp_schema *interface, struct reflect_family *out) {
    out->count = 1;
    out->members[0] = interface;
    for (uint32_t i = 0; i < out->count; i++) {
        const struct schema_superclass_list parents = parents_of(out->members[i]);
        for (uint32_t p = 0; p < schema_superclass_list_count(parents) && out->count < REFLECT_FAMILY_MAX; p++) {
            const struct capnp_schema *parent =
                reflect_needed(out->members[i], schema_superclass_get_id(schema_superclass_list_get(parents, p)));
            if (parent != nullptr && !is_member(out, parent)) {
                out->members[out->count++] = parent;
            }
        }
    }
}

bool reflect_extends(const struct capnp_schema *interface, uint64_t id) {
    struct reflect_family family;
    reflect_family_of(interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        if (family.members[i]->id == id) {
            return true;
        }
    }
    return false;
}

static struct schema_method_list methods_of(const struct capnp_schema *interface) {
    const struct schema_node node = reflect_node(interface);
    return schema_node_which(node) == SCHEMA_NODE_INTERFACE
               ? schema_node_interface_get_methods(schema_node_get_interface(node))
               : (struct schema_method_list){};
}

uint32_t reflect_method_count(const struct capnp_schema *interface) {
    return schema_method_list_count(methods_of(interface));
}

void reflect_method_at(const struct capnp_schema *interface, uint32_t index, struct reflect_method *out) {
    const struct schema_method method = schema_method_list_get(methods_of(interface), index);
    const struct schema_annotation_list annotations = schema_method_get_annotations(method);
    struct schema_value value;
    *out = (struct reflect_method){
        .interface = interface,
        .method = method,
        .ordinal = (uint16_t)index,
        .repeatable = reflect_annotation(annotations, REFLECT_REPEATABLE, &value),
        .one_way = reflect_annotation(annotations, REFLECT_ONE_WAY, &value),
        .params = reflect_needed(interface, schema_method_get_param_struct_type(method)),
        .results = reflect_needed(interface, schema_method_get_result_struct_type(method)),
    };
}

bool reflect_find_method(const struct capnp_schema *interface, struct capnp_text name, struct reflect_method *out) {
    struct reflect_family family;
    reflect_family_of(interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        const struct schema_method_list methods = methods_of(family.members[i]);
        for (uint32_t m = 0; m < schema_method_list_count(methods); m++) {
            if (capnp_text_equal(schema_method_get_name(schema_method_list_get(methods, m)), name)) {
                reflect_method_at(family.members[i], m, out);
                return true;
            }
        }
    }
    return false;
}

// ---- annotations ----

bool reflect_annotation(struct schema_annotation_list annotations, uint64_t id, struct schema_value *out) {
    for (uint32_t i = 0; i < schema_annotation_list_count(annotations); i++) {
        const struct schema_annotation annotation = schema_annotation_list_get(annotations, i);
        if (schema_annotation_get_id(annotation) == id) {
            *out = schema_annotation_get_value(annotation);
            return true;
        }
    }
    return false;
}
