#include "lib/authority/planned.h"

#include "abi/gen/abi.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "idl/lifecycle.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/badge/badge.h"

constexpr uint32_t PLAIN = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t CLIENT = PLAIN | RIGHT_SEND_BIT, RECEIVER = RIGHT_RECEIVE_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t DEVICE = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_INSPECT_BIT, READABLE = PLAIN | RIGHT_READ_BIT | RIGHT_MAP_BIT;
constexpr uint32_t PAYS = PLAIN | RIGHT_CREATE_BIT | RIGHT_MANAGE_BIT;

// Koids: of each process a block, in the order of processes, for what it is made of; of the endpoints that services provide; of what
// there is one of; and behind those of whatever else is made.
enum { OF_PROCESS, OF_SPACE, OF_ACCOUNT, OF_THREAD, OF_LIFECYCLE, BLOCK };
constexpr uint64_t FIRST_ENDPOINT = BLOCK * (MANIFEST_UNITS_MAX + 2), THE_INSPECTOR = FIRST_ENDPOINT + MANIFEST_PROVIDED_MAX + 1,
                   THE_TRACE = THE_INSPECTOR + 1, THE_RESOURCE = THE_TRACE + 1, FIRST_OTHER = THE_RESOURCE + 1;

struct plan {
    const struct manifest *manifest;
    enum authority_programs programs;
    const char *program;
    struct authority *graph;
    uint64_t next_koid;
    uint32_t process; // the one that is being put together: 0 the supervisor, n the manifest's unit n - 1
    uint32_t handle;
    bool failed; // there was no memory
};

static uint64_t koid_of(uint32_t process, uint32_t part) {
    return (uint64_t)(process + 1) * BLOCK + part;
}

static bool runs(const struct plan *plan, const struct manifest_unit *unit) {
    return unit->kind == MANIFEST_SERVICE || plan->programs == AUTHORITY_EVERY_PROGRAM ||
           (plan->programs == AUTHORITY_THIS_PROGRAM && str_equal(unit->name, plan->program));
}

// ---- what services provide ----

// The number of a provided name, 0 for what the supervisor itself provides, and which process does. False: nobody.
static bool provided(const struct manifest *manifest, const char *name, uint32_t *number, uint32_t *process) {
    uint32_t count = 1;
    for (uint32_t unit = 0; unit < manifest->unit_count; unit++) {
        const struct capnp_text_list provides = manifest->units[unit].provides;
        for (uint32_t i = 0; i < capnp_text_list_count(provides); i++, count++) {
            if (str_equal(manifest_word(provides, i), name)) {
                *number = count;
                *process = unit + 1;
                return true;
            }
        }
    }
    return false;
}

// ---- handles ----

static void hold(struct plan *plan, struct inspect_handle seen) {
    seen.handle = ++plan->handle;
    seen.origin = ORIGIN_GRANTED;
    plan->failed = plan->failed || !authority_add_handle(plan->graph, koid_of(plan->process, OF_PROCESS), &seen);
}

static void hold_object(struct plan *plan, uint32_t type, uint32_t rights, uint64_t koid) {
    hold(plan, (struct inspect_handle){.type = type, .rights = rights, .object_koid = koid});
}

static void describe(struct plan *plan, struct inspect_object object) {
    plan->failed = plan->failed || !authority_add_object(plan->graph, &object);
}

// The endpoint is served by this process.
static void describe_endpoint(struct plan *plan, uint64_t koid, uint32_t server) {
    describe(plan, (struct inspect_object){.koid = koid, .type = OBJECT_ENDPOINT, .numbers = {0, 0, koid_of(server, OF_THREAD), 0}});
}

// What every process is given: itself, and where its supervisor asks it to begin.
static void hold_itself(struct plan *plan, uint32_t process, uint32_t rights) {
    hold_object(plan, OBJECT_PROCESS, rights, koid_of(process, OF_PROCESS));
    hold_object(plan, OBJECT_THREAD, rights, koid_of(process, OF_THREAD));
    hold_object(plan, OBJECT_VSPACE, rights, koid_of(process, OF_SPACE));
    hold_object(plan, OBJECT_ACCOUNT, PAYS, koid_of(process, OF_ACCOUNT));
}

