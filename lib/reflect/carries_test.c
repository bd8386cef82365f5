#include "base/test.h"

#include "lib/reflect/carries.h"
#include "lib/reflect/example.capnp.h"

static struct reflect_method method_of(const struct capnp_schema *interface, const char *name) {
    struct reflect_method method = {};
    CHECK(reflect_find_method(interface, capnp_text(name), &method));
    return method;
}

static struct {
    uint32_t count;
    uint64_t ids[8];
} seen;

static void note(void *, uint64_t interface_id) {
    REQUIRE(seen.count < 8);
    seen.ids[seen.count++] = interface_id;
}

// How many capabilities the struct can have, and of which interfaces.
static uint32_t carried(const struct capnp_schema *schema) {
    seen.count = 0;
    reflect_carried(schema, note, nullptr);
    return seen.count;
}

TEST(numbers_and_texts_carry_none) {
    CHECK_EQ(carried(method_of(&example_base_schema, "ping").params), 0);
    CHECK_EQ(carried(method_of(&example_base_schema, "tell").params), 0);
    CHECK_EQ(carried(method_of(&example_painter_schema, "ping").results), 0); // a struct that has itself in it
    CHECK_EQ(carried(method_of(&example_painter_schema, "stream").results), 0);
}

TEST(capabilities_are_found_wherever_they_are) {
    CHECK_EQ(carried(method_of(&example_right_schema, "draw").params), 1);
    CHECK_EQ(seen.ids[0], REFLECT_ANYTHING); // AnyPointer
    CHECK_EQ(carried(method_of(&example_right_schema, "draw").results), 2);
    CHECK_EQ(seen.ids[0], EXAMPLE_PAINTER_ID);
    CHECK_EQ(seen.ids[1], REFLECT_ANYTHING); // Capability
    CHECK_EQ(carried(method_of(&example_painter_schema, "grouped").params), 2); // in a union, and in a group
    CHECK_EQ(seen.ids[0], EXAMPLE_PAINTER_ID);
    CHECK_EQ(seen.ids[1], REFLECT_ANYTHING);
    CHECK_EQ(carried(method_of(&example_lamp_schema, "set").params), 1);
    CHECK_EQ(carried(method_of(&example_lamp_schema, "make").results), 2);
    CHECK_EQ(seen.ids[1], EXAMPLE_LAMP_ID);
    CHECK_EQ(carried(method_of(&example_lamp_schema, "make").params), 0);
}
