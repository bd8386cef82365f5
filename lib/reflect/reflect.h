// What a type is, by name: fields, enumerants and methods, from the schema that generated code brings along.
//
//   const struct capnp_schema *log = idl_schema_by_name("log");
//   struct reflect_method method;
//   if (reflect_find_method(log, CAPNP_TEXT("query"), &method)) { ... reflect_fields(method.params) ... }
//
// What a schema says is read with what is generated from Cap'n Proto's own schema.capnp. Schemas are trusted words of the
// program itself: nothing here allocates, blocks, or fails otherwise than by "there is none".
#pragma once

#include "lib/capnp/schema.h"
#include "lib/reflect/schema.capnp.h"

static inline struct schema_node reflect_node(const struct capnp_schema *schema) {
    return schema_node_at(capnp_constant(schema->words));
}

static inline bool reflect_is(const struct capnp_schema *schema, enum schema_node_which kind) {
    return schema_node_which(reflect_node(schema)) == kind;
}

// "Record" of "idl/log.capnp:Log.Record": as one says it within its file.
struct capnp_text reflect_name(const struct capnp_schema *schema);

// The type of this id, if it is this one or one that it refers to; nullptr: it is neither.
const struct capnp_schema *reflect_needed(const struct capnp_schema *schema, uint64_t id);

// ---- structs and enums: empty for everything else ----

struct schema_field_list reflect_fields(const struct capnp_schema *schema);
struct schema_enumerant_list reflect_enumerants(const struct capnp_schema *schema);

// Number in the list above; false when nothing is called so.
[[nodiscard]] bool reflect_find_field(const struct capnp_schema *schema, struct capnp_text name, uint32_t *index);
[[nodiscard]] bool reflect_find_enumerant(const struct capnp_schema *schema, struct capnp_text name, uint32_t *index);

// The struct, enum or interface that a field of `schema` is of, a list of, a list of lists of; of a group, the group.
// nullptr: it is a number, a text, anything at all, or a type that is not there.
const struct capnp_schema *reflect_type(const struct capnp_schema *schema, struct schema_type type);
const struct capnp_schema *reflect_field_type(const struct capnp_schema *schema, struct schema_field field);

// How elements of this type lie in a list, and whether a value is behind a pointer.
enum capnp_element reflect_element(enum schema_type_which type);
static inline bool reflect_is_pointer(enum schema_type_which type) {
    return reflect_element(type) >= CAPNP_POINTERS;
}

// ---- interfaces ----

constexpr uint32_t REFLECT_FAMILY_MAX = 16;

// An interface and those that it extends, each once, nearest first.
struct reflect_family {
    uint32_t count;
    const struct capnp_schema *members[REFLECT_FAMILY_MAX];
};
void reflect_family_of(const struct capnp_schema *interface, struct reflect_family *out);

// Whether one is the interface of this id, or extends it.
bool reflect_extends(const struct capnp_schema *interface, uint64_t id);

struct reflect_method {
    const struct capnp_schema *interface; // that declares it
    struct schema_method method;
    uint16_t ordinal;
    bool repeatable, one_way;             // as idl/tessera.capnp says
    const struct capnp_schema *params, *results; // structs; null: none that this schema knows, as the results of a stream
};

// Methods that the interface itself declares.
uint32_t reflect_method_count(const struct capnp_schema *interface);
void reflect_method_at(const struct capnp_schema *interface, uint32_t index, struct reflect_method *out);

// A method of the interface or of one that it extends.
[[nodiscard]] bool reflect_find_method(const struct capnp_schema *interface, struct capnp_text name,
                                       struct reflect_method *out);

// ---- annotations of idl/tessera.capnp ----

constexpr uint64_t REFLECT_REPEATABLE = 0xe3f40b9d6c1a5827;
constexpr uint64_t REFLECT_ONE_WAY = 0x97b1e5a26d08c4f3;
constexpr uint64_t REFLECT_MAX_BYTES = 0xd82b6f430e9ac175;
constexpr uint64_t REFLECT_MAX_COUNT = 0x8f5e1d72c4b903aa;
constexpr uint64_t REFLECT_KERNEL_OBJECT = 0xc96d30b1f27e4a58;

// What is said by the annotation of this id; false when it is not there.
[[nodiscard]] bool reflect_annotation(struct schema_annotation_list annotations, uint64_t id, struct schema_value *out);