static void begin_process(struct plan *plan, const char *name, enum authority_unit_kind kind, const char *file, uint32_t line) {
    const uint64_t koid = koid_of(plan->process, OF_PROCESS);
    const struct inspect_process process = {.koid = koid, .account_koid = koid_of(plan->process, OF_ACCOUNT), .state = 1,
                                            .vspace_koid = koid_of(plan->process, OF_SPACE)};
    struct authority_unit unit = {.kind = kind, .manifest_line = line, .process_koid = koid};
    plan->handle = 0;
    plan->failed = plan->failed || !str_copy(unit.name, sizeof unit.name, name) || !str_copy(unit.manifest_file, sizeof unit.manifest_file, file) ||
                   !authority_add_process(plan->graph, &process) || !authority_add_unit(plan->graph, &unit) ||
                   !authority_add_account(plan->graph, koid_of(plan->process, OF_ACCOUNT), plan->process == 0 ? 0 : koid_of(0, OF_ACCOUNT));
    describe(plan, (struct inspect_object){.koid = koid_of(plan->process, OF_THREAD), .type = OBJECT_THREAD, .numbers = {0, 0, 0, koid}});
    hold_itself(plan, plan->process, PLAIN | RIGHT_MANAGE_BIT);
}

// ---- grants ----

// What is granted of the kernel's objects. Of what there is one only its koid; 0: each is another.
static const struct {
    uint32_t type, rights;
    uint64_t koid;
} objects[] = {
    [MANIFEST_GRANT_INSPECTOR] = {OBJECT_INSPECTOR, PLAIN, THE_INSPECTOR},
    [MANIFEST_GRANT_TRACE] = {OBJECT_TRACE, PLAIN | RIGHT_MANAGE_BIT, THE_TRACE},
    [MANIFEST_GRANT_NOTIFICATION] = {OBJECT_NOTIFICATION, PLAIN | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT, 0},
    [MANIFEST_GRANT_ENDPOINT] = {OBJECT_ENDPOINT, CLIENT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT, 0},
    [MANIFEST_GRANT_IOPORT] = {OBJECT_IOPORT, DEVICE, 0},
    [MANIFEST_GRANT_INTERRUPT] = {OBJECT_INTERRUPT, RIGHT_WAIT_BIT | RIGHT_INSPECT_BIT, 0},
    [MANIFEST_GRANT_ACCOUNT_KIB] = {OBJECT_ACCOUNT, PAYS, 0},
    [MANIFEST_GRANT_BOOT_PACKAGE] = {OBJECT_VMO, READABLE | RIGHT_EXECUTE_BIT, 0},
    [MANIFEST_GRANT_FILE] = {OBJECT_VMO, READABLE, 0},
    [MANIFEST_GRANT_ROSTER] = {OBJECT_VMO, READABLE, 0},
    [MANIFEST_GRANT_MANIFEST] = {OBJECT_VMO, READABLE, 0},
    [MANIFEST_GRANT_REAL_TIME_CLOCK] = {OBJECT_IOPORT, DEVICE, 0},
    [MANIFEST_GRANT_KEEP_KIB] = {OBJECT_VMO, DEVICE | RIGHT_MAP_BIT, 0},
    [MANIFEST_GRANT_CRASHES] = {OBJECT_VMO, READABLE, 0},
    [MANIFEST_GRANT_PROGRAMS] = {OBJECT_VMO, READABLE | RIGHT_EXECUTE_BIT, 0},
};

static struct inspect_handle resource_of(struct manifest_grant grant) {
    const enum manifest_resource which = manifest_grant_get_resource(grant);
    const uint32_t power = which == MANIFEST_RESOURCE_MINT ? 0 : RIGHT_POWER_BIT, mint = which == MANIFEST_RESOURCE_POWER ? 0 : RIGHT_CREATE_BIT;
    return (struct inspect_handle){.type = OBJECT_RESOURCE, .rights = PLAIN | power | mint, .object_koid = THE_RESOURCE};
}

