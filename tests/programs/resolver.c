// resolver: what the registry gives, takes back, and says when something changes. It is driven by what is typed meanwhile
// (tests/e2e/registry.py). Its manifest lets it resolve `log`, to use and share, and `random`, to use.
//
//   resolver rights      what it is given of each is what its manifest says
//   resolver watch       says so when the log has been started again
//   resolver until NAME  calls the service until its capability is taken back
#include "abi/gen/stubs.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "idl/log.capnp.h"
#include "idl/registry.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/syscall.h"

constexpr uint64_t PAUSE_MS = 2, WATCH_MS = 20'000;

static handle_t console;
static struct registry registry;

static handle_t resolve(const char *name, enum registry_outcome *outcome) {
    RPC_CALL(call);
    struct registry_resolve_results results;
    if (!status_ok(registry_call_resolve(registry, &call, capnp_text(name), 0, rpc_patience(), &results))) {
        *outcome = REGISTRY_OUTCOME_NO_SUCH_NAME;
        return (handle_t){};
    }
    *outcome = registry_resolve_results_get_outcome(results);
    return rpc_keep(&call, registry_resolve_results_get_service(results).handle);
}

static uint64_t rights_of(handle_t handle) {
    uint64_t rights = 0;
    return status_ok(tess_process_handle_info(tess_self_process(), handle.v, nullptr, &rights, nullptr, nullptr, nullptr)) ? rights : 0;
}

static int check_rights(void) {
    static const struct {
        const char *name;
        enum registry_outcome outcome;
        uint64_t rights;
    } expected[] = {
        {"log", REGISTRY_OUTCOME_FOUND, RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT},
        {"random", REGISTRY_OUTCOME_FOUND, RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT},
        {"policy", REGISTRY_OUTCOME_NOT_ALLOWED, 0},
        {"nothing", REGISTRY_OUTCOME_NOT_ALLOWED, 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        enum registry_outcome outcome;
        TESS_OWNED handle_t got = resolve(expected[i].name, &outcome);
        if (outcome != expected[i].outcome || rights_of(got) != expected[i].rights) {
            (void)console_print(console, "resolver: %s: outcome %u, rights %#lx\n", expected[i].name, outcome, rights_of(got));
            return 1;
        }
    }
    (void)console_print(console, "resolver: as it should be\n");
    return 0;
}

static status_t watch(uint64_t *generation) {
    RPC_CALL(call);
    struct registry_watch_results results;
    const status_t status = registry_call_watch(registry, &call, CAPNP_TEXT("log"), *generation, tess_deadline_after_ms(WATCH_MS), &results);
    if (status_ok(status)) {
        *generation = registry_watch_results_get_generation(results);
    }
    return status;
}

static int watch_log(void) {
    uint64_t first = 0;
    status_t status = watch(&first);
    (void)console_print(console, "resolver: watches\n");
    uint64_t now = first;
    if (status_ok(status)) {
        status = watch(&now);
    }
    (void)console_print(console, "resolver: %s\n", !status_ok(status) ? rpc_status_text(status) : now != first ? "it is another" : "the same");
    return 0;
}

// The log's own answer or refusal is as good as another: what counts is that the call gets there.
static status_t use(handle_t log) {
    RPC_CALL(call);
    return log_call_stats((struct log){log}, &call, rpc_patience(), nullptr);
}

static int use_until_taken(const char *name) {
    enum registry_outcome outcome;
    TESS_OWNED handle_t service = resolve(name, &outcome);
    TESS_OWNED handle_t copy = {};
    TESS_OWNED handle_t never = {};
    uint64_t bits;
    if (!tess_handle_valid(service) || !status_ok(tess_handle_copy(service, (rights_t){RIGHT_SEND_BIT}, &copy)) ||
        !status_ok(tess_account_create_notification(tess_self_account(), &never))) {
        (void)console_print(console, "resolver: %s: outcome %u\n", name, outcome);
        return 1;
    }
    (void)console_print(console, "resolver: uses it\n");
    status_t status = use(copy);
    while (status_ok(status)) {
        (void)tess_wait(never, &bits, tess_deadline_after_ms(PAUSE_MS));
        status = use(copy);
    }
    const status_t other = use(service);
    (void)resolve(name, &outcome);
    (void)console_print(console, "resolver: taken back: %u and %u, then %s\n", status.code, other.code,
                        outcome == REGISTRY_OUTCOME_NOT_ALLOWED ? "not allowed" : "something else");
    return 0;
}

int main(int argc, char **argv) {
    console = tess_cap_required("console", CONSOLE_ID);
    registry.handle = tess_cap_required("registry", REGISTRY_ID);
    if (argc == 2 && str_equal(argv[1], "rights")) {
        return check_rights();
    }
    if (argc == 2 && str_equal(argv[1], "watch")) {
        return watch_log();
    }
    return argc == 3 && str_equal(argv[1], "until") ? use_until_taken(argv[2]) : 1;
}
