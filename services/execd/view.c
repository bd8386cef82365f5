// What can be seen of execd (idl/exec.capnp), one function a method. Nothing here waits, or changes anything.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/rpc/piece.h"
#include "services/execd/execd.h"

static uint64_t koid_of(const struct job *job) {
    return job->state == JOB_RUNNING ? process_of(job)->process.koid.v : 0;
}

static size_t job_words(const struct job *job) {
    return EXEC_JOB_DATA_WORDS + EXEC_JOB_POINTERS + SUPERVISOR_MEMORY_DATA_WORDS + rpc_text_words(strlen(job->program)) +
           rpc_text_words(strlen(job->reason));
}

static void put_job(struct exec_job_builder to, const struct job *job) {
    uint64_t used = 0, peak = job->peak_bytes;
    if (job->state == JOB_RUNNING) {
        (void)tess_account_info(process_of(job)->account, nullptr, &used, &peak, nullptr);
    }
    exec_job_set_name(to, capnp_text(job->program));
    exec_job_set_id(to, job->id);
    exec_job_set_state(to, job->state == JOB_RUNNING ? SUPERVISOR_RUN_STATE_RUNNING : SUPERVISOR_RUN_STATE_ENDED);
    exec_job_set_foreground(to, job->foreground);
    exec_job_set_exit_kind(to, job->exit_kind);
    exec_job_set_exit_code(to, job->exit_code);
    exec_job_set_started_ns(to, job->started_ns);
    exec_job_set_ended_ns(to, job->ended_ns);
    exec_job_set_process_koid(to, koid_of(job));
    const struct supervisor_memory_builder memory = exec_job_init_memory(to);
    supervisor_memory_set_used_bytes(memory, used);
    supervisor_memory_set_limit_bytes(memory, job->limit_bytes);
    supervisor_memory_set_peak_bytes(memory, peak);
    exec_job_set_reason(to, capnp_text(job->reason));
}

static status_t jobs(void *, struct rpc_request *, struct exec_jobs_params params, struct exec_jobs_results_builder results) {
    const struct job *found[JOBS_MAX];
    struct rpc_piece piece = rpc_piece_from(exec_jobs_params_get_first(params),
                                            EXEC_JOBS_RESULTS_DATA_WORDS + EXEC_JOBS_RESULTS_POINTERS);
    for (const struct job *job = jobs_from(&execd.jobs, 0); job != nullptr; job = jobs_from(&execd.jobs, job->id + 1)) {
        if (rpc_piece_takes(&piece, job_words(job))) {
            found[piece.count - 1] = job;
        }
    }
    const struct exec_job_list_builder list = exec_jobs_results_init_jobs(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        put_job(exec_job_list_edit(list, i), found[i]);
    }
    exec_jobs_results_set_total(results, piece.total);
    return STATUS_OK;
}

static status_t job(void *, struct rpc_request *, struct exec_job_params params, struct exec_job_results_builder results) {
    const struct job *found = jobs_by_id(&execd.jobs, exec_job_params_get_id(params));
    if (found != nullptr) {
        put_job(exec_job_results_init_job(results), found);
        exec_job_results_set_found(results, true);
    }
    return STATUS_OK;
}

static status_t programs(void *, struct rpc_request *, struct exec_programs_params params,
                         struct exec_programs_results_builder results) {
    const struct manifest_unit *specs[MANIFEST_UNITS_MAX];
    struct rpc_piece piece = rpc_piece_from(exec_programs_params_get_first(params),
                                            EXEC_PROGRAMS_RESULTS_DATA_WORDS + EXEC_PROGRAMS_RESULTS_POINTERS);
    for (size_t i = 0; i < execd.manifest.unit_count; i++) {
        const struct manifest_unit *spec = &execd.manifest.units[i];
        const size_t words = EXEC_PROGRAM_DATA_WORDS + EXEC_PROGRAM_POINTERS + rpc_text_words(strlen(spec->name));
        if (spec->kind == MANIFEST_PROGRAM && rpc_piece_takes(&piece, words)) {
            specs[piece.count - 1] = spec;
        }
    }
    const struct exec_program_list_builder list = exec_programs_results_init_programs(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        const struct exec_program_builder program = exec_program_list_edit(list, i);
        exec_program_set_name(program, capnp_text(specs[i]->name));
        exec_program_set_memory_limit_bytes(program, specs[i]->memory_bytes);
    }
    exec_programs_results_set_total(results, piece.total);
    return STATUS_OK;
}

