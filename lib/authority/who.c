#include "lib/authority/who.h"

#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/str.h"
#include "lib/authority/reach.h"
#include "lib/badge/badge.h"

// ---- interfaces ----

// Whether one of them is the other, or extends it.
static bool is_family(const struct authority *graph, uint64_t one_id, uint64_t other_id) {
    const struct authority_interface *one = authority_interface_by_id(graph, one_id);
    const struct authority_interface *other = authority_interface_by_id(graph, other_id);
    return one != nullptr && other != nullptr && (one == other || one->extends_id == other_id || other->extends_id == one_id);
}

// Whether any handle to the endpoint is of the interface, of one that it extends, or of one that extends it.
static bool endpoint_is(const struct authority *graph, uint64_t endpoint_koid, uint64_t interface_id) {
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (seen->type == OBJECT_ENDPOINT && seen->object_koid == endpoint_koid && is_family(graph, seen->interface_id, interface_id)) {
            return true;
        }
    }
    return false;
}

// Some process that serves the interface, this one or, with AUTHORITY_NONE, any; AUTHORITY_NONE: none.
static uint32_t server_among(const struct authority *graph, uint32_t process, uint64_t interface_id) {
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (authority_receives(graph, handle) && (process == AUTHORITY_NONE || handle->process == process) &&
            authority_server_of(graph, handle->seen.object_koid) == handle->process &&
            endpoint_is(graph, handle->seen.object_koid, interface_id)) {
            return handle->process;
        }
    }
    return AUTHORITY_NONE;
}

uint32_t authority_who_serves(const struct authority *graph, const struct authority_call *call, const struct authority_method *method) {
    return server_among(graph, call->process, method->interface_id);
}

// ---- what a word means ----

// As the contract calls it, or of a kernel object as the table of system calls does ("handle_revoke").
static bool is_called(const struct authority_method *method, uint32_t object_type, const char *name) {
    const char *dot = strchr(method->name, '.');
    const struct abi_method *of_kernel = object_type == 0 ? nullptr : abi_method_find(object_type, method->ordinal);
    if (object_type != 0 && of_kernel == nullptr) {
        return false; // the kernel's methods begin at 1
    }
    return (dot != nullptr && str_equal(dot + 1, name)) || (of_kernel != nullptr && str_equal(of_kernel->name, name));
}

static bool is_meant(const struct authority *graph, const struct authority_interface *interface, const struct authority_target *target) {
    if (target->type != 0) {
        return interface->object_type == target->type;
    }
    return target->process != AUTHORITY_NONE ? server_among(graph, target->process, interface->id) != AUTHORITY_NONE
                                             : is_family(graph, interface->id, target->interface_id);
}

enum authority_called authority_call_named(const struct authority *graph, const char *word, struct authority_call *out) {
    char subject[AUTHORITY_METHOD_BYTES];
    struct authority_target target;
    const char *dot = strrchr(word, '.');
    *out = (struct authority_call){.process = AUTHORITY_NONE};
    if (dot == nullptr || dot == word || dot[1] == '\0') {
        return AUTHORITY_CALL_MALFORMED;
    }
    if (!str_copy_bytes(subject, sizeof subject, word, (size_t)(dot - word)) || !authority_target_called(graph, subject, &target)) {
        return AUTHORITY_CALL_NO_SUBJECT;
    }
    out->process = target.process;
    for (uint32_t i = 0; i < graph->methods.count && out->method_count < AUTHORITY_CALLS_MAX; i++) {
        const struct authority_method *method = &graph->methods.at[i];
        const struct authority_interface *interface = authority_interface_by_id(graph, method->interface_id);
        if (interface != nullptr && is_called(method, interface->object_type, dot + 1) && is_meant(graph, interface, &target)) {
            out->methods[out->method_count++] = method;
        }
    }
    return out->method_count > 0 ? AUTHORITY_CALL_FOUND : AUTHORITY_CALL_NO_METHOD;
}

// ---- who can ----

static bool can_send(const struct authority *graph, const struct inspect_handle *seen, uint64_t interface_id) {
    if (seen->type != OBJECT_ENDPOINT || (seen->rights & RIGHT_SEND_BIT) == 0) {
        return false;
    }
    // What it is minted as, or is of no contract, goes to whoever receives there: it may be what that serves.
    const bool may_be_any = (seen->rights & RIGHT_MINT_BIT) != 0 || authority_interface_by_id(graph, seen->interface_id) == nullptr;
    return may_be_any ? endpoint_is(graph, seen->object_koid, interface_id) : authority_may_use(graph, seen, interface_id);
}

static bool can_invoke(const struct inspect_handle *seen, const struct authority_method *method, uint32_t object_type) {
    const struct abi_method *of_kernel = abi_method_find(object_type, method->ordinal);
    uint32_t right = 0;
    if (seen->type != object_type || of_kernel == nullptr) {
        return false;
    }
    return of_kernel->right == nullptr || !abi_right_bit(of_kernel->right, &right) || (seen->rights & right) != 0;
}

bool authority_can_call(const struct authority *graph, const struct authority_call *call, uint32_t handle) {
    const struct inspect_handle *seen = &graph->handles.at[handle].seen;
    for (uint32_t i = 0; i < call->method_count; i++) {
        const struct authority_method *method = call->methods[i];
        const struct authority_interface *interface = authority_interface_by_id(graph, method->interface_id);
        if (interface != nullptr && call->process == AUTHORITY_NONE && interface->object_type != 0 && can_invoke(seen, method, interface->object_type)) {
            return true;
        }
        if (can_send(graph, seen, method->interface_id) &&
            (call->process == AUTHORITY_NONE || authority_server_of(graph, seen->object_koid) == call->process)) {
            return true;
        }
    }
    return false;
}
