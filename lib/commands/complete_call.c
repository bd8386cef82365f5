// What Tab offers behind `call`: services, methods, and what the schema knows of the parameters.
#include "lib/commands/complete.h"

#include "abi/bootstrap.h"
#include "lib/commands/shell.h"
#include "lib/commands/target.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/reflect/object.h"
#include "lib/reflect/read.h"
#include "lib/tess/capset.h"

static void add_target(void *wanted, const struct target *target) {
    candidates_add(wanted, target->name);
}

static void add_methods(const struct wanted *wanted, const struct capnp_schema *interface) {
    for (uint32_t i = reflect_first_method(interface); i < reflect_method_count(interface); i++) {
        struct reflect_method method;
        reflect_method_at(interface, i, &method);
        candidates_add(wanted, schema_method_get_name(method.method).bytes);
    }
}

static void offer_methods(const struct wanted *wanted, const struct capnp_schema *interface) {
    struct reflect_family family;
    const struct capnp_schema *extension;
    reflect_family_of(interface, &family);
    candidates_begin(wanted->prefix_bytes);
    candidates_suffix(" '(");
    for (uint32_t i = 0; i < family.count; i++) {
        add_methods(wanted, family.members[i]);
    }
    for (uint32_t i = 0; (extension = interface_extension(interface, i)) != nullptr; i++) {
        add_methods(wanted, extension);
    }
}

static bool find_target(const char *word, const char *dot, struct target *out) {
    char name[NAME_BYTES];
    return str_copy_bytes(name, sizeof(name), word, (size_t)(dot - word)) && target_find(name, out);
}

static void offer_fields(const struct wanted *wanted, const struct reflect_expected *expected) {
    const struct schema_field_list fields = reflect_fields(expected->schema);
    candidates_suffix(" = ");
    for (uint32_t i = 0; i < schema_field_list_count(fields) && i < REFLECT_FIELDS_MAX; i++) {
        if ((expected->given[i / 64] >> i % 64 & 1) == 0) {
            candidates_add(wanted, schema_field_get_name(schema_field_list_get(fields, i)).bytes);
        }
    }
}

static void offer_handles(const struct wanted *wanted) {
    char word[BOOTSTRAP_CAP_NAME_BYTES + 1];
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        fmt_snprintf(word, sizeof(word), "$%s", bootstrap_caps(tess_bootstrap)[i].name);
        candidates_add(wanted, word);
    }
    candidates_add(wanted, "$events");
}

static void offer_value(const struct wanted *wanted, const struct reflect_expected *expected) {
    candidates_suffix("");
    switch (schema_type_which(expected->type)) {
    case SCHEMA_TYPE_VOID: candidates_add(wanted, "void"); break;
    case SCHEMA_TYPE_BOOL:
        candidates_add(wanted, "true");
        candidates_add(wanted, "false");
        break;
    case SCHEMA_TYPE_TEXT: candidates_add(wanted, "\""); break;
    case SCHEMA_TYPE_DATA: candidates_add(wanted, "0x\""); break;
    case SCHEMA_TYPE_LIST: candidates_add(wanted, "["); break;
    case SCHEMA_TYPE_STRUCT: candidates_add(wanted, "("); break;
    case SCHEMA_TYPE_INTERFACE:
    case SCHEMA_TYPE_ANY_POINTER: offer_handles(wanted); break;
    case SCHEMA_TYPE_ENUM: {
        const struct capnp_schema *schema = reflect_type(expected->schema, expected->type);
        for (uint32_t i = 0; schema != nullptr && i < schema_enumerant_list_count(reflect_enumerants(schema)); i++) {
            candidates_add(wanted, schema_enumerant_get_name(schema_enumerant_list_get(reflect_enumerants(schema), i)).bytes);
        }
        break;
    }
    default: break; // a number is everybody's own affair
    }
}

static void offer_parameters(const char *text, size_t len, const struct capnp_schema *params) {
    struct reflect_expected expected;
    reflect_expect(params, (struct capnp_text){text, len}, &expected);
    const struct wanted wanted = {.prefix = text + expected.word, .prefix_bytes = len - expected.word};
    if (expected.what == REFLECT_NOTHING) {
        return;
    }
    candidates_begin(wanted.prefix_bytes);
    if (expected.what == REFLECT_FIELD) {
        offer_fields(&wanted, &expected);
    } else {
        offer_value(&wanted, &expected);
    }
}

void complete_call(const char *rest, size_t len) {
    struct target target;
    struct reflect_method method;
    size_t word = 0;
    while (word < len && !char_is_space(rest[word])) {
        word++;
    }
    const char *dot = memchr(rest, '.', word);
    if (dot == nullptr) {
        const struct wanted wanted = {rest, word};
        if (word == len) {
            candidates_begin(word);
            candidates_suffix(".");
            each_target(add_target, (void *)&wanted);
        }
        return;
    }
    if (!find_target(rest, dot, &target)) {
        return;
    }
    const struct capnp_text name = {dot + 1, (size_t)(rest + word - dot - 1)};
    if (word == len) {
        const struct wanted wanted = {name.bytes, name.len};
        offer_methods(&wanted, target.interface);
        return;
    }
    while (word < len && char_is_space(rest[word])) {
        word++;
    }
    if (!interface_find_method(target.interface, name, &method) || method.params == nullptr) {
        return;
    }
    if (word == len) {
        const struct wanted nothing = {rest + len, 0};
        candidates_begin(0);
        candidates_suffix("");
        candidates_add(&nothing, "'(");
    } else if (rest[word] == '\'' && memchr(rest + word + 1, '\'', len - word - 1) == nullptr) { // else it is not typed in there
        offer_parameters(rest + word + 1, len - word - 1, method.params);
    }
}
