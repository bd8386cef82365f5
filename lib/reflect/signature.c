// Types, fields and methods as one writes them in a schema.
#include "lib/reflect/write.h"

#include "base/str.h"

struct out {
    fmt_sink_fn *sink;
    void *context;
};

static void put(const struct out *out, const char *string) {
    out->sink(out->context, string, strlen(string));
}

static void put_name(const struct out *out, struct capnp_text name) {
    out->sink(out->context, name.bytes, name.len);
}

static const char *any_name(struct schema_type_any_pointer any) {
    if (schema_type_any_pointer_which(any) != SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED) {
        return "AnyPointer"; // a parameter of a generic type
    }
    switch (schema_type_any_pointer_unconstrained_which(schema_type_any_pointer_get_unconstrained(any))) {
    case SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED_STRUCT: return "AnyStruct";
    case SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED_LIST: return "AnyList";
    case SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED_CAPABILITY: return "Capability";
    default: return "AnyPointer";
    }
}

static void put_type(const struct out *out, const struct capnp_schema *schema, struct schema_type type) {
    static const char *const names[] = {"Void",  "Bool",   "Int8",   "Int16",   "Int32",   "Int64", "UInt8",
                                        "UInt16", "UInt32", "UInt64", "Float32", "Float64", "Text",  "Data"};
    uint32_t lists = 0;
    for (; schema_type_which(type) == SCHEMA_TYPE_LIST; lists++) {
        put(out, "List(");
        type = schema_type_list_group_get_element_type(schema_type_get_list(type));
    }
    const enum schema_type_which kind = schema_type_which(type);
    if (kind == SCHEMA_TYPE_ANY_POINTER) {
        put(out, any_name(schema_type_get_any_pointer(type)));
    } else if (kind <= SCHEMA_TYPE_DATA) {
        put(out, names[kind]);
    } else {
        const struct capnp_schema *found = reflect_type(schema, type);
        put_name(out, found != nullptr ? reflect_name(found) : CAPNP_TEXT("?"));
    }
    for (; lists > 0; lists--) {
        put(out, ")");
    }
}

static void put_fields(const struct out *out, const struct capnp_schema *schema);

static void put_field(const struct out *out, const struct capnp_schema *schema, struct schema_field field) {
    put_name(out, schema_field_get_name(field));
    if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
        put(out, " :group (");
        put_fields(out, reflect_field_type(schema, field));
        put(out, ")");
        return;
    }
    const struct schema_field_slot slot = schema_field_get_slot(field);
    put(out, " :");
    put_type(out, schema, schema_field_slot_get_type(slot));
    if (schema_field_slot_get_had_explicit_default(slot)) {
        put(out, " = ");
        reflect_write_value(schema, schema_field_slot_get_type(slot), schema_field_slot_get_default_value(slot), out->sink,
                            out->context);
    }
}

// The schema keeps them in the order of their numbers; which one was written at this place?
static struct schema_field field_written_at(struct schema_field_list fields, uint32_t place) {
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        const struct schema_field field = schema_field_list_get(fields, i);
        if (schema_field_get_code_order(field) == place) {
            return field;
        }
    }
    return schema_field_list_get(fields, place);
}

// Members of the struct's own union stand together, in "union (...)".
static void put_fields(const struct out *out, const struct capnp_schema *schema) {
    if (schema == nullptr) {
        return;
    }
    const struct schema_field_list fields = reflect_fields(schema);
    bool in_union = false;
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        const struct schema_field field = field_written_at(fields, i);
        const bool is_member = schema_field_get_discriminant_value(field) != SCHEMA_FIELD_NO_DISCRIMINANT;
        put(out, in_union && !is_member ? ")" : "");
        put(out, i > 0 ? ", " : "");
        put(out, is_member && !in_union ? "union (" : "");
        in_union = is_member;
        put_field(out, schema, field);
    }
    put(out, in_union ? ")" : "");
}

void reflect_write_type(const struct capnp_schema *schema, struct schema_type type, fmt_sink_fn *sink, void *context) {
    put_type(&(struct out){sink, context}, schema, type);
}

void reflect_write_fields(const struct capnp_schema *schema, fmt_sink_fn *sink, void *context) {
    put_fields(&(struct out){sink, context}, schema);
}

// A struct that was made for the method is written out; one with a name of its own has that.
static void put_shape(const struct out *out, const struct capnp_schema *schema) {
    if (schema == nullptr) {
        put(out, "stream");
    } else if (schema_node_get_scope_id(reflect_node(schema)) == 0) {
        put(out, "(");
        put_fields(out, schema);
        put(out, ")");
    } else {
        put_name(out, reflect_name(schema));
    }
}

void reflect_write_method(const struct reflect_method *method, fmt_sink_fn *sink, void *context) {
    const struct out out = {sink, context};
    put_name(&out, schema_method_get_name(method->method));
    put(&out, " ");
    put_shape(&out, method->params);
    put(&out, " -> ");
    put_shape(&out, method->results);
}
