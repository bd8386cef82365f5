// Reads Cap'n Proto messages with lib/capnp and gives them back in another shape, for comparing with the standard tool:
//
//   mirror text SCHEMA NAME     what `capnp decode --short` prints, by lib/reflect
//   mirror pretty SCHEMA NAME   what `capnp decode` prints, by lib/reflect
//   mirror encode SCHEMA NAME   a message of each line of text, as `capnp encode` does, by lib/reflect
//   mirror rebuild SCHEMA NAME  the same values set one by one into a new message
//   mirror copy                 the same, copied without a schema
//   mirror canonical            its canonical form; also checks that it is seen as such
//   mirror pack | unpack        the stream as it is, packed or not
//
// SCHEMA is a file with what `capnp compile -o-` writes, NAME a struct of it as its display name ends. Messages come from
// standard input, one after the other, and go to standard output. With WORDS in the environment, new messages are
// made of segments of so many words each. Status 1 with a sentence when anything is malformed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/build_list.h"
#include "lib/capnp/canonical.h"
#include "lib/capnp/copy.h"
#include "lib/capnp/frame.h"
#include "lib/capnp/pack.h"
#include "lib/reflect/read.h"
#include "lib/reflect/write.h"

constexpr size_t INPUT_BYTES = 16 << 20;
constexpr uint32_t SEGMENTS_MAX = 1 << 16;
constexpr uint32_t NODE_WORDS = 1 << 14;

static struct capnp_segment read_table[SEGMENTS_MAX], build_table[SEGMENTS_MAX], schema_table[16];
static struct capnp_list nodes;
static uint32_t segment_words;

[[noreturn]] static void stop(const char *what, status_t status) {
    const char *why = capnp_status_text(status);
    fprintf(stderr, "mirror: %s: %s\n", what, why == nullptr ? "failed" : why);
    exit(1);
}

static void need(const char *what, status_t status) {
    if (!status_ok(status)) {
        stop(what, status);
    }
}

// ---- the schema: schema.capnp read by its offsets ----

enum type_kind : uint16_t {
    TYPE_VOID, TYPE_BOOL, TYPE_I8, TYPE_I16, TYPE_I32, TYPE_I64, TYPE_U8, TYPE_U16, TYPE_U32, TYPE_U64,
    TYPE_F32, TYPE_F64, TYPE_TEXT, TYPE_DATA, TYPE_LIST, TYPE_ENUM, TYPE_STRUCT, TYPE_INTERFACE, TYPE_ANY,
};

static const enum capnp_element elements[] = {
    CAPNP_VOID, CAPNP_BITS, CAPNP_1_BYTE, CAPNP_2_BYTES, CAPNP_4_BYTES, CAPNP_8_BYTES, CAPNP_1_BYTE, CAPNP_2_BYTES,
    CAPNP_4_BYTES, CAPNP_8_BYTES, CAPNP_4_BYTES, CAPNP_8_BYTES, CAPNP_POINTERS, CAPNP_POINTERS, CAPNP_POINTERS,
    CAPNP_2_BYTES, CAPNP_STRUCTS, CAPNP_POINTERS, CAPNP_POINTERS,
};

static struct capnp_struct node_by_id(uint64_t id) {
    for (uint32_t i = 0; i < nodes.count; i++) {
        struct capnp_struct node = capnp_list_struct(nodes, i);
        if (capnp_get_u64(node, 0) == id) {
            return node;
        }
    }
    stop("the schema lacks a type", (status_t){});
}

static struct capnp_struct node_by_name(const char *name) {
    for (uint32_t i = 0; i < nodes.count; i++) {
        struct capnp_struct node = capnp_list_struct(nodes, i);
        struct capnp_text display = capnp_text_at(capnp_get_pointer(node, 0));
        if (strcmp(display.bytes + capnp_get_u32(node, 8), name) == 0) {
            return node;
        }
    }
    stop(name, (status_t){});
}

static uint16_t node_data_words(struct capnp_struct node) {
    return capnp_get_u16(node, 14);
}
static uint16_t node_pointers(struct capnp_struct node) {
    return capnp_get_u16(node, 24);
}
static struct capnp_list node_members(struct capnp_struct node) {
    return capnp_list_at(capnp_get_pointer(node, 3), CAPNP_STRUCTS);
}
static bool node_has_union(struct capnp_struct node) {
    return capnp_get_u16(node, 30) != 0;
}
static uint32_t node_tag_byte(struct capnp_struct node) {
    return capnp_get_u32(node, 32) * 2;
}

