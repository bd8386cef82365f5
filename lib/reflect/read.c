#include "lib/reflect/read.h"

#include "base/fmt.h"
#include "base/str.h"
#include "base/suggest.h"
#include "lib/reflect/bits.h"
#include "lib/reflect/float.h"
#include "lib/reflect/scan.h"
#include "lib/reflect/write.h"

// Where a value goes: a slot of a struct, or an element of a list.
struct place {
    const struct capnp_schema *schema; // what `type` is to be understood in
    struct schema_type type;
    struct capnp_struct_builder s;
    uint32_t offset;
    uint64_t fallback; // XORed with a number
    struct capnp_list_builder list;
    uint32_t index;
    bool in_list;
};

struct reader {
    struct scan scan;
    struct reflect_handles handles;
    uint32_t depth;
};

struct given {
    uint64_t fields[REFLECT_FIELDS_MAX / 64];
    struct capnp_text member; // of the struct's union; no bytes: none yet
};

static bool read_value(struct reader *reader, const struct place *place);
static bool read_fields(struct reader *reader, const struct capnp_schema *schema, struct capnp_struct_builder to);

// ---- where it goes ----

static struct capnp_pointer_builder pointer_of(const struct place *place) {
    return place->in_list ? capnp_list_edit_pointer(place->list, place->index) : capnp_edit_pointer(place->s, place->offset);
}

static void put_bits(const struct place *place, uint64_t bits) {
    const enum capnp_element size = reflect_element(schema_type_which(place->type));
    if (!place->in_list) {
        reflect_put_bits(place->s, size, place->offset, bits ^ place->fallback);
    } else if (size == CAPNP_BITS) {
        capnp_bool_list_set((struct capnp_bool_list_builder){place->list}, place->index, bits != 0);
    } else if (capnp_list_builder_has(place->list, place->index)) {
        __builtin_memcpy(capnp_list_edit_element(place->list, place->index), &bits, capnp_element_bytes(size));
    }
}

static struct capnp_struct_builder new_struct(const struct place *place, const struct capnp_schema *schema) {
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    return place->in_list ? capnp_list_edit_struct(place->list, place->index)
                          : capnp_init_struct(pointer_of(place), schema_node_struct_get_data_word_count(node),
                                              schema_node_struct_get_pointer_count(node));
}

// ---- what was expected ----

constexpr size_t WORDS_BYTES = 96;

struct words {
    size_t len;
    char text[WORDS_BYTES];
};

static void add_words(void *context, const char *bytes, size_t len) {
    struct words *words = context;
    for (size_t i = 0; i < len && words->len + 1 < WORDS_BYTES; i++) {
        words->text[words->len++] = bytes[i];
    }
    words->text[words->len] = '\0';
}

static const char *example_of(struct schema_type type) {
    switch (schema_type_which(type)) {
    case SCHEMA_TYPE_VOID: return ", which is `void`";
    case SCHEMA_TYPE_BOOL: return ", `true` or `false`";
    case SCHEMA_TYPE_TEXT: return " in quotes";
    case SCHEMA_TYPE_DATA: return ", like 0x\"00 ff\"";
    case SCHEMA_TYPE_LIST: return " in [ ]";
    case SCHEMA_TYPE_STRUCT: return " in ( )";
    case SCHEMA_TYPE_INTERFACE:
    case SCHEMA_TYPE_ANY_POINTER: return ", like $name";
    default: return "";
    }
}

static bool fail_type(struct reader *reader, const struct place *place, size_t at) {
    struct words words = {};
    reflect_write_type(place->schema, place->type, add_words, &words);
    return scan_fail(&reader->scan, at, "expected %s %s%s", strchr("AEIO", words.text[0]) != nullptr ? "an" : "a", words.text,
                     example_of(place->type));
}

