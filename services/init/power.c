#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "idl/console.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"
#include "lib/tess/serve.h"
#include "lib/tess/syscall.h"
#include "lib/wire/client.h"
#include "services/init/init.h"

constexpr uint64_t END_PATIENCE_MS = 500;      // for one process
constexpr uint64_t DRAIN_PATIENCE_MS = 300;    // for the console's pending output
constexpr uint64_t DRAIN_QUIET_NS = 3'000'000; // longer than a 16-byte FIFO takes at 115,200 baud
constexpr uint32_t PORT_TRIES = 100;

// Lets others run until the deadline or the next event; requests that come meanwhile are refused.
static status_t take_event(uint64_t deadline_ns) {
    struct tess_message message = {.info = tess_accept(1)};
    TRY(tess_recv(init.supervisor, &message, deadline_ns));
    if ((message.info & MESSAGE_NOTIFICATION) != 0) {
        units_collect(message.words[0]);
        return STATUS_OK;
    }
    tess_message_close_handles(&message);
    struct tess_message refusal = {.info = tess_info(WIRE_BAD_STATE)};
    (void)tess_reply(&refusal); // NO_CALLER: it was a send
    return STATUS_OK;
}

static void await_end(const struct init_unit *unit) {
    uint64_t deadline_ns = tess_deadline_after_ms(END_PATIENCE_MS);
    while (unit_runs(unit) && status_ok(take_event(deadline_ns))) {
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
    if (!status_ok(tess_handle_mint(endpoint->endpoint, (rights_t){RIGHT_SEND_BIT}, WIRE_BADGE_SUPERVISOR, 0,
                                    &console))) {
        return;
    }
    uint64_t deadline_ns = tess_deadline_after_ms(DRAIN_PATIENCE_MS);
    uint64_t sent = console_output(console);
    while (sent != UINT64_MAX && tess_now_ns() < deadline_ns) {
        uint64_t quiet_ns = tess_deadline_after_ns(DRAIN_QUIET_NS);
        while (status_ok(take_event(quiet_ns))) {
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

void power_down(uint32_t action, const char *last_words) {
    init.closing = true;
    for (size_t i = 0; i < init.unit_limit; i++) {
        if (init.units[i].spec != nullptr) {
            supervise_close(&init.units[i].life);
        }
    }
    (void)outbox_pump();
    const struct init_endpoint *console = endpoint_find("console");
    for (size_t i = init.unit_limit; i-- > 0;) {
        struct init_unit *unit = &init.units[i];
        if (unit->spec == nullptr || !unit_runs(unit)) {
            continue;
        }
        if (console != nullptr && console->provider == unit) {
            drain_console(console);
        }
        unit_kill(unit);
        await_end(unit);
    }
    if (last_words != nullptr) {
        print_last(last_words);
    }
    (void)tess_resource_power(init.resource, action);
    early_stop("init: this machine cannot be %s by software; it is safe to switch it off",
               action == SUPERVISOR_REBOOT ? "restarted" : "switched off");
}
