// describe: what a service can be asked for. From the schemas that the contracts bring along (lib/reflect); who provides it says
// the supervisor, and what it means the manual.
#include "lib/commands/shell.h"
#include "lib/commands/target.h"
#include "lib/commands/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "idl/schemas.h"
#include "lib/reflect/carries.h"
#include "lib/reflect/object.h"
#include "lib/reflect/write.h"

constexpr size_t SIGNATURE_BYTES = 2048;
constexpr size_t CELL_BYTES = 160;
constexpr size_t SERVICES_MAX = 64;
constexpr size_t PROVIDED_MAX = 8; // interfaces of one service that are described
constexpr size_t TYPE_NAME_BYTES = 64;
constexpr size_t PATH_BYTES = 128;

// ---- text that is collected before it is printed; what is too long ends in dots ----

struct text {
    size_t size, len;
    char *bytes;
};

static void collect(void *context, const char *bytes, size_t len) {
    struct text *text = context;
    const size_t room = text->size - 1 - text->len;
    const size_t piece = len < room ? len : room;
    memcpy(text->bytes + text->len, bytes, piece);
    text->len += piece;
    text->bytes[text->len] = '\0';
    if (piece < len) {
        memcpy(text->bytes + text->size - 4, "...", 4);
    }
}

static void collect_string(struct text *text, const char *string) {
    collect(text, string, strlen(string));
}

// ---- what a name means ----

typedef void interface_fn(void *context, const struct capnp_schema *interface);

static void each_interface(interface_fn *function, void *context) {
    for (const struct capnp_schema *const *const *contract = idl_schemas; *contract != nullptr; contract++) {
        for (const struct capnp_schema *const *at = *contract; *at != nullptr; at++) {
            if (reflect_is(*at, SCHEMA_NODE_INTERFACE)) {
                function(context, *at);
            }
        }
    }
}

struct search {
    const char *name;
    const struct capnp_schema *found;
};

// Contracts may declare things of one name, so the manual's words are found by that of the contract too: "log.Log.query" of
// idl/log.capnp; without a method, "log.Log".
static void path_in_contract(char path[PATH_BYTES], const struct capnp_schema *schema, const char *name) {
    const char *file = schema_node_get_display_name(reflect_node(schema)).bytes;
    const char *slash;
    while ((slash = strchr(file, '/')) != nullptr) {
        file = slash + 1;
    }
    const char *end = strchr(file, '.');
    fmt_snprintf(path, PATH_BYTES, "%.*s.%s", end != nullptr ? (int)(end - file) : 0, file, name);
}

static const char *path_of(char path[PATH_BYTES], const struct capnp_schema *interface, const struct reflect_method *method) {
    char name[TYPE_NAME_BYTES];
    fmt_snprintf(name, sizeof(name), "%s%s%s", reflect_name(interface).bytes, method != nullptr ? "." : "",
                 method != nullptr ? schema_method_get_name(method->method).bytes : "");
    path_in_contract(path, interface, name);
    return path;
}

static void look(void *context, const struct capnp_schema *interface) {
    struct search *search = context;
    char path[PATH_BYTES];
    if (str_equal(reflect_name(interface).bytes, search->name) || str_equal(path_of(path, interface, nullptr), search->name)) {
        search->found = interface;
    }
}

// By its own name (`LogControl`, `log.LogControl`), or by that of the contract (`log`).
static const struct capnp_schema *interface_called(const char *name) {
    struct search search = {.name = name, .found = idl_schema_by_name(name)};
    if (search.found == nullptr) {
        each_interface(look, &search);
    }
    return search.found;
}

// Asks about one service. What is returned lies in held_results as long as the call.
static bool fetch_service(struct rpc_call *call, const char *name, struct supervisor_service_detail *out) {
    struct supervisor_service_results results;
    if (!status_ok(supervisor_call_service(the_supervisor(), call, capnp_text(name), rpc_patience(), &results)) ||
        !supervisor_service_results_get_found(results)) {
        return false;
    }
    rpc_hold(call, held_results, &results.s);
    *out = supervisor_service_results_get_detail(results);
    return true;
}

