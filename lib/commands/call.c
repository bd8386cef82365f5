// call: any method of what the shell can reach, by name (docs/concepts/contracts.md).
#include "abi/bootstrap.h"
#include "abi/gen/stubs.h"
#include "lib/commands/answers.h"
#include "lib/commands/call_object.h"
#include "lib/commands/denials.h"
#include "lib/commands/link.h"
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
#include "lib/tess/handle.h"

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

// Why the shell may not look up what the service of this name provides or, where none is called so, what it may be itself.
static bool no_target_explained(const char *name, char text[DENIAL_TEXT_BYTES]) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    char object[NAME_BYTES];
    (void)str_copy(object, sizeof(object), name);
    if (status_ok(supervisor_call_service(the_supervisor(), &call, capnp_text(name), rpc_patience(), &results))) {
        const struct capnp_text_list provides =
            supervisor_service_detail_get_provides(supervisor_service_results_get_detail(results));
        if (capnp_text_list_count(provides) > 0) {
            shown(object, sizeof(object), capnp_text_list_get(provides, 0));
        }
    }
    return denial_explained(bootstrap_args(tess_bootstrap), "use", object, text);
}

static int no_target(const char *name) {
    char text[DENIAL_TEXT_BYTES];
    if (no_target_explained(name, text)) {
        return fail("call: %s\n", text);
    }
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
    return fail("call: `%s` has no method `%s`; `describe %s` lists them\n", target->name, name, reflect_name(target->interface).bytes);
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
        if (!cap_may_be(cap, wanted)) {
            fmt_snprintf(error, REFLECT_ERROR_BYTES, "`$%s` is a %s, not a %s", wanted_name,
                         reflect_name(idl_schema_by_id(cap->interface_id)).bytes, reflect_name(wanted).bytes);
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

// With a link, takes that capability of the results, which is the caller's to close, and prints no more than that there is none.
static int perform(struct rpc_ring *ring, const struct target *target, const struct reflect_method *method, const char *parameters,
                   const struct link *link, handle_t *linked) {
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
        *linked = link != nullptr ? rpc_promise_keep(ring, promise, link_handle(link, results)) : (handle_t){};
        if (!tess_handle_valid(*linked)) {
            print_results(method, results);
        }
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

static int call_method(struct target *target, const struct reflect_method *method, const char *parameters, const struct link *link,
                       handle_t *linked) {
    struct rpc_ring *ring = nullptr;
    status_t status = target_open(target);
    if (status_ok(status) && reflect_is_object(method->interface)) {
        return call_object(target, method, parameters, (struct reflect_handles){.find = find_handle}, link, linked);
    }
    if (status_ok(status)) {
        status = answers_open(&ring);
    }
    if (!status_ok(status)) {
        return out_problem("call", status);
    }
    const int exit_status = perform(ring, target, method, parameters, link, linked);
    answers_close();
    return exit_status;
}

// ---- a chain of calls ----

// Calls the method, and goes on to what its results have that the next call is on.
static int call_and_follow(struct target *target, const struct reflect_method *method, const char *parameters, const struct link *link) {
    handle_t linked = {};
    struct target next;
    const int exit_status = call_method(target, method, parameters, link, &linked);
    if (exit_status != COMMAND_OK) {
        return exit_status;
    }
    if (!tess_handle_valid(linked)) {
        return fail("call: it brought no `%s`, so nothing was called on it\n", link->field.bytes);
    }
    if (!link_follow(link, linked, &next)) {
        return fail("call: `%s` is of an interface that the shell does not know\n", link->field.bytes);
    }
    target_close(target);
    *target = next;
    return COMMAND_OK;
}

// Carries out words from number `at` on, the first of which may be parameters of the method. Without `for_real` it only looks for
// mistakes, as far as the interfaces are known: a chain is not begun that cannot be ended.
static int carry_out(struct target *target, const char *name, const struct arguments *arguments, size_t at, bool for_real) {
    for (;;) {
        struct reflect_method method;
        struct link link;
        char text[REFLECT_ERROR_BYTES];
        handle_t none;
        if (name[0] == '\0') {
            return misused("call: which method? `describe %s` lists them\n", reflect_name(target->interface).bytes);
        }
        if (!interface_find_method(target->interface, capnp_text(name), &method)) {
            return no_method(target, name);
        }
        if (method.params == nullptr) {
            return fail("call: the schema of `%s` lacks its parameters\n", name);
        }
        uint32_t field;
        if (reflect_is_object(method.interface) && reflect_find_field(method.params, CAPNP_TEXT("buffer"), &field)) {
            return fail("call: `%s` takes an address in the memory of who calls, and there is none at the prompt\n", name);
        }
        const char *parameters = at < arguments->count && arguments->words[at][0] != '.' ? arguments->words[at++] : "()";
        if (at == arguments->count) {
            return for_real ? call_method(target, &method, parameters, nullptr, &none) : COMMAND_OK;
        }
        const char *word = arguments->words[at++];
        if (word[0] != '.') {
            return misused("call: what follows the parameters is a method of what is returned: `.METHOD`\n");
        }
        const struct link_word next = link_word(capnp_text(word));
        if (!link_find(&method, next.field, &link, text)) {
            return fail("call: %s\n", text);
        }
        if (for_real) {
            const int exit_status = call_and_follow(target, &method, parameters, &link);
            if (exit_status != COMMAND_OK) {
                return exit_status;
            }
        } else if (link.interface == nullptr) {
            return COMMAND_OK;
        } else {
            *target = (struct target){.interface = link.interface};
            (void)name_put(target->name, link.field.bytes, link.field.len);
        }
        name = next.method.bytes; // the end of the word
    }
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
    struct target first = target;
    int exit_status = carry_out(&first, dot != nullptr ? dot + 1 : "", arguments, 2, false);
    if (exit_status == COMMAND_OK) {
        exit_status = carry_out(&target, dot + 1, arguments, 2, true);
    }
    target_close(&target);
    return exit_status;
}
