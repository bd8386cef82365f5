#include "base/fmt.h"
#include "base/str.h"
#include "idl/supervisor.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "services/metricsd/metricsd.h"

constexpr uint64_t ROUND_NS = TESS_NS_PER_S;
constexpr uint64_t UNSETTLED_NS = 10 * TESS_NS_PER_S; // so long after a restart nobody knows whether it lasts
constexpr uint64_t PATIENCE_MS = 500;
constexpr uint64_t TIGHT_PERCENT = 95; // of the limit of an account

struct watched watched[WATCHED_MAX];
struct health_watch the_health;
static struct supervisor supervisor;
static uint64_t next_ns;

void watch_open(void) {
    supervisor.handle = tess_cap_required("supervisor", SUPERVISOR_ID);
}

// The entry of a service, perhaps a new one; null when there are too many.
static struct watched *entry_of(const char *name, uint64_t restarts) {
    struct watched *free = nullptr;
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (str_equal(watched[i].name, name)) {
            return &watched[i];
        }
        free = free == nullptr && watched[i].name[0] == '\0' ? &watched[i] : free;
    }
    if (free != nullptr) {
        *free = (struct watched){.restarts = restarts};
        (void)str_copy(free->name, sizeof(free->name), name);
    }
    return free;
}

static enum health_level judge_state(enum supervisor_run_state state, bool restarted, const char **reason) {
    switch (state) {
    case SUPERVISOR_RUN_STATE_BACKOFF: *reason = "ended, and is to be started again after a pause"; return HEALTH_LEVEL_DEGRADED;
    case SUPERVISOR_RUN_STATE_FAILED: *reason = "was given up, or cannot be started"; return HEALTH_LEVEL_FAILED;
    case SUPERVISOR_RUN_STATE_STARTING:
        *reason = restarted ? "is being started again" : "";
        return restarted ? HEALTH_LEVEL_DEGRADED : HEALTH_LEVEL_OK;
    case SUPERVISOR_RUN_STATE_STOPPED: // not started yet
    case SUPERVISOR_RUN_STATE_ENDED:   // and is not meant to run any more
    case SUPERVISOR_RUN_STATE_RUNNING: break;
    }
    *reason = "";
    return HEALTH_LEVEL_OK;
}

static void judge(struct supervisor_service service, uint64_t now_ns) {
    char name[NAME_BYTES], text[HEALTH_REASON_BYTES];
    const struct capnp_text called = supervisor_service_get_name(service);
    const uint64_t restarts = supervisor_service_get_restarts(service);
    const struct supervisor_memory memory = supervisor_service_get_memory(service);
    const uint64_t used = supervisor_memory_get_used_bytes(memory), limit = supervisor_memory_get_limit_bytes(memory);
    (void)str_copy_bytes(name, sizeof(name), called.bytes, called.len);
    struct watched *entry = entry_of(name, restarts);
    if (entry != nullptr && entry->restarts != restarts) {
        entry->restarts = restarts;
        entry->restarted_ns = now_ns;
    }
    const bool restarted = entry != nullptr && entry->restarted_ns != 0 && now_ns - entry->restarted_ns < UNSETTLED_NS;
    const char *reason;
    enum health_level level = judge_state(supervisor_service_get_state(service), restarted, &reason);
    if (level == HEALTH_LEVEL_OK && restarted) {
        level = HEALTH_LEVEL_DEGRADED;
        (void)fmt_snprintf(text, sizeof(text), "was started again (restart %lu)", restarts);
        reason = text;
    } else if (level == HEALTH_LEVEL_OK && limit >= 100 && used / TIGHT_PERCENT >= limit / 100) {
        level = HEALTH_LEVEL_DEGRADED;
        reason = "has nearly no memory left";
    }
    if (entry != nullptr) {
        const struct supervisor_work work = supervisor_service_get_work(service);
        entry->requests = supervisor_work_get_requests(work);
        entry->refused = supervisor_work_get_refused(work);
        entry->denied = supervisor_work_get_denied(work);
        entry->level = level;
        entry->seen = true;
    }
    health_report(&the_health, name, level, reason);
}

static status_t judge_all(uint64_t now_ns) {
    uint32_t first = 0, count, total;
    do {
        RPC_CALL(call);
        struct supervisor_services_results results;
        TRY(supervisor_call_services(supervisor, &call, first, tess_deadline_after_ms(PATIENCE_MS), &results));
        const struct supervisor_service_list list = supervisor_services_results_get_services(results);
        count = supervisor_service_list_count(list);
        total = supervisor_services_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            judge(supervisor_service_list_get(list, i), now_ns);
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

// What services say of themselves, in a gauge that is called `health`.
static void listen(void) {
    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        const struct metrics_client *client = &table.clients[i];
        for (uint32_t k = 0; client->page != nullptr && k < client->count; k++) {
            const struct metrics_family *family = &table.families[client->metrics[k].family];
            char name[NAME_BYTES];
            if (str_equal(family->name, "health") && family->kind == METRICS_GAUGE) {
                const uint64_t level = client->page[client->metrics[k].word];
                health_report(&the_health, roster_name(roster, client->holder, name),
                              level < HEALTH_LEVEL_FAILED ? (enum health_level)level : HEALTH_LEVEL_FAILED,
                              level == 0 ? "" : "says so itself");
            }
        }
    }
}

uint64_t watch_next(void) {
    return next_ns;
}

void watch_round(void) {
    const uint64_t now_ns = tess_now_ns();
    if (now_ns < next_ns) {
        return;
    }
    health_begin(&the_health);
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        watched[i].seen = false;
    }
    if (!status_ok(judge_all(now_ns))) {
        health_report(&the_health, "init", HEALTH_LEVEL_DEGRADED, "does not answer");
    } else {
        for (size_t i = 0; i < WATCHED_MAX; i++) {
            watched[i].name[0] = watched[i].seen ? watched[i].name[0] : '\0';
        }
    }
    listen();
    health_end(&the_health, now_ns);
    next_ns = tess_deadline_after_ns(ROUND_NS);
}