// What the name stands for: one interface, or those that the service of this name provides. Returns how many.
static size_t subjects_called(const char *name, const struct capnp_schema *out[PROVIDED_MAX]) {
    RPC_CALL(call);
    struct supervisor_service_detail detail;
    size_t count = 0;
    out[0] = interface_called(name);
    if (out[0] != nullptr) {
        return 1;
    }
    if (fetch_service(&call, name, &detail)) {
        const struct capnp_text_list provides = supervisor_service_detail_get_provides(detail);
        for (uint32_t i = 0; i < capnp_text_list_count(provides) && count < PROVIDED_MAX; i++) {
            out[count] = interface_called(capnp_text_list_get(provides, i).bytes);
            count += out[count] != nullptr;
        }
    }
    return count;
}

// ---- who provides it ----

struct services {
    size_t count;
    char names[SERVICES_MAX][NAME_BYTES];
};

static void note_service(void *context, struct supervisor_service service) {
    struct services *services = context;
    if (services->count < SERVICES_MAX) {
        shown(services->names[services->count++], NAME_BYTES, supervisor_service_get_name(service));
    }
}

// Whoever provides an interface provides also those that extend it, to whom the manifest says.
static bool provides(struct supervisor_service_detail detail, const struct capnp_schema *interface) {
    const struct capnp_text_list names = supervisor_service_detail_get_provides(detail);
    for (uint32_t i = 0; i < capnp_text_list_count(names); i++) {
        const struct capnp_schema *provided = interface_called(capnp_text_list_get(names, i).bytes);
        if (provided != nullptr && reflect_extends(interface, provided->id)) {
            return true;
        }
    }
    return false;
}

// Methods that return capabilities of an interface.
struct sources {
    uint64_t id;
    size_t count;
    bool carried; // by the method that is looked at
};

static void look_at_carried(void *context, uint64_t interface_id) {
    struct sources *sources = context;
    sources->carried |= interface_id == sources->id;
}

static void look_for_sources(void *context, const struct capnp_schema *interface) {
    struct sources *sources = context;
    for (uint32_t i = reflect_first_method(interface); i < reflect_method_count(interface); i++) {
        struct reflect_method method;
        reflect_method_at(interface, i, &method);
        sources->carried = false;
        reflect_carried(method.results, look_at_carried, sources);
        if (sources->carried) {
            out("%s%s.%s\n", sources->count++ == 0 ? "returned by  " : "             ", reflect_name(interface).bytes,
                schema_method_get_name(method.method).bytes);
        }
    }
}

static void print_providers(const struct capnp_schema *interface) {
    static struct services services;
    size_t found = 0;
    services.count = 0;
    (void)each_service(note_service, &services); // without an answer there is nothing to say
    for (size_t i = 0; i < services.count; i++) {
        RPC_CALL(call);
        struct supervisor_service_detail detail;
        if (fetch_service(&call, services.names[i], &detail) && provides(detail, interface)) {
            const struct supervisor_service service = supervisor_service_detail_get_service(detail);
            out("%s%s, %s\n", found++ == 0 ? "provided by  " : "             ", services.names[i],
                run_state_name(supervisor_service_get_state(service)));
        }
    }
    if (found == 0 && reflect_is_object(interface)) {
        out("provided by  the kernel\n");
    } else if (found == 0) {
        struct sources sources = {.id = interface->id};
        each_interface(look_for_sources, &sources);
        if (sources.count == 0) {
            out("provided by  no service of the manifest\n");
        }
    }
}

// ---- an interface ----

struct relatives {
    const struct capnp_schema *of;
    size_t count;
};

static void print_extension(void *context, const struct capnp_schema *interface) {
    struct relatives *relatives = context;
    if (interface != relatives->of && reflect_extends(interface, relatives->of->id)) {
        out("%s%s, for whom the manifest grants control\n", relatives->count++ == 0 ? "extended by  " : "             ",
            reflect_name(interface).bytes);
    }
}

static void print_signature(const struct reflect_method *method, size_t indent) {
    static char bytes[SIGNATURE_BYTES];
    struct text text = {.size = sizeof(bytes), .bytes = bytes};
    reflect_write_method(method, collect, &text);
    out("%*s", (int)indent, "");
    out_wrapped(indent, indent + 4, bytes);
}

