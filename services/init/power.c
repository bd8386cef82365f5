#include "abi/gen/stubs.h"
#include "lib/tess/clock.h"
#include "lib/tess/panic.h"
#include "lib/tess/serve.h"
#include "lib/tess/syscall.h"
#include "lib/wire/wire.h"
#include "services/init/init.h"

constexpr uint64_t END_PATIENCE_MS = 500; // for one process

// Waits until the unit's process has ended; requests that come meanwhile are refused.
static void await_end(const struct init_unit *unit) {
    uint64_t deadline_ns = tess_deadline_after_ms(END_PATIENCE_MS);
    while (unit_runs(unit)) {
        struct tess_message message = {.info = tess_accept(1)};
        if (!status_ok(tess_recv(init.supervisor, &message, deadline_ns))) {
            return; // it does not end: the machine goes down all the same
        }
        if ((message.info & MESSAGE_NOTIFICATION) != 0) {
            units_collect(message.words[0]);
            continue;
        }
        tess_message_close_handles(&message);
        struct tess_message refusal = {.info = tess_info(WIRE_BAD_STATE)};
        (void)tess_reply(&refusal); // NO_CALLER: it was a send
    }
}

void power_down(uint32_t action) {
    init.closing = true;
    for (size_t i = 0; i < init.unit_limit; i++) {
        if (init.units[i].spec != nullptr) {
            supervise_close(&init.units[i].life);
        }
    }
    (void)outbox_pump();
    for (size_t i = init.unit_limit; i-- > 0;) {
        struct init_unit *unit = &init.units[i];
        if (unit->spec != nullptr && unit_runs(unit)) {
            unit_kill(unit);
            await_end(unit);
        }
    }
    (void)tess_resource_power(init.resource, action);
    early_stop("init: this machine cannot be %s by software; it is safe to switch it off",
               action == SUPERVISOR_REBOOT ? "restarted" : "switched off");
}