// To call what is provided: as a client, or as who makes clients of it for others.
static struct inspect_handle client_of(const struct plan *plan, const char *name, uint32_t rights, bool control) {
    uint32_t number = 0, process = 0;
    const bool is_service = name[0] != '\0' && provided(plan->manifest, name, &number, &process);
    return (struct inspect_handle){.type = OBJECT_ENDPOINT, .rights = rights, .badge = control ? BADGE_CONTROL : 0,
                                   .interface_id = is_service ? idl_interface_by_name(name) : SUPERVISOR_ID,
                                   .object_koid = FIRST_ENDPOINT + number};
}

static struct inspect_handle another(struct plan *plan, enum manifest_grant_which like) {
    return (struct inspect_handle){.type = objects[like].type, .rights = objects[like].rights, .object_koid = plan->next_koid++};
}

static struct inspect_handle granted(struct plan *plan, struct manifest_grant grant, bool is_lent) {
    const enum manifest_grant_which which = manifest_grant_which(grant);
    const uint32_t rights = is_lent ? CLIENT | RIGHT_MINT_BIT : CLIENT;
    const bool control = !is_lent && manifest_grant_get_control(grant);
    switch (which) {
    case MANIFEST_GRANT_SERVICE: return client_of(plan, manifest_grant_get_service(grant).bytes, rights, control);
    case MANIFEST_GRANT_SUPERVISOR: return client_of(plan, "", rights, control);
    case MANIFEST_GRANT_RESOURCE: return resource_of(grant);
    case MANIFEST_GRANT_SERIAL: {
        const bool line = manifest_grant_serial_get_part(manifest_grant_get_serial(grant)) == MANIFEST_SERIAL_PART_INTERRUPT;
        return another(plan, line ? MANIFEST_GRANT_INTERRUPT : MANIFEST_GRANT_IOPORT);
    }
    default:
        if (objects[which].koid == 0) {
            return another(plan, which);
        }
        return (struct inspect_handle){.type = objects[which].type, .rights = objects[which].rights, .object_koid = objects[which].koid};
    }
}

// Under this name, by this line of the manifest.
static void put_as(struct plan *plan, const char *name, struct manifest_grant grant, struct inspect_handle seen) {
    hold(plan, seen);
    struct authority_grant one = {.process_koid = koid_of(plan->process, OF_PROCESS), .handle = plan->handle,
                                  .manifest_line = manifest_grant_get_line(grant)};
    manifest_grant_text(grant, one.source, sizeof one.source);
    plan->failed = plan->failed || !str_copy(one.name, sizeof one.name, name) ||
                   !str_copy(one.manifest_file, sizeof one.manifest_file, manifest_source(plan->manifest, manifest_grant_get_source(grant))) ||
                   !authority_add_grant(plan->graph, &one);
}

// What comes with the grants that are several things: news of crashes; and for who runs programs an account, what they are granted, and
// the programs themselves.
static void put_grant(struct plan *plan, struct manifest_grant grant) {
    struct manifest_grant lent;
    struct inspect_handle own = granted(plan, grant, false);
    own.rights &= manifest_grant_get_unshared(grant) ? ~(uint32_t)(RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT) : UINT32_MAX;
    put_as(plan, manifest_grant_get_name(grant).bytes, grant, own); // what comes with it is not unshared
    if (manifest_grant_which(grant) == MANIFEST_GRANT_CRASHES) {
        put_as(plan, MANIFEST_CRASHES_NEWS, grant, another(plan, MANIFEST_GRANT_NOTIFICATION));
    }
    if (manifest_grant_which(grant) != MANIFEST_GRANT_PROGRAMS) {
        return;
    }
    put_as(plan, MANIFEST_PROGRAMS_ACCOUNT, grant, another(plan, MANIFEST_GRANT_ACCOUNT_KIB));
    for (uint32_t i = 0; manifest_lent(plan->manifest, i, &lent); i++) {
        char name[AUTHORITY_NAME_BYTES];
        fmt_snprintf(name, sizeof name, MANIFEST_PROGRAMS_PREFIX "%u", i);
        put_as(plan, name, lent, granted(plan, lent, true));
    }
    for (uint32_t unit = 0; unit < plan->manifest->unit_count; unit++) {
        if (plan->manifest->units[unit].kind == MANIFEST_PROGRAM && runs(plan, &plan->manifest->units[unit])) {
            hold_itself(plan, unit + 1, PLAIN | RIGHT_MANAGE_BIT);
        }
    }
}

