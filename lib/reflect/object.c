#include "lib/reflect/object.h"

#include "abi/message.h"
#include "lib/reflect/bits.h"

constexpr uint32_t HANDLE_WORD = 6; // where handles travel

bool reflect_is_object(const struct capnp_schema *interface) {
    struct schema_value value;
    return reflect_annotation(schema_node_get_annotations(reflect_node(interface)), REFLECT_KERNEL_OBJECT, &value);
}

// One field; in a struct of parameters or results the fields are in the order of the words.
struct word_field {
    enum schema_type_which type;
    uint32_t offset;
};

static bool word_field_at(const struct capnp_schema *schema, uint32_t index, struct word_field *out) {
    const struct schema_field_list fields = reflect_fields(schema);
    if (index >= MESSAGE_WORDS || index >= schema_field_list_count(fields)) {
        return false;
    }
    const struct schema_field_slot slot = schema_field_get_slot(schema_field_list_get(fields, index));
    *out = (struct word_field){schema_type_which(schema_field_slot_get_type(slot)), schema_field_slot_get_offset(slot)};
    return true;
}

static uint32_t handles_of(const struct capnp_schema *results) {
    struct word_field field;
    uint32_t count = 0;
    for (uint32_t i = 0; word_field_at(results, i, &field); i++) {
        count += reflect_is_pointer(field.type);
    }
    return count;
}

void reflect_object_request(const struct reflect_method *method, struct capnp_struct params, struct tess_message *message) {
    struct word_field field;
    uint32_t passed = 0;
    *message = (struct tess_message){};
    for (uint32_t i = 0; word_field_at(method->params, i, &field); i++) {
        if (reflect_is_pointer(field.type)) {
            passed = capnp_handle_at(capnp_get_pointer(params, field.offset)).v;
            message->words[i] = passed;
        } else {
            message->words[i] = reflect_get_bits(params, reflect_element(field.type), field.offset);
        }
    }
    if (passed != 0) { // it also travels; null does not
        message->words[HANDLE_WORD] = passed;
    }
    message->info = message_info(method->ordinal, 0, passed != 0, 0) | tess_accept(handles_of(method->results));
}

void reflect_object_results(const struct reflect_method *method, const struct tess_message *answer,
                            struct capnp_struct_builder results) {
    struct word_field field;
    uint32_t taken = 0;
    for (uint32_t i = 0; word_field_at(method->results, i, &field); i++) {
        if (!reflect_is_pointer(field.type)) {
            reflect_put_bits(results, reflect_element(field.type), field.offset, answer->words[i]);
        } else if (taken < message_handle_count(answer->info)) {
            capnp_set_handle(capnp_edit_pointer(results, field.offset), message_handle(answer->words, answer->info, taken++));
        }
    }
}
