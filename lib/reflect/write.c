#include "lib/reflect/write.h"

#include "base/str.h"
#include "lib/capnp/list.h"
#include "lib/reflect/bits.h"
#include "lib/reflect/float.h"

// How the standard tool breaks lines (stringify.c++): what is in brackets stays on one line if each item is short, and
// in a struct all together are; else each gets its own.
constexpr size_t INLINE_ITEM_BYTES = 24;
constexpr size_t INLINE_STRUCT_BYTES = 64;

struct writer {
    fmt_sink_fn *sink;
    void *context;
    bool pretty;
    bool measuring; // nothing goes out
    bool over;      // it is longer than there was room for
    size_t room;    // when measuring
};

static void put(struct writer *writer, const char *bytes, size_t len) {
    if (!writer->measuring) {
        writer->sink(writer->context, bytes, len);
    } else if (len > writer->room) {
        writer->over = true;
    } else {
        writer->room -= len;
    }
}

static void put_string(struct writer *writer, const char *string) {
    put(writer, string, strlen(string));
}

static void put_name(struct writer *writer, struct capnp_text name) {
    put(writer, name.bytes, name.len);
}

// ---- numbers ----

static void put_enumerant(struct writer *writer, const struct capnp_schema *schema, uint64_t bits) {
    if (schema != nullptr && bits < schema_enumerant_list_count(reflect_enumerants(schema))) {
        put_name(writer, schema_enumerant_get_name(schema_enumerant_list_get(reflect_enumerants(schema), (uint32_t)bits)));
        return;
    }
    char number[16];
    put(writer, number, fmt_snprintf(number, sizeof(number), "(%u)", (unsigned)bits)); // of a newer schema
}

static void put_number(struct writer *writer, const struct capnp_schema *schema, struct schema_type type, uint64_t bits) {
    const enum schema_type_which kind = schema_type_which(type);
    char number[REFLECT_FLOAT_BYTES];
    long long value;
    switch (kind) {
    case SCHEMA_TYPE_VOID: put_string(writer, "void"); return;
    case SCHEMA_TYPE_BOOL: put_string(writer, bits != 0 ? "true" : "false"); return;
    case SCHEMA_TYPE_ENUM: put_enumerant(writer, reflect_type(schema, type), bits); return;
    case SCHEMA_TYPE_FLOAT32: put(writer, number, reflect_float_write(number, bits, REFLECT_FLOAT32)); return;
    case SCHEMA_TYPE_FLOAT64: put(writer, number, reflect_float_write(number, bits, REFLECT_FLOAT64)); return;
    case SCHEMA_TYPE_INT8: value = (int8_t)bits; break;
    case SCHEMA_TYPE_INT16: value = (int16_t)bits; break;
    case SCHEMA_TYPE_INT32: value = (int32_t)bits; break;
    case SCHEMA_TYPE_INT64: value = (int64_t)bits; break;
    default: put(writer, number, fmt_snprintf(number, sizeof(number), "%llu", (unsigned long long)bits)); return;
    }
    put(writer, number, fmt_snprintf(number, sizeof(number), "%lld", value));
}

// ---- texts ----

static void put_quoted(struct writer *writer, const char *bytes, size_t len, bool is_data) {
    static const char named[] = "\a\b\f\n\r\t\v\'\"\\", letters[] = "abfnrtv\'\"\\";
    size_t plain = 0; // where what needs no escape begins
    put_string(writer, "\"");
    for (size_t i = 0; i < len && !writer->over; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        const char *found = c == 0 ? nullptr : strchr(named, c);
        if (found == nullptr && c >= 0x20 && c != 0x7f && (c < 0x80 || !is_data)) {
            continue;
        }
        char escape[8];
        const size_t escape_len = found != nullptr ? fmt_snprintf(escape, sizeof(escape), "\\%c", letters[found - named])
                                                   : fmt_snprintf(escape, sizeof(escape), "\\%03o", c);
        put(writer, bytes + plain, i - plain);
        put(writer, escape, escape_len);
        plain = i + 1;
    }
    put(writer, bytes + plain, len - plain);
    put_string(writer, "\"");
}

// ---- what is in brackets ----

