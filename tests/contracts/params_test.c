// Parameters that are no proper message, or longer than the contract allows: each is refused as an invalid argument.
#include "base/mem.h"
#include "lib/capnp/word.h"
#include "tests/contracts/hostile.h"

static uint64_t list_pointer(int32_t offset, enum capnp_element element, uint32_t count) {
    return CAPNP_KIND_LIST | (uint32_t)offset << 2 | (uint64_t)element << 32 | (uint64_t)count << 35;
}

// Parameters of zeros, but for the pointer number `index`; what it points to may lie behind them, at the end of the page.
struct spoiled {
    const struct attempt *at;
    struct raw raw;
    uint32_t pointer; // its word
    uint32_t behind;  // the first word behind the parameters
};

static void spoil(struct spoiled *out, const struct attempt *at, uint32_t index) {
    out->at = at;
    raw_page(&out->raw, at);
    out->pointer = 1u + at->data_words + index;
    out->behind = 1u + at->data_words + at->pointers;
    out->raw.page_bytes = MESSAGE_PAGE_BYTES;
}

static void put(struct spoiled *spoiled, const char *what, uint64_t word) {
    spoiled->raw.page[spoiled->pointer] = word;
    expect(spoiled->at, what, &spoiled->raw, RPC_INVALID_ARGUMENT);
}

// A pointer to words behind the parameters.
static void put_list(struct spoiled *spoiled, const char *what, enum capnp_element element, uint32_t count) {
    put(spoiled, what, list_pointer((int32_t)(spoiled->behind - spoiled->pointer - 1), element, count));
}

// What no pointer may be.
static void try_any(struct spoiled *spoiled) {
    put(spoiled, "beyond the page", list_pointer(0x1000, CAPNP_1_BYTE, 8));
    put(spoiled, "before the page", list_pointer(-0x1000, CAPNP_1_BYTE, 8));
    put(spoiled, "as long as can be", list_pointer(0, CAPNP_8_BYTES, 0x1fff'ffff));
    put(spoiled, "a far pointer to no segment", 0x0000'0007'0000'0002);
    put(spoiled, "a far pointer to itself", CAPNP_KIND_FAR | (uint64_t)spoiled->pointer << 3);
    put(spoiled, "a capability that did not come", 0x0000'0005'0000'0003);
    put(spoiled, "a pointer of no kind", 0xffff'ffff'ffff'ffff);
}

static void try_text(struct spoiled *spoiled, bool is_text) {
    put(spoiled, "a struct", 0x0000'0000'ffff'fffc);
    put_list(spoiled, "a list of words", CAPNP_8_BYTES, 1);
    put_list(spoiled, "a list of bits", CAPNP_BITS, 8);
    if (is_text) {
        memset(&spoiled->raw.page[spoiled->behind], 'x', 8);
        put_list(spoiled, "a text without an end", CAPNP_1_BYTE, 4);
        put_list(spoiled, "a text without even an end", CAPNP_1_BYTE, 0);
    }
}

static void try_list(struct spoiled *spoiled, enum capnp_element element) {
    put(spoiled, "a struct", 0x0000'0000'ffff'fffc);
    put_list(spoiled, "a list of bits", CAPNP_BITS, 8);
    spoiled->raw.page[spoiled->behind] = 0x0001'0001'0000'0000 | 9u << 2; // nine structs of two words
    put_list(spoiled, "elements beyond the list", CAPNP_STRUCTS, 4);
    spoiled->raw.page[spoiled->behind] = 0x0000'0000'7fff'fffc; // nothing, half a billion times
    put_list(spoiled, "more elements than anybody can count", CAPNP_STRUCTS, 0);
    spoiled->raw.page[spoiled->behind] = 0x0000'0001'0000'0001; // a tag that is a list
    put_list(spoiled, "a list of lists that says it is one of structs", CAPNP_STRUCTS, 1);
    if (element == CAPNP_POINTERS) {
        spoiled->raw.page[spoiled->behind] = list_pointer(-1, CAPNP_POINTERS, 1);
        put_list(spoiled, "a list that is in itself", CAPNP_POINTERS, 1);
        spoiled->raw.page[spoiled->behind] = list_pointer(0x2000, CAPNP_1_BYTE, 1);
        put_list(spoiled, "an element beyond the page", CAPNP_POINTERS, 1);
    }
}

static void try_struct(struct spoiled *spoiled) {
    put_list(spoiled, "a list", CAPNP_8_BYTES, 1);
    put(spoiled, "a struct that ends beyond the page", 0xffff'ffff'0000'0000);
}

static void try_capability(struct spoiled *spoiled) {
    put(spoiled, "a struct", 0x0000'0000'ffff'fffc);
    put_list(spoiled, "a text", CAPNP_1_BYTE, 1);
    put(spoiled, "a capability with bits that mean nothing", 0x0000'0000'0000'0103);
}

// One more than the contract allows, if it fits into a page.
static void try_limits(struct spoiled *spoiled, struct schema_field field, enum schema_type_which type) {
    struct schema_value value;
    const struct schema_annotation_list annotations = schema_field_get_annotations(field);
    const bool is_list = type == SCHEMA_TYPE_LIST;
    if (!reflect_annotation(annotations, is_list ? REFLECT_MAX_COUNT : REFLECT_MAX_BYTES, &value)) {
        return;
    }
    const uint32_t most = schema_value_get_uint32(value), room = (PAGE_WORDS - spoiled->behind) * 8;
    const uint32_t bytes = is_list ? (most + 1) * 8 : most + 1 + (type == SCHEMA_TYPE_TEXT);
    EXPECT(bytes <= room);
    if (bytes <= room) {
        memset(&spoiled->raw.page[spoiled->behind], is_list ? 0 : 'x', room);
        ((uint8_t *)&spoiled->raw.page[spoiled->behind])[bytes - 1] = '\0';
        put_list(spoiled, "longer than allowed", is_list ? CAPNP_POINTERS : CAPNP_1_BYTE, is_list ? most + 1 : bytes);
    }
}

static void try_field(const struct attempt *at, struct schema_field field) {
    static struct spoiled spoiled;
    const struct schema_field_slot slot = schema_field_get_slot(field);
    const struct schema_type type = schema_field_slot_get_type(slot);
    const enum schema_type_which which = schema_type_which(type);
    if (schema_field_which(field) != SCHEMA_FIELD_SLOT || !reflect_is_pointer(which)) {
        return;
    }
    spoil(&spoiled, at, schema_field_slot_get_offset(slot));
    try_any(&spoiled);
    switch (which) {
    case SCHEMA_TYPE_TEXT: try_text(&spoiled, true); break;
    case SCHEMA_TYPE_DATA: try_text(&spoiled, false); break;
    case SCHEMA_TYPE_LIST: {
        const struct schema_type element = schema_type_list_group_get_element_type(schema_type_get_list(type));
        try_list(&spoiled, reflect_element(schema_type_which(element)));
        break;
    }
    case SCHEMA_TYPE_STRUCT: try_struct(&spoiled); break;
    case SCHEMA_TYPE_INTERFACE:
    case SCHEMA_TYPE_ANY_POINTER: try_capability(&spoiled); break;
    default: break;
    }
    try_limits(&spoiled, field, which);
}

static void try_parameters(const struct attempt *at) {
    const struct schema_field_list fields = reflect_fields(at->method.params);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        try_field(at, schema_field_list_get(fields, i));
    }
}

CASE(hostile_parameters) {
    each_method(try_parameters);
}