// A name that is none of the schema's: maybe it is nearly one.
static bool fail_name(struct reader *reader, const struct capnp_schema *schema, struct capnp_text name, const char *what) {
    char typed[32];
    str_copy_bytes(typed, sizeof(typed), name.bytes, name.len);
    struct suggestion suggestion = suggestion_of(typed);
    for (uint32_t i = 0; i < schema_field_list_count(reflect_fields(schema)); i++) {
        suggestion_add(&suggestion, schema_field_get_name(schema_field_list_get(reflect_fields(schema), i)).bytes);
    }
    for (uint32_t i = 0; i < schema_enumerant_list_count(reflect_enumerants(schema)); i++) {
        suggestion_add(&suggestion,
                          schema_enumerant_get_name(schema_enumerant_list_get(reflect_enumerants(schema), i)).bytes);
    }
    const size_t at = (size_t)(name.bytes - reader->scan.text);
    struct capnp_text type = reflect_name(schema);
    const char *made_for = strchr(type.bytes, '$'); // "query$Params"
    type.len = made_for != nullptr ? (size_t)(made_for - type.bytes) : type.len;
    return suggestion.nearest != nullptr
               ? scan_fail(&reader->scan, at, "%.*s has no %s `%s`; did you mean `%s`?", (int)type.len, type.bytes, what, typed,
                           suggestion.nearest)
               : scan_fail(&reader->scan, at, "%.*s has no %s `%s`", (int)type.len, type.bytes, what, typed);
}

// What is being typed at the end of the text; for completion.
static void expect_value(struct reader *reader, const struct place *place) {
    struct reflect_expected *expected = reader->scan.expected;
    scan_next(&reader->scan);
    if (expected != nullptr && scan_is_last(&reader->scan)) {
        *expected = (struct reflect_expected){
            .what = REFLECT_VALUE, .schema = place->schema, .type = place->type, .word = reader->scan.at};
    }
}

static void expect_field(struct reader *reader, const struct capnp_schema *schema, const struct given *given) {
    struct reflect_expected *expected = reader->scan.expected;
    const struct schema_field_list fields = reflect_fields(schema);
    scan_next(&reader->scan);
    if (expected == nullptr || !scan_is_last(&reader->scan)) {
        return;
    }
    *expected = (struct reflect_expected){.what = REFLECT_FIELD, .schema = schema, .word = reader->scan.at};
    __builtin_memcpy(expected->given, given->fields, sizeof(expected->given));
    for (uint32_t i = 0; i < schema_field_list_count(fields) && given->member.len > 0; i++) {
        if (schema_field_get_discriminant_value(schema_field_list_get(fields, i)) != SCHEMA_FIELD_NO_DISCRIMINANT) {
            expected->given[i / 64] |= 1ull << i % 64;
        }
    }
}

// ---- numbers and names ----

// Signed: the smallest number is -(limit + 1).
static uint64_t limit_of(enum schema_type_which kind, bool *is_signed) {
    *is_signed = kind >= SCHEMA_TYPE_INT8 && kind <= SCHEMA_TYPE_INT64;
    const uint32_t bits = capnp_element_bytes(reflect_element(kind)) * 8;
    return UINT64_MAX >> (64 - bits + *is_signed);
}

static bool read_integer(struct reader *reader, const struct place *place, size_t at, bool negative,
                         const struct scan_number *number) {
    bool is_signed;
    const uint64_t limit = limit_of(schema_type_which(place->type), &is_signed);
    if (!number->whole) {
        return fail_type(reader, place, at);
    }
    if (number->huge || number->size > (negative && is_signed ? limit + 1 : negative ? 0 : limit)) {
        struct words words = {};
        reflect_write_type(place->schema, place->type, add_words, &words);
        return is_signed ? scan_fail(&reader->scan, at, "%s goes from -%llu to %llu", words.text,
                                     (unsigned long long)limit + 1, (unsigned long long)limit)
                         : scan_fail(&reader->scan, at, "%s goes from 0 to %llu", words.text, (unsigned long long)limit);
    }
    put_bits(place, negative ? -number->size : number->size);
    return true;
}

