// What the standard tool makes of the same text is compared in tests/interop; here is what needs no tool, and what is refused.
#include "base/test.h"

#include <stdlib.h>

#include "lib/reflect/example.capnp.h"
#include "lib/reflect/read.h"
#include "lib/reflect/write.h"

static const struct capnp_schema *shape = &example_shape_schema, *draw = &example_right_draw_params_schema;
static const struct capnp_schema *drawn = &example_right_draw_results_schema;
static uint64_t memory[4096];
static struct capnp_builder builder;
static char error[REFLECT_ERROR_BYTES];
static char text[8192];
static size_t text_len;

static void collect(void *context, const char *bytes, size_t len) {
    (void)context;
    if (len < sizeof(text) - text_len) {
        memcpy(text + text_len, bytes, len);
        text_len += len;
        text[text_len] = '\0';
    }
}

static struct capnp_struct_builder begin(const struct capnp_schema *schema, uint32_t words) {
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    capnp_builder_init(&builder, memory, words);
    return capnp_init_struct(capnp_init_root(&builder), schema_node_struct_get_data_word_count(node),
                             schema_node_struct_get_pointer_count(node));
}

static bool find(void *context, struct capnp_text name, const struct capnp_schema *wanted, handle_t *out,
                 char why[REFLECT_ERROR_BYTES]) {
    (void)context;
    if (!capnp_text_equal(name, CAPNP_TEXT("painter")) || (wanted != nullptr && wanted->id != EXAMPLE_PAINTER_ID)) {
        memcpy(why, "no such thing", 14);
        return false;
    }
    *out = (handle_t){77};
    return true;
}

// The text of what was read, or the error.
static const char *reread(const struct capnp_schema *schema, const char *from) {
    const size_t len = strlen(from);
    char *exact = malloc(len + (len == 0)); // without a NUL: what is read behind its end the sanitizer sees
    memcpy(exact, from, len);
    memset(error, 0, sizeof(error));
    const struct capnp_struct_builder to = begin(schema, sizeof(memory) / sizeof(memory[0]));
    const bool good = reflect_read_struct(schema, (struct capnp_text){exact, len}, (struct reflect_handles){.find = find}, to, error);
    free(exact);
    if (!good) {
        return error;
    }
    text_len = 0;
    reflect_write_struct(schema, capnp_read_struct(to), REFLECT_SHORT, collect, nullptr);
    return text;
}

TEST(values) {
    CHECK_STR_EQ(reread(shape, "()"), "(colour = green, point = void, corner = (x = 0, y = -1))");
    CHECK_STR_EQ(reread(shape, " ( # nothing\n name=\"a\" , ) # end"), "(name = \"a\", colour = green, point = void, corner = (x = 0, y = -1))");
    CHECK_STR_EQ(reread(shape, "(colour = red, circle = -1.5e3, corner = (x = -0x10, y = 017), inner = (square = (label = \"\")))"),
                 "(colour = red, inner = (colour = green, square = (width = 0, label = \"\"), corner = (x = 0, y = -1)), "
                 "circle = -1500, corner = (x = -16, y = 15))");
    CHECK_STR_EQ(reread(shape, "(name = \"a\" \"\\x62\\143\\n\\?\", circle = - inf, colour = (darkBlue), inner = ((name = \"b\")))"),
                 "(name = \"abc\\n?\", colour = darkBlue, inner = (name = \"b\", colour = green, point = void, corner = (x = 0, y = -1)), "
                 "circle = -inf, corner = (x = 0, y = -1))");
    CHECK_STR_EQ(reread(draw, "(shapes = [(), (name = \"]\")], grid = [[], [red, green,]])"),
                 "(shapes = [(colour = green, point = void, corner = (x = 0, y = -1)), "
                 "(name = \"]\", colour = green, point = void, corner = (x = 0, y = -1))], grid = [[], [red, green]])");
    CHECK_STR_EQ(reread(&example_painter_stream_params_schema, "(bytes = 0x\" 00 fF 7f\")"), "(bytes = \"\\000\\377\\177\")");
    CHECK_STR_EQ(reread(&example_painter_stream_params_schema, "(bytes = \"\\000a\")"), "(bytes = \"\\000a\")");
    CHECK_STR_EQ(reread(&example_base_ping_params_schema, "(count = 0)"), "(count = 0)"); // it is XORed with the default
}

