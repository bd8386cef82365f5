#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "services/init/init.h"

struct init init;

static void print_panic(const char *line, unsigned long len) {
    (void)len; // terminated by a newline, which early_print adds too; a blank line does no harm
    (void)early_print(line);
}

static void map_package(void) {
    uint64_t len = 0, address = 0;
    status_t status = tess_vmo_info(init.package_vmo, &len, nullptr);
    if (status_ok(status)) {
        status = tess_vspace_map(tess_self_vspace(), init.package_vmo, 0, len, 0, PROT_READ, &address);
    }
    if (!status_ok(status)) {
        early_stop("init: cannot map the boot package: %s", abi_status_text(status.code));
    }
    if (!package_open((const uint8_t *)address, len, &init.package)) {
        early_stop("init: the boot package is malformed; rebuild it with \"make image\"");
    }
    const char *what;
    if (!package_check(&init.package, &what)) {
        early_stop("init: boot package: %s; rebuild it with \"make image\"", what);
    }
}

static void read_manifest(void) {
    struct package_entry entry;
    struct manifest_error error;
    if (!package_find(&init.package, BOOT_ENTRY_MANIFEST, nullptr, &entry)) {
        early_stop("init: the boot package has no manifest; rebuild it with \"make image\"");
    }
    if (!manifest_open(entry.bytes, entry.len_bytes, &init.manifest, &error)) {
        char place[MANIFEST_SOURCE_BYTES + 16];
        if (error.source != nullptr) {
            fmt_snprintf(place, sizeof place, "%s:%u", error.source, error.line);
        } else {
            (void)str_copy(place, sizeof place, entry.name);
        }
        early_stop("init: %s: %s%s%s", place, error.where, error.where[0] != '\0' ? ": " : "", error.text);
    }
}

static status_t make_endpoint(void) {
    TRY(tess_account_create_endpoint(init.account, SUPERVISOR_ID, &init.supervisor));
    rpc_server_init(&init.server, init.supervisor, 1); // a watcher
    TRY(tess_account_create_notification(init.account, &init.ends));
    return tess_notification_bind(init.ends, init.supervisor);
}

static status_t make_roster(void) {
    uint64_t address = 0;
    TRY(tess_account_create_vmo(init.account, ROSTER_BYTES, &init.roster_vmo));
    TRY(tess_vspace_map(tess_self_vspace(), init.roster_vmo, 0, ROSTER_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    init.roster = (struct roster *)address;
    // Committed now, so that running programs leaves memory as it was.
    memset(init.roster, 0, sizeof *init.roster);
    memset(init.jobs, 0, sizeof init.jobs);
    return roster_put(init.roster, badge_holder(BADGE_SUPERVISOR), "init") ? STATUS_OK : STATUS_NO_MEMORY;
}

static void bring_up(int argc, char **argv) {
    tess_panic_writer = print_panic;
    init.account = tess_self_account();
    init.resource = tess_cap_required(BOOTSTRAP_CAP_RESOURCE, 0);
    init.inspector = tess_cap_required(BOOTSTRAP_CAP_INSPECTOR, 0);
    init.trace = tess_cap_required(BOOTSTRAP_CAP_TRACE, 0);
    init.package_vmo = tess_cap_required(BOOTSTRAP_CAP_BOOT_PACKAGE, 0);
    init.cmdline = argc > 1 ? argv[1] : nullptr;
    map_package();
    read_manifest();
    status_t status = make_endpoint();
    if (status_ok(status)) {
        status = make_roster();
    }
    if (status_ok(status)) {
        status = crash_init();
    }
    if (status_ok(status)) {
        status = units_init();
    }
    if (status_ok(status)) {
        status = ask_init();
    }
    if (!status_ok(status)) {
        early_stop("init: cannot set up the system `%s`: %s", init.manifest.name,
                   abi_status_text(status.code));
    }
    if (!mode_init()) {
        early_stop("init: there is no such mode; the boot command line may say mode=full, reduced, safe or recovery");
    }
    if (!order_init()) {
        early_stop("init: services of the system `%s` wait for each other", init.manifest.name);
    }
    units_reserve();
    outbox_log(nullptr, LOG_LEVEL_INFO, "system %s: %zu services", init.manifest.name, init.unit_count);
    outbox_log(nullptr, LOG_LEVEL_INFO, "kernel to init: %lu cycles", tess_start_counter - tess_bootstrap->clock.base);
    if (init.mode != MANIFEST_MODE_FULL) {
        mode_announce();
    }
}

int main(int argc, char **argv) {
    bring_up(argc, argv);
    for (;;) {
        uint64_t deadline_ns = units_start_due();
        uint64_t retry_ns = outbox_pump();
        const uint64_t asked_ns = ask_due(), replaced_ns = replace_due(), absent_ns = absent_due();
        deadline_ns = retry_ns < deadline_ns ? retry_ns : deadline_ns;
        deadline_ns = asked_ns < deadline_ns ? asked_ns : deadline_ns;
        deadline_ns = replaced_ns < deadline_ns ? replaced_ns : deadline_ns;
        deadline_ns = absent_ns < deadline_ns ? absent_ns : deadline_ns;
        switch (rpc_server_next(&init.server, deadline_ns)) {
        case RPC_REQUEST: control_handle(); break;
        case RPC_SIGNAL: units_collect(init.server.bits); break;
        case RPC_TIMEOUT: break;
        case RPC_CLOSED: tess_panic("init: its endpoint is gone");
        }
    }
}