static uint16_t field_tag(struct capnp_struct field) {
    return capnp_get_u16(field, 2) ^ 0xffff;
}
static bool field_is_group(struct capnp_struct field) {
    return capnp_get_u16(field, 8) == 1;
}
static struct capnp_struct field_group(struct capnp_struct field) {
    return node_by_id(capnp_get_u64(field, 16));
}
static uint32_t field_offset(struct capnp_struct field) {
    return capnp_get_u32(field, 4);
}
static struct capnp_struct field_type(struct capnp_struct field) {
    return capnp_struct_at(capnp_get_pointer(field, 2));
}

static enum type_kind type_kind(struct capnp_struct type) {
    return (enum type_kind)capnp_get_u16(type, 0);
}
static struct capnp_struct type_element(struct capnp_struct type) {
    return capnp_struct_at(capnp_get_pointer(type, 0));
}
static struct capnp_struct type_node(struct capnp_struct type) {
    return node_by_id(capnp_get_u64(type, 8));
}

// The active fields of a struct are those of no union, and the one that its tag names.
static bool is_active(struct capnp_struct node, struct capnp_struct field, struct capnp_struct value) {
    return field_tag(field) == 0xffff || !node_has_union(node) ||
           capnp_get_u16(value, node_tag_byte(node)) == field_tag(field);
}

// ---- numbers ----

static uint64_t get_bits(struct capnp_struct s, enum type_kind kind, uint32_t offset) {
    switch (elements[kind]) {
    case CAPNP_BITS: return capnp_get_bool(s, offset);
    case CAPNP_1_BYTE: return capnp_get_u8(s, offset);
    case CAPNP_2_BYTES: return capnp_get_u16(s, offset * 2);
    case CAPNP_4_BYTES: return capnp_get_u32(s, offset * 4);
    case CAPNP_8_BYTES: return capnp_get_u64(s, offset * 8);
    default: return 0;
    }
}

static void put_bits(struct capnp_struct_builder s, enum type_kind kind, uint32_t offset, uint64_t bits) {
    switch (elements[kind]) {
    case CAPNP_BITS: capnp_put_bool(s, offset, bits != 0); break;
    case CAPNP_1_BYTE: capnp_put_u8(s, offset, (uint8_t)bits); break;
    case CAPNP_2_BYTES: capnp_put_u16(s, offset * 2, (uint16_t)bits); break;
    case CAPNP_4_BYTES: capnp_put_u32(s, offset * 4, (uint32_t)bits); break;
    case CAPNP_8_BYTES: capnp_put_u64(s, offset * 8, bits); break;
    default: break;
    }
}

static bool is_number(enum type_kind kind) {
    return elements[kind] < CAPNP_POINTERS;
}

// The element may be larger than the number: the first field of a struct.
static uint64_t list_bits(enum type_kind kind, struct capnp_list list, uint32_t index) {
    uint64_t bits = 0;
    if (kind == TYPE_BOOL) {
        return capnp_bool_list_get((struct capnp_bool_list){list}, index);
    }
    memcpy(&bits, capnp_list_element(list, index), capnp_element_bytes(elements[kind]));
    return bits;
}

// ---- text: the same schema as programs of the system bring it along ----

// Each node by itself, in canonical form; each needs all. Returns the one of this name.
static const struct capnp_schema *embed_schemas(const char *name) {
    const struct capnp_schema *named = nullptr;
    struct capnp_schema *table = calloc(nodes.count, sizeof(*table));
    const struct capnp_schema **all = calloc(nodes.count + 1, sizeof(struct capnp_schema *));
    for (uint32_t i = 0; i < nodes.count; i++) {
        struct capnp_struct node = capnp_list_struct(nodes, i);
        uint64_t *words = malloc(NODE_WORDS * CAPNP_WORD_BYTES);
        uint32_t used = 0;
        need("a node", capnp_canonicalise(node, words, NODE_WORDS, &used));
        struct capnp_text display = capnp_text_at(capnp_get_pointer(node, 0));
        table[i] = (struct capnp_schema){capnp_get_u64(node, 0), display.bytes, words, used, all};
        all[i] = &table[i];
        if (strcmp(display.bytes + capnp_get_u32(node, 8), name) == 0) {
            named = &table[i];
        }
    }
    return named;
}

static void print(void *context, const char *bytes, size_t len) {
    (void)context;
    if (fwrite(bytes, 1, len, stdout) != len) {
        stop("standard output", (status_t){});
    }
}

// ---- the same values in a new message ----

static void rebuild_struct(struct capnp_struct node, struct capnp_struct value, struct capnp_struct_builder to);
static void rebuild_pointer(struct capnp_struct type, struct capnp_pointer at, struct capnp_pointer_builder to);

