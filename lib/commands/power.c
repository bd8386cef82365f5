// reboot, poweroff.
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "lib/tess/clock.h"

constexpr uint64_t POWER_PATIENCE_MS = 30'000;
constexpr uint64_t LOOK_AGAIN_MS = 100;

static int power(enum supervisor_control_power action, const char *name) {
    RPC_CALL(call);
    uint64_t bits;
    out_flush();
    status_t status = supervisor_control_call_power(the_supervisor_control(), &call, action, rpc_patience(), nullptr);
    if (!status_ok(status)) {
        return out_problem(name, status);
    }
    // The supervisor stops this process, too.
    uint64_t deadline_ns = tess_deadline_after_ms(POWER_PATIENCE_MS);
    while (tess_now_ns() < deadline_ns) {
        (void)shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS));
    }
    return fail("%s: the system did not go down; see `services` and `logs`\n", name);
}

int command_reboot(const struct arguments *arguments) {
    (void)arguments;
    return power(SUPERVISOR_CONTROL_POWER_REBOOT, "reboot");
}

int command_poweroff(const struct arguments *arguments) {
    (void)arguments;
    return power(SUPERVISOR_CONTROL_POWER_OFF, "poweroff");
}
