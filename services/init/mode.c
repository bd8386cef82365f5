// How much of the system runs: all of it, unless the boot command line says otherwise, or an essential service was given up.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/tess/clock.h"
#include "services/init/init.h"

// What the boot command line says of it; full when it says nothing. False: there is no such mode.
bool mode_init(void) {
    const char *value = init.cmdline != nullptr ? str_find_word(init.cmdline, "mode") : nullptr;
    init.mode = MANIFEST_MODE_FULL;
    for (uint32_t mode = 0; value != nullptr && mode < MANIFEST_MODES; mode++) {
        const char *name = manifest_mode_names[mode];
        const size_t len = strlen(name);
        if (*value == '=' && strncmp(value + 1, name, len) == 0 && (value[1 + len] == ' ' || value[1 + len] == '\0')) {
            init.mode = (enum manifest_mode)mode;
            (void)str_copy(init.mode_reason, sizeof init.mode_reason, mode != MANIFEST_MODE_FULL ? "chosen at boot" : "");
            return true;
        }
    }
    return value == nullptr;
}

bool mode_has(const struct init_unit *unit) {
    return (unit->spec->modes >> init.mode & 1) != 0;
}

const char *mode_name(void) {
    return manifest_mode_names[init.mode];
}

// "a b c"; cut where there are more than fit, for `services` has them all.
static void left_out(char *to, size_t size) {
    to[0] = '\0';
    for (size_t i = 0; i < init.unit_count; i++) {
        if (!mode_has(&init.units[i])) {
            (void)(str_append(to, size, " ") && str_append(to, size, init.units[i].name));
        }
    }
}

void mode_announce(void) {
    char names[96], line[256];
    left_out(names, sizeof names);
    fmt_snprintf(line, sizeof line, "init: mode %s (%s)%s%s", mode_name(), init.mode_reason,
                 names[0] != '\0' ? ", without" : "", names);
    outbox_log(nullptr, LOG_LEVEL_WARNING, "%s", line + strlen("init: "));
    outbox_announce(line);
}

// Those that do not belong to safe mode end, and stay down.
static void leave_out(struct init_unit *unit) {
    supervise_close(&unit->life);
    if (replace_holds(unit)) {
        replace_close(); // else the one that begins would serve
    }
    if (unit_runs(unit)) {
        unit_kill(unit);
        init.freed_ns = tess_now_ns();
    }
}

void mode_make_safe(struct init_unit *unit) {
    fmt_snprintf(init.mode_reason, sizeof init.mode_reason, "the essential service %s is given up: %s, %u time%s in a row", unit->name,
                 unit->reason, unit->life.failures, unit->life.failures == 1 ? "" : "s");
    outbox_log(unit, LOG_LEVEL_ERROR, "%s; the system goes on in safe mode", init.mode_reason);
    init.mode = MANIFEST_MODE_SAFE;
    for (size_t i = 0; i < init.unit_count; i++) {
        struct init_unit *other = &init.units[i];
        if (!mode_has(other)) {
            leave_out(other);
        } else if (!unit_runs(other) && other->life.state != SUPERVISE_STOPPED) { // that one waits for what it needs
            (void)supervise_restart(&other->life, tess_now_ns()); // with all its chances; nothing is to be ended
        }
    }
    mode_announce();
}
