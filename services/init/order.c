// In which order services start and stop, and what is done when one is given up.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/supervise/graph.h"
#include "lib/tess/clock.h"
#include "services/init/init.h"

static struct graph graph; // by place in init.units
static uint16_t order[GRAPH_MAX];
static struct graph_set vital;

static_assert(MANIFEST_UNITS_MAX <= GRAPH_MAX);

static struct init_unit *service_of(const struct manifest_unit *spec) {
    for (size_t i = 0; i < init.unit_count; i++) {
        if (init.units[i].spec == spec) {
            return &init.units[i];
        }
    }
    return nullptr;
}

static size_t place_of(const struct init_unit *unit) {
    return (size_t)(unit - init.units);
}

// ---- Order ----

static void find_vital(void) {
    for (size_t i = 0; i < init.unit_count; i++) {
        const struct graph_set dependents = graph_dependents(&graph, i);
        bool is_vital = init.units[i].spec->essential;
        for (size_t j = 0; j < init.unit_count && !is_vital; j++) {
            is_vital = graph_has(&dependents, j) && init.units[j].spec->essential;
        }
        if (is_vital) {
            graph_add(&vital, i);
        }
    }
}

bool order_is_vital(const struct init_unit *unit) {
    return graph_has(&vital, place_of(unit));
}

bool order_init(void) {
    graph.count = init.unit_count;
    for (size_t i = 0; i < init.unit_count; i++) {
        const struct manifest_unit *spec = init.units[i].spec;
        for (uint32_t j = 0; j < manifest_grant_list_count(spec->grants); j++) {
            const struct manifest_unit *needed = manifest_needs(&init.manifest, spec, j);
            if (needed != nullptr) {
                graph_add(&graph.needs[i], place_of(service_of(needed)));
            }
        }
    }
    find_vital();
    return graph_order(&graph, order);
}

struct init_unit *order_at(size_t number) {
    return &init.units[order[number]];
}

// Nobody waits for a service that is given up, is over, or is not of this mode.
static bool waited_for(const struct init_unit *unit) {
    return mode_has(unit) && unit->life.state != SUPERVISE_RUNNING && unit->life.state != SUPERVISE_FAILED &&
           unit->life.state != SUPERVISE_ENDED;
}

bool order_may_start(const struct init_unit *unit) {
    struct graph_set ready = {};
    for (size_t i = 0; i < init.unit_count; i++) {
        if (!waited_for(&init.units[i])) {
            graph_add(&ready, i);
        }
    }
    return mode_has(unit) && graph_satisfied(&graph, place_of(unit), &ready);
}

const struct init_unit *order_missing(const struct init_unit *unit) {
    for (size_t i = 0; i < init.unit_count; i++) {
        if (graph_has(&graph.needs[place_of(unit)], i) && init.units[i].life.state == SUPERVISE_FAILED) {
            return &init.units[i];
        }
    }
    return nullptr;
}

// ---- When one is given up ----

// Has it started afresh, whatever it failed at before; ends its process first if there is one.
static void start_afresh(struct init_unit *unit) {
    if (supervise_restart(&unit->life, tess_now_ns())) {
        (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
    }
}

static void restart_with_dependents(struct init_unit *unit, const struct graph_set *dependents) {
    outbox_log(unit, LOG_LEVEL_ERROR, "%s ended %u times in a row; it is started again with all that need it", unit->name,
               unit->life.failures);
    for (size_t i = 0; i < init.unit_count; i++) {
        if (graph_has(dependents, i) && supervise_lives(&init.units[i].life)) {
            start_afresh(&init.units[i]);
        }
    }
    start_afresh(unit);
}

void order_given_up(struct init_unit *unit, bool hopeless) {
    const struct graph_set dependents = graph_dependents(&graph, place_of(unit));
    uint64_t any = 0;
    for (size_t i = 0; i < GRAPH_MAX / 64; i++) {
        any |= dependents.words[i];
    }
    const struct escalate_case now = {
        .essential = unit->spec->essential,
        .starved = unit->life.starved,
        .hopeless = hopeless,
        .has_dependents = any != 0,
        .runs_in_safe = (unit->spec->modes >> MANIFEST_MODE_SAFE & 1) != 0,
        .is_safe = init.mode >= MANIFEST_MODE_SAFE,
    };
    if (init.closing) {
        return;
    }
    switch (escalate(&unit->escalation, now)) {
    case ESCALATE_RESTART_DEPENDENTS: restart_with_dependents(unit, &dependents); break;
    case ESCALATE_DEGRADE:
        outbox_given_up(unit);
        outbox_log(unit, LOG_LEVEL_ERROR, "%s is given up (%s)%s; `restart %s` tries again", unit->name, unit->reason,
                   any != 0 ? ", and what needs it runs without it" : "", unit->name);
        break;
    case ESCALATE_SAFE_MODE: mode_make_safe(unit); break;
    case ESCALATE_STOP: {
        char line[256];
        fmt_snprintf(line, sizeof line, "init: the essential service %s is given up%s (%s); the system stops", unit->name,
                     init.mode == MANIFEST_MODE_SAFE ? " in mode safe, too" : "", unit->reason);
        power_down(SUPERVISOR_CONTROL_POWER_OFF, line);
    }
    }
}