static void print_methods(const struct capnp_schema *interface) {
    for (uint32_t i = reflect_first_method(interface); i < reflect_method_count(interface); i++) {
        struct reflect_method method;
        char path[PATH_BYTES];
        reflect_method_at(interface, i, &method);
        print_signature(&method, 0);
        manual_summary(path_of(path, interface, &method), 6);
    }
}

static void describe_interface(const struct capnp_schema *interface) {
    struct reflect_family family;
    struct relatives relatives = {.of = interface};
    char path[PATH_BYTES];
    reflect_family_of(interface, &family);
    out("interface    %s\nid           0x%016llx\n", reflect_name(interface).bytes, (unsigned long long)interface->id);
    for (uint32_t i = 1; i < family.count; i++) {
        out("%s%s\n", i == 1 ? "extends      " : "             ", reflect_name(family.members[i]).bytes);
    }
    each_interface(print_extension, &relatives);
    print_providers(interface);
    out("\n");
    manual_comment(path_of(path, interface, nullptr));
    for (uint32_t i = 0; i < family.count; i++) {
        if (i > 0) {
            out("\nof %s:\n", reflect_name(family.members[i]).bytes);
        }
        print_methods(family.members[i]);
    }
}

// ---- a method ----

// "error warning info"; nothing, of what is no enum.
static void enumerants_text(const struct capnp_schema *type, struct text *text) {
    const struct schema_enumerant_list enumerants = reflect_enumerants(type);
    for (uint32_t i = 0; i < schema_enumerant_list_count(enumerants); i++) {
        collect_string(text, i > 0 ? " " : "");
        collect_string(text, schema_enumerant_get_name(schema_enumerant_list_get(enumerants, i)).bytes);
    }
}

// "at most 24 bytes", "error warning info": what a field may be, beyond its type.
static void values_text(const struct capnp_schema *schema, struct schema_field field, struct text *text) {
    char number[SHELL_NUMBER_BYTES];
    struct schema_value value;
    const struct schema_annotation_list annotations = schema_field_get_annotations(field);
    const struct capnp_schema *type = reflect_field_type(schema, field);
    if (reflect_annotation(annotations, REFLECT_MAX_BYTES, &value)) {
        fmt_snprintf(number, sizeof(number), "%u", schema_value_get_uint32(value));
        collect_string(text, "at most ");
        collect_string(text, number);
        collect_string(text, " bytes");
    } else if (reflect_annotation(annotations, REFLECT_MAX_COUNT, &value)) {
        fmt_snprintf(number, sizeof(number), "%u", schema_value_get_uint32(value));
        collect_string(text, "at most ");
        collect_string(text, number);
    }
    if (type != nullptr) {
        enumerants_text(type, text);
    }
}

static void print_field(const struct capnp_schema *schema, struct schema_field field) {
    char type_bytes[CELL_BYTES] = "group", default_bytes[CELL_BYTES] = "", values_bytes[CELL_BYTES] = "";
    struct text type = {.size = CELL_BYTES, .bytes = type_bytes}, fallback = {.size = CELL_BYTES, .bytes = default_bytes};
    struct text values = {.size = CELL_BYTES, .bytes = values_bytes};
    if (schema_field_which(field) == SCHEMA_FIELD_SLOT) {
        const struct schema_field_slot slot = schema_field_get_slot(field);
        reflect_write_type(schema, schema_field_slot_get_type(slot), collect, &type);
        if (schema_field_slot_get_had_explicit_default(slot)) {
            reflect_write_value(schema, schema_field_slot_get_type(slot), schema_field_slot_get_default_value(slot), collect,
                                &fallback);
        }
        values_text(schema, field, &values);
    }
    table_cell(&shell.table, "%s", schema_field_get_name(field).bytes);
    table_cell(&shell.table, "%s", type_bytes);
    table_cell(&shell.table, "%s", default_bytes[0] != '\0' ? default_bytes : "-");
    table_cell(&shell.table, "%s", values_bytes[0] != '\0' ? values_bytes : "-");
}

static void print_shape(const char *titles, const struct capnp_schema *schema) {
    if (schema == nullptr || schema_field_list_count(reflect_fields(schema)) == 0) {
        return;
    }
    const struct schema_field_list fields = reflect_fields(schema);
    out("\n");
    table_begin(&shell.table, titles, out_sink, nullptr);
    for (uint32_t i = 0; i < schema_field_list_count(fields); i++) {
        print_field(schema, schema_field_list_get(fields, i));
    }
    table_end(&shell.table);
}

