#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "idl/metrics.capnp.h"
#include "idl/random.capnp.h"
#include "idl/schemas.h"
#include "lib/tess/capset.h"
#include "tests/contracts/hostile.h"

constexpr uint64_t PATIENCE_MS = 5'000, PREPARE_MS = 20'000;
constexpr uint32_t PROCESSES_MAX = 32;
constexpr uint64_t KERNEL_OBJECT = 0xc96d'30b1'f27e'4a58; // the annotation of idl/tessera.capnp

static struct service services[SERVICES_MAX];
static uint32_t service_count;

// ---- what there is ----

// The interface that extends this one for some only; nullptr when there is none.
static const struct capnp_schema *control_of(const struct capnp_schema *plain) {
    for (const struct capnp_schema *const *const *file = idl_schemas; *file != nullptr; file++) {
        for (const struct capnp_schema *const *at = *file; *at != nullptr; at++) {
            if (*at != plain && reflect_is(*at, SCHEMA_NODE_INTERFACE) && reflect_extends(*at, plain->id)) {
                return *at;
            }
        }
    }
    return nullptr;
}

static bool find_service(const char *name, struct service *out) {
    char control[40];
    *out = (struct service){.name = name, .schema = idl_schema_by_name(name)};
    out->controls = control_of(out->schema);
    fmt_snprintf(control, sizeof control, "%s_control", name);
    return suite_check(status_ok(tess_cap(name, out->schema->id, &out->plain)), name, __FILE__, __LINE__) &&
           (out->controls == nullptr ||
            suite_check(status_ok(tess_cap(control, 0, &out->control)), control, __FILE__, __LINE__));
}

// How many capabilities get through to the service, which refuses them then: nothing points to them.
static uint32_t find_accept(const struct service *service) {
    struct raw raw = {.label = RPC_CONTRACT, .words = {service->schema->id}};
    while (raw.handle_count < MESSAGE_HANDLES) {
        raw.handles[raw.handle_count++] = suite.process;
        if (!status_ok(raw_call(service->plain, &raw).status)) {
            return raw.handle_count - 1;
        }
    }
    return MESSAGE_HANDLES;
}

static bool is_kernel_object(const struct capnp_schema *schema) {
    struct schema_value value;
    return reflect_annotation(schema_node_get_annotations(reflect_node(schema)), KERNEL_OBJECT, &value);
}

// The shell makes one for each program in a pipe; no service provides it.
static bool is_made_when_wanted(const struct idl_interface *interface) {
    return str_equal(interface->name, "input");
}

static bool services_find(void) {
    static bool found;
    for (const struct idl_interface *at = idl_interfaces; !found && at->name != nullptr; at++) {
        if (is_kernel_object(idl_schema_by_name(at->name)) || is_made_when_wanted(at)) {
            continue;
        }
        struct service *service = &services[service_count++];
        if (service_count > SERVICES_MAX || !find_service(at->name, service)) {
            return false;
        }
        service->accept = find_accept(service);
    }
    return found = true;
}

// Every service has begun, and whoever counts has its page of metricsd's: from here on nothing is made but what a case makes.
void suite_before_all(void) {
    RPC_CALL(call);
    const uint64_t deadline_ns = suite_after_ms(PREPARE_MS);
    int64_t drawn = 0; // as metricsd sees it
    while (services_find() && drawn == 0 && suite_now_ns() < deadline_ns) {
        struct metrics_samples_results results;
        const struct random random = {service_named("random")->plain};
        const struct metrics metrics = {service_named("metrics")->plain};
        (void)random_call_draw(random, &call, deadline_ns, nullptr); // rngd sees to its page when it is used
        if (status_ok(metrics_call_samples(metrics, &call, 0, CAPNP_TEXT("random_draws"), deadline_ns, &results))) {
            const struct metrics_sample_list found = metrics_samples_results_get_samples(results);
            drawn = metrics_sample_list_count(found) > 0 ? metrics_sample_get_value(metrics_sample_list_get(found, 0)) : 0;
        }
    }
}

const struct service *service_named(const char *name) {
    for (uint32_t i = 0; services_find() && i < service_count; i++) {
        if (str_equal(services[i].name, name)) {
            return &services[i];
        }
    }
    (void)suite_check(false, name, __FILE__, __LINE__);
    return &services[0];
}

// ---- requests ----

void raw_begin(struct raw *raw, const struct attempt *at) {
    memset(raw, 0, sizeof *raw);
    raw->label = RPC_CONTRACT | at->method.ordinal;
    raw->words[0] = at->method.interface->id;
}

void raw_page(struct raw *raw, const struct attempt *at) {
    raw_begin(raw, at);
    raw->page[0] = (uint64_t)at->data_words << 32 | (uint64_t)at->pointers << 48;
    raw->page_bytes = 8 * (1u + at->data_words + at->pointers);
}

static void compose(const struct raw *raw, struct tess_message *message) {
    *message = (struct tess_message){.info = message_info(raw->label, raw->page_bytes, raw->handle_count, 0)};
    memcpy(message->words, raw->words, sizeof message->words);
    for (uint32_t i = 0; i < raw->handle_count; i++) {
        tess_message_set_handle(message, i, raw->handles[i]);
    }
    memcpy(suite_page(), raw->page, raw->page_bytes);
}