// A struct or group, or a list.
struct items {
    const struct capnp_schema *schema; // of the struct; of a list, what `element` is to be understood in
    bool is_list;
    struct capnp_struct value;
    struct capnp_list list;
    struct schema_type element;
};

static void put_items(struct writer *writer, const struct items *items, bool prefixed, uint32_t depth);

static void put_struct(struct writer *writer, const struct capnp_schema *schema, struct capnp_struct value, bool prefixed,
                       uint32_t depth) {
    const struct items items = {.schema = schema, .value = value};
    put_string(writer, "(");
    if (schema != nullptr) {
        put_items(writer, &items, prefixed, depth);
    }
    put_string(writer, ")");
}

static void put_list(struct writer *writer, const struct capnp_schema *schema, struct schema_type element,
                     struct capnp_pointer at, bool prefixed, uint32_t depth) {
    const struct items items = {.schema = schema,
                                .is_list = true,
                                .list = capnp_list_at(at, reflect_element(schema_type_which(element))),
                                .element = element};
    put_string(writer, "[");
    put_items(writer, &items, prefixed, depth);
    put_string(writer, "]");
}

static void put_pointer(struct writer *writer, const struct capnp_schema *schema, struct schema_type type,
                        struct capnp_pointer at, bool prefixed, uint32_t depth) {
    switch (schema_type_which(type)) {
    case SCHEMA_TYPE_TEXT: put_quoted(writer, capnp_text_at(at).bytes, capnp_text_at(at).len, false); break;
    case SCHEMA_TYPE_DATA: {
        const struct capnp_data data = capnp_data_at(at);
        put_quoted(writer, data.bytes != nullptr ? (const char *)data.bytes : "", data.len, true);
        break;
    }
    case SCHEMA_TYPE_LIST:
        put_list(writer, schema, schema_type_list_group_get_element_type(schema_type_get_list(type)), at, prefixed, depth);
        break;
    case SCHEMA_TYPE_STRUCT: put_struct(writer, reflect_type(schema, type), capnp_struct_at(at), prefixed, depth); break;
    case SCHEMA_TYPE_INTERFACE: put_string(writer, "<external capability>"); break;
    default: put_string(writer, "<opaque pointer>"); break;
    }
}

static void put_slot(struct writer *writer, const struct items *items, struct schema_field_slot slot, uint32_t depth) {
    const struct schema_type type = schema_field_slot_get_type(slot);
    const struct schema_value fallback = schema_field_slot_get_default_value(slot);
    const enum capnp_element size = reflect_element(schema_type_which(type));
    const uint32_t offset = schema_field_slot_get_offset(slot);
    if (reflect_is_pointer(schema_type_which(type))) {
        struct capnp_pointer at = capnp_get_pointer(items->value, offset);
        at = capnp_is_null(at) ? reflect_value_pointer(fallback) : at;
        put_pointer(writer, items->schema, type, at, true, depth);
    } else {
        const uint64_t bits = reflect_get_bits(items->value, size, offset) ^ reflect_value_bits(fallback, size);
        put_number(writer, items->schema, type, bits);
    }
}

// One that lies in a struct where a number is wanted is its first field.
static uint64_t element_bits(struct capnp_list list, enum capnp_element size, uint32_t index) {
    uint64_t bits = 0;
    if (size == CAPNP_BITS) {
        return capnp_bool_list_get((struct capnp_bool_list){list}, index);
    }
    __builtin_memcpy(&bits, capnp_list_element(list, index), capnp_element_bytes(size));
    return bits;
}

static void put_element(struct writer *writer, const struct items *items, uint32_t index, uint32_t depth) {
    const enum schema_type_which kind = schema_type_which(items->element);
    if (kind == SCHEMA_TYPE_STRUCT) {
        put_struct(writer, reflect_type(items->schema, items->element), capnp_list_struct(items->list, index), false, depth);
    } else if (reflect_is_pointer(kind)) {
        put_pointer(writer, items->schema, items->element, capnp_list_pointer(items->list, index), false, depth);
    } else {
        put_number(writer, items->schema, items->element, element_bits(items->list, reflect_element(kind), index));
    }
}

