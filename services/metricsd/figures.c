#include "abi/gen/stubs.h"
#include "abi/inspect.h"
#include "abi/message.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/kernel.capnp.h"
#include "idl/log.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "services/metricsd/metricsd.h"

constexpr size_t PROCESSES_MAX = 96; // that are shown
constexpr size_t ACCOUNTS_MAX = 192; // that are looked at
constexpr uint64_t PATIENCE_MS = 200;

enum builtin : uint16_t {
    MEMORY_USED,
    MEMORY_TOTAL,
    UPTIME,
    IDLE,
    HANDLES,
    SWITCHES,
    PROCESS_MEMORY,
    PROCESS_TIME,
    PROCESS_HANDLES,
    LOG_APPENDED,
    LOG_DROPPED,
    LOG_LIMITED,
    LOG_USED,
    SERVICE_HEALTH,
    SERVICE_RESTARTS,
    SERVICE_REQUESTS,
    SERVICE_REFUSED,
    SERVICE_DENIED,
    BUILTINS,
};

static const struct metrics_family builtins[BUILTINS] = {
    [MEMORY_USED] = {"memory_used", "Memory of the machine that is in use, for whatever.", METRICS_GAUGE, METRICS_BYTES},
    [MEMORY_TOTAL] = {"memory_total", "Memory of the machine.", METRICS_GAUGE, METRICS_BYTES},
    [UPTIME] = {"uptime", "Time since boot.", METRICS_GAUGE, METRICS_NANOSECONDS},
    [IDLE] = {"idle", "Time in which processors had nothing to do, of all of them.", METRICS_COUNTER, METRICS_NANOSECONDS},
    [HANDLES] = {"handles", "Handles of all processes.", METRICS_GAUGE, METRICS_NONE},
    [SWITCHES] = {"context_switches", "Switches from one thread to another.", METRICS_COUNTER, METRICS_NONE},
    [PROCESS_MEMORY] = {"process_memory", "Memory that the account of a process pays for, without that of accounts below it.", METRICS_GAUGE, METRICS_BYTES},
    [PROCESS_TIME] = {"process_cpu", "Processor time of a process.", METRICS_COUNTER, METRICS_NANOSECONDS},
    [PROCESS_HANDLES] = {"process_handles", "Handles of a process.", METRICS_GAUGE, METRICS_NONE},
    [LOG_APPENDED] = {"log_appended", "Records that came to the log.", METRICS_COUNTER, METRICS_NONE},
    [LOG_DROPPED] = {"log_dropped", "Records of the log that were dropped to make room.", METRICS_COUNTER, METRICS_NONE},
    [LOG_LIMITED] = {"log_limited", "Records that the log did not take because they were too many at once.", METRICS_COUNTER,
                     METRICS_NONE},
    [LOG_USED] = {"log_used", "Memory of the log that records are in.", METRICS_GAUGE, METRICS_BYTES},
    [SERVICE_HEALTH] = {"service_health", "How well a service is: 0 well, 1 degraded, 2 failed.", METRICS_GAUGE, METRICS_NONE},
    [SERVICE_RESTARTS] = {"service_restarts", "How often a service was started again.", METRICS_COUNTER, METRICS_NONE},
    [SERVICE_REQUESTS] = {"service_requests", "Requests that a service answered since it was started.", METRICS_COUNTER, METRICS_NONE},
    [SERVICE_REFUSED] = {"service_refused", "Of those, how many it refused.", METRICS_COUNTER, METRICS_NONE},
    [SERVICE_DENIED] = {"service_denied", "Of those, how many because whoever made them may not.", METRICS_COUNTER, METRICS_NONE},
};

struct running {
    char name[NAME_BYTES + 24];
    uint64_t memory_bytes, cpu_ns, handles;
};

static struct {
    uint64_t values[BUILTINS]; // of the system
    bool log_answers;
    uint32_t process_count;
    struct running processes[PROCESSES_MAX];
} now;

static handle_t inspector;
static struct log log;
static struct histogram histogram; // of the figure that is looked at

void figures_open(void) {
    inspector = tess_cap_required("inspector", INSPECTOR_ID);
    (void)tess_cap("log", LOG_ID, &log.handle);
}

// ---- one moment ----

static void look_at_system(void) {
    struct inspect_system system;
    if (!status_ok(tess_inspector_system(inspector))) {
        return; // the figures stay as they were
    }
    memcpy(&system, tess_message_page(), sizeof(system));
    now.values[MEMORY_USED] = system.used_bytes;
    now.values[MEMORY_TOTAL] = system.ram_bytes;
    now.values[UPTIME] = system.uptime_ns;
    now.values[IDLE] = system.idle_ns;
    now.values[HANDLES] = system.handles;
    now.values[SWITCHES] = system.context_switches;
}

static struct inspect_account accounts[ACCOUNTS_MAX];
static uint64_t account_count;

static void look_at_accounts(void) {
    uint64_t after = 0, count = 1;
    account_count = 0;
    while (count > 0 && account_count < ACCOUNTS_MAX && status_ok(tess_inspector_accounts(inspector, after, &count))) {
        const struct inspect_account *page = tess_message_page();
        for (uint64_t i = 0; i < count && account_count < ACCOUNTS_MAX; i++) {
            accounts[account_count++] = page[i];
            after = page[i].koid;
        }
    }
}

