#include "base/test.h"

#include "lib/reflect/example.capnp.h"
#include "lib/reflect/reflect.h"

static const struct capnp_schema *painter = &example_painter_schema, *shape = &example_shape_schema;

static bool is_called(struct capnp_text text, const char *name) {
    return capnp_text_equal(text, capnp_text(name));
}

TEST(names) {
    CHECK(is_called(reflect_name(shape), "Shape"));
    CHECK(is_called(reflect_name(&example_base_ping_params_schema), "ping$Params"));
    CHECK(reflect_is(shape, SCHEMA_NODE_STRUCT) && !reflect_is(painter, SCHEMA_NODE_STRUCT));
    CHECK(reflect_is(painter, SCHEMA_NODE_INTERFACE) && reflect_is(&example_colour_schema, SCHEMA_NODE_ENUM));
}

TEST(fields_and_enumerants) {
    uint32_t index = 99;
    CHECK_EQ(schema_field_list_count(reflect_fields(shape)), 7); // those of its groups are theirs
    REQUIRE(reflect_find_field(shape, CAPNP_TEXT("circle"), &index));
    const struct schema_field circle = schema_field_list_get(reflect_fields(shape), index);
    CHECK(is_called(schema_field_get_name(circle), "circle"));
    CHECK_EQ(schema_field_get_discriminant_value(circle), 1);
    index = 99;
    CHECK(!reflect_find_field(shape, CAPNP_TEXT("circl"), &index));
    CHECK(!reflect_find_field(shape, CAPNP_TEXT("circle2"), &index));
    CHECK_EQ(index, 99);
    REQUIRE(reflect_find_enumerant(&example_colour_schema, CAPNP_TEXT("darkBlue"), &index));
    CHECK_EQ(index, 2);
    // An enum has no fields, a struct no enumerants, neither has methods.
    CHECK(!reflect_find_field(&example_colour_schema, CAPNP_TEXT("red"), &index));
    CHECK(!reflect_find_enumerant(shape, CAPNP_TEXT("circle"), &index));
    CHECK_EQ(reflect_method_count(shape), 0);
    CHECK_EQ(schema_field_list_count(reflect_fields(painter)), 0);
}

static const struct capnp_schema *type_of(const struct capnp_schema *schema, const char *field) {
    uint32_t index;
    return reflect_find_field(schema, capnp_text(field), &index)
               ? reflect_field_type(schema, schema_field_list_get(reflect_fields(schema), index))
               : nullptr;
}

TEST(types_of_fields) {
    const struct capnp_schema *draw = &example_right_draw_params_schema;
    CHECK(type_of(shape, "inner") == shape);
    CHECK(type_of(shape, "colour") == &example_colour_schema);
    CHECK(type_of(shape, "corner") == &example_shape_corner_schema);
    CHECK(type_of(shape, "name") == nullptr);
    CHECK(type_of(draw, "shapes") == shape);
    CHECK(type_of(draw, "grid") == &example_colour_schema);
    CHECK(type_of(draw, "any") == nullptr);
    CHECK(type_of(&example_right_draw_results_schema, "painter") == painter);
    CHECK(type_of(&example_right_draw_results_schema, "what") == nullptr);
    CHECK(reflect_is_pointer(SCHEMA_TYPE_TEXT) && reflect_is_pointer(SCHEMA_TYPE_STRUCT) && !reflect_is_pointer(SCHEMA_TYPE_ENUM));
}

TEST(families) {
    struct reflect_family family;
    reflect_family_of(painter, &family);
    REQUIRE(family.count == 4); // Base only once
    CHECK(family.members[0] == painter);
    CHECK(family.members[1] == &example_left_schema);
    CHECK(family.members[2] == &example_right_schema);
    CHECK(family.members[3] == &example_base_schema);
    CHECK(reflect_extends(painter, EXAMPLE_BASE_ID) && reflect_extends(painter, EXAMPLE_PAINTER_ID));
    CHECK(!reflect_extends(&example_base_schema, EXAMPLE_PAINTER_ID));
    CHECK(!reflect_extends(&example_left_schema, EXAMPLE_RIGHT_ID));
}

TEST(methods) {
    struct reflect_method method = {};
    CHECK(!reflect_find_method(painter, CAPNP_TEXT("paint"), &method));
    REQUIRE(reflect_find_method(painter, CAPNP_TEXT("tell"), &method)); // of the ancestor
    CHECK(method.interface == &example_base_schema);
    CHECK_EQ(method.ordinal, 1);
    CHECK(method.one_way && !method.repeatable);
    CHECK(method.params == &example_base_tell_params_schema && method.results == &example_base_tell_results_schema);
    REQUIRE(reflect_find_method(painter, CAPNP_TEXT("ping"), &method)); // the nearest of two
    CHECK(method.interface == painter);
    CHECK(method.results == shape);
    CHECK(!method.repeatable);
    REQUIRE(reflect_find_method(&example_left_schema, CAPNP_TEXT("ping"), &method));
    CHECK(method.interface == &example_base_schema && method.repeatable);
    REQUIRE(reflect_find_method(painter, CAPNP_TEXT("stream"), &method));
    CHECK(method.params == &example_painter_stream_params_schema);
    CHECK(!reflect_find_method(shape, CAPNP_TEXT("ping"), &method)); // no interface
}

TEST(annotations) {
    uint32_t index;
    struct schema_value value;
    const struct capnp_schema *params = &example_base_tell_params_schema;
    REQUIRE(reflect_find_field(params, CAPNP_TEXT("text"), &index));
    const struct schema_annotation_list annotations =
        schema_field_get_annotations(schema_field_list_get(reflect_fields(params), index));
    REQUIRE(reflect_annotation(annotations, REFLECT_MAX_BYTES, &value));
    CHECK_EQ(schema_value_get_uint32(value), 10);
    CHECK(!reflect_annotation(annotations, REFLECT_MAX_COUNT, &value));
}
