// call: any method of what the shell can reach, by name (docs/concepts/contracts.md).
#include "abi/bootstrap.h"
#include "abi/gen/stubs.h"
#include "lib/commands/answers.h"
#include "lib/commands/call_object.h"
#include "lib/commands/shell.h"
#include "lib/commands/target.h"
#include "lib/commands/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"
#include "idl/kernel.capnp.h"
#include "idl/schemas.h"
#include "lib/reflect/call.h"
#include "lib/reflect/object.h"
#include "lib/reflect/read.h"
#include "lib/reflect/write.h"
#include "lib/rpc/call.h"
#include "lib/tess/capset.h"

constexpr size_t METHODS_BYTES = 128; // of their names, in the list of what there is
constexpr uint32_t SHOWN_DEPTH = 24; // pointers below each other: the stack has to do for them

// ---- what there is ----

static void put_methods(const struct capnp_schema *interface) {
    for (uint32_t i = reflect_first_method(interface); i < reflect_method_count(interface); i++) {
        struct reflect_method method;
        reflect_method_at(interface, i, &method);
        out("  ");
        reflect_write_method(&method, out_sink, nullptr);
        out("\n");
    }
}

static void print_target(void *context, const struct target *target) {
    const struct capnp_text interface = reflect_name(target->interface);
    char names[METHODS_BYTES] = "";
    (void)context;
    for (uint32_t i = reflect_first_method(target->interface); i < reflect_method_count(target->interface); i++) {
        struct reflect_method method;
        reflect_method_at(target->interface, i, &method);
        (void)str_append(names, sizeof(names), names[0] != '\0' ? " " : "");
        (void)str_append(names, sizeof(names), schema_method_get_name(method.method).bytes);
    }
    table_cell(&shell.table, "%s", target->name);
    table_cell(&shell.table, "%s", interface.bytes);
    table_cell(&shell.table, "%s", names);
}

static void list_targets(void) {
    table_begin(&shell.table, "NAME INTERFACE METHODS", out_sink, nullptr);
    each_target(print_target, nullptr);
    table_end(&shell.table);
}

static void list_methods(const struct target *target) {
    struct reflect_family family;
    const struct capnp_schema *extension;
    reflect_family_of(target->interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        out("%s\n", reflect_name(family.members[i]).bytes);
        put_methods(family.members[i]);
    }
    for (uint32_t i = 0; (extension = interface_extension(target->interface, i)) != nullptr; i++) {
        out("%s, for those who were granted it with `control`\n", reflect_name(extension).bytes);
        put_methods(extension);
    }
}

// ---- names that are none ----

static void suggest_target(void *guess, const struct target *target) {
    guess_add(guess, capnp_text(target->name));
}

static int no_target(const char *name) {
    struct guess guess = {.suggestion = suggestion_of(name)};
    each_target(suggest_target, &guess);
    if (guess.suggestion.nearest != nullptr) {
        return fail("call: the shell can reach no `%s`; did you mean `%s`?\n", name, guess.suggestion.nearest);
    }
    return fail("call: the shell can reach no `%s`; `call` lists what it can\n", name);
}

static void suggest_methods(struct suggestion *suggestion, const struct capnp_schema *interface) {
    for (uint32_t i = reflect_first_method(interface); i < reflect_method_count(interface); i++) {
        struct reflect_method method;
        reflect_method_at(interface, i, &method);
        suggestion_add(suggestion, schema_method_get_name(method.method).bytes);
    }
}

static int no_method(const struct target *target, const char *name) {
    struct suggestion suggestion = suggestion_of(name);
    struct reflect_family family;
    const struct capnp_schema *extension;
    reflect_family_of(target->interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        suggest_methods(&suggestion, family.members[i]);
    }
    for (uint32_t i = 0; (extension = interface_extension(target->interface, i)) != nullptr; i++) {
        suggest_methods(&suggestion, extension);
    }
    if (suggestion.nearest != nullptr) {
        return fail("call: `%s` has no method `%s`; did you mean `%s`?\n", target->name, name, suggestion.nearest);
    }
    return fail("call: `%s` has no method `%s`; `call %s` lists them\n", target->name, name, target->name);
}

// ---- capabilities as parameters ----