struct outcome raw_call(handle_t handle, const struct raw *raw) {
    struct tess_message message;
    compose(raw, &message);
    const status_t status = tess_call(handle, &message, suite_after_ms(PATIENCE_MS));
    return (struct outcome){status, status_ok(status) ? message_label(message.info) : 0};
}

static handle_t handle_of(const struct attempt *at) {
    return at->control ? at->service->control : at->service->plain;
}

void expect(const struct attempt *at, const char *what, const struct raw *raw, uint32_t label) {
    char text[160];
    struct tess_message message;
    const struct capnp_text method = schema_method_get_name(at->method.method);
    const bool taken = raw->handle_count <= at->service->accept;
    const status_t expected = taken ? STATUS_OK : STATUS_TOO_LARGE;
    const struct outcome saw = raw_call(handle_of(at), raw);
    fmt_snprintf(text, sizeof text, "%s.%.*s%s: %s: status %u, answer %u for %u", at->service->name, (int)method.len,
                 method.bytes, at->control ? " (control)" : "", what, saw.status.code, saw.label, label);
    (void)suite_check(status_is(saw.status, expected) && (!taken || saw.label == label), text, __FILE__, __LINE__);
    compose(raw, &message);
    (void)suite_check_status(tess_send(handle_of(at), &message, suite_after_ms(PATIENCE_MS)), expected, text, __FILE__,
                             __LINE__);
}

// ---- every method ----

static void each_of_facet(const struct service *service, bool control, void (*each)(const struct attempt *at)) {
    struct reflect_family family;
    reflect_family_of(control ? service->controls : service->schema, &family);
    for (uint32_t i = 0; i < family.count; i++) {
        for (uint32_t m = 0; m < reflect_method_count(family.members[i]); m++) {
            struct attempt at = {.service = service, .control = control};
            reflect_method_at(family.members[i], m, &at.method);
            const struct schema_node_struct params = schema_node_get_struct(reflect_node(at.method.params));
            at.data_words = schema_node_struct_get_data_word_count(params);
            at.pointers = schema_node_struct_get_pointer_count(params);
            each(&at);
        }
    }
}

static void each_once(void (*each)(const struct attempt *at)) {
    for (uint32_t i = 0; i < service_count; i++) {
        each_of_facet(&services[i], false, each);
        if (services[i].controls != nullptr) {
            each_of_facet(&services[i], true, each);
        }
    }
}

// ---- services are as they were ----

struct snapshot {
    uint32_t count;
    struct inspect_process processes[PROCESSES_MAX];
};

// Something that can always be asked, whatever there is: parameters of zeros, no pointers, and asking twice does no harm.
static bool answers_anything(const struct attempt *at) {
    return at->method.repeatable && at->pointers == 0 && !at->control;
}

static uint32_t asked;

static void ask(const struct attempt *at) {
    struct raw raw;
    if (answers_anything(at)) {
        raw_begin(&raw, at);
        const struct outcome saw = raw_call(at->service->plain, &raw);
        const bool answered = status_ok(saw.status) && saw.label == 0;
        (void)suite_check(answered || saw.label == RPC_OVERLOADED, at->service->name, __FILE__, __LINE__);
        asked |= (uint32_t)answered << (at->service - services);
    }
}

// Each service is asked first: then it is done with whatever came before.
static void take_snapshot(struct snapshot *out) {
    uint64_t count = 0, after = 0;
    struct inspect_system settled;
    *out = (struct snapshot){};
    asked = 0;
    each_once(ask);
    EXPECT_EQ(asked, (1u << service_count) - 1);
    suite_settled(&settled);
    while (status_ok(tess_inspector_processes(suite.inspector, after, &count)) && count > 0) {
        const struct inspect_process *shown = (const void *)suite_page();
        for (uint64_t i = 0; i < count; i++) {
            after = shown[i].koid;
            if (!str_equal(shown[i].name, "contract_suite") && out->count < PROCESSES_MAX) {
                out->processes[out->count++] = shown[i];
            }
        }
    }
}

static void compare(const struct snapshot *before, const struct snapshot *after, bool also_what_they_hold) {
    (void)suite_check_eq(after->count, before->count, "processes", __FILE__, __LINE__);
    for (uint32_t i = 0; i < after->count && i < before->count; i++) {
        const struct inspect_process *was = &before->processes[i], *is = &after->processes[i];
        (void)suite_check_eq(is->koid, was->koid, was->name, __FILE__, __LINE__);
        if (also_what_they_hold) {
            (void)suite_check_eq(is->handles, was->handles, was->name, __FILE__, __LINE__);
            (void)suite_check_eq(is->account_used_bytes, was->account_used_bytes, was->name, __FILE__, __LINE__);
        }
    }
}

static void around(void (*run)(void), void (*each)(const struct attempt *at)) {
    static struct snapshot first, second, third;
    REQUIRE(services_find());
    take_snapshot(&first);
    for (unsigned i = 0; i < 3; i++) {
        take_snapshot(&second); // earlier rounds may leave tables and page tables, and the charge of one mapping, that stay
        if (each != nullptr) {
            each_once(each);
        } else {
            run();
        }
    }
    take_snapshot(&third);
    compare(&first, &third, false);
    compare(&second, &third, true);
}

void each_method(void (*each)(const struct attempt *at)) {
    around(nullptr, each);
}

void twice(void (*run)(void)) {
    around(run, nullptr);
}
