#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/xxh64.h"
#include "idl/interfaces.h"
#include "idl/log.capnp.h"
#include "lib/supervise/reason.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "services/init/init.h"
#include "tess_arch.h"

constexpr uint64_t PROCESS_STATE_ENDED = 2; // process.info
constexpr uint32_t END_BITS = 64;
constexpr size_t ARGUMENTS_MAX = 64; // as many as the start code of a program takes

static uint64_t end_bit(const struct init_unit *unit) {
    return 1ull << (unit->id % END_BITS);
}

static status_t add_endpoint(struct init_unit *unit, const char *name) {
    if (init.endpoint_count == INIT_ENDPOINTS_MAX) {
        return STATUS_TOO_LARGE;
    }
    struct init_endpoint *endpoint = &init.endpoints[init.endpoint_count];
    uint64_t interface_id = idl_interface_by_name(name);
    if (interface_id == 0) {
        interface_id = xxh64(name, strlen(name), 0); // an interface that only its users know
    }
    *endpoint = (struct init_endpoint){.name = name, .interface_id = interface_id, .provider = unit};
    TRY(tess_account_create_endpoint(init.account, interface_id, &endpoint->endpoint));
    init.endpoint_count++;
    return STATUS_OK;
}

static void place(struct init_unit *unit, const struct manifest_unit *spec, bool is_job) {
    if (unit->spec != nullptr) {
        roster_remove(init.roster, unit->id); // of a job that is forgotten now
    }
    *unit = (struct init_unit){.spec = spec, .id = init.next_id++, .is_job = is_job};
    if (is_job) {
        char suffix[16];
        size_t len = fmt_snprintf(suffix, sizeof suffix, ".%u", unit->id);
        fmt_snprintf(unit->name, sizeof unit->name, "%.*s%s", (int)(sizeof unit->name - 1 - len), spec->name,
                     suffix);
    } else {
        (void)str_copy(unit->name, sizeof unit->name, spec->name);
    }
    // There is room for all places. It stands there before anybody can meet the unit.
    const bool entered = roster_put(init.roster, unit->id, unit->name);
    TESS_ASSERT(entered);
    supervise_init(&unit->life, (enum supervise_policy)spec->restart);
    if (is_job) {
        unit->life.policy = SUPERVISE_NEVER;
    }
}

status_t units_init(void) {
    static_assert((int)SUPERVISE_NEVER == (int)MANIFEST_RESTART_NEVER &&
                  (int)SUPERVISE_ON_FAILURE == (int)MANIFEST_RESTART_ON_FAILURE &&
                  (int)SUPERVISE_ALWAYS == (int)MANIFEST_RESTART_ALWAYS);
    static_assert((int)BAND_REALTIME == (int)MANIFEST_BAND_REALTIME &&
                  (int)BAND_INTERACTIVE == (int)MANIFEST_BAND_INTERACTIVE &&
                  (int)BAND_NORMAL == (int)MANIFEST_BAND_NORMAL &&
                  (int)BAND_BACKGROUND == (int)MANIFEST_BAND_BACKGROUND);
    static_assert(MANIFEST_PROVIDED_MAX <= INIT_ENDPOINTS_MAX && INIT_UNITS_MAX < ROSTER_ENTRIES);
    init.next_id = INIT_FIRST_ID;
    for (size_t i = 0; i < init.manifest.unit_count; i++) {
        const struct manifest_unit *spec = &init.manifest.units[i];
        if (spec->kind != MANIFEST_SERVICE) {
            continue;
        }
        struct init_unit *unit = &init.units[init.service_count++];
        place(unit, spec, false);
        for (uint32_t j = 0; j < capnp_text_list_count(spec->provides); j++) {
            TRY(add_endpoint(unit, manifest_word(spec->provides, j)));
        }
    }
    init.unit_limit = init.service_count;
    // The places that jobs use first are committed now, so that running a program leaves memory as it was.
    for (size_t i = 0; i < INIT_JOBS_KEPT; i++) {
        *(volatile uint32_t *)&init.units[init.service_count + i].id = 0;
    }
    return STATUS_OK;
}

struct init_unit *unit_new_job(const struct manifest_unit *spec) {
    struct init_unit *oldest = nullptr, *free_place = nullptr;
    size_t ended = 0;
    for (size_t i = init.service_count; i < init.unit_limit; i++) {
        struct init_unit *unit = &init.units[i];
        if (unit->spec == nullptr) {
            free_place = free_place != nullptr ? free_place : unit;
        } else if (!unit_runs(unit)) {
            ended++;
            oldest = oldest == nullptr || unit->life.ended_ns < oldest->life.ended_ns ? unit : oldest;
        }
    }
    bool room = init.unit_limit < init.service_count + INIT_JOBS_MAX;
    struct init_unit *unit = free_place;
    if (unit == nullptr && oldest != nullptr && (ended >= INIT_JOBS_KEPT || !room)) {
        unit = oldest;
    } else if (unit == nullptr && room) {
        unit = &init.units[init.unit_limit++];
    }
    if (unit != nullptr) {
        place(unit, spec, true);
    }
    return unit;
}

