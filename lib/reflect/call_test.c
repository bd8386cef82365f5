// What is made of a schema at run time is what the generator made of it.
#include "base/test.h"

#include "lib/reflect/call.h"
#include "lib/reflect/example.capnp.h"

static void check_shape(struct rpc_shape saw, struct rpc_shape expected) {
    CHECK_EQ(saw.data_words, expected.data_words);
    CHECK_EQ(saw.pointers, expected.pointers);
    CHECK_EQ(saw.in_registers, expected.in_registers);
}

static void check_method(const struct capnp_schema *interface, const char *name, const struct rpc_method *expected) {
    struct reflect_method method;
    REQUIRE(reflect_find_method(interface, capnp_text(name), &method));
    const struct rpc_method saw = reflect_rpc_method(&method);
    CHECK_EQ(saw.interface_id, expected->interface_id);
    CHECK_EQ(saw.ordinal, expected->ordinal);
    CHECK_EQ(saw.repeatable, expected->repeatable);
    CHECK_EQ(saw.extends, expected->extends);
    check_shape(saw.params, expected->params);
    check_shape(saw.results, expected->results);
}

TEST(as_the_generator_has_it) {
    check_method(&example_base_schema, "ping", &example_base_ping_method);
    check_method(&example_base_schema, "tell", &example_base_tell_method);
    check_method(&example_left_schema, "left", &example_left_left_method);
    check_method(&example_right_schema, "draw", &example_right_draw_method);
    check_method(&example_painter_schema, "ping", &example_painter_ping_method);
    check_method(&example_painter_schema, "stream", &example_painter_stream_method);
    check_method(&example_painter_schema, "grouped", &example_painter_grouped_method);
}
