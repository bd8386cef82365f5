// The supervisor's contract (lib/wire/supervisor.h), one function a method. Nothing here waits.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/serve.h"
#include "lib/tess/syscall.h"
#include "services/init/init.h"

struct answer {
    enum wire_status status;
    uint64_t words[3];
    uint32_t page_bytes;
};

static struct answer answer(enum wire_status status) {
    return (struct answer){.status = status};
}

// --- lists ---

// Fills one entry of a list; false when the unit is none of that list.
typedef bool list_entry_fn(const struct init_unit *unit, void *entry);

// The unit with the lowest id from `id` on; places are reused, so their order says nothing.
static const struct init_unit *next_by_id(uint32_t id) {
    const struct init_unit *next = nullptr;
    for (size_t i = 0; i < init.unit_limit; i++) {
        const struct init_unit *unit = &init.units[i];
        if (unit->spec != nullptr && unit->id >= id && (next == nullptr || unit->id < next->id)) {
            next = unit;
        }
    }
    return next;
}

static struct answer list_units(const struct wire_request *request, size_t entry_bytes, list_entry_fn *fill) {
    uint64_t index = request->words[0], total = 0, count = 0;
    uint8_t *page = tess_message_page();
    uint64_t max = MESSAGE_PAGE_BYTES / entry_bytes;
    _Alignas(16) uint8_t entry[256];
    for (const struct init_unit *unit = next_by_id(0); unit != nullptr; unit = next_by_id(unit->id + 1)) {
        if (!fill(unit, entry)) {
            continue;
        }
        if (total++ >= index && count < max) {
            memcpy(page + count++ * entry_bytes, entry, entry_bytes);
        }
    }
    return (struct answer){.words = {count, total}, .page_bytes = (uint32_t)(count * entry_bytes)};
}

static void memory_of(const struct init_unit *unit, uint64_t *used, uint64_t *limit) {
    *limit = unit->spec->memory_bytes;
    *used = 0;
    if (unit_runs(unit)) {
        (void)tess_account_info(unit->account, nullptr, used, nullptr, nullptr);
    }
}

static bool fill_service(const struct init_unit *unit, void *to) {
    if (unit->is_job) {
        return false;
    }
    struct supervisor_service entry = {
        .id = unit->id,
        .state = unit->life.state,
        .restarts = unit->life.restarts,
        .band = unit->spec->band,
        .started_ns = unit->life.started_ns,
        .process_koid = unit_runs(unit) ? unit->process.koid.v : 0,
    };
    memory_of(unit, &entry.memory_used_bytes, &entry.memory_limit_bytes);
    (void)str_copy(entry.name, sizeof entry.name, unit->name);
    memcpy(to, &entry, sizeof entry);
    return true;
}

static void fill_job_entry(const struct init_unit *unit, struct supervisor_job *entry) {
    *entry = (struct supervisor_job){
        .id = unit->id,
        .state = unit->life.state,
        .exit_kind = unit->exit_kind,
        .foreground = unit->foreground,
        .exit_code = unit->exit_code,
        .started_ns = unit->started_ns,
        .ended_ns = unit->life.ended_ns,
        .process_koid = unit_runs(unit) ? unit->process.koid.v : 0,
    };
    memory_of(unit, &entry->memory_used_bytes, &entry->memory_limit_bytes);
    (void)str_copy(entry->name, sizeof entry->name, unit->spec->name);
    (void)str_copy(entry->reason, sizeof entry->reason, unit->reason);
}

static bool fill_job(const struct init_unit *unit, void *to) {
    if (!unit->is_job) {
        return false;
    }
    struct supervisor_job entry;
    fill_job_entry(unit, &entry);
    memcpy(to, &entry, sizeof entry);
    return true;
}

static struct answer list_programs(const struct wire_request *request) {
    uint64_t total = 0, count = 0;
    struct supervisor_program *page = tess_message_page();
    for (size_t i = 0; i < init.manifest.unit_count; i++) {
        const struct manifest_unit *spec = &init.manifest.units[i];
        if (spec->kind != MANIFEST_PROGRAM) {
            continue;
        }
        if (total++ >= request->words[0] && count < MESSAGE_PAGE_BYTES / sizeof *page) {
            page[count] = (struct supervisor_program){.memory_limit_bytes = spec->memory_bytes};
            (void)str_copy(page[count].name, sizeof page[count].name, spec->name);
            count++;
        }
    }
    return (struct answer){.words = {count, total}, .page_bytes = (uint32_t)(count * sizeof *page)};
}