// The program's name, what the manifest says, what the user says.
static status_t make_arguments(const struct init_unit *unit, const char *const *given, size_t given_count,
                               const char **argv, uint32_t *argc) {
    *argc = 0;
    argv[(*argc)++] = unit->spec->name;
    static_assert(1 + MANIFEST_ARGUMENTS_MAX <= ARGUMENTS_MAX);
    for (uint32_t i = 0; i < manifest_argument_list_count(unit->spec->args); i++) {
        const char *word = manifest_argument_word(unit->spec, i);
        word = word == manifest_boot_command_line ? init.cmdline : word;
        if (word != nullptr) {
            argv[(*argc)++] = word;
        }
    }
    if (given_count > ARGUMENTS_MAX - *argc) {
        return STATUS_TOO_LARGE;
    }
    for (size_t i = 0; i < given_count; i++) {
        argv[(*argc)++] = given[i];
    }
    return STATUS_OK;
}

static status_t spawn(struct init_unit *unit, const struct package_entry *file, const char *const *given,
                      size_t given_count, char *why, size_t why_bytes) {
    static struct spawn_grant grants[BOOTSTRAP_MAX_CAPS]; // large; init has one thread
    static bool temporary[BOOTSTRAP_MAX_CAPS];
    const char *argv[ARGUMENTS_MAX];
    struct spawn_request request = {
        .name = unit->name,
        .account = unit->account,
        .image = init.package_vmo,
        .image_offset = file->offset_bytes,
        .image_bytes = file->len_bytes,
        .mapped = file->bytes,
        .band = unit->foreground ? BAND_INTERACTIVE : unit->spec->band,
        .stack_bytes = unit->spec->stack_bytes,
        .argv = argv,
        .grants = grants,
        .watch = init.ends,
        .watch_bits = end_bit(unit),
    };
    TRY(make_arguments(unit, given, given_count, argv, &request.argc));
    status_t status =
        grant_make(unit, unit->account, grants, temporary, &request.grant_count, why, why_bytes);
    if (status_ok(status)) {
        status = tess_spawn(&request, &unit->process, why, why_bytes);
    }
    if (status_ok(status)) {
        grant_remember(unit, grants, request.grant_count);
    }
    grant_release(grants, temporary, request.grant_count);
    return status;
}

static status_t try_start(struct init_unit *unit, const char *const *given, size_t given_count, char *why,
                          size_t why_bytes) {
    struct package_entry file;
    if (!package_find(&init.package, BOOT_ENTRY_PROGRAM, unit->spec->program, &file)) {
        fmt_snprintf(why, why_bytes, "%s: the boot package has no program `%s`, which %s:%u asks for",
                     unit->name, unit->spec->program, unit->spec->source, unit->spec->line);
        return STATUS_NOT_FOUND;
    }
    status_t status = tess_account_create_account(init.account, unit->spec->memory_bytes, &unit->account);
    if (!status_ok(status)) {
        fmt_snprintf(why, why_bytes, "%s: the %lu KiB that %s:%u reserves for it are not there", unit->name,
                     unit->spec->memory_bytes / 1024, unit->spec->source, unit->spec->line);
        return status;
    }
    status = spawn(unit, &file, given, given_count, why, why_bytes);
    if (!status_ok(status)) {
        tess_close(tess_handle_take(&unit->account));
    }
    return status;
}

// Without this service nobody could use the system: better to stop than to look alive.
static void stop_if_essential(const struct init_unit *unit) {
    if (unit->spec->essential && unit->life.state == SUPERVISE_FAILED && !init.closing) {
        char line[256];
        fmt_snprintf(line, sizeof line, "init: the essential service %s is given up (%s); the system stops",
                     unit->name, unit->reason);
        power_down(SUPERVISOR_CONTROL_POWER_OFF, line);
    }
}

// The program's file is missing or no good: it will be no better the next time.
static bool is_hopeless(status_t status) {
    return status_is(status, STATUS_NOT_FOUND) || status_is(status, STATUS_BAD_ARGUMENT);
}

status_t unit_start(struct init_unit *unit, const char *const *arguments, size_t argument_count) {
    char why[256] = "it could not be started";
    outbox_permit(unit);
    status_t status = try_start(unit, arguments, argument_count, why, sizeof why);
    uint64_t now = tess_now_ns();
    if (status_ok(status)) {
        bool again = unit->life.ended_ns != 0;
        supervise_started(&unit->life, now);
        unit->started_ns = now;
        outbox_restarted(unit);
        if (again) {
            outbox_log(unit, LOG_LEVEL_INFO, "%s started again (restart %u)", unit->name, unit->life.restarts);
        }
        return status;
    }
    if (is_hopeless(status)) {
        supervise_hopeless(&unit->life, now);
    } else {
        supervise_start_failed(&unit->life, now);
    }
    (void)str_copy(unit->reason, sizeof unit->reason, why);
    outbox_log(unit, LOG_LEVEL_ERROR, "%s", why);
    stop_if_essential(unit);
    if (!unit->is_job && (unit->life.failures <= 1 || unit->life.state == SUPERVISE_FAILED)) {
        char line[300];
        fmt_snprintf(line, sizeof line, "init: cannot start %s%s", why,
                     unit->life.state == SUPERVISE_FAILED ? " (given up)" : "");
        outbox_announce(line);
    }
    return status;
}