static void rebuild_list(struct capnp_struct type, struct capnp_pointer at, struct capnp_pointer_builder to) {
    enum type_kind kind = type_kind(type);
    struct capnp_list list = capnp_list_at(at, elements[kind]);
    if (kind == TYPE_STRUCT) {
        struct capnp_struct node = type_node(type);
        struct capnp_list_builder made = capnp_init_struct_list(to, node_data_words(node), node_pointers(node), list.count);
        for (uint32_t i = 0; i < list.count; i++) {
            rebuild_struct(node, capnp_list_struct(list, i), capnp_list_edit_struct(made, i));
        }
        return;
    }
    struct capnp_list_builder made = capnp_init_list(to, elements[kind], list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        if (kind == TYPE_BOOL) {
            capnp_bool_list_set((struct capnp_bool_list_builder){made}, i, list_bits(kind, list, i) != 0);
        } else if (is_number(kind) && capnp_list_builder_has(made, i)) {
            uint64_t bits = list_bits(kind, list, i);
            memcpy(capnp_list_edit_element(made, i), &bits, made.step_bytes);
        } else if (!is_number(kind)) {
            rebuild_pointer(type, capnp_list_pointer(list, i), capnp_list_edit_pointer(made, i));
        }
    }
}

static void rebuild_pointer(struct capnp_struct type, struct capnp_pointer at, struct capnp_pointer_builder to) {
    if (capnp_is_null(at)) {
        return;
    }
    switch (type_kind(type)) {
    case TYPE_TEXT: capnp_set_text(to, capnp_text_at(at)); break;
    case TYPE_DATA: capnp_set_data(to, capnp_data_at(at)); break;
    case TYPE_LIST: rebuild_list(type_element(type), at, to); break;
    case TYPE_STRUCT: {
        struct capnp_struct node = type_node(type);
        rebuild_struct(node, capnp_struct_at(at), capnp_init_struct(to, node_data_words(node), node_pointers(node)));
        break;
    }
    default: capnp_set_pointer(to, at); break;
    }
}

static void rebuild_struct(struct capnp_struct node, struct capnp_struct value, struct capnp_struct_builder to) {
    struct capnp_list fields = node_members(node);
    if (node_has_union(node)) {
        capnp_put_u16(to, node_tag_byte(node), capnp_get_u16(value, node_tag_byte(node)));
    }
    for (uint32_t i = 0; i < fields.count; i++) {
        struct capnp_struct field = capnp_list_struct(fields, i);
        enum type_kind kind = type_kind(field_type(field));
        uint32_t offset = field_offset(field);
        if (!is_active(node, field, value)) {
            continue;
        }
        if (field_is_group(field)) {
            rebuild_struct(field_group(field), value, to);
        } else if (is_number(kind)) {
            put_bits(to, kind, offset, get_bits(value, kind, offset));
        } else {
            rebuild_pointer(field_type(field), capnp_get_pointer(value, offset), capnp_edit_pointer(to, offset));
        }
    }
}

// ---- messages in and out ----

static bool grow(void *context, uint32_t min_words, struct capnp_segment *out) {
    (void)context;
    uint32_t words = min_words > segment_words ? min_words : segment_words;
    *out = (struct capnp_segment){.words = malloc(words * CAPNP_WORD_BYTES), .capacity = words};
    return out->words != nullptr;
}

static void write_out(const void *bytes, size_t len) {
    if (fwrite(bytes, 1, len, stdout) != len) {
        stop("standard output", (status_t){});
    }
}

static void write_message(struct capnp_builder *builder) {
    need("building", capnp_builder_status(builder));
    size_t len = capnp_frame_bytes(&builder->view);
    void *bytes = malloc(len);
    need("framing", capnp_frame_write(&builder->view, bytes, len));
    write_out(bytes, len);
    free(bytes);
    for (uint32_t i = 0; i < builder->view.segment_count; i++) {
        free(builder->segments[i].words);
    }
}

static void begin_message(struct capnp_builder *builder) {
    uint32_t words = segment_words == 0 ? INPUT_BYTES / CAPNP_WORD_BYTES : segment_words;
    capnp_builder_init_growing(builder, malloc(words * CAPNP_WORD_BYTES), words, build_table, SEGMENTS_MAX, grow, nullptr);
}