// `$name`: what the shell was granted under this name; `$events` is the notification that ends a wait. What an endpoint is of
// is looked at here, so that a mistake is seen; what else somebody takes is theirs to say.
static bool find_handle(void *context, struct capnp_text name, const struct capnp_schema *wanted, handle_t *handle,
                        char error[REFLECT_ERROR_BYTES]) {
    char wanted_name[BOOTSTRAP_CAP_NAME_BYTES];
    (void)context;
    if (capnp_text_equal(name, CAPNP_TEXT("events"))) {
        *handle = shell.events;
        return true;
    }
    const bool whole = str_copy_bytes(wanted_name, sizeof(wanted_name), name.bytes, name.len);
    for (uint32_t i = 0; whole && i < tess_bootstrap->cap_count; i++) {
        const struct bootstrap_cap *cap = &bootstrap_caps(tess_bootstrap)[i];
        if (strncmp(cap->name, wanted_name, sizeof(cap->name)) != 0) {
            continue;
        }
        const struct capnp_schema *interface = idl_schema_by_id(cap->interface_id);
        const bool any_service = wanted != nullptr && wanted->id == ENDPOINT_ID && cap->type == OBJECT_ENDPOINT;
        if (wanted != nullptr && interface != nullptr && !any_service && !reflect_extends(interface, wanted->id) &&
            !reflect_extends(wanted, interface->id)) {
            fmt_snprintf(error, REFLECT_ERROR_BYTES, "`$%s` is a %s, not a %s", wanted_name, reflect_name(interface).bytes,
                         reflect_name(wanted).bytes);
            return false;
        }
        *handle = (handle_t){cap->handle};
        return true;
    }
    fmt_snprintf(error, REFLECT_ERROR_BYTES, "the shell was granted nothing called `%s`; `caps shell` lists what it has",
                 wanted_name);
    return false;
}

// ---- the call ----

static void print_results(const struct reflect_method *method, struct capnp_struct results) {
    const uint64_t depth = results.place >> 32;
    if (method->results == nullptr) { // of a stream
        return;
    }
    results.place = (results.place & UINT32_MAX) | (depth < SHOWN_DEPTH ? depth : SHOWN_DEPTH) << 32;
    reflect_write_struct(method->results, results, REFLECT_PRETTY, out_sink, nullptr);
    out("\n");
    if (results.message == nullptr) {
        return;
    }
    if (!status_ok(capnp_status(results.message))) {
        out("call: not all of it could be read: %s\n", capnp_status_text(capnp_status(results.message)));
    }
    print_given_up(results.message->handle_count);
}

static int perform(struct rpc_ring *ring, const struct target *target, const struct reflect_method *method, const char *parameters) {
    const struct rpc_method shape = reflect_rpc_method(method);
    struct rpc_promise promise;
    struct capnp_struct results = {};
    char text[REFLECT_ERROR_BYTES];
    const struct capnp_struct_builder to = rpc_submit_begin(ring, &shape, &promise);
    if (!reflect_read_struct(method->params, capnp_text(parameters), (struct reflect_handles){.find = find_handle}, to, text)) {
        return fail("call: %s\n", text);
    }
    out_flush();
    rpc_submit(ring, &promise, rpc_target(target->handle));
    const status_t status = answers_wait(promise, true, &results);
    if (status_ok(status)) {
        print_results(method, results);
        return COMMAND_OK;
    }
    char why[RPC_TEXT_BYTES];
    rpc_promise_exception_text(ring, promise, why);
    if (status_is(status, rpc_status(RPC_DENIED))) {
        return fail_denied("call", target->name, why);
    }
    (void)fail("call: %s%s%s\n", rpc_status_text(status), why[0] != '\0' ? ": " : "", why);
    return status_is(status, STATUS_CANCELED) ? COMMAND_INTERRUPTED : COMMAND_FAILED;
}

static int call_method(struct target *target, const char *name, const char *parameters) {
    struct reflect_method method;
    if (!interface_find_method(target->interface, capnp_text(name), &method)) {
        return no_method(target, name);
    }
    if (method.params == nullptr) {
        return fail("call: the schema of `%s` lacks its parameters\n", name);
    }
    struct rpc_ring *ring = nullptr;
    status_t status = target_open(target);
    if (status_ok(status) && reflect_is_object(method.interface)) {
        return call_object(target, &method, parameters, (struct reflect_handles){.find = find_handle});
    }
    if (status_ok(status)) {
        status = answers_open(&ring);
    }
    if (!status_ok(status)) {
        return out_problem("call", status);
    }
    const int exit_status = perform(ring, target, &method, parameters);
    answers_close();
    return exit_status;
}

int command_call(const struct arguments *arguments) {
    char name[NAME_BYTES];
    struct target target;
    if (arguments->count == 1) {
        list_targets();
        return COMMAND_OK;
    }
    const char *word = arguments->words[1];
    const char *dot = strchr(word, '.');
    if (!str_copy_bytes(name, sizeof(name), word, dot != nullptr ? (size_t)(dot - word) : strlen(word)) ||
        !target_find(name, &target)) {
        return no_target(name);
    }
    if (dot == nullptr && arguments->count == 2) {
        list_methods(&target);
        return COMMAND_OK;
    }
    if (dot == nullptr || dot[1] == '\0') {
        return misused("call: which method? `call %s` lists them\n", name);
    }
    const int exit_status = call_method(&target, dot + 1, arguments->count == 3 ? arguments->words[2] : "()");
    target_close(&target);
    return exit_status;
}