void unit_kill(struct init_unit *unit) {
    supervise_kill(&unit->life);
    (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
}

// Files why it ended, and with a fault also the registers.
static void report_end(struct init_unit *unit, const struct exit_record *record) {
    bool expected = unit->life.killed || init.closing;
    bool good = record->kind == EXIT_NORMAL && record->code == 0;
    bool crash = record->kind == EXIT_FAULT ||
                 (record->kind == EXIT_NORMAL && (record->code == TESS_EXIT_PANIC || record->code == TESS_EXIT_STACK));
    (crash ? outbox_crash : outbox_log)(unit, good || expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s ended: %s",
                                        unit->name, unit->reason);
    if (record->kind == EXIT_FAULT) {
        static const char *const names[16] = TESS_ARCH_REGISTER_NAMES;
        char registers[400];
        reason_registers(record, names, registers, sizeof registers);
        outbox_crash(unit, LOG_LEVEL_DEBUG, "%s: %s", unit->name, registers);
    }
}

static void settle(struct init_unit *unit) {
    struct exit_record record = {.kind = EXIT_KILLED};
    if (status_ok(tess_process_exit_record(unit->process.process))) {
        memcpy(&record, tess_message_page(), sizeof record);
    }
    const struct reason_image image = {
        .name = unit->spec->program,
        .base = unit->process.image_base,
        .end = unit->process.image_end,
        .stack_low = unit->process.stack_base,
        .stack_high = unit->process.stack_end,
    };
    reason_text(&record, &image, unit->reason, sizeof unit->reason);
    unit->exit_kind = record.kind;
    unit->exit_code = record.code;
    (void)tess_account_info(unit->account, nullptr, nullptr, &unit->peak_bytes, nullptr);
    report_end(unit, &record);
    (void)tess_account_end(unit->account); // what it started goes with it

    tess_close(tess_handle_take(&unit->process.thread));
    tess_close(tess_handle_take(&unit->process.process));
    tess_close(tess_handle_take(&unit->account));
    free(unit->capset.entries);
    unit->capset = (struct init_capset){};
    supervise_ended(&unit->life, tess_now_ns(), record.kind == EXIT_NORMAL && record.code == 0);
    if (unit->life.state == SUPERVISE_FAILED) {
        outbox_log(unit, LOG_LEVEL_ERROR, "%s ended %u times in a row and is given up; `restart %s` tries again",
                   unit->name, unit->life.failures, unit->name);
        stop_if_essential(unit);
    }
    if (tess_handle_valid(unit->watcher)) {
        (void)tess_signal(unit->watcher, unit->watch_bits); // a watcher that is gone needs none
        tess_close(tess_handle_take(&unit->watcher));
    }
}

void units_collect(uint64_t bits) {
    for (size_t i = 0; i < init.unit_limit; i++) {
        struct init_unit *unit = &init.units[i];
        uint64_t state = 0;
        if (unit->spec != nullptr && unit_runs(unit) && (bits & end_bit(unit)) != 0 &&
            status_ok(tess_process_info(unit->process.process, nullptr, &state, nullptr, nullptr, nullptr,
                                        nullptr, nullptr, nullptr)) &&
            state == PROCESS_STATE_ENDED) {
            settle(unit);
        }
    }
}

uint64_t units_start_due(void) {
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < init.service_count; i++) {
        struct init_unit *unit = &init.units[i];
        uint64_t due = supervise_due_ns(&unit->life);
        if (due != UINT64_MAX && due <= tess_now_ns()) {
            (void)unit_start(unit, nullptr, 0); // its life says when the next try is
            due = supervise_due_ns(&unit->life);
        }
        next = due < next ? due : next;
    }
    return next;
}

struct init_unit *unit_by_id(uint32_t id) {
    for (size_t i = 0; i < init.unit_limit; i++) {
        if (init.units[i].spec != nullptr && init.units[i].id == id) {
            return &init.units[i];
        }
    }
    return nullptr;
}

struct init_unit *unit_by_name(const char *name) {
    for (size_t i = 0; i < init.unit_limit; i++) {
        if (init.units[i].spec != nullptr && str_equal(init.units[i].name, name)) {
            return &init.units[i];
        }
    }
    uint64_t id;
    return str_parse_u64(name, strlen(name), &id) && id <= UINT32_MAX ? unit_by_id((uint32_t)id) : nullptr;
}