static bool read_float(struct reader *reader, const struct place *place, size_t at, bool negative,
                       const struct scan_number *number) {
    const bool wide = schema_type_which(place->type) == SCHEMA_TYPE_FLOAT64;
    struct capnp_text digits = number->digits;
    char decimal[24];
    uint64_t bits;
    if (digits.len == 0 && !number->huge) {
        digits = (struct capnp_text){decimal, fmt_snprintf(decimal, sizeof(decimal), "%llu", (unsigned long long)number->size)};
    }
    if (digits.len == 0 || !reflect_float_read(digits.bytes, digits.len, wide ? REFLECT_FLOAT64 : REFLECT_FLOAT32, &bits)) {
        return scan_fail(&reader->scan, at, "it is too large for a %s", wide ? "Float64" : "Float32");
    }
    const bool minus_zero = bits == 0 && number->whole; // an integer has none
    put_bits(place, negative && !minus_zero ? bits | 1ull << (wide ? 63 : 31) : bits);
    return true;
}

static bool read_number(struct reader *reader, const struct place *place) {
    const bool is_float = schema_type_which(place->type) >= SCHEMA_TYPE_FLOAT32;
    const bool wide = schema_type_which(place->type) == SCHEMA_TYPE_FLOAT64;
    const size_t at = reader->scan.at;
    const bool negative = scan_take(&reader->scan, '-');
    struct scan_number number;
    if (char_is_digit(scan_next(&reader->scan))) {
        return scan_number(&reader->scan, &number) && (is_float ? read_float(reader, place, at, negative, &number)
                                                                : read_integer(reader, place, at, negative, &number));
    }
    const struct capnp_text name = scan_name(&reader->scan);
    const bool infinite = capnp_text_equal(name, CAPNP_TEXT("inf"));
    if (!is_float || !(infinite || (capnp_text_equal(name, CAPNP_TEXT("nan")) && !negative))) {
        return fail_type(reader, place, at);
    }
    uint64_t bits = wide ? 0x7ff0'0000'0000'0000 : 0x7f80'0000;
    bits |= infinite ? 0 : wide ? 1ull << 51 : 1ull << 22;
    put_bits(place, negative ? bits | 1ull << (wide ? 63 : 31) : bits);
    return true;
}

static bool read_word(struct reader *reader, const struct place *place) {
    const enum schema_type_which kind = schema_type_which(place->type);
    const size_t at = reader->scan.at;
    const struct capnp_text name = scan_name(&reader->scan);
    uint32_t index;
    if (kind == SCHEMA_TYPE_ENUM) {
        const struct capnp_schema *schema = reflect_type(place->schema, place->type);
        if (name.len == 0 || schema == nullptr) {
            return fail_type(reader, place, at);
        }
        if (!reflect_find_enumerant(schema, name, &index)) {
            return fail_name(reader, schema, name, "value");
        }
        put_bits(place, index);
        return true;
    }
    const bool is_true = capnp_text_equal(name, CAPNP_TEXT("true"));
    if (kind == SCHEMA_TYPE_VOID ? !capnp_text_equal(name, CAPNP_TEXT("void"))
                                 : !is_true && !capnp_text_equal(name, CAPNP_TEXT("false"))) {
        return fail_type(reader, place, at);
    }
    put_bits(place, is_true);
    return true;
}

// ---- what is behind a pointer ----

// Measured first, then put where it belongs; nowhere when there is no room, which the builder says.
static bool read_text(struct reader *reader, const struct place *place) {
    struct scan measure = reader->scan;
    size_t len;
    if (scan_next(&measure) != '"') {
        return fail_type(reader, place, measure.at);
    }
    if (!scan_string(&measure, nullptr, &len)) {
        return false;
    }
    const bool is_text = schema_type_which(place->type) == SCHEMA_TYPE_TEXT;
    char *to = is_text ? capnp_init_text(pointer_of(place), (uint32_t)len)
                       : (char *)capnp_init_data(pointer_of(place), (uint32_t)len);
    return scan_string(&reader->scan, to, &len);
}