static void put_field(struct writer *writer, const struct items *items, struct schema_field field, uint32_t depth) {
    put_name(writer, schema_field_get_name(field));
    put_string(writer, " = ");
    if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
        put_struct(writer, reflect_field_type(items->schema, field), items->value, true, depth);
    } else {
        put_slot(writer, items, schema_field_get_slot(field), depth);
    }
}

// A pointer that is null is not written, except in a union where it says which.
static bool is_written(const struct items *items, struct schema_field field) {
    const uint16_t tag = schema_field_get_discriminant_value(field);
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(items->schema));
    if (tag != SCHEMA_FIELD_NO_DISCRIMINANT) {
        if (capnp_get_u16(items->value, schema_node_struct_get_discriminant_offset(node) * 2) != tag) {
            return false;
        }
        if (tag != 0) {
            return true;
        }
    }
    if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
        return true;
    }
    const struct schema_field_slot slot = schema_field_get_slot(field);
    return !reflect_is_pointer(schema_type_which(schema_field_slot_get_type(slot))) ||
           capnp_has(items->value, schema_field_slot_get_offset(slot));
}

static uint32_t item_count(const struct items *items) {
    return items->is_list ? items->list.count : schema_field_list_count(reflect_fields(items->schema));
}

// False: it is not written.
static bool put_item(struct writer *writer, const struct items *items, uint32_t index, const char *before, uint32_t depth) {
    struct schema_field field = {};
    if (!items->is_list) {
        field = schema_field_list_get(reflect_fields(items->schema), index);
        if (!is_written(items, field)) {
            return false;
        }
    }
    put_string(writer, before);
    if (items->is_list) {
        put_element(writer, items, index, depth);
    } else {
        put_field(writer, items, field, depth);
    }
    return true;
}

// Whether all stays on one line. What is read for that alone does not count against the message's limit: of each item it is no
// more than a few bytes.
static bool fits_on_line(const struct items *items) {
    struct capnp_message *message = items->is_list ? items->list.message : items->value.message;
    const uint64_t words = message != nullptr ? message->traversal_words : 0;
    size_t total = 0;
    bool fits = true;
    for (uint32_t i = 0; i < item_count(items) && fits; i++) {
        struct writer measure = {.measuring = true, .room = INLINE_ITEM_BYTES};
        put_item(&measure, items, i, "", 0);
        total += INLINE_ITEM_BYTES - measure.room;
        fits = !measure.over && (items->is_list || total <= INLINE_STRUCT_BYTES);
    }
    if (message != nullptr) {
        message->traversal_words = words;
    }
    return fits;
}

static void put_items(struct writer *writer, const struct items *items, bool prefixed, uint32_t depth) {
    const bool broken = writer->pretty && !fits_on_line(items);
    bool first = true;
    for (uint32_t i = 0; i < item_count(items) && !writer->over; i++) {
        char before[8 + 2 * CAPNP_NESTING];
        const int indent = depth < CAPNP_NESTING - 2 ? 2 * (int)(depth + 1) : 2 * ((int)CAPNP_NESTING - 2);
        if (!broken) {
            fmt_snprintf(before, sizeof(before), "%s", first ? "" : ", ");
        } else if (first && !prefixed) {
            fmt_snprintf(before, sizeof(before), " ");
        } else {
            fmt_snprintf(before, sizeof(before), "%s\n%*s", first ? "" : ",", indent, "");
        }
        first = !put_item(writer, items, i, before, depth + 1) && first;
    }
    if (broken) {
        put_string(writer, " ");
    }
}

void reflect_write_struct(const struct capnp_schema *schema, struct capnp_struct value, enum reflect_style style,
                          fmt_sink_fn *sink, void *context) {
    struct writer writer = {.sink = sink, .context = context, .pretty = style == REFLECT_PRETTY};
    put_struct(&writer, schema, value, false, 0);
}

void reflect_write_value(const struct capnp_schema *schema, struct schema_type type, struct schema_value value,
                         fmt_sink_fn *sink, void *context) {
    struct writer writer = {.sink = sink, .context = context};
    const enum schema_type_which kind = schema_type_which(type);
    if (reflect_is_pointer(kind)) {
        put_pointer(&writer, schema, type, reflect_value_pointer(value), false, 0);
    } else {
        put_number(&writer, schema, type, reflect_value_bits(value, reflect_element(kind)));
    }
}
