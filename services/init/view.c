// What can be seen of the supervisor (idl/supervisor.capnp), one function a method. Nothing here waits, or changes anything.
#include "abi/gen/stubs.h"
#include "base/str.h"
#include "services/init/init.h"

static_assert((int)SUPERVISE_STOPPED == (int)SUPERVISOR_RUN_STATE_STOPPED &&
              (int)SUPERVISE_RUNNING == (int)SUPERVISOR_RUN_STATE_RUNNING &&
              (int)SUPERVISE_BACKOFF == (int)SUPERVISOR_RUN_STATE_BACKOFF &&
              (int)SUPERVISE_FAILED == (int)SUPERVISOR_RUN_STATE_FAILED &&
              (int)SUPERVISE_ENDED == (int)SUPERVISOR_RUN_STATE_ENDED);
static_assert((int)MANIFEST_RESTART_NEVER == (int)SUPERVISOR_RESTART_NEVER &&
              (int)MANIFEST_RESTART_ON_FAILURE == (int)SUPERVISOR_RESTART_ON_FAILURE &&
              (int)MANIFEST_RESTART_ALWAYS == (int)SUPERVISOR_RESTART_ALWAYS);

// --- lists ---

// Words of an answer that a text takes.
static size_t text_words(size_t len) {
    return len / CAPNP_WORD_BYTES + 1;
}

// One piece of a list in the making. How many entries fit has to be known before the list is made.
struct piece {
    uint32_t first, total, count;
    size_t words_left;
    bool full;
};

// Room is for the root pointer, the results and the list's tag, too.
static struct piece piece_from(uint32_t first, size_t results_words) {
    return (struct piece){.first = first, .words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 2 - results_words};
}

// Counts one more entry; whether it is one of this piece.
static bool piece_takes(struct piece *piece, size_t words) {
    if (piece->total++ < piece->first || piece->full) {
        return false;
    }
    piece->full = words > piece->words_left;
    if (!piece->full) {
        piece->words_left -= words;
        piece->count++;
    }
    return !piece->full;
}

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

struct unit_piece {
    struct piece piece;
    const struct init_unit *units[INIT_UNITS_MAX];
};

typedef size_t unit_words_fn(const struct init_unit *unit);

// Services are in the manifest's order, as their numbers are.
static void collect_units(struct unit_piece *out, struct piece piece, bool jobs, unit_words_fn *words) {
    for (const struct init_unit *unit = next_by_id(0); unit != nullptr; unit = next_by_id(unit->id + 1)) {
        if (unit->is_job == jobs && piece_takes(&piece, words(unit))) {
            out->units[piece.count - 1] = unit;
        }
    }
    out->piece = piece;
}

static uint64_t koid_of(const struct init_unit *unit) {
    return unit_runs(unit) ? unit->process.koid.v : 0;
}

static void put_memory(struct supervisor_memory_builder memory, const struct init_unit *unit) {
    uint64_t used = 0, peak = unit->peak_bytes;
    if (unit_runs(unit)) {
        (void)tess_account_info(unit->account, nullptr, &used, &peak, nullptr);
    }
    supervisor_memory_set_used_bytes(memory, used);
    supervisor_memory_set_limit_bytes(memory, unit->spec->memory_bytes);
    supervisor_memory_set_peak_bytes(memory, peak);
}

static size_t service_words(const struct init_unit *unit) {
    return SUPERVISOR_SERVICE_DATA_WORDS + SUPERVISOR_SERVICE_POINTERS + SUPERVISOR_MEMORY_DATA_WORDS +
           text_words(strlen(unit->name));
}

static void put_service(struct supervisor_service_builder service, const struct init_unit *unit) {
    supervisor_service_set_name(service, capnp_text(unit->name));
    supervisor_service_set_id(service, unit->id);
    supervisor_service_set_state(service, (enum supervisor_run_state)unit->life.state);
    supervisor_service_set_restarts(service, unit->life.restarts);
    supervisor_service_set_band(service, unit->spec->band);
    supervisor_service_set_started_ns(service, unit->life.started_ns);
    supervisor_service_set_process_koid(service, koid_of(unit));
    put_memory(supervisor_service_init_memory(service), unit);
}

static status_t services(void *, struct rpc_request *, struct supervisor_services_params params,
                         struct supervisor_services_results_builder results) {
    struct unit_piece found;
    collect_units(&found,
                  piece_from(supervisor_services_params_get_first(params),
                             SUPERVISOR_SERVICES_RESULTS_DATA_WORDS + SUPERVISOR_SERVICES_RESULTS_POINTERS),
                  false, service_words);
    const uint32_t count = found.piece.count;
    const struct supervisor_service_list_builder list = supervisor_services_results_init_services(results, count);
    for (uint32_t i = 0; i < count; i++) {
        put_service(supervisor_service_list_edit(list, i), found.units[i]);
    }
    supervisor_services_results_set_total(results, found.piece.total);
    return STATUS_OK;
}