static void put_provided(struct plan *plan, const struct manifest_unit *unit) {
    for (uint32_t i = 0; i < capnp_text_list_count(unit->provides); i++) {
        struct inspect_handle seen = client_of(plan, manifest_word(unit->provides, i), RECEIVER, false);
        seen.rights = unit->mints ? CLIENT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT : RECEIVER;
        hold(plan, seen);
        describe_endpoint(plan, seen.object_koid, plan->process);
    }
}

// ---- processes ----

static void put_unit(struct plan *plan, const struct manifest_unit *unit) {
    const uint64_t lifecycle = koid_of(plan->process, OF_LIFECYCLE);
    begin_process(plan, unit->name, unit->kind == MANIFEST_SERVICE ? AUTHORITY_SERVICE : AUTHORITY_JOB, unit->source, unit->line);
    if (unit->kind == MANIFEST_SERVICE) {
        hold(plan, (struct inspect_handle){.type = OBJECT_ENDPOINT, .rights = RECEIVER, .interface_id = LIFECYCLE_ID, .object_koid = lifecycle});
        describe_endpoint(plan, lifecycle, plan->process);
    }
    put_provided(plan, unit);
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->grants); i++) {
        put_grant(plan, manifest_grant_list_get(unit->grants, i));
    }
}

// It holds the root of all, every endpoint that services provide, and a hold on each of them.
static void put_supervisor(struct plan *plan) {
    constexpr uint32_t ALL = CLIENT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT;
    begin_process(plan, "init", AUTHORITY_SUPERVISOR, "", 0);
    hold_object(plan, OBJECT_RESOURCE, PLAIN | RIGHT_POWER_BIT | RIGHT_CREATE_BIT, THE_RESOURCE);
    hold_object(plan, OBJECT_INSPECTOR, PLAIN, THE_INSPECTOR);
    hold_object(plan, OBJECT_TRACE, PLAIN | RIGHT_MANAGE_BIT, THE_TRACE);
    hold(plan, client_of(plan, "", ALL, false));
    describe_endpoint(plan, FIRST_ENDPOINT, 0);
    for (uint32_t unit = 0; unit < plan->manifest->unit_count; unit++) {
        const struct manifest_unit *of = &plan->manifest->units[unit];
        for (uint32_t i = 0; i < capnp_text_list_count(of->provides); i++) {
            hold(plan, client_of(plan, manifest_word(of->provides, i), ALL, false));
        }
        if (of->kind == MANIFEST_SERVICE) {
            hold(plan, (struct inspect_handle){.type = OBJECT_ENDPOINT, .rights = ALL, .interface_id = LIFECYCLE_ID,
                                               .object_koid = koid_of(unit + 1, OF_LIFECYCLE)});
            hold_itself(plan, unit + 1, PLAIN | RIGHT_MANAGE_BIT);
        }
    }
}

bool authority_plan(const struct manifest *manifest, enum authority_programs programs, const char *program, struct authority *graph) {
    struct plan plan = {.manifest = manifest, .programs = programs, .program = program, .graph = graph, .next_koid = FIRST_OTHER};
    put_supervisor(&plan);
    for (uint32_t unit = 0; unit < manifest->unit_count; unit++) {
        plan.process = unit + 1;
        if (runs(&plan, &manifest->units[unit])) {
            put_unit(&plan, &manifest->units[unit]);
        }
    }
    return !plan.failed;
}
