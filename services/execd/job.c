#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/supervise/reason.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "services/execd/execd.h"

constexpr uint64_t PROCESS_STATE_ENDED = 2; // process.info
constexpr uint32_t END_BITS = 63; // the last is CRASH_BIT

static uint64_t end_bit(const struct job *job) {
    return 1ull << (job->id % END_BITS);
}

// ---- start ----

// The capability that came with `programs` for the thing that the grant is of; what is granted is no more than that.
static status_t find_lent(struct manifest_grant grant, handle_t *out) {
    struct manifest_grant lent;
    for (uint32_t i = 0; manifest_lent(&execd.manifest, i, &lent); i++) {
        if (manifest_same_lent(lent, grant)) {
            char name[NAME_BYTES];
            fmt_snprintf(name, sizeof(name), MANIFEST_PROGRAMS_PREFIX "%u", i);
            return tess_cap(name, 0, out);
        }
    }
    return STATUS_NOT_FOUND;
}

// A service is called with the job's own number; of anything else it gets what there is.
static status_t make_grant(void *context, struct manifest_grant grant, struct launch_grants *all, struct spawn_grant *to) {
    const struct job *job = context;
    const enum manifest_grant_which kind = manifest_grant_which(grant);
    handle_t lent;
    uint64_t type, rights, interface_id;
    TRY(find_lent(grant, &lent));
    TRY(tess_process_handle_info(tess_self_process(), lent.v, &type, &rights, nullptr, &interface_id, nullptr));
    to->type = (uint32_t)type;
    if (kind != MANIFEST_GRANT_SERVICE && kind != MANIFEST_GRANT_SUPERVISOR) {
        to->rights.v = (uint32_t)rights;
        return tess_handle_copy(lent, to->rights, &to->handle);
    }
    to->rights = launch_plain(RIGHT_SEND_BIT);
    to->interface_id = interface_id;
    return tess_handle_mint(lent, to->rights, job->id | (launch_controls(all, grant) ? BADGE_CONTROL : 0), interface_id, &to->handle);
}

static void end_accounts(struct execd_process *process) {
    if (tess_handle_valid(process->lent)) {
        (void)tess_account_end(process->lent);
        tess_close(tess_handle_take(&process->lent));
    }
    if (tess_handle_valid(process->account)) {
        (void)tess_account_end(process->account); // what it started goes with it
        tess_close(tess_handle_take(&process->account));
    }
}

static status_t start_process(const struct job_request *request, struct job *job, const uint8_t *withheld, char *why, size_t why_bytes) {
    struct execd_process *process = process_of(job);
    const struct launch launch = {
        .manifest = &execd.manifest,
        .spec = request->spec,
        .package = &execd.package,
        .package_vmo = execd.package_vmo,
        .name = job->name,
        .holder = job->id,
        .account = process->account,
        .accounts = process->lent,
        .band = request->foreground ? MANIFEST_BAND_INTERACTIVE : request->spec->band,
        .command_line = execd.command_line,
        .arguments = request->arguments,
        .argument_count = request->argument_count,
        .watch = execd.ends,
        .watch_bits = end_bit(job),
        .keep_memory = true,
        .handed = request->handed,
        .handed_count = request->handed_count,
        .withheld = withheld,
        .refuses_withheld = true, // whoever runs it is told why
        .make = make_grant,
        .context = job,
    };
    return launch_start(&launch, &process->process, &process->capset, why, why_bytes);
}

static status_t make_accounts(const struct job_request *request, struct job *job, char *why, size_t why_bytes) {
    struct execd_process *process = process_of(job);
    const uint64_t most = request->spec->memory_bytes;
    job->limit_bytes = request->memory_bytes != 0 && request->memory_bytes < most ? request->memory_bytes : most;
    status_t status = tess_account_create_account(execd.accounts, job->limit_bytes, &process->account);
    if (status_ok(status)) {
        status = launch_lend_account(request->spec, execd.accounts, &process->lent);
    }
    if (!status_ok(status)) {
        fmt_snprintf(why, why_bytes, "%s: the %lu KiB that it is to have are not there", job->name, job->limit_bytes / 1024);
    }
    return status;
}

// What the program may not be granted, which the supervisor knows from the policy: OK only with an answer.
static status_t ask_withheld(const struct manifest_unit *spec, uint8_t actions[BOOTSTRAP_MAX_CAPS]) {
    RPC_CALL(call);
    struct supervisor_withheld_results results;
    TRY(supervisor_call_withheld((struct supervisor){execd.supervisor}, &call, capnp_text(spec->name), rpc_patience(), &results));
    const struct capnp_u8_list list = supervisor_withheld_results_get_actions(results);
    for (uint32_t i = 0; i < BOOTSTRAP_MAX_CAPS; i++) {
        actions[i] = i < capnp_u8_list_count(list) ? capnp_u8_list_get(list, i) : 0;
    }
    return STATUS_OK;
}