static bool read_data(struct reader *reader, const struct place *place) {
    struct scan measure = reader->scan;
    size_t len;
    scan_next(&measure);
    if (!scan_is_bytes(&measure)) {
        return read_text(reader, place);
    }
    reader->scan.at = measure.at;
    if (!scan_bytes(&measure, nullptr, &len)) {
        return false;
    }
    return scan_bytes(&reader->scan, capnp_init_data(pointer_of(place), (uint32_t)len), &len);
}

static struct capnp_list_builder new_list(const struct place *place, struct schema_type element, uint32_t count) {
    const enum schema_type_which kind = schema_type_which(element);
    if (kind != SCHEMA_TYPE_STRUCT) {
        return capnp_init_list(pointer_of(place), reflect_element(kind), count);
    }
    const struct capnp_schema *schema = reflect_type(place->schema, element);
    const struct schema_node_struct node =
        schema != nullptr ? schema_node_get_struct(reflect_node(schema)) : (struct schema_node_struct){};
    return capnp_init_struct_list(pointer_of(place), schema_node_struct_get_data_word_count(node),
                                  schema_node_struct_get_pointer_count(node), count);
}

static bool read_list(struct reader *reader, const struct place *place) {
    if (!scan_take(&reader->scan, '[')) {
        return fail_type(reader, place, reader->scan.at);
    }
    const struct schema_type element = schema_type_list_group_get_element_type(schema_type_get_list(place->type));
    struct place at = {.schema = place->schema,
                       .type = element,
                       .list = new_list(place, element, scan_count_elements(&reader->scan)),
                       .in_list = true};
    for (; !scan_take(&reader->scan, ']'); at.index++) {
        if (!read_value(reader, &at)) {
            return false;
        }
        if (!scan_take(&reader->scan, ',') && scan_next(&reader->scan) != ']') {
            return scan_fail(&reader->scan, reader->scan.at, "expected `,` or `]`");
        }
    }
    return true;
}

static bool read_handle(struct reader *reader, const struct place *place) {
    const bool is_any = schema_type_which(place->type) == SCHEMA_TYPE_ANY_POINTER;
    const struct schema_type_any_pointer any = schema_type_get_any_pointer(place->type);
    const size_t at = reader->scan.at;
    char error[REFLECT_ERROR_BYTES];
    handle_t handle;
    if (is_any && (schema_type_any_pointer_which(any) != SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED ||
                   schema_type_any_pointer_unconstrained_which(schema_type_any_pointer_get_unconstrained(any)) !=
                       SCHEMA_TYPE_ANY_POINTER_UNCONSTRAINED_CAPABILITY)) {
        return scan_fail(&reader->scan, at, "what may be of any type has no form as text");
    }
    if (reader->handles.find == nullptr || !scan_take(&reader->scan, '$')) {
        return fail_type(reader, place, at);
    }
    const struct capnp_text name = scan_name(&reader->scan);
    if (!reader->handles.find(reader->handles.context, name, reflect_type(place->schema, place->type), &handle, error)) {
        return scan_fail(&reader->scan, at, "%s", error);
    }
    capnp_set_handle(pointer_of(place), handle);
    return true;
}

static bool read_struct(struct reader *reader, const struct place *place) {
    const struct capnp_schema *schema = reflect_type(place->schema, place->type);
    if (schema == nullptr || scan_next(&reader->scan) != '(') {
        return fail_type(reader, place, reader->scan.at);
    }
    return read_fields(reader, schema, new_struct(place, schema));
}

// What is in parentheses of its own is the same value: `((a = 1))`, and `(1)` of everything but a struct.
static bool is_grouped(const struct reader *reader, bool is_struct) {
    struct scan look = reader->scan;
    return scan_take(&look, '(') && (!is_struct || scan_next(&look) == '(');
}

