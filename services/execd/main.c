#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/align.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/keep/keep.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "services/execd/execd.h"

struct execd execd;

// The package was checked by init, which has started this from it.
static void read_package(void) {
    uint64_t len = 0, address = 0;
    struct package_entry entry;
    struct manifest_error error;
    status_t status = tess_vmo_info(execd.package_vmo, &len, nullptr);
    if (status_ok(status)) {
        status = tess_vspace_map(tess_self_vspace(), execd.package_vmo, 0, len, 0, PROT_READ, &address);
    }
    if (!status_ok(status)) {
        tess_panic("execd: cannot map the boot package: %s", abi_status_text(status.code));
    }
    if (!package_open((const uint8_t *)address, len, &execd.package) ||
        !package_find(&execd.package, BOOT_ENTRY_MANIFEST, nullptr, &entry) ||
        !manifest_open(entry.bytes, entry.len_bytes, &execd.manifest, &error)) {
        tess_panic("execd: the boot package is malformed");
    }
}

// The one by which the supervisor says that a service has crashed, if there is that; it serves for the ends of jobs, too.
static status_t open_notification(void) {
    return status_ok(tess_cap(MANIFEST_CRASHES_NEWS, 0, &execd.ends)) ? STATUS_OK
                                                                     : tess_account_create_notification(tess_self_account(), &execd.ends);
}

// What outlives this process: the jobs, and behind them the records of crashes.
static void open_records(void) {
    const size_t jobs_bytes = align_up(sizeof(struct kept_jobs), PAGE_BYTES);
    size_t len_bytes;
    struct keep room;
    uint8_t *memory = keep_map("records", &len_bytes);
    if (len_bytes > jobs_bytes) {
        keep_init(&room, memory + jobs_bytes, len_bytes - jobs_bytes);
    }
    if (len_bytes <= jobs_bytes || keep_room(&room) < sizeof(struct crashes)) {
        tess_panic("execd: the manifest grants too little to `records`; it takes %zu KiB and twice %zu", jobs_bytes / 1024,
                   align_up(sizeof(struct crashes), PAGE_BYTES) / 1024);
    }
    execd.kept = (struct kept_jobs *)memory;
    crash_open(memory + jobs_bytes, len_bytes - jobs_bytes);
}

static void bring_up(int argc, char **argv) {
    memset(&execd, 0, sizeof(execd)); // committed now, so that running a program leaves memory as it was
    execd.package_vmo = tess_cap_required(MANIFEST_PROGRAMS, 0);
    execd.accounts = tess_cap_required(MANIFEST_PROGRAMS_ACCOUNT, 0);
    execd.supervisor = tess_cap_required("supervisor", SUPERVISOR_ID);
    execd.log = tess_cap_required("log", 0);
    execd.command_line = argc > 1 ? argv[1] : nullptr;
    read_package();
    open_records();
    const status_t status = open_notification();
    if (!status_ok(status)) {
        tess_panic("execd: cannot be told when programs end: %s", abi_status_text(status.code));
    }
}

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) && request->interface_id == EXEC_CONTROL_ID
               ? exec_control_dispatch(&execd_control_methods, nullptr, request)
               : exec_dispatch(&execd_view_methods, nullptr, request);
}

// Once this process serves: what the one before it ran has ended with it.
static uint64_t due(void) {
    static bool has_loaded;
    if (!has_loaded) {
        has_loaded = true;
        (void)kept_load(execd.kept, &execd.jobs, "it ended with execd, which ran it", tess_now_ns());
    }
    return crash_due();
}

// Jobs end with the process that runs them.
static const char *loses(void) {
    static char text[64];
    size_t count = 0;
    for (const struct job *job = jobs_from(&execd.jobs, 0); job != nullptr; job = jobs_from(&execd.jobs, job->id + 1)) {
        count += job->state == JOB_RUNNING ? 1 : 0;
    }
    fmt_snprintf(text, sizeof(text), "%zu job%s (`jobs`)", count, count == 1 ? "" : "s");
    return count > 0 ? text : nullptr;
}

static const struct service service = {
    .provides = "exec",
    .interface_id = EXEC_ID,
    .accept = 1 + EXEC_HANDED_MAX, // a watcher, and what programs are handed
    .before_wait = due,
    .when_due = crash_collect,
    .events = &execd.ends,
    .signalled = jobs_collect,
    .loses = loses,
};

int main(int argc, char **argv) {
    bring_up(argc, argv);
    return service_run(&service, &execd.server, dispatch);
}
