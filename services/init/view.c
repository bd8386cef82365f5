// What can be seen of the supervisor (idl/supervisor.capnp), one function a method; what is withheld is withheld.c's. Nothing here waits,
// or changes anything.
#include "abi/gen/stubs.h"
#include "base/str.h"
#include "lib/rpc/piece.h"
#include "services/init/init.h"

static_assert((int)SUPERVISE_STOPPED == (int)SUPERVISOR_RUN_STATE_STOPPED &&
              (int)SUPERVISE_STARTING == (int)SUPERVISOR_RUN_STATE_STARTING &&
              (int)SUPERVISE_RUNNING == (int)SUPERVISOR_RUN_STATE_RUNNING &&
              (int)SUPERVISE_BACKOFF == (int)SUPERVISOR_RUN_STATE_BACKOFF &&
              (int)SUPERVISE_FAILED == (int)SUPERVISOR_RUN_STATE_FAILED &&
              (int)SUPERVISE_ENDED == (int)SUPERVISOR_RUN_STATE_ENDED);
static_assert((int)MANIFEST_RESTART_NEVER == (int)SUPERVISOR_RESTART_NEVER &&
              (int)MANIFEST_RESTART_ON_FAILURE == (int)SUPERVISOR_RESTART_ON_FAILURE &&
              (int)MANIFEST_RESTART_ALWAYS == (int)SUPERVISOR_RESTART_ALWAYS);

static_assert((int)MANIFEST_MODE_FULL == (int)SUPERVISOR_MODE_FULL &&
              (int)MANIFEST_MODE_REDUCED == (int)SUPERVISOR_MODE_REDUCED &&
              (int)MANIFEST_MODE_SAFE == (int)SUPERVISOR_MODE_SAFE &&
              (int)MANIFEST_MODE_RECOVERY == (int)SUPERVISOR_MODE_RECOVERY);

// --- lists ---

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

static void put_work(struct supervisor_work_builder to, const struct init_work *work) {
    supervisor_work_set_requests(to, work->requests);
    supervisor_work_set_refused(to, work->refused);
    supervisor_work_set_denied(to, work->denied);
}

// Of what it needs and has to run without.
static const char *missing_name(const struct init_unit *unit) {
    const struct init_unit *missing = order_missing(unit);
    return missing != nullptr && unit_runs(unit) ? missing->name : "";
}

static size_t service_words(const struct init_unit *unit) {
    return SUPERVISOR_SERVICE_DATA_WORDS + SUPERVISOR_SERVICE_POINTERS + SUPERVISOR_MEMORY_DATA_WORDS + SUPERVISOR_WORK_DATA_WORDS +
           rpc_text_words(strlen(unit->name)) + rpc_text_words(strlen(missing_name(unit)));
}

static void put_service(struct supervisor_service_builder service, const struct init_unit *unit) {
    supervisor_service_set_name(service, capnp_text(unit->name));
    supervisor_service_set_id(service, unit->id);
    supervisor_service_set_state(service, (enum supervisor_run_state)unit->life.state);
    supervisor_service_set_restarts(service, unit->life.restarts);
    supervisor_service_set_band(service, unit->spec->band);
    supervisor_service_set_started_ns(service, unit->life.started_ns);
    supervisor_service_set_process_koid(service, koid_of(unit));
    supervisor_service_set_took_ns(service, unit->life.took_ns);
    supervisor_service_set_without(service, capnp_text(missing_name(unit)));
    put_memory(supervisor_service_init_memory(service), unit);
    put_work(supervisor_service_init_work(service), &unit->work);
    supervisor_service_set_left_out(service, !mode_has(unit));
}

static status_t services(void *, struct rpc_request *, struct supervisor_services_params params,
                         struct supervisor_services_results_builder results) {
    struct rpc_piece piece = rpc_piece_from(supervisor_services_params_get_first(params),
                                            SUPERVISOR_SERVICES_RESULTS_DATA_WORDS + SUPERVISOR_SERVICES_RESULTS_POINTERS);
    for (size_t i = 0; i < init.unit_count; i++) {
        (void)rpc_piece_takes(&piece, service_words(&init.units[i]));
    }
    const struct supervisor_service_list_builder list = supervisor_services_results_init_services(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        put_service(supervisor_service_list_edit(list, i), &init.units[piece.first + i]);
    }
    supervisor_services_results_set_total(results, piece.total);
    return STATUS_OK;
}

static status_t mode(void *, struct rpc_request *, struct supervisor_mode_params, struct supervisor_mode_results_builder results) {
    supervisor_mode_results_set_mode(results, (enum supervisor_mode)init.mode);
    supervisor_mode_results_set_reason(results, capnp_text(init.mode_reason));
    return STATUS_OK;
}