static bool read_plain_value(struct reader *reader, const struct place *place) {
    switch (schema_type_which(place->type)) {
    case SCHEMA_TYPE_VOID:
    case SCHEMA_TYPE_BOOL:
    case SCHEMA_TYPE_ENUM: return read_word(reader, place);
    case SCHEMA_TYPE_TEXT: return read_text(reader, place);
    case SCHEMA_TYPE_DATA: return read_data(reader, place);
    case SCHEMA_TYPE_LIST: return read_list(reader, place);
    case SCHEMA_TYPE_STRUCT: return read_struct(reader, place);
    case SCHEMA_TYPE_INTERFACE:
    case SCHEMA_TYPE_ANY_POINTER: return read_handle(reader, place);
    default: return read_number(reader, place);
    }
}

static bool go_deeper(struct reader *reader) {
    return reader->depth++ < REFLECT_DEPTH_MAX ||
           scan_fail(&reader->scan, reader->scan.at, "brackets may not be deeper than %u in each other", REFLECT_DEPTH_MAX);
}

static bool read_value(struct reader *reader, const struct place *place) {
    expect_value(reader, place);
    if (!go_deeper(reader)) {
        return false;
    }
    bool good;
    if (is_grouped(reader, schema_type_which(place->type) == SCHEMA_TYPE_STRUCT)) {
        good = scan_take(&reader->scan, '(') && read_value(reader, place) &&
               (scan_take(&reader->scan, ')') || scan_fail(&reader->scan, reader->scan.at, "expected `)`"));
    } else {
        good = read_plain_value(reader, place);
    }
    reader->depth--;
    return good;
}

// ---- structs ----

static bool read_group(struct reader *reader, const struct capnp_schema *schema, struct capnp_struct_builder to) {
    if (schema == nullptr || scan_next(&reader->scan) != '(') {
        return scan_fail(&reader->scan, reader->scan.at, "expected a group in ( )");
    }
    if (!go_deeper(reader)) {
        return false;
    }
    const bool good = read_fields(reader, schema, to);
    reader->depth--;
    return good;
}

static bool read_field(struct reader *reader, const struct capnp_schema *schema, struct schema_field field,
                       struct capnp_struct_builder to) {
    if (schema_field_which(field) == SCHEMA_FIELD_GROUP) {
        return read_group(reader, reflect_field_type(schema, field), to);
    }
    const struct schema_field_slot slot = schema_field_get_slot(field);
    const struct schema_type type = schema_field_slot_get_type(slot);
    const struct place place = {
        .schema = schema,
        .type = type,
        .s = to,
        .offset = schema_field_slot_get_offset(slot),
        .fallback = reflect_value_bits(schema_field_slot_get_default_value(slot), reflect_element(schema_type_which(type))),
    };
    return read_value(reader, &place);
}

// Each field once, one member of a union.
static bool is_new(struct reader *reader, struct schema_field field, uint32_t index, struct capnp_text name,
                   struct given *given) {
    const size_t at = (size_t)(name.bytes - reader->scan.text);
    if (index >= REFLECT_FIELDS_MAX) {
        return scan_fail(&reader->scan, at, "no struct of more than %u fields can be written as text", REFLECT_FIELDS_MAX);
    }
    if ((given->fields[index / 64] >> index % 64 & 1) != 0) {
        return scan_fail(&reader->scan, at, "`%.*s` is there twice", (int)name.len, name.bytes);
    }
    given->fields[index / 64] |= 1ull << index % 64;
    if (schema_field_get_discriminant_value(field) != SCHEMA_FIELD_NO_DISCRIMINANT) {
        if (given->member.len > 0) {
            return scan_fail(&reader->scan, at, "`%.*s` and `%.*s` are alternatives of a union", (int)given->member.len,
                             given->member.bytes, (int)name.len, name.bytes);
        }
        given->member = name;
    }
    return true;
}

