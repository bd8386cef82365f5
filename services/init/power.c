#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "idl/console.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"
#include "lib/badge/badge.h"
#include "services/init/init.h"

constexpr uint64_t END_PATIENCE_MS = 500;      // for one process that was ended
constexpr uint64_t DRAIN_PATIENCE_MS = 300;    // for the console's pending output, and for what init has to say itself
constexpr uint64_t DRAIN_QUIET_NS = 3'000'000; // longer than a 16-byte FIFO takes at 115,200 baud
constexpr uint32_t PORT_TRIES = 100;

// Lets others run until the deadline or the next event, whose coming it reports; requests are refused by now.
static bool take_event(uint64_t deadline_ns) {
    switch (rpc_server_next(&init.server, deadline_ns)) {
    case RPC_REQUEST:
        rpc_server_done(&init.server, rpc_refuse(&init.server.request, RPC_FAILED, "the system is going down"));
        rpc_server_answer(&init.server);
        return true;
    case RPC_SIGNAL: units_collect(init.server.bits); return true;
    default: return false;
    }
}

static void await_end(const struct init_unit *unit, uint64_t patience_ms) {
    uint64_t deadline_ns = tess_deadline_after_ms(patience_ms);
    while (unit_runs(unit) && tess_now_ns() < deadline_ns && take_event(deadline_ns)) {
    }
}

// Bytes that the console has handed to its device so far; UINT64_MAX when it does not say.
static uint64_t console_output(handle_t console) {
    RPC_CALL(call);
    struct console_stats_results results;
    const status_t status = console_call_stats((struct console){console}, &call,
                                               tess_deadline_after_ms(DRAIN_PATIENCE_MS), &results);
    return status_ok(status) ? console_stats_get_output_bytes(console_stats_results_get_stats(results)) : UINT64_MAX;
}

// What was printed shall be seen: waits until the console has sent nothing for a while.
static void drain_console(const struct init_endpoint *endpoint) {
    handle_t console;
    if (!status_ok(tess_handle_mint(endpoint->endpoint, (rights_t){RIGHT_SEND_BIT}, BADGE_SUPERVISOR, 0,
                                    &console))) {
        return;
    }
    uint64_t deadline_ns = tess_deadline_after_ms(DRAIN_PATIENCE_MS);
    uint64_t sent = console_output(console);
    while (sent != UINT64_MAX && tess_now_ns() < deadline_ns) {
        uint64_t quiet_ns = tess_deadline_after_ns(DRAIN_QUIET_NS);
        while (tess_now_ns() < quiet_ns && take_event(quiet_ns)) {
        }
        uint64_t before = sent;
        sent = console_output(console);
        if (sent == before) {
            break;
        }
    }
    tess_close(console);
}

// The port is free once the console's process is wholly gone, which takes the kernel a moment.
static void print_last(const char *line) {
    for (uint32_t i = 0; i < PORT_TRIES && !early_print(line); i++) {
        (void)take_event(tess_deadline_after_ms(1)); // any event, or the time
    }
}

// What is to be said before nobody is there any more who would hear it.
static void say_rest(void) {
    const uint64_t deadline_ns = tess_deadline_after_ms(DRAIN_PATIENCE_MS);
    do {
        (void)outbox_pump();
    } while (!outbox_is_empty() && tess_now_ns() < deadline_ns && take_event(deadline_ns));
}

void power_down(enum supervisor_control_power action, const char *last_words) {
    init.closing = true;
    for (size_t i = 0; i < init.unit_count; i++) {
        supervise_close(&init.units[i].life);
    }
    replace_close();
    say_rest();
    const struct init_endpoint *console = endpoint_find("console");
    for (size_t i = init.unit_count; i-- > 0;) {
        struct init_unit *unit = order_at(i);
        if (!unit_runs(unit)) {
            continue;
        }
        if (console != nullptr && console->provider == unit) {
            drain_console(console);
        }
        if (unit->spec->stop_ms > 0 && ask_stop(unit)) {
            await_end(unit, unit->spec->stop_ms);
        }
        if (unit_runs(unit)) {
            unit_kill(unit);
            await_end(unit, END_PATIENCE_MS);
        }
    }
    if (last_words != nullptr) {
        char line[OUTBOX_LINE_BYTES];
        while (outbox_unsaid(line)) { // that may say how it came to this
            print_last(line);
        }
        print_last(last_words);
    }
    (void)tess_resource_power(init.resource, action);
    early_stop("init: this machine cannot be %s by software; it is safe to switch it off",
               action == SUPERVISOR_CONTROL_POWER_REBOOT ? "restarted" : "switched off");
}
