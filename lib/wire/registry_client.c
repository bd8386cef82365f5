#include "lib/wire/registry_client.h"

#include "abi/gen/abi.h"
#include "lib/wire/client.h"

status_t registry_register(handle_t registry, const char *name, uint64_t interface_id, handle_t endpoint,
                           uint64_t deadline_ns) {
    struct wire_body body = {.words = {interface_id}, .page_bytes = WIRE_NAME_BYTES};
    if (!wire_name_put((char *)wire_page(), name)) {
        return STATUS_BAD_ARGUMENT;
    }
    wire_handle_put(body.words, 0, endpoint);
    struct wire_call call = {.method = REGISTRY_REGISTER, .handles = 1, .repeatable = true};
    return wire_call(registry, &call, &body, nullptr, deadline_ns);
}

status_t registry_allow(handle_t registry, uint64_t holder, const char *const *names, size_t count,
                        uint64_t deadline_ns) {
    struct wire_body body;
    if (!registry_allow_encode(wire_page(), holder, names, count, &body)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct wire_call call = {.method = REGISTRY_ALLOW, .repeatable = true};
    return wire_call(registry, &call, &body, nullptr, deadline_ns);
}

status_t registry_resolve(handle_t registry, const char *name, uint64_t interface_id, handle_t *out) {
    struct wire_body body = {.words = {interface_id}, .page_bytes = WIRE_NAME_BYTES};
    if (!wire_name_put((char *)wire_page(), name)) {
        return STATUS_BAD_ARGUMENT;
    }
    uint32_t handles = 0;
    struct wire_call call = {.method = REGISTRY_RESOLVE, .accept = 1, .repeatable = true};
    TRY(wire_call(registry, &call, &body, &handles, wire_deadline()));
    if (handles != 1) {
        return wire_status(WIRE_BAD_ANSWER);
    }
    *out = wire_handle(body.words, 0);
    return STATUS_OK;
}

status_t registry_list(handle_t registry, size_t index, struct registry_entry *out, size_t max, size_t *count,
                       size_t *total) {
    struct wire_body body = {.words = {index}};
    TRY(wire_call_list(registry, REGISTRY_LIST, &body, sizeof(*out), out, max, count, total));
    for (size_t i = 0; i < *count; i++) {
        if (!wire_name_valid(out[i].name)) {
            return wire_status(WIRE_BAD_ANSWER);
        }
    }
    return STATUS_OK;
}