static status_t capabilities(void *, struct rpc_request *, struct supervisor_capabilities_params params,
                             struct supervisor_capabilities_results_builder results) {
    const struct init_unit *unit = control_find(supervisor_capabilities_params_get_name(params));
    if (unit == nullptr) {
        return STATUS_OK; // not found
    }
    struct rpc_piece piece =
        rpc_piece_from(supervisor_capabilities_params_get_first(params),
                   SUPERVISOR_CAPABILITIES_RESULTS_DATA_WORDS + SUPERVISOR_CAPABILITIES_RESULTS_POINTERS);
    launch_count(&unit->capset, &piece);
    launch_put(&unit->capset, &piece, supervisor_capabilities_results_init_capabilities(results, piece.count));
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
        const size_t words = 1 + rpc_text_words(strlen(manifest_argument_word(spec, count)));
        if (words > *words_left) {
            break;
        }
        *words_left -= words;
        count++;
    }
    return count;
}

// The interfaces that a service provides and its former processes always fit; its arguments may not.
static_assert(INIT_ENDPOINTS_MAX * (1 + NAME_BYTES / CAPNP_WORD_BYTES) + MANIFEST_SOURCE_BYTES / CAPNP_WORD_BYTES + INIT_FORMER_MAX <
              384);

static void put_words(struct supervisor_service_detail_builder detail, const struct init_unit *unit, size_t words_left) {
    const struct manifest_unit *spec = unit->spec;
    const uint32_t provided = capnp_text_list_count(spec->provides);
    const struct capnp_text_list_builder provides = supervisor_service_detail_init_provides(detail, provided);
    for (uint32_t i = 0; i < provided; i++) {
        const struct capnp_text name = capnp_text_list_get(spec->provides, i);
        capnp_text_list_set(provides, i, name);
        words_left -= 1 + rpc_text_words(name.len);
    }
    const uint32_t former_count = unit->former_count < INIT_FORMER_MAX ? unit->former_count : (uint32_t)INIT_FORMER_MAX;
    const struct capnp_u64_list_builder former = supervisor_service_detail_init_former(detail, former_count);
    for (uint32_t i = 0; i < former_count; i++) {
        capnp_u64_list_set(former, i, unit->former[i]);
    }
    words_left -= former_count;
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
    supervisor_service_detail_set_program(detail, capnp_text(unit->program));
    supervisor_service_detail_set_replacements(detail, unit->replacements);
    supervisor_service_detail_set_restart(detail, (enum supervisor_restart)spec->restart);
    supervisor_service_detail_set_manifest_file(detail, capnp_text(spec->source));
    supervisor_service_detail_set_manifest_line(detail, spec->line);
    supervisor_service_detail_set_ended_ns(detail, unit->life.ended_ns);
    supervisor_service_detail_set_last_end(detail, capnp_text(unit->reason));
    const struct init_unserved unserved = absent_unserved(unit);
    supervisor_service_detail_set_refused_in_place(detail, unserved.refused);
    supervisor_service_detail_set_dropped_in_place(detail, unserved.dropped);
    words_left -= SUPERVISOR_SERVICE_DETAIL_DATA_WORDS + SUPERVISOR_SERVICE_DETAIL_POINTERS + service_words(unit) +
                  rpc_text_words(strlen(unit->program)) + rpc_text_words(strlen(spec->source)) + rpc_text_words(strlen(unit->reason));
    put_words(detail, unit, words_left);
}

static status_t service(void *, struct rpc_request *, struct supervisor_service_params params,
                        struct supervisor_service_results_builder results) {
    const struct init_unit *unit = control_find(supervisor_service_params_get_name(params));
    if (unit != nullptr) {
        put_detail(supervisor_service_results_init_detail(results), unit,
                   MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 1 - SUPERVISOR_SERVICE_RESULTS_DATA_WORDS -
                       SUPERVISOR_SERVICE_RESULTS_POINTERS);
        supervisor_service_results_set_found(results, true);
    }
    return STATUS_OK;
}

static status_t replacement(void *, struct rpc_request *, struct supervisor_replacement_params,
                            struct supervisor_replacement_results_builder results) {
    replace_put(supervisor_replacement_results_init_replacement(results));
    return STATUS_OK;
}

static const struct supervisor_server methods = {
    .services = services,
    .service = service,
    .capabilities = capabilities,
    .mode = mode,
    .replacement = replacement,
    .withhold = withheld_take,
    .withheld = withheld_show,
};

status_t view_dispatch(struct rpc_request *request) {
    return supervisor_dispatch(&methods, nullptr, request);
}
