// The schema of schemas, read with what was generated from it: each type that schema.capnp.c brings along says what it is,
// and brings the types it refers to. Prints a line for each field.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "capnp/schema.capnp.h"

static void must(bool holds, const char *what, const struct capnp_schema *schema) {
    if (!holds) {
        fprintf(stderr, "reflect: %s: %s\n", schema->name, what);
        exit(1);
    }
}

static bool needs(const struct capnp_schema *schema, uint64_t id) {
    if (schema->id == id) {
        return true;
    }
    for (const struct capnp_schema *const *other = schema->needs; other != nullptr && *other != nullptr; other++) {
        if ((*other)->id == id) {
            return true;
        }
    }
    return false;
}

// What a type refers to is there, however deep in lists.
static bool type_is_known(const struct capnp_schema *schema, struct schema_type type) {
    switch (schema_type_which(type)) {
    case SCHEMA_TYPE_LIST:
        return type_is_known(schema, schema_type_list_group_get_element_type(schema_type_get_list(type)));
    case SCHEMA_TYPE_ENUM: return needs(schema, schema_type_enum_get_type_id(schema_type_get_enum(type)));
    case SCHEMA_TYPE_STRUCT: return needs(schema, schema_type_struct_get_type_id(schema_type_get_struct(type)));
    default: return true;
    }
}

static void check_struct(const struct capnp_schema *schema, struct schema_node_struct node) {
    struct schema_field_list fields = schema_node_struct_get_fields(node);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        struct schema_field field = schema_field_list_get(fields, i);
        printf("%s.%s\n", schema->name, schema_field_get_name(field).bytes);
        if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
            must(needs(schema, schema_field_group_get_type_id(schema_field_get_group(field))), "its group", schema);
        } else {
            must(type_is_known(schema, schema_field_slot_get_type(schema_field_get_slot(field))), "a field's type", schema);
        }
    }
}

int main(void) {
    for (const struct capnp_schema *const *at = schema_capnp_schemas; *at != nullptr; at++) {
        const struct capnp_schema *schema = *at;
        struct capnp_message message;
        capnp_message_init(&message, schema->words, schema->word_count);
        struct schema_node node = schema_node_root(&message);
        must(schema_node_get_id(node) == schema->id, "the id", schema);
        must(capnp_text_equal(schema_node_get_display_name(node), capnp_text(schema->name)), "the name", schema);
        if (schema_node_which(node) == SCHEMA_NODE_STRUCT) {
            check_struct(schema, schema_node_get_struct(node));
        }
        must(status_ok(capnp_status(&message)), "it is well-formed", schema);
    }
    return 0;
}