static bool read_named(struct reader *reader, const struct capnp_schema *schema, struct capnp_struct_builder to,
                       struct given *given) {
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    expect_field(reader, schema, given);
    const struct capnp_text name = scan_name(&reader->scan);
    uint32_t index;
    if (name.len == 0) {
        return scan_fail(&reader->scan, reader->scan.at, "expected the name of a field");
    }
    if (!reflect_find_field(schema, name, &index)) {
        return fail_name(reader, schema, name, "field");
    }
    const struct schema_field field = schema_field_list_get(reflect_fields(schema), index);
    if (!is_new(reader, field, index, name, given)) {
        return false;
    }
    if (!scan_take(&reader->scan, '=')) {
        return scan_fail(&reader->scan, reader->scan.at, "expected `=` and the value of `%.*s`", (int)name.len, name.bytes);
    }
    const uint16_t tag = schema_field_get_discriminant_value(field);
    if (tag != SCHEMA_FIELD_NO_DISCRIMINANT) {
        capnp_put_u16(to, schema_node_struct_get_discriminant_offset(node) * 2, tag);
    }
    return read_field(reader, schema, field, to);
}

static bool read_fields(struct reader *reader, const struct capnp_schema *schema, struct capnp_struct_builder to) {
    struct given given = {};
    if (!scan_take(&reader->scan, '(')) {
        return scan_fail(&reader->scan, reader->scan.at, "expected `(`");
    }
    while (!scan_take(&reader->scan, ')')) {
        if (!read_named(reader, schema, to, &given)) {
            return false;
        }
        if (!scan_take(&reader->scan, ',') && scan_next(&reader->scan) != ')') {
            return scan_fail(&reader->scan, reader->scan.at, "expected `,` or `)`");
        }
    }
    return true;
}

bool reflect_read_struct(const struct capnp_schema *schema, struct capnp_text text, struct reflect_handles handles,
                         struct capnp_struct_builder to, char error[REFLECT_ERROR_BYTES]) {
    struct reader reader = {.scan = {.text = text.bytes, .len = text.len, .error = error}, .handles = handles};
    if (text.len > CAPNP_COUNT_MAX / 2) { // lengths and counts of what is in it then fit
        return scan_fail(&reader.scan, 0, "the text is too long");
    }
    if (!read_fields(&reader, schema, to)) {
        return false;
    }
    if (scan_next(&reader.scan) != '\0' || reader.scan.at < text.len) {
        return scan_fail(&reader.scan, reader.scan.at, "nothing may follow the closing parenthesis");
    }
    const status_t status = to.data == nullptr      ? capnp_error(CAPNP_NO_SPACE)
                            : to.builder != nullptr ? capnp_builder_status(to.builder)
                                                    : STATUS_OK;
    if (!status_ok(status)) {
        fmt_snprintf(error, REFLECT_ERROR_BYTES, "%s", capnp_status_text(status));
    }
    return status_ok(status);
}

static bool no_handle(void *, struct capnp_text, const struct capnp_schema *, handle_t *out, char *) {
    *out = (handle_t){};
    return true;
}

// Reads what is there into nothing. Whatever it stops at, the last thing that was expected at the end counts.
void reflect_expect(const struct capnp_schema *schema, struct capnp_text text, struct reflect_expected *out) {
    char error[REFLECT_ERROR_BYTES];
    struct reader reader = {.scan = {.text = text.bytes, .len = text.len < CAPNP_COUNT_MAX / 2 ? text.len : 0, .error = error, .expected = out},
                            .handles = {.find = no_handle}};
    *out = (struct reflect_expected){.what = REFLECT_NOTHING};
    const bool ignored = read_fields(&reader, schema, (struct capnp_struct_builder){});
    (void)ignored; // a text that is still being typed is wrong somewhere
}