static size_t job_words(const struct init_unit *unit) {
    return SUPERVISOR_JOB_DATA_WORDS + SUPERVISOR_JOB_POINTERS + SUPERVISOR_MEMORY_DATA_WORDS +
           text_words(strlen(unit->spec->name)) + text_words(strlen(unit->reason));
}

static void put_job(struct supervisor_job_builder job, const struct init_unit *unit) {
    supervisor_job_set_name(job, capnp_text(unit->spec->name));
    supervisor_job_set_id(job, unit->id);
    supervisor_job_set_state(job, (enum supervisor_run_state)unit->life.state);
    supervisor_job_set_foreground(job, unit->foreground);
    supervisor_job_set_exit_kind(job, unit->exit_kind);
    supervisor_job_set_exit_code(job, unit->exit_code);
    supervisor_job_set_started_ns(job, unit->started_ns);
    supervisor_job_set_ended_ns(job, unit->life.ended_ns);
    supervisor_job_set_process_koid(job, koid_of(unit));
    put_memory(supervisor_job_init_memory(job), unit);
    supervisor_job_set_reason(job, capnp_text(unit->reason));
}

static status_t jobs(void *, struct rpc_request *, struct supervisor_jobs_params params,
                     struct supervisor_jobs_results_builder results) {
    struct unit_piece found;
    collect_units(&found,
                  piece_from(supervisor_jobs_params_get_first(params),
                             SUPERVISOR_JOBS_RESULTS_DATA_WORDS + SUPERVISOR_JOBS_RESULTS_POINTERS),
                  true, job_words);
    const uint32_t count = found.piece.count;
    const struct supervisor_job_list_builder list = supervisor_jobs_results_init_jobs(results, count);
    for (uint32_t i = 0; i < count; i++) {
        put_job(supervisor_job_list_edit(list, i), found.units[i]);
    }
    supervisor_jobs_results_set_total(results, found.piece.total);
    return STATUS_OK;
}

static status_t programs(void *, struct rpc_request *, struct supervisor_programs_params params,
                         struct supervisor_programs_results_builder results) {
    const struct manifest_unit *specs[MANIFEST_UNITS_MAX];
    struct piece piece = piece_from(supervisor_programs_params_get_first(params),
                                    SUPERVISOR_PROGRAMS_RESULTS_DATA_WORDS + SUPERVISOR_PROGRAMS_RESULTS_POINTERS);
    for (size_t i = 0; i < init.manifest.unit_count; i++) {
        const struct manifest_unit *spec = &init.manifest.units[i];
        const size_t words = SUPERVISOR_PROGRAM_DATA_WORDS + SUPERVISOR_PROGRAM_POINTERS + text_words(strlen(spec->name));
        if (spec->kind == MANIFEST_PROGRAM && piece_takes(&piece, words)) {
            specs[piece.count - 1] = spec;
        }
    }
    const struct supervisor_program_list_builder list = supervisor_programs_results_init_programs(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        const struct supervisor_program_builder program = supervisor_program_list_edit(list, i);
        supervisor_program_set_name(program, capnp_text(specs[i]->name));
        supervisor_program_set_memory_limit_bytes(program, specs[i]->memory_bytes);
    }
    supervisor_programs_results_set_total(results, piece.total);
    return STATUS_OK;
}

static status_t capabilities(void *, struct rpc_request *, struct supervisor_capabilities_params params,
                             struct supervisor_capabilities_results_builder results) {
    const struct init_unit *unit = control_find(supervisor_capabilities_params_get_name(params));
    if (unit == nullptr) {
        return STATUS_OK; // not found
    }
    struct piece piece =
        piece_from(supervisor_capabilities_params_get_first(params),
                   SUPERVISOR_CAPABILITIES_RESULTS_DATA_WORDS + SUPERVISOR_CAPABILITIES_RESULTS_POINTERS);
    for (size_t i = 0; i < unit->capset.count; i++) {
        const struct init_capability *entry = &unit->capset.entries[i];
        (void)piece_takes(&piece, SUPERVISOR_GRANTED_CAPABILITY_DATA_WORDS + SUPERVISOR_GRANTED_CAPABILITY_POINTERS +
                                      text_words(strlen(entry->name)) + text_words(strlen(entry->source)) +
                                      text_words(strlen(entry->manifest_source)));
    }
    const struct supervisor_granted_capability_list_builder list =
        supervisor_capabilities_results_init_capabilities(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        const struct init_capability *entry = &unit->capset.entries[piece.first + i];
        const struct supervisor_granted_capability_builder capability = supervisor_granted_capability_list_edit(list, i);
        supervisor_granted_capability_set_handle(capability, entry->handle);
        supervisor_granted_capability_set_manifest_file(capability, capnp_text(entry->manifest_source));
        supervisor_granted_capability_set_manifest_line(capability, entry->manifest_line);
        supervisor_granted_capability_set_interface_id(capability, entry->interface_id);
        supervisor_granted_capability_set_name(capability, capnp_text(entry->name));
        supervisor_granted_capability_set_source(capability, capnp_text(entry->source));
    }
    supervisor_capabilities_results_set_found(results, true);
    supervisor_capabilities_results_set_total(results, piece.total);
    supervisor_capabilities_results_set_process_koid(results, koid_of(unit));
    return STATUS_OK;
}

