#include "lib/commands/link.h"

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/kernel.capnp.h"
#include "idl/schemas.h"
#include "lib/capnp/read.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

struct link_word link_word(struct capnp_text word) {
    struct capnp_text rest = {word.bytes + 1, word.len - 1};
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.bytes[i] == '.') {
            return (struct link_word){{rest.bytes, i}, {rest.bytes + i + 1, rest.len - i - 1}};
        }
    }
    return (struct link_word){.method = rest};
}

bool link_at(const struct reflect_method *method, uint32_t index, struct link *out) {
    if (method->results == nullptr) {
        return false;
    }
    const struct schema_field_list fields = reflect_fields(method->results);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        const struct schema_field field = schema_field_list_get(fields, i);
        if (schema_field_which(field) != SCHEMA_FIELD_SLOT) {
            continue;
        }
        const struct schema_field_slot slot = schema_field_get_slot(field);
        const struct schema_type type = schema_field_slot_get_type(slot);
        const bool any = schema_type_which(type) == SCHEMA_TYPE_ANY_POINTER;
        if ((any || schema_type_which(type) == SCHEMA_TYPE_INTERFACE) && index-- == 0) {
            const struct capnp_schema *interface = any ? nullptr : reflect_type(method->results, type);
            *out = (struct link){
                .field = schema_field_get_name(field),
                .offset = schema_field_slot_get_offset(slot),
                .interface = interface != nullptr && interface->id != ENDPOINT_ID ? idl_schema_by_id(interface->id) : nullptr,
            };
            return true;
        }
    }
    return false;
}

bool link_find(const struct reflect_method *method, struct capnp_text field, struct link *out, char error[REFLECT_ERROR_BYTES]) {
    const char *name = schema_method_get_name(method->method).bytes;
    struct link other;
    for (uint32_t i = 0; field.len > 0 && link_at(method, i, out); i++) {
        if (capnp_text_equal(out->field, field)) {
            return true;
        }
    }
    if (!link_at(method, 0, out)) {
        fmt_snprintf(error, REFLECT_ERROR_BYTES, "`%s` returns no capability that could be called", name);
        return false;
    }
    const bool several = link_at(method, 1, &other);
    if (field.len > 0) {
        fmt_snprintf(error, REFLECT_ERROR_BYTES, "`%s` returns no capability `%.*s`; it returns `%s`%s%s%s", name, (int)field.len, field.bytes,
                     out->field.bytes, several ? ", `" : "", several ? other.field.bytes : "", several ? "`" : "");
        return false;
    } else if (several) {
        fmt_snprintf(error, REFLECT_ERROR_BYTES, "`%s` returns several capabilities: say which, `.%s.METHOD` or `.%s.METHOD`", name,
                     out->field.bytes, other.field.bytes);
        return false;
    }
    return true;
}

handle_t link_handle(const struct link *link, struct capnp_struct results) {
    return capnp_handle_at(capnp_get_pointer(results, link->offset));
}

bool link_follow(const struct link *link, handle_t handle, struct target *out) {
    uint64_t id = 0;
    *out = (struct target){.interface = link->interface, .handle = handle, .owned = true};
    (void)name_put(out->name, link->field.bytes, link->field.len);
    if (out->interface == nullptr &&
        status_ok(tess_process_handle_info(tess_self_process(), handle.v, nullptr, nullptr, nullptr, &id, nullptr))) {
        out->interface = idl_schema_by_id(id);
    }
    if (out->interface == nullptr || !reflect_is(out->interface, SCHEMA_NODE_INTERFACE)) {
        target_close(out);
        return false;
    }
    return true;
}