static void describe_method(const struct reflect_method *method) {
    char path[PATH_BYTES];
    out("method       %s.%s @%u\n", reflect_name(method->interface).bytes, schema_method_get_name(method->method).bytes,
        method->ordinal);
    out("interface    %s, id 0x%016llx\n", reflect_name(method->interface).bytes, (unsigned long long)method->interface->id);
    if (method->repeatable) {
        out("repeatable   doing it twice is the same as doing it once\n");
    }
    if (method->one_way) {
        out("one way      may be sent without waiting for the results\n");
    }
    out("\n");
    print_signature(method, 2);
    print_shape("PARAMETER TYPE DEFAULT VALUES", method->params);
    print_shape("RESULT TYPE DEFAULT VALUES", method->results);
    out("\n");
    manual_comment(path_of(path, method->interface, method));
}

// ---- the command ----

static void list_interface(void *context, const struct capnp_schema *interface) {
    (void)context;
    table_cell(&shell.table, "%s", reflect_name(interface).bytes);
    table_cell(&shell.table, "0x%016llx", (unsigned long long)interface->id);
    table_cell(&shell.table, "%u", reflect_method_count(interface) - reflect_first_method(interface));
}

static void suggest_interface(void *context, const struct capnp_schema *interface) {
    struct guess *guess = context;
    guess_add(guess, reflect_name(interface));
}

static void suggest_service(void *context, struct supervisor_service service) {
    guess_add(context, supervisor_service_get_name(service));
}

static int no_subject(const char *name) {
    struct guess guess = {.suggestion = suggestion_of(name)};
    for (const struct idl_interface *at = idl_interfaces; at->name != nullptr; at++) {
        guess_add(&guess, capnp_text(at->name));
    }
    each_interface(suggest_interface, &guess);
    (void)each_service(suggest_service, &guess);
    if (guess.suggestion.nearest != nullptr) {
        return fail("describe: there is no service or interface `%s`; did you mean `%s`?\n", name, guess.suggestion.nearest);
    }
    return fail("describe: there is no service or interface `%s`; `describe` lists the interfaces\n", name);
}

static int no_method(const char *name, const char *method_name, const struct capnp_schema *interface) {
    struct guess guess = {.suggestion = suggestion_of(method_name)};
    struct reflect_family family;
    reflect_family_of(interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        for (uint32_t j = reflect_first_method(family.members[i]); j < reflect_method_count(family.members[i]); j++) {
            struct reflect_method method;
            reflect_method_at(family.members[i], j, &method);
            guess_add(&guess, schema_method_get_name(method.method));
        }
    }
    if (guess.suggestion.nearest != nullptr) {
        return fail("describe: `%s` has no method `%s`; did you mean `%s`?\n", name, method_name, guess.suggestion.nearest);
    }
    return fail("describe: `%s` has no method `%s`; `describe %s` lists them\n", name, method_name, name);
}

// ---- a struct or an enum ----

// "Log.Stats" of "idl/log.capnp:Log.Stats".
static const char *name_in_contract(const struct capnp_schema *schema) {
    const char *whole = schema_node_get_display_name(reflect_node(schema)).bytes, *colon = strchr(whole, ':');
    return colon != nullptr ? colon + 1 : whole;
}

static void describe_type(const struct capnp_schema *type) {
    const bool is_enum = reflect_is(type, SCHEMA_NODE_ENUM);
    char path[PATH_BYTES];
    out("%s%s\nid           0x%016llx\n", is_enum ? "enum         " : "struct       ", name_in_contract(type),
        (unsigned long long)type->id);
    if (is_enum) {
        char values[SIGNATURE_BYTES / 4] = "";
        struct text text = {.size = sizeof(values), .bytes = values};
        enumerants_text(type, &text);
        out("values       ");
        out_wrapped(13, 13, values);
    }
    print_shape("FIELD TYPE DEFAULT VALUES", is_enum ? nullptr : type);
    out("\n");
    path_in_contract(path, type, name_in_contract(type));
    manual_summary(path, 0);
    out("`man %s` says more.\n", path);
}