// --- one unit ---

// How many arguments fit as a list of texts; takes their room.
static uint32_t count_arguments(const struct manifest_unit *spec, size_t *words_left) {
    uint32_t count = 0;
    while (count < manifest_argument_list_count(spec->args)) {
        const size_t words = 1 + text_words(strlen(manifest_argument_word(spec, count)));
        if (words > *words_left) {
            break;
        }
        *words_left -= words;
        count++;
    }
    return count;
}

// The interfaces that a service provides always fit; its arguments may not.
static_assert(INIT_ENDPOINTS_MAX * (1 + INIT_NAME_BYTES / CAPNP_WORD_BYTES) + MANIFEST_SOURCE_BYTES / CAPNP_WORD_BYTES <
              384);

static void put_words(struct supervisor_service_detail_builder detail, const struct manifest_unit *spec,
                      size_t words_left) {
    const uint32_t provided = capnp_text_list_count(spec->provides);
    const struct capnp_text_list_builder provides = supervisor_service_detail_init_provides(detail, provided);
    for (uint32_t i = 0; i < provided; i++) {
        const struct capnp_text name = capnp_text_list_get(spec->provides, i);
        capnp_text_list_set(provides, i, name);
        words_left -= 1 + text_words(name.len);
    }
    const uint32_t fitting = count_arguments(spec, &words_left);
    const struct capnp_text_list_builder arguments = supervisor_service_detail_init_arguments(detail, fitting);
    for (uint32_t i = 0; i < fitting; i++) {
        capnp_text_list_set(arguments, i, capnp_text(manifest_argument_word(spec, i)));
    }
    supervisor_service_detail_set_arguments_left(detail, manifest_argument_list_count(spec->args) - fitting);
}

static void put_detail(struct supervisor_service_detail_builder detail, const struct init_unit *unit, size_t words_left) {
    const struct manifest_unit *spec = unit->spec;
    put_service(supervisor_service_detail_init_service(detail), unit);
    supervisor_service_detail_set_program(detail, capnp_text(spec->program));
    supervisor_service_detail_set_restart(detail, (enum supervisor_restart)spec->restart);
    supervisor_service_detail_set_manifest_file(detail, capnp_text(spec->source));
    supervisor_service_detail_set_manifest_line(detail, spec->line);
    supervisor_service_detail_set_ended_ns(detail, unit->life.ended_ns);
    supervisor_service_detail_set_last_end(detail, capnp_text(unit->reason));
    words_left -= SUPERVISOR_SERVICE_DETAIL_DATA_WORDS + SUPERVISOR_SERVICE_DETAIL_POINTERS + service_words(unit) +
                  text_words(strlen(spec->program)) + text_words(strlen(spec->source)) + text_words(strlen(unit->reason));
    put_words(detail, spec, words_left);
}

static status_t service(void *, struct rpc_request *, struct supervisor_service_params params,
                        struct supervisor_service_results_builder results) {
    const struct init_unit *unit = control_find(supervisor_service_params_get_name(params));
    if (unit != nullptr && !unit->is_job) {
        put_detail(supervisor_service_results_init_detail(results), unit,
                   MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 1 - SUPERVISOR_SERVICE_RESULTS_DATA_WORDS -
                       SUPERVISOR_SERVICE_RESULTS_POINTERS);
        supervisor_service_results_set_found(results, true);
    }
    return STATUS_OK;
}

static status_t job(void *, struct rpc_request *, struct supervisor_job_params params,
                    struct supervisor_job_results_builder results) {
    const struct init_unit *unit = unit_by_id(supervisor_job_params_get_id(params));
    if (unit != nullptr && unit->is_job) {
        put_job(supervisor_job_results_init_job(results), unit);
        supervisor_job_results_set_found(results, true);
    }
    return STATUS_OK;
}

static const struct supervisor_server methods = {
    .services = services,
    .service = service,
    .capabilities = capabilities,
    .programs = programs,
    .jobs = jobs,
    .job = job,
};

status_t view_dispatch(struct rpc_request *request) {
    return supervisor_dispatch(&methods, nullptr, request);
}
