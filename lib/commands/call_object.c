// call, of a kernel object: its methods are called in the kernel's own encoding, by whoever provides it.
#include "abi/gen/decode.h"
#include "abi/message.h"
#include "lib/commands/call_object.h"
#include "lib/commands/shell.h"
#include "lib/reflect/object.h"
#include "lib/reflect/write.h"
#include "lib/rpc/call.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

constexpr uint32_t STRUCT_WORDS = 64; // of parameters or results: a word each, and a root pointer

struct object_struct {
    struct capnp_builder builder;
    struct capnp_struct_builder root;
    uint64_t memory[STRUCT_WORDS];
};

static void begin(struct object_struct *s, const struct capnp_schema *schema) {
    const struct schema_node_struct node = schema_node_get_struct(reflect_node(schema));
    capnp_builder_init(&s->builder, s->memory, STRUCT_WORDS);
    s->root = capnp_init_struct(capnp_init_root(&s->builder), schema_node_struct_get_data_word_count(node),
                                schema_node_struct_get_pointer_count(node));
}

// The kernel's statuses by the names that the method's documentation has for them; a service's exceptions in words.
static int refused(status_t status) {
    if (status.code < STATUS_COUNT) {
        return fail("call: %s: %s\n", abi_status_name(status.code), tess_is_refusal(status) ? status_text(status) : abi_status_text(status.code));
    }
    return out_problem("call", status);
}

void print_given_up(uint32_t count) {
    if (count > 0) {
        out("%u %s came with it, and %s given up again.\n", count, count == 1 ? "capability" : "capabilities",
            count == 1 ? "was" : "were");
    }
}

int call_object(const struct target *target, const struct reflect_method *method, const char *parameters,
                struct reflect_handles handles, const struct link *link, handle_t *linked) {
    static struct object_struct params, results;
    struct tess_message message;
    char text[REFLECT_ERROR_BYTES];
    begin(&params, method->params);
    if (!reflect_read_struct(method->params, capnp_text(parameters), handles, params.root, text)) {
        return fail("call: %s\n", text);
    }
    reflect_object_request(method, capnp_read_struct(params.root), &message);
    out_flush();
    const uint32_t label = message_label(message.info);
    const uint32_t argument = message_handle_count(message.info) > 0 ? tess_message_handle(&message, 0).v : (uint32_t)message.words[0];
    status_t status = tess_call(target->handle, &message, rpc_patience());
    if (!status_ok(status)) {
        return refused(tess_refused(status, SYS_CALL, target->handle, label, argument));
    }
    const uint32_t count = message_handle_count(message.info);
    status = (status_t){message_label(message.info)};
    if (status_ok(status)) {
        begin(&results, method->results);
        reflect_object_results(method, &message, results.root);
        *linked = link != nullptr ? link_handle(link, capnp_read_struct(results.root)) : (handle_t){};
    }
    if (status_ok(status) && link == nullptr) {
        reflect_write_struct(method->results, capnp_read_struct(results.root), REFLECT_PRETTY, out_sink, nullptr);
        out("\n");
        if (message_page_bytes(message.info) > 0) {
            out("%u bytes came with it that are not shown.\n", message_page_bytes(message.info));
        }
        print_given_up(count);
    }
    for (uint32_t i = 0; i < count; i++) {
        const handle_t handle = message_handle(message.words, message.info, i);
        if (link == nullptr || handle.v != linked->v) {
            tess_close(handle);
        }
    }
    if (!status_ok(status)) {
        tess_answered(); // it was a service in the object's place that refused
        return refused(status);
    }
    return COMMAND_OK;
}
