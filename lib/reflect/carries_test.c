#include "base/test.h"

#include "lib/reflect/carries.h"
#include "lib/reflect/example.capnp.h"

static struct reflect_method method_of(const struct capnp_schema *interface, const char *name) {
    struct reflect_method method = {};
    CHECK(reflect_find_method(interface, capnp_text(name), &method));
    return method;
}

TEST(numbers_and_texts_carry_none) {
    CHECK(!reflect_carries(method_of(&example_base_schema, "ping").params));
    CHECK(!reflect_carries(method_of(&example_base_schema, "tell").params));
    CHECK(!reflect_carries(method_of(&example_painter_schema, "ping").results)); // a struct that has itself in it
    CHECK(!reflect_carries(method_of(&example_painter_schema, "stream").results));
}

TEST(capabilities_are_found_wherever_they_are) {
    CHECK(reflect_carries(method_of(&example_right_schema, "draw").params));  // AnyPointer
    CHECK(reflect_carries(method_of(&example_right_schema, "draw").results)); // typed, and Capability
    CHECK(reflect_carries(method_of(&example_painter_schema, "grouped").params)); // in a union, and in a group
    CHECK(reflect_carries(method_of(&example_lamp_schema, "set").params));
    CHECK(reflect_carries(method_of(&example_lamp_schema, "make").results));
    CHECK(!reflect_carries(method_of(&example_lamp_schema, "make").params));
}
