#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
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

static void bring_up(int argc, char **argv) {
    memset(&execd, 0, sizeof(execd)); // committed now, so that running a program leaves memory as it was
    execd.package_vmo = tess_cap_required(MANIFEST_PROGRAMS, 0);
    execd.accounts = tess_cap_required(MANIFEST_PROGRAMS_ACCOUNT, 0);
    execd.supervisor = tess_cap_required("supervisor", SUPERVISOR_ID);
    execd.log = tess_cap_required("log", 0);
    execd.command_line = argc > 1 ? argv[1] : nullptr;
    read_package();
    crash_open();
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

// Jobs end with the process that runs them, and nobody else knows how those ended that are over.
static const char *loses(void) {
    static char text[64];
    size_t count = 0;
    for (const struct job *job = jobs_from(&execd.jobs, 0); job != nullptr; job = jobs_from(&execd.jobs, job->id + 1)) {
        count++;
    }
    fmt_snprintf(text, sizeof(text), "%zu job%s (`jobs`)", count, count == 1 ? "" : "s");
    return count > 0 ? text : nullptr;
}

static const struct service service = {
    .provides = "exec",
    .interface_id = EXEC_ID,
    .accept = 1 + EXEC_HANDED_MAX, // a watcher, and what programs are handed
    .before_wait = crash_due,
    .when_due = crash_collect,
    .events = &execd.ends,
    .signalled = jobs_collect,
    .loses = loses,
};

int main(int argc, char **argv) {
    bring_up(argc, argv);
    return service_run(&service, &execd.server, dispatch);
}
