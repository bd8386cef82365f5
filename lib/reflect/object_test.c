// Requests and answers as the stubs make and read them that tools/capnpc-c generates.
#include "base/test.h"

#include "abi/message.h"
#include "lib/reflect/example.capnp.h"
#include "lib/reflect/object.h"

static uint64_t memory[32];
static struct capnp_builder builder;

static struct capnp_struct_builder fresh(const struct capnp_schema *schema) {
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    capnp_builder_init(&builder, memory, sizeof(memory) / sizeof(memory[0]));
    return capnp_init_struct(capnp_init_root(&builder), schema_node_struct_get_data_word_count(node),
                             schema_node_struct_get_pointer_count(node));
}

static struct capnp_pointer_builder pointer_of(struct capnp_struct_builder s, const struct capnp_schema *schema, const char *name) {
    uint32_t index;
    const bool found = reflect_find_field(schema, capnp_text(name), &index);
    CHECK(found);
    const struct schema_field field = schema_field_list_get(reflect_fields(schema), found ? index : 0);
    return capnp_edit_pointer(s, schema_field_slot_get_offset(schema_field_get_slot(field)));
}

TEST(an_object_is_told_from_a_service) {
    CHECK(reflect_is_object(&example_lamp_schema));
    CHECK(!reflect_is_object(&example_base_schema));
}

TEST(parameters_are_words_and_a_handle_travels_too) {
    struct reflect_method method;
    struct tess_message message;
    REQUIRE(reflect_find_method(&example_lamp_schema, CAPNP_TEXT("set"), &method));
    const struct capnp_struct_builder params = fresh(method.params);
    capnp_put_u64(params, 0, 0x1122'3344'5566'7788); // level, bright and count, as the compiler lays them out
    capnp_put_bool(params, 64, true);
    capnp_put_u32(params, 12, 77);
    capnp_set_handle(pointer_of(params, method.params, "other"), (handle_t){0x55});
    reflect_object_request(&method, capnp_read_struct(params), &message);
    CHECK_EQ(message.info, message_info(1, 0, 1, 0));
    CHECK_EQ(message.words[0], 0x1122'3344'5566'7788);
    CHECK_EQ(message.words[1], 1);
    CHECK_EQ(message.words[2], 0x55);
    CHECK_EQ(message.words[3], 77);
    CHECK_EQ(message.words[6], 0x55);
    reflect_object_request(&method, capnp_read_struct(fresh(method.params)), &message);
    CHECK_EQ(message.info, message_info(1, 0, 0, 0)); // null does not travel
    CHECK_EQ(message.words[6], 0);
}

TEST(results_are_words_and_handles_are_the_answers) {
    struct reflect_method method;
    struct tess_message message;
    REQUIRE(reflect_find_method(&example_lamp_schema, CAPNP_TEXT("make"), &method));
    reflect_object_request(&method, capnp_read_struct(fresh(method.params)), &message);
    CHECK_EQ(message.info, (uint64_t)2 | tess_accept(2));
    for (uint32_t count = 0; count <= 2; count++) {
        message = (struct tess_message){.info = message_info(0, 0, count, 0), .words = {9, 9, 5, 1, [6] = (uint64_t)0x42 << 32 | 0x41}};
        const struct capnp_struct_builder results = fresh(method.results);
        reflect_object_results(&method, &message, results);
        const struct capnp_struct read = capnp_read_struct(results);
        CHECK_EQ(capnp_get_u32(read, 0), 5);
        CHECK_EQ(capnp_get_bool(read, 32), true);
        CHECK_EQ(capnp_handle_at(capnp_get_pointer(read, 0)).v, count >= 1 ? 0x41 : 0); // never the 9 of the words
        CHECK_EQ(capnp_handle_at(capnp_get_pointer(read, 1)).v, count >= 2 ? 0x42 : 0);
    }
}