// Describes each struct and enum of this name: contracts may have some of one name. Returns how many.
static size_t describe_types(const char *name) {
    size_t count = 0;
    for (const struct capnp_schema *const *const *contract = idl_schemas; *contract != nullptr; contract++) {
        for (const struct capnp_schema *const *at = *contract; *at != nullptr; at++) {
            char path[PATH_BYTES];
            path_in_contract(path, *at, name_in_contract(*at));
            if (!reflect_is(*at, SCHEMA_NODE_INTERFACE) &&
                (str_equal(name_in_contract(*at), name) || str_equal(path, name))) {
                out(count++ > 0 ? "\n" : "");
                describe_type(*at);
            }
        }
    }
    return count;
}

// `whole` is SERVICE.METHOD, and `dot` the place of the dot.
static int describe_method_called(const char *whole, const char *dot) {
    const struct capnp_schema *subjects[PROVIDED_MAX];
    struct reflect_method method;
    char name[TYPE_NAME_BYTES];
    const size_t count = str_copy_bytes(name, sizeof(name), whole, (size_t)(dot - whole)) ? subjects_called(name, subjects) : 0;
    if (count > 0 && dot[1] == '\0') {
        return misused("describe: which method? `describe %s` lists them\n", name);
    }
    for (size_t i = 0; i < count; i++) {
        if (interface_find_method(subjects[i], capnp_text(dot + 1), &method)) {
            describe_method(&method);
            return COMMAND_OK;
        }
    }
    return count == 0 ? no_subject(name) : no_method(name, dot + 1, subjects[0]);
}

int command_describe(const struct arguments *arguments) {
    const struct capnp_schema *subjects[PROVIDED_MAX];
    if (arguments->count == 1) {
        table_begin(&shell.table, "INTERFACE ID >METHODS", out_sink, nullptr);
        each_interface(list_interface, nullptr);
        table_end(&shell.table);
        return COMMAND_OK;
    }
    const char *name = arguments->words[1], *dot = strrchr(name, '.');
    const size_t count = subjects_called(name, subjects);
    for (size_t i = 0; i < count; i++) {
        out(i > 0 ? "\n" : "");
        describe_interface(subjects[i]);
    }
    if (count > 0) {
        return COMMAND_OK;
    }
    if (describe_types(name) > 0) {
        return COMMAND_OK;
    }
    return dot != nullptr ? describe_method_called(name, dot) : no_subject(name);
}

// ---- completion ----

struct offer {
    const char *prefix;
    size_t interface_bytes; // of the prefix, before a dot
    void (*function)(void *context, const char *name);
    void *context;
};

static void offer_interface(void *context, const struct capnp_schema *interface) {
    struct offer *offer = context;
    offer->function(offer->context, reflect_name(interface).bytes);
}

static void offer_methods(struct offer *offer, const struct capnp_schema *interface) {
    struct reflect_family family;
    reflect_family_of(interface, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        for (uint32_t j = reflect_first_method(family.members[i]); j < reflect_method_count(family.members[i]); j++) {
            struct reflect_method method;
            char name[2 * TYPE_NAME_BYTES];
            reflect_method_at(family.members[i], j, &method);
            fmt_snprintf(name, sizeof(name), "%.*s.%s", (int)offer->interface_bytes, offer->prefix,
                         schema_method_get_name(method.method).bytes);
            offer->function(offer->context, name);
        }
    }
}

static const char *last_dot(const char *text, size_t len) {
    while (len > 0 && text[len - 1] != '.') {
        len--;
    }
    return len > 0 ? text + len - 1 : nullptr;
}

void each_described(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context) {
    const struct capnp_schema *subjects[PROVIDED_MAX];
    const char *dot = last_dot(prefix, prefix_bytes);
    struct offer offer = {.prefix = prefix, .function = function, .context = context};
    char name[TYPE_NAME_BYTES];
    if (dot == nullptr) {
        for (const struct idl_interface *at = idl_interfaces; at->name != nullptr; at++) {
            function(context, at->name);
        }
        each_interface(offer_interface, &offer);
        return;
    }
    offer.interface_bytes = (size_t)(dot - prefix);
    const size_t count = str_copy_bytes(name, sizeof(name), prefix, offer.interface_bytes) ? subjects_called(name, subjects) : 0;
    for (size_t i = 0; i < count; i++) {
        offer_methods(&offer, subjects[i]);
    }
}