// --- one unit ---

static struct answer describe_service(const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    if (!wire_name_request(request, name)) {
        return answer(WIRE_BAD_REQUEST);
    }
    const struct init_unit *unit = unit_by_name(name);
    if (unit == nullptr || unit->is_job) {
        return answer(WIRE_NOT_FOUND);
    }
    struct supervisor_detail detail = {
        .restart_policy = unit->spec->restart,
        .manifest_line = unit->spec->line,
        .peak_bytes = unit->peak_bytes,
        .ended_ns = unit->life.ended_ns,
    };
    (void)fill_service(unit, &detail.service);
    if (unit_runs(unit)) {
        (void)tess_account_info(unit->account, nullptr, nullptr, &detail.peak_bytes, nullptr);
    }
    (void)str_copy(detail.program, sizeof detail.program, unit->spec->program);
    (void)str_copy(detail.last_end, sizeof detail.last_end, unit->reason);
    for (uint32_t i = 0; i < unit->spec->provides.count; i++) {
        bool first = i == 0;
        (void)(first || str_append(detail.provides, sizeof detail.provides, " "));
        (void)str_append(detail.provides, sizeof detail.provides,
                         init.manifest.words[unit->spec->provides.first + i]);
    }
    for (uint32_t i = 0; i < unit->spec->args.count; i++) {
        bool fits =
            (i == 0 || str_append(detail.args, sizeof detail.args, " ")) &&
            str_append(detail.args, sizeof detail.args, init.manifest.words[unit->spec->args.first + i]);
        if (!fits) {
            memcpy(&detail.args[sizeof detail.args - 4], "...", 4);
            break;
        }
    }
    memcpy(tess_message_page(), &detail, sizeof detail);
    return (struct answer){.page_bytes = sizeof detail};
}

static struct answer describe_job(const struct wire_request *request) {
    const struct init_unit *unit =
        request->words[0] <= UINT32_MAX ? unit_by_id((uint32_t)request->words[0]) : nullptr;
    if (unit == nullptr || !unit->is_job) {
        return answer(WIRE_NOT_FOUND);
    }
    fill_job_entry(unit, tess_message_page());
    return (struct answer){.page_bytes = sizeof(struct supervisor_job)};
}

static struct answer list_capset(const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    if (!wire_name_request(request, name)) {
        return answer(WIRE_BAD_REQUEST);
    }
    const struct init_unit *unit = unit_by_name(name);
    if (unit == nullptr) {
        return answer(WIRE_NOT_FOUND);
    }
    const size_t max = MESSAGE_PAGE_BYTES / sizeof *unit->capset.entries;
    uint64_t first = request->words[0] < unit->capset.count ? request->words[0] : unit->capset.count;
    size_t count = unit->capset.count - first < max ? unit->capset.count - (size_t)first : max;
    size_t bytes = count * sizeof *unit->capset.entries;
    if (bytes > 0) {
        memcpy(tess_message_page(), unit->capset.entries + first, bytes);
    }
    return (struct answer){.words = {count, unit->capset.count, unit_runs(unit) ? unit->process.koid.v : 0},
                           .page_bytes = (uint32_t)bytes};
}

// --- actions ---

static enum wire_status start_failure(status_t status) {
    if (status_is(status, STATUS_NO_MEMORY)) {
        return WIRE_NO_MEMORY;
    }
    if (status_is(status, STATUS_TOO_LARGE)) {
        return WIRE_TOO_LARGE;
    }
    return status_is(status, STATUS_BAD_ARGUMENT) || status_is(status, STATUS_NOT_FOUND) ? WIRE_BAD_PROGRAM
                                                                                         : WIRE_FAILED;
}

