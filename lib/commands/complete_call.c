// What Tab offers behind `call`: services, methods, and what the schema knows of the parameters.
#include "lib/commands/complete.h"

#include "abi/bootstrap.h"
#include "lib/commands/shell.h"
#include "lib/commands/link.h"
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

// Those that may be what is wanted; of what the schema does not say (null) all.
static void offer_handles(const struct wanted *wanted, const struct capnp_schema *type) {
    char word[BOOTSTRAP_CAP_NAME_BYTES + 1];
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        const struct bootstrap_cap *cap = &bootstrap_caps(tess_bootstrap)[i];
        fmt_snprintf(word, sizeof(word), "$%s", cap->name);
        if (cap_may_be(cap, type)) {
            candidates_add(wanted, word);
        }
    }
    if (type == nullptr || type->id == NOTIFICATION_ID) {
        candidates_add(wanted, "$events");
    }
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
    case SCHEMA_TYPE_ANY_POINTER: offer_handles(wanted, reflect_type(expected->schema, expected->type)); break;
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
    if (len == 0) {
        const struct wanted nothing = {.prefix = text};
        candidates_begin(0);
        candidates_suffix("");
        candidates_add(&nothing, "(");
        return;
    }
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

static size_t word_bytes(const char *text, size_t len) {
    size_t word = 0;
    while (word < len && !char_is_space(text[word])) {
        word++;
    }
    return word;
}

// SERVICE, or SERVICE.METHOD; false when it is being typed still, or there is no such method.
static bool take_first(const char *word, size_t len, bool is_last, struct reflect_method *out) {
    struct target target;
    const char *dot = memchr(word, '.', len);
    if (dot == nullptr) {
        const struct wanted wanted = {.prefix = word, .prefix_bytes = len};
        if (is_last) {
            candidates_begin(len);
            candidates_suffix(".");
            each_target(add_target, (void *)&wanted);
        }
        return false;
    }
    if (!find_target(word, dot, &target)) {
        return false;
    }
    const struct capnp_text name = {dot + 1, (size_t)(word + len - dot - 1)};
    if (is_last) {
        const struct wanted wanted = {.prefix = name.bytes, .prefix_bytes = name.len};
        offer_methods(&wanted, target.interface);
        return false;
    }
    return interface_find_method(target.interface, name, out);
}

// The same of .METHOD or .FIELD.METHOD, on what the method before returns.
static bool take_link(const char *word, size_t len, bool is_last, struct reflect_method *method) {
    const struct link_word parts = link_word((struct capnp_text){word, len});
    const struct reflect_method before = *method;
    char ignored[REFLECT_ERROR_BYTES];
    struct link link;
    const bool found = link_find(&before, parts.field, &link, ignored);
    if (!is_last) {
        return found && link.interface != nullptr && interface_find_method(link.interface, parts.method, method);
    }
    const struct wanted wanted = {.prefix = parts.method.bytes, .prefix_bytes = parts.method.len};
    if (found && link.interface != nullptr) {
        offer_methods(&wanted, link.interface);
    } else if (parts.field.len == 0) {
        candidates_begin(wanted.prefix_bytes);
        candidates_suffix(".");
        for (uint32_t i = 0; link_at(&before, i, &link); i++) {
            candidates_add(&wanted, link.field.bytes);
        }
    }
    return false;
}

void complete_call(const char *rest, size_t len) {
    const char *const end = rest + len;
    struct reflect_method method;
    size_t word = word_bytes(rest, len);
    bool there = take_first(rest, word, rest + word == end, &method);
    for (rest += word; there && method.params != nullptr;) {
        while (rest < end && char_is_space(*rest)) {
            rest++;
        }
        const char *closed = rest < end && *rest == '\'' ? memchr(rest + 1, '\'', (size_t)(end - rest - 1)) : nullptr;
        if (rest == end) {
            const struct wanted nothing = {.prefix = end};
            candidates_begin(0);
            candidates_suffix("");
            candidates_add(&nothing, "'(");
            return;
        } else if (closed != nullptr && closed + 1 < end && char_is_space(closed[1])) {
            rest = closed + 1;
            while (rest < end && char_is_space(*rest)) {
                rest++;
            }
            if (rest == end) {
                return; // the line may be whole
            }
        } else if (*rest == '\'' && closed == nullptr) {
            offer_parameters(rest + 1, (size_t)(end - rest - 1), method.params);
            return;
        }
        if (*rest != '.') {
            return;
        }
        word = word_bytes(rest, (size_t)(end - rest));
        there = take_link(rest, word, rest + word == end, &method);
        rest += word;
    }
}