TEST(capabilities_by_name) {
    CHECK_STR_EQ(reread(drawn, "(painter = $painter, what = $painter)"),
                 "(painter = <external capability>, what = <opaque pointer>)");
    CHECK_EQ(builder.view.handle_count, 2);
    CHECK_EQ(builder.view.handles[0].v, 77);
    CHECK_STR_EQ(reread(drawn, "(what = $other)"), "column 9: no such thing");
    CHECK_STR_EQ(reread(drawn, "(painter = 5)"), "column 12: expected a Painter, like $name");
}

TEST(errors_say_where_and_what) {
    static const struct {
        const char *given, *error;
    } cases[] = {
        {"", "column 1: expected `(`"},
        {"x", "column 1: expected `(`"},
        {"(", "column 2: expected the name of a field"},
        {"(5)", "column 2: expected the name of a field"},
        {"() ()", "column 4: nothing may follow the closing parenthesis"},
        {"(nmae = \"x\")", "column 2: Shape has no field `nmae`; did you mean `name`?"},
        {"(xyzzy = 1)", "column 2: Shape has no field `xyzzy`"},
        {"(name)", "column 6: expected `=` and the value of `name`"},
        {"(name = x)", "column 9: expected a Text in quotes"},
        {"(name = \"\xc3\xa9\", colour = bleu)", "column 23: Colour has no value `bleu`"},
        {"(colour = gren)", "column 11: Colour has no value `gren`; did you mean `green`?"},
        {"(colour = 1)", "column 11: expected a Colour"},
        {"(name = \"x)", "column 9: the quote \" is never closed"},
        {"(name = \"\\q\")", "column 10: there is no such escape; a backslash itself is \\\\"},
        {"(name = \"\\x4\")", "column 10: \\x needs two hexadecimal digits"},
        {"(name = \"\\400\")", "column 10: a byte is at most \\377"},
        {"(name = \"x\" colour = red)", "column 13: expected `,` or `)`"},
        {"(corner = 1)", "column 11: expected a group in ( )"},
        {"(corner = (x = 2147483648))", "column 16: Int32 goes from -2147483648 to 2147483647"},
        {"(corner = (x = -2147483649))", "column 16: Int32 goes from -2147483648 to 2147483647"},
        {"(corner = (x = 1.0))", "column 16: expected an Int32"},
        {"(corner = (x = 5a))", "column 16: `5a` is no number"},
        {"(corner = (x = 09))", "column 16: `09` is no number"},
        {"(corner = (x = 99999999999999999999999))", "column 16: Int32 goes from -2147483648 to 2147483647"},
        {"(square = (width = -1))", "column 20: UInt16 goes from 0 to 65535"},
        {"(circle = 1e400)", "column 11: it is too large for a Float64"},
        {"(circle = 1e)", "column 11: `1e` is no number"},
        {"(circle = x)", "column 11: expected a Float64"},
        {"(circle = -nan)", "column 11: expected a Float64"},
        {"(point = 0)", "column 10: expected a Void, which is `void`"},
        {"(inner = 1)", "column 10: expected a Shape in ( )"},
        {"(name = \"a\", name = \"b\")", "column 14: `name` is there twice"},
        {"(point = void, circle = 1)", "column 16: `point` and `circle` are alternatives of a union"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_STR_EQ(reread(shape, cases[i].given), cases[i].error);
    }
    CHECK_STR_EQ(reread(draw, "(shaped = [])"), "column 2: draw has no field `shaped`; did you mean `shapes`?");
    CHECK_STR_EQ(reread(draw, "(shapes = (1))"), "column 12: expected a List(Shape) in [ ]");
    CHECK_STR_EQ(reread(draw, "(shapes = [1])"), "column 12: expected a Shape in ( )");
    CHECK_STR_EQ(reread(draw, "(shapes = [() ()])"), "column 15: expected `,` or `]`");
    CHECK_STR_EQ(reread(draw, "(any = 1)"), "column 8: what may be of any type has no form as text");
    CHECK_STR_EQ(reread(&example_painter_stream_params_schema, "(bytes = 0x\"0 0\")"),
                 "column 13: expected two hexadecimal digits, or \" at the end of the bytes");
}

TEST(depth_is_limited) {
    static char deep[2000];
    for (unsigned i = 0; i < 200; i++) {
        memcpy(deep + i * 9, "(inner = ", 9);
    }
    CHECK(strstr(reread(shape, deep), "brackets may not be deeper than 40 in each other") != nullptr);
    memset(deep, '(', 200);
    memcpy(deep, "(corner=", 8);
    deep[200] = '\0';
    CHECK(reread(shape, deep) == error);
}

TEST(too_much_for_the_message) {
    static const char list[] = "(shapes = [(), (), (), (), ()], grid = [[red], [red], [red]])";
    for (uint32_t words = 1; words < 60; words++) {
        const struct capnp_struct_builder to = begin(draw, words);
        const bool good = reflect_read_struct(draw, capnp_text(list), (struct reflect_handles){}, to, error);
        CHECK_EQ(good, status_ok(capnp_builder_status(&builder)) && to.data != nullptr);
        CHECK(good || strlen(error) > 10);
    }
    CHECK(status_ok(capnp_builder_status(&builder)));
}

static const char *expected_name(const struct reflect_expected *expected) {
    return expected->what == REFLECT_NOTHING ? "nothing" : expected->what == REFLECT_FIELD ? "field" : "value";
}

TEST(what_may_come_next) {
    static const struct {
        const char *typed, *what;
        size_t word;
    } cases[] = {
        {"", "nothing", 0},         {"(", "field", 1},           {"( na", "field", 2},       {"(name", "field", 1},
        {"(name =", "value", 7},    {"(name = \"", "nothing", 0}, {"(colour = g", "value", 10}, {"(colour = green", "value", 10},
        {"(colour = green ", "nothing", 0}, {"(colour = green,", "field", 16}, {"(name = \"x, y\", inn", "field", 16},
        {"(inner = (inner = (colour = ", "value", 28}, {"(corner = (", "field", 11}, {"(nope = ", "nothing", 0},
        {"(colour = red) ", "nothing", 0},
    };
    struct reflect_expected expected;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reflect_expect(shape, capnp_text(cases[i].typed), &expected);
        CHECK_STR_EQ(expected_name(&expected), cases[i].what);
        CHECK(expected.what == REFLECT_NOTHING || expected.word == cases[i].word);
    }
    reflect_expect(shape, CAPNP_TEXT("(inner = (colour = "), &expected);
    CHECK(reflect_type(expected.schema, expected.type) == &example_colour_schema);
    // Neither what is there already, nor the rest of a union.
    reflect_expect(shape, CAPNP_TEXT("(name = \"x\", circle = 1, c"), &expected);
    CHECK(expected.what == REFLECT_FIELD && expected.schema == shape);
    uint32_t name, point, inner;
    REQUIRE(reflect_find_field(shape, CAPNP_TEXT("name"), &name) && reflect_find_field(shape, CAPNP_TEXT("point"), &point) &&
            reflect_find_field(shape, CAPNP_TEXT("inner"), &inner));
    CHECK_EQ(expected.given[0] >> name & 1, 1);
    CHECK_EQ(expected.given[0] >> point & 1, 1);
    CHECK_EQ(expected.given[0] >> inner & 1, 0);
    reflect_expect(draw, CAPNP_TEXT("(grid = [[red, da"), &expected);
    CHECK(expected.what == REFLECT_VALUE && expected.word == 15);
    CHECK(reflect_type(expected.schema, expected.type) == &example_colour_schema);
    reflect_expect(drawn, CAPNP_TEXT("(what = $pai"), &expected);
    CHECK(expected.what == REFLECT_VALUE && expected.word == 8);
}