// One message of each line. The text lies where it ends at the end of its memory, so that a step too far is seen.
static void encode(struct capnp_struct node, const struct capnp_schema *schema, const char *text, size_t len) {
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t line = newline == nullptr ? len : (size_t)(newline - text);
        char error[REFLECT_ERROR_BYTES], *copy = malloc(line + (line == 0));
        struct capnp_builder builder;
        memcpy(copy, text, line);
        begin_message(&builder);
        if (!reflect_read_struct(schema, (struct capnp_text){copy, line}, (struct reflect_handles){},
                                 capnp_init_struct(capnp_init_root(&builder), node_data_words(node), node_pointers(node)), error)) {
            stop(error, capnp_builder_status(&builder));
        }
        free(copy);
        write_message(&builder);
        text += line;
        len -= line;
        text += len > 0;
        len -= len > 0;
    }
}

static void one_message(const char *mode, struct capnp_struct node, const struct capnp_schema *schema,
                        struct capnp_message *message) {
    struct capnp_builder builder;
    uint32_t words = segment_words == 0 ? INPUT_BYTES / CAPNP_WORD_BYTES : segment_words;
    if (strcmp(mode, "text") == 0 || strcmp(mode, "pretty") == 0) {
        enum reflect_style style = strcmp(mode, "text") == 0 ? REFLECT_SHORT : REFLECT_PRETTY;
        reflect_write_struct(schema, capnp_struct_at(capnp_root(message)), style, print, nullptr);
        printf("\n");
    } else if (strcmp(mode, "canonical") == 0) {
        uint64_t *memory = malloc(words * CAPNP_WORD_BYTES);
        uint32_t used = 0;
        need("canonical form", capnp_canonicalise(capnp_struct_at(capnp_root(message)), memory, words, &used));
        need("canonical form, checked", capnp_check_canonical(memory, used));
        write_out(memory, used * CAPNP_WORD_BYTES);
        free(memory);
    } else {
        begin_message(&builder);
        if (strcmp(mode, "copy") == 0) {
            capnp_set_pointer(capnp_init_root(&builder), capnp_root(message));
        } else {
            rebuild_struct(node, capnp_struct_at(capnp_root(message)),
                           capnp_init_struct(capnp_init_root(&builder), node_data_words(node), node_pointers(node)));
        }
        write_message(&builder);
    }
    need("reading", capnp_status(message));
}

static size_t read_all(FILE *file, uint8_t *into) {
    size_t len = fread(into, 1, INPUT_BYTES, file);
    return len;
}

int main(int argc, char **argv) {
    uint8_t *input = malloc(INPUT_BYTES), *schema = malloc(INPUT_BYTES), *output = malloc(INPUT_BYTES);
    struct capnp_message message, schema_message;
    struct capnp_struct node = {};
    const struct capnp_schema *named = nullptr;
    size_t used;
    const char *words = getenv("WORDS");
    if (argc < 2) {
        stop("usage: mirror text|pretty|encode|rebuild|copy|canonical|pack|unpack [SCHEMA NAME]", (status_t){});
    }
    segment_words = words == nullptr ? 0 : (uint32_t)strtoul(words, nullptr, 10);
    if (argc == 4) {
        FILE *file = fopen(argv[2], "rb");
        if (file == nullptr) {
            stop(argv[2], (status_t){});
        }
        need("the schema", capnp_frame_open(schema, read_all(file, schema), schema_table, 16, &schema_message, &used));
        fclose(file);
        schema_message.traversal_words = UINT64_MAX;
        nodes = capnp_list_at(capnp_get_pointer(capnp_struct_at(capnp_root(&schema_message)), 0), CAPNP_STRUCTS);
        node = node_by_name(argv[3]);
        named = embed_schemas(argv[3]);
    }
    size_t len = read_all(stdin, input);
    if (strcmp(argv[1], "pack") == 0) {
        need("packing", capnp_pack_all((const uint64_t *)(const void *)input, len / CAPNP_WORD_BYTES, output, INPUT_BYTES, &used));
        write_out(output, used);
    } else if (strcmp(argv[1], "unpack") == 0) {
        need("unpacking", capnp_unpack_all(input, len, (uint64_t *)(void *)output, INPUT_BYTES / CAPNP_WORD_BYTES, &used));
        write_out(output, used * CAPNP_WORD_BYTES);
    } else if (strcmp(argv[1], "encode") == 0) {
        encode(node, named, (const char *)input, len);
    } else {
        for (size_t at = 0; at < len; at += used) {
            need("the frame", capnp_frame_open(input + at, len - at, read_table, SEGMENTS_MAX, &message, &used));
            one_message(argv[1], node, named, &message);
        }
    }
    if (argc == 4) {
        need("the schema", capnp_status(&schema_message));
    }
    free(input);
    free(schema);
    free(output);
    return 0;
}