// The page with the strings is overwritten by what starting a process calls, so they are copied first.
static struct answer run(const struct wire_request *request) {
    static char strings[SUPERVISOR_ARGS_BYTES];
    const char *arguments[SUPERVISOR_ARGS_MAX];
    struct supervisor_run wanted;
    if (!supervisor_run_decode(request, &wanted)) {
        return answer(WIRE_BAD_REQUEST);
    }
    memcpy(strings, wanted.strings, wanted.strings_bytes);
    const struct manifest_unit *spec = manifest_find(&init.manifest, MANIFEST_PROGRAM, strings);
    if (spec == nullptr) {
        return answer(WIRE_NOT_FOUND);
    }
    size_t count = 0;
    for (const char *at = strings + strlen(strings) + 1; count + 1 < wanted.count; at += strlen(at) + 1) {
        arguments[count++] = at;
    }
    struct init_unit *unit = unit_new_job(spec);
    if (unit == nullptr) {
        return answer(WIRE_BUSY);
    }
    unit->foreground = wanted.foreground;
    status_t status = unit_start(unit, arguments, count);
    if (!status_ok(status)) {
        return answer(start_failure(status));
    }
    if (tess_handle_valid(wanted.watcher)) {
        // Ours now, for longer than the request: the caller of `run` closes what it is given.
        status = tess_handle_copy(wanted.watcher, (rights_t){RIGHT_SIGNAL_BIT}, &unit->watcher);
        if (!status_ok(status)) {
            unit_kill(unit);
            return answer(WIRE_BAD_REQUEST);
        }
        unit->watch_bits = wanted.bits;
    }
    return (struct answer){.words = {unit->id, unit->process.koid.v}};
}

// By id in words[0], or with 0 by the name in the page.
static struct init_unit *find_target(const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    if (request->words[0] != 0) {
        return request->words[0] <= UINT32_MAX ? unit_by_id((uint32_t)request->words[0]) : nullptr;
    }
    return wire_name_request(request, name) ? unit_by_name(name) : nullptr;
}

static struct answer kill(const struct wire_request *request) {
    struct init_unit *unit = find_target(request);
    if (unit == nullptr) {
        return answer(WIRE_NOT_FOUND);
    }
    if (!unit_runs(unit)) {
        return answer(WIRE_BAD_STATE);
    }
    unit_kill(unit);
    return answer(WIRE_OK);
}

static struct answer restart(const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    if (!wire_name_request(request, name)) {
        return answer(WIRE_BAD_REQUEST);
    }
    struct init_unit *unit = unit_by_name(name);
    if (unit == nullptr || unit->is_job) {
        return answer(WIRE_NOT_FOUND);
    }
    if (supervise_restart(&unit->life, tess_now_ns())) {
        (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
    }
    return answer(WIRE_OK);
}

static struct answer power(const struct wire_request *request) {
    uint64_t action = request->words[0];
    if (action != SUPERVISOR_POWER_OFF && action != SUPERVISOR_REBOOT) {
        return answer(WIRE_BAD_REQUEST);
    }
    struct tess_message done = {.info = tess_info(WIRE_OK)};
    (void)tess_reply(&done); // whoever asked and is gone needs no answer
    power_down((uint32_t)action, nullptr);
}

static struct answer dispatch(const struct wire_request *request) {
    bool control = wire_badge_controls(request->badge);
    switch (request->method) {
    case SUPERVISOR_SERVICES: return list_units(request, sizeof(struct supervisor_service), fill_service);
    case SUPERVISOR_SERVICE: return describe_service(request);
    case SUPERVISOR_CAPSET: return list_capset(request);
    case SUPERVISOR_PROGRAMS: return list_programs(request);
    case SUPERVISOR_JOBS: return list_units(request, sizeof(struct supervisor_job), fill_job);
    case SUPERVISOR_JOB: return describe_job(request);
    case SUPERVISOR_RUN: return control ? run(request) : answer(WIRE_NOT_ALLOWED);
    case SUPERVISOR_KILL: return control ? kill(request) : answer(WIRE_NOT_ALLOWED);
    case SUPERVISOR_RESTART: return control ? restart(request) : answer(WIRE_NOT_ALLOWED);
    case SUPERVISOR_POWER: return control ? power(request) : answer(WIRE_NOT_ALLOWED);
    default: return answer(WIRE_BAD_METHOD);
    }
}

void control_handle(struct tess_message *message) {
    struct tess_message received = *message;
    struct wire_request request =
        wire_request(received.info, received.badge, received.words, tess_message_page());
    struct answer made = dispatch(&request);
    tess_message_close_handles(&received);
    *message = (struct tess_message){
        .info = message_info(made.status, made.page_bytes, 0, 0),
        .words = {made.words[0], made.words[1], made.words[2]},
    };
}