// Two of one name are told apart by their numbers: a figure has one value only.
static void take_process(const struct inspect_process *it) {
    struct running *to = &now.processes[now.process_count];
    *to = (struct running){.memory_bytes = inspect_own_bytes(accounts, account_count, it->account_koid), .cpu_ns = it->cpu_ns, .handles = it->handles};
    (void)str_copy_bytes(to->name, sizeof(to->name), it->name, strnlen(it->name, sizeof(it->name)));
    for (uint32_t i = 0; i < now.process_count; i++) {
        if (str_equal(now.processes[i].name, to->name)) {
            (void)fmt_snprintf(to->name, sizeof(to->name), "%.*s.%lu", (int)strnlen(it->name, sizeof(it->name)), it->name, it->koid);
            break;
        }
    }
    now.process_count++;
}

static void look_at_processes(void) {
    static struct inspect_process page[MESSAGE_PAGE_BYTES / sizeof(struct inspect_process)];
    uint64_t after = 0, count = 1;
    look_at_accounts();
    now.process_count = 0;
    while (count > 0 && status_ok(tess_inspector_processes(inspector, after, &count))) {
        memcpy(page, tess_message_page(), count * sizeof(page[0]));
        for (uint64_t i = 0; i < count; i++) {
            after = page[i].koid;
            if (page[i].state == 1 && now.process_count < PROCESSES_MAX) {
                take_process(&page[i]);
            }
        }
    }
}

static void look_at_log(void) {
    RPC_CALL(call);
    struct log_stats_results results;
    now.log_answers = log.handle.v != 0 && status_ok(log_call_stats(log, &call, tess_deadline_after_ms(PATIENCE_MS), &results));
    if (now.log_answers) {
        const struct log_stats stats = log_stats_results_get_stats(results);
        now.values[LOG_APPENDED] = log_stats_get_appended(stats);
        now.values[LOG_DROPPED] = log_stats_get_dropped(stats);
        now.values[LOG_LIMITED] = log_stats_get_limited(stats);
        now.values[LOG_USED] = log_stats_get_used_bytes(stats);
    }
}

void figures_refresh(void) {
    look_at_system();
    look_at_processes();
    look_at_log();
}

// ---- all of them ----

constexpr uint32_t FAMILIES = BUILTINS + METRICS_FAMILIES_MAX;
constexpr uint32_t PLACES = 128; // in a family, whatever it is of

static_assert(PLACES >= PROCESSES_MAX && PLACES >= METRICS_CLIENTS_MAX && PLACES >= WATCHED_MAX);

static bool of_process(enum builtin which, uint32_t place, struct figure *figure) {
    const struct running *it = &now.processes[place];
    figure->label = "process";
    figure->source = it->name;
    figure->value = which == PROCESS_MEMORY ? it->memory_bytes : which == PROCESS_TIME ? it->cpu_ns : it->handles;
    return place < now.process_count;
}

static uint64_t value_of_service(enum builtin which, const struct watched *service) {
    switch (which) {
    case SERVICE_HEALTH: return service->level;
    case SERVICE_RESTARTS: return service->restarts;
    case SERVICE_REQUESTS: return service->requests;
    case SERVICE_REFUSED: return service->refused;
    default: return service->denied;
    }
}

static bool of_service(enum builtin which, uint32_t place, struct figure *figure) {
    if (place >= WATCHED_MAX || watched[place].name[0] == '\0') {
        return false;
    }
    figure->source = watched[place].name;
    figure->value = value_of_service(which, &watched[place]);
    return true;
}

static bool of_client(uint16_t family, uint32_t place, struct figure *figure) {
    static char name[NAME_BYTES];
    const struct metrics_client *client = place < METRICS_CLIENTS_MAX ? &table.clients[place] : nullptr;
    for (uint32_t i = 0; client != nullptr && client->page != nullptr && i < client->count; i++) {
        if (client->metrics[i].family == family) {
            const volatile uint64_t *words = client->page + client->metrics[i].word;
            figure->source = roster_name(roster, client->holder, name);
            figure->value = words[0]; // of a histogram the sum
            if (figure->family->kind == METRICS_HISTOGRAM) {
                histogram_read(&histogram, words);
                figure->histogram = &histogram;
            }
            return true;
        }
    }
    return false;
}

static bool at(uint32_t family, uint32_t place, struct figure *out) {
    *out = (struct figure){.label = "service", .source = "", .cursor = (uint64_t)family * PLACES + place + 1};
    if (family >= BUILTINS) {
        out->family = &table.families[family - BUILTINS];
        return of_client((uint16_t)(family - BUILTINS), place, out);
    }
    out->family = &builtins[family];
    if (family >= PROCESS_MEMORY && family <= PROCESS_HANDLES) {
        return of_process((enum builtin)family, place < PROCESSES_MAX ? place : PROCESSES_MAX - 1, out) && place < PROCESSES_MAX;
    }
    if (family >= SERVICE_HEALTH) {
        return of_service((enum builtin)family, place, out);
    }
    out->value = now.values[family];
    return place == 0 && (family < LOG_APPENDED || now.log_answers);
}

void figures_each(uint64_t after, figure_fn *function, void *context) {
    for (uint64_t cursor = after; cursor < (uint64_t)FAMILIES * PLACES; cursor++) {
        const uint32_t family = (uint32_t)(cursor / PLACES), place = (uint32_t)(cursor % PLACES);
        struct figure figure;
        if (family >= BUILTINS && table.families[family - BUILTINS].name[0] == '\0') {
            cursor |= PLACES - 1;
            continue;
        }
        bool first = true;
        for (uint32_t before = 0; before < place && first; before++) {
            first = !at(family, before, &figure);
        }
        if (at(family, place, &figure)) {
            figure.first = first;
            if (!function(context, &figure)) {
                return;
            }
        }
    }
}