static status_t capabilities(void *, struct rpc_request *, struct exec_capabilities_params params,
                             struct exec_capabilities_results_builder results) {
    const struct capnp_text name = exec_capabilities_params_get_name(params);
    const struct job *found = jobs_by_name(&execd.jobs, name.bytes, name.len);
    if (found == nullptr) {
        return STATUS_OK; // not found
    }
    struct rpc_piece piece = rpc_piece_from(exec_capabilities_params_get_first(params),
                                            EXEC_CAPABILITIES_RESULTS_DATA_WORDS + EXEC_CAPABILITIES_RESULTS_POINTERS);
    launch_count(&process_of(found)->capset, &piece);
    launch_put(&process_of(found)->capset, &piece, exec_capabilities_results_init_capabilities(results, piece.count));
    exec_capabilities_results_set_found(results, true);
    exec_capabilities_results_set_total(results, piece.total);
    exec_capabilities_results_set_process_koid(results, koid_of(found));
    return STATUS_OK;
}

// "FUNCTION+0xOFFSET" of the innermost function that is known.
static const char *place_of(const struct crash *crash, char *to, size_t size) {
    const struct crash_frame *place = crash_place(crash);
    if (place == nullptr) {
        return "";
    }
    fmt_snprintf(to, size, "%s+%#x", place->function, place->offset);
    return to;
}

static size_t crash_words(const struct crash *crash) {
    char place[64];
    return EXEC_CRASH_DATA_WORDS + EXEC_CRASH_POINTERS + rpc_text_words(strlen(crash->name)) +
           rpc_text_words(strlen(crash->reason)) + rpc_text_words(strlen(place_of(crash, place, sizeof(place))));
}

static status_t crashes(void *, struct rpc_request *, struct exec_crashes_params params,
                        struct exec_crashes_results_builder results) {
    const struct crash *found[CRASHES_MAX], *crash;
    struct rpc_piece piece = rpc_piece_from(exec_crashes_params_get_first(params),
                                            EXEC_CRASHES_RESULTS_DATA_WORDS + EXEC_CRASHES_RESULTS_POINTERS);
    for (uint32_t number = crash_count(); (crash = crash_find(number)) != nullptr; number--) {
        if (rpc_piece_takes(&piece, crash_words(crash))) {
            found[piece.count - 1] = crash;
        }
    }
    const struct exec_crash_list_builder list = exec_crashes_results_init_crashes(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        const struct exec_crash_builder to = exec_crash_list_edit(list, i);
        char place[64];
        exec_crash_set_number(to, found[i]->number);
        exec_crash_set_name(to, capnp_text(found[i]->name));
        exec_crash_set_reason(to, capnp_text(found[i]->reason));
        exec_crash_set_function(to, capnp_text(place_of(found[i], place, sizeof(place))));
        exec_crash_set_time_ns(to, found[i]->record.time_ns);
    }
    exec_crashes_results_set_total(results, piece.total);
    return STATUS_OK;
}

constexpr size_t PIECE_BYTES = 2048; // of a record's text in one answer

static status_t crash(void *, struct rpc_request *, struct exec_crash_params params, struct exec_crash_results_builder results) {
    static char text[CRASH_TEXT_BYTES];
    const struct crash *found = crash_find(exec_crash_params_get_number(params));
    const uint32_t offset = exec_crash_params_get_offset(params);
    if (found == nullptr) {
        return STATUS_OK; // not found
    }
    const size_t len = crash_text(found, &crash_machine, text, sizeof(text));
    const size_t left = offset < len ? len - offset : 0;
    exec_crash_results_set_found(results, true);
    exec_crash_results_set_total(results, (uint32_t)len);
    exec_crash_results_set_text(results, (struct capnp_text){left > 0 ? text + offset : "", left < PIECE_BYTES ? left : PIECE_BYTES});
    return STATUS_OK;
}

const struct exec_server execd_view_methods = {
    .programs = programs,
    .jobs = jobs,
    .job = job,
    .capabilities = capabilities,
    .crashes = crashes,
    .crash = crash,
};
