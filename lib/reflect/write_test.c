// What the standard tool writes for the same is compared in tests/interop; here is what needs no tool.
#include "base/test.h"

#include "lib/capnp/build_list.h"
#include "lib/reflect/example.capnp.h"
#include "lib/reflect/write.h"

static char text[4096];
static size_t text_len;

static void collect(void *context, const char *bytes, size_t len) {
    (void)context;
    if (len < sizeof(text) - text_len) {
        memcpy(text + text_len, bytes, len);
        text_len += len;
        text[text_len] = '\0';
    }
}

static const char *written(const struct capnp_schema *schema, struct capnp_struct value, enum reflect_style style) {
    text_len = 0;
    text[0] = '\0';
    reflect_write_struct(schema, value, style, collect, nullptr);
    return text;
}

static const char *signature(const struct capnp_schema *interface, const char *name) {
    struct reflect_method method;
    text_len = 0;
    text[0] = '\0';
    if (reflect_find_method(interface, capnp_text(name), &method)) {
        reflect_write_method(&method, collect, nullptr);
    }
    return text;
}

TEST(signatures) {
    CHECK_STR_EQ(signature(&example_base_schema, "ping"), "ping (count :UInt8 = 3) -> (count :UInt8)");
    CHECK_STR_EQ(signature(&example_left_schema, "left"), "left () -> ()");
    CHECK_STR_EQ(signature(&example_painter_schema, "ping"), "ping () -> Shape");
    CHECK_STR_EQ(signature(&example_painter_schema, "stream"), "stream (bytes :Data) -> stream");
    CHECK_STR_EQ(signature(&example_right_schema, "draw"),
                 "draw (shapes :List(Shape), grid :List(List(Colour)), any :AnyPointer) -> (painter :Painter, what :Capability)");
    text_len = 0;
    reflect_write_fields(&example_shape_schema, collect, nullptr);
    CHECK_STR_EQ(text, "name :Text = \"none\", colour :Colour = green, inner :Shape, union (point :Void, circle :Float64 = 2.5, "
                       "square :group (width :UInt16, label :Text)), corner :group (x :Int32, y :Int32 = -1)");
}

TEST(defaults_of_an_empty_message) {
    CHECK_STR_EQ(written(&example_shape_schema, (struct capnp_struct){}, REFLECT_SHORT),
                 "(colour = green, point = void, corner = (x = 0, y = -1))");
}

static uint64_t memory[512];
static struct capnp_builder builder;

static struct example_shape_builder new_shape(void) {
    capnp_builder_init(&builder, memory, sizeof(memory) / sizeof(memory[0]));
    return example_shape_init_root(&builder);
}

TEST(unions_groups_and_what_is_unknown) {
    struct example_shape_builder shape = new_shape();
    struct example_shape_square_builder square = example_shape_init_square(shape);
    example_shape_set_colour(shape, (enum example_colour)7);
    example_shape_square_set_label(square, CAPNP_TEXT("a\"\n\x01\xc3\xa9"));
    CHECK_STR_EQ(written(&example_shape_schema, capnp_read_struct(shape.s), REFLECT_SHORT),
                 "(colour = (7), square = (width = 0, label = \"a\\\"\\n\\001\xc3\xa9\"), corner = (x = 0, y = -1))");
    capnp_put_u16(shape.s, 2, 99); // a member that a newer schema has
    CHECK(strstr(written(&example_shape_schema, capnp_read_struct(shape.s), REFLECT_SHORT), "square") == nullptr);
}

TEST(long_ones_get_lines) {
    struct example_shape_builder shape = new_shape();
    example_shape_set_name(shape, CAPNP_TEXT("a name that does not fit"));
    example_shape_set_circle(shape, 0.1);
    CHECK_STR_EQ(written(&example_shape_schema, capnp_read_struct(shape.s), REFLECT_PRETTY),
                 "( name = \"a name that does not fit\",\n"
                 "  colour = green,\n"
                 "  circle = 0.1,\n"
                 "  corner = (x = 0, y = -1) )");
}

// A struct that contains itself: the message's limits end it, and it says so.
TEST(cycles_end) {
    struct example_shape_builder shape = new_shape();
    capnp_edit_pointer(shape.s, 1).at[0] = capnp_make_offset(capnp_make_struct(shape.s.data_words, shape.s.pointers),
                                                            -(int64_t)shape.s.data_words - 2);
    struct capnp_message message;
    capnp_message_init(&message, memory, builder.first.count);
    for (enum reflect_style style = REFLECT_SHORT; style <= REFLECT_PRETTY; style++) {
        message.error = 0;
        written(&example_shape_schema, capnp_struct_at(capnp_root(&message)), style);
        CHECK(strlen(text) > 1000);
        CHECK(status_is(capnp_status(&message), capnp_error(CAPNP_NESTING_LIMIT)));
    }
}