// A number from the supervisor, which tells the others whose it is; and whether something is withheld from the program.
static status_t enlist(const struct manifest_unit *spec, uint32_t *id, bool *withheld) {
    RPC_CALL(call);
    struct supervisor_control_enlist_results results;
    TRY(supervisor_control_call_enlist((struct supervisor_control){execd.supervisor}, &call, capnp_text(spec->name),
                                       rpc_patience(), &results));
    *id = supervisor_control_enlist_results_get_id(results);
    *withheld = supervisor_control_enlist_results_get_withheld(results);
    return supervisor_control_enlist_results_get_outcome(results) == SUPERVISOR_CONTROL_OUTCOME_DONE ? STATUS_OK : STATUS_IN_USE;
}

static void discharge(uint32_t id) {
    RPC_CALL(call);
    // Should it not get there: the supervisor forgets all numbers when this process ends.
    (void)supervisor_control_call_discharge((struct supervisor_control){execd.supervisor}, &call, id, rpc_patience(), nullptr);
}

status_t job_start(const struct job_request *request, struct job **out, char *why, size_t why_bytes) {
    uint32_t id;
    bool is_withheld;
    uint8_t withheld[BOOTSTRAP_MAX_CAPS];
    (void)str_copy(why, why_bytes, "there are as many jobs as there can be");
    if (!jobs_have_room(&execd.jobs)) {
        return STATUS_IN_USE;
    }
    TRY(enlist(request->spec, &id, &is_withheld));
    struct job *job = jobs_add(&execd.jobs, id, request->spec->name, tess_now_ns());
    struct execd_process *process = process_of(job);
    *process = (struct execd_process){.spec = request->spec};
    job->foreground = request->foreground;
    status_t status = make_accounts(request, job, why, why_bytes);
    if (status_ok(status) && is_withheld) {
        status = ask_withheld(request->spec, withheld);
        fmt_snprintf(why, why_bytes, "%s: nobody says what it may not be granted", job->name);
    }
    if (status_ok(status)) {
        status = start_process(request, job, is_withheld ? withheld : nullptr, why, why_bytes);
    }
    if (!status_ok(status)) {
        report_failure(job, why);
        end_accounts(process);
        jobs_remove(job);
        kept_put(execd.kept, &execd.jobs, job);
        discharge(id);
        return status;
    }
    kept_put(execd.kept, &execd.jobs, job);
    *out = job;
    return STATUS_OK;
}

// ---- end ----

static void settle(struct job *job) {
    struct execd_process *process = process_of(job);
    struct exit_record record = {.kind = EXIT_KILLED};
    if (status_ok(tess_process_exit_record(process->process.process))) {
        memcpy(&record, tess_message_page(), sizeof(record));
    }
    const struct reason_image image = {
        .name = process->spec->program,
        .base = process->process.image_base,
        .end = process->process.image_end,
        .stack_low = process->process.stack_base,
        .stack_high = process->process.stack_end,
    };
    reason_text(&record, &image, job->reason, sizeof(job->reason));
    job->exit_kind = record.kind;
    job->exit_code = record.code;
    (void)tess_account_info(process->account, nullptr, nullptr, &job->peak_bytes, nullptr);
    const struct crash *crash = crash_of_job(job, &record);
    tess_close(tess_handle_take(&process->process.memory));
    end_accounts(process);
    report_end(job, &record, crash); // what it started does not keep the log from listening any more
    tess_close(tess_handle_take(&process->process.thread));
    tess_close(tess_handle_take(&process->process.process));
    launch_forget(&process->capset);
    const handle_t watcher = tess_handle_take(&process->watcher);
    const uint64_t bits = process->watch_bits;
    const uint32_t id = job->id;
    const struct job *forgotten = jobs_ended(&execd.jobs, job, tess_now_ns());
    if (forgotten != nullptr) {
        kept_put(execd.kept, &execd.jobs, forgotten);
    }
    kept_put(execd.kept, &execd.jobs, job);
    discharge(id);
    if (tess_handle_valid(watcher)) {
        (void)tess_signal(watcher, bits); // a watcher that is gone needs none
        tess_close(watcher);
    }
}

void jobs_collect(uint64_t bits) {
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &execd.jobs.all[i];
        uint64_t state = 0;
        if (job->state == JOB_RUNNING && (bits & end_bit(job)) != 0 &&
            status_ok(tess_process_info(process_of(job)->process.process, nullptr, &state, nullptr, nullptr, nullptr, nullptr,
                                        nullptr, nullptr)) &&
            state == PROCESS_STATE_ENDED) {
            settle(job);
        }
    }
}
