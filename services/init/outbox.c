// What other services are to be told. Each of them may be down, starting or stuck, so everything waits
// here until it can be handed over within a few milliseconds, and nothing that it says is lost but
// the oldest log records of a long outage.
#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/checked.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "idl/registry.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/badge/badge.h"
#include "services/init/init.h"

constexpr uint64_t PATIENCE_NS = 3'000'000; // for one message to one service
constexpr uint64_t RETRY_FIRST_NS = 5'000'000, RETRY_MAX_NS = 500'000'000;
constexpr size_t RECORDS_MAX = 32, RECORD_TEXT_BYTES = 240;
constexpr size_t ANNOUNCEMENTS_MAX = 4;

struct record {
    uint64_t subject; // holder number
    enum log_level level;
    enum log_kind kind;
    char text[RECORD_TEXT_BYTES];
};

// One service that is told things, and when it is worth trying again.
struct target {
    const char *name; // of what it provides
    const struct init_endpoint *endpoint;
    handle_t client; // init's own way in, with the supervisor's badge
    uint64_t retry_ns, pause_ns;
};

static struct target the_log = {.name = "log"};
static struct target the_registry = {.name = "registry"};
static struct target the_console = {.name = "console"};

static struct record records[RECORDS_MAX]; // a ring
static size_t record_first, record_count;
static uint64_t records_dropped;
static char announcements[ANNOUNCEMENTS_MAX][OUTBOX_LINE_BYTES];
static size_t announcement_count;

// Whether the target is ready. The registry is told before it begins to serve, so that nobody is told of a name that it has not
// heard of yet.
static bool hears(const struct target *target) {
    const struct init_unit *provider = target->endpoint->provider;
    return provider->life.state == SUPERVISE_RUNNING || (target == &the_registry && unit_runs(provider));
}

// Whether the target hears and is due for a try.
static bool ready(struct target *target) {
    if (target->endpoint == nullptr) {
        target->endpoint = endpoint_find(target->name);
        if (target->endpoint == nullptr) {
            return false; // this system has none
        }
    }
    if (!tess_handle_valid(target->client) &&
        !status_ok(tess_handle_mint(target->endpoint->endpoint, (rights_t){RIGHT_SEND_BIT},
                                    BADGE_SUPERVISOR, 0, &target->client))) {
        return false;
    }
    return hears(target) && tess_now_ns() >= target->retry_ns;
}

// Takes note of how one message fared; false when the target should be left alone for a while.
static bool went_well(struct target *target, status_t status) {
    bool refused = status.code >= RPC_FAILED; // it answered: repeating would not help
    if (status_ok(status) || refused) {
        target->pause_ns = 0;
        return true;
    }
    target->pause_ns = target->pause_ns == 0 ? RETRY_FIRST_NS : target->pause_ns * 2;
    if (target->pause_ns > RETRY_MAX_NS) {
        target->pause_ns = RETRY_MAX_NS;
    }
    target->retry_ns = tess_deadline_after_ns(target->pause_ns);
    return false;
}

static uint64_t patience(void) {
    return tess_deadline_after_ns(PATIENCE_NS);
}

// --- the log ---

static void put_record(const struct init_unit *subject, enum log_level level, enum log_kind kind, const char *format,
                       va_list args) {
    if (record_count == RECORDS_MAX) {
        record_first = (record_first + 1) % RECORDS_MAX;
        record_count--;
        records_dropped++;
    }
    if (record_count == 0) {
        record_first = 0; // so that the ring's memory is only touched when it is needed
    }
    struct record *record = &records[(record_first + record_count++) % RECORDS_MAX];
    record->level = level;
    record->kind = kind;
    record->subject = subject != nullptr ? subject->id : badge_holder(BADGE_SUPERVISOR);
    fmt_vsnprintf(record->text, sizeof record->text, format, args);
}

void outbox_log(const struct init_unit *subject, uint8_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_record(subject, (enum log_level)level, LOG_KIND_REPORT, format, args);
    va_end(args);
}

void outbox_crash(const struct init_unit *subject, uint8_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_record(subject, (enum log_level)level, LOG_KIND_CRASH, format, args);
    va_end(args);
}

static struct log_control log_service(void) {
    return (struct log_control){the_log.client};
}

// Without waiting for an answer.
static bool tell_record(uint64_t subject, enum log_level level, enum log_kind kind, const char *text) {
    RPC_CALL(call);
    const struct log_control_append_record_for_params_builder params =
        log_control_begin_append_record_for(log_service(), &call);
    log_control_append_record_for_params_set_holder(params, subject);
    log_control_append_record_for_params_set_level(params, level);
    log_control_append_record_for_params_set_kind(params, kind);
    log_control_append_record_for_params_set_text(params, capnp_text(text));
    return went_well(&the_log, rpc_send(&call, patience()));
}

static void pump_log(void) {
    if (!ready(&the_log)) {
        return;
    }
    if (records_dropped > 0) {
        char text[64];
        fmt_snprintf(text, sizeof text, "%lu records were dropped while logd was away", records_dropped);
        if (!tell_record(badge_holder(BADGE_SUPERVISOR), LOG_LEVEL_WARNING, LOG_KIND_REPORT, text)) {
            return;
        }
        records_dropped = 0;
    }
    while (record_count > 0) {
        const struct record *record = &records[record_first];
        if (!tell_record(record->subject, record->level, record->kind, record->text)) {
            return;
        }
        record_first = (record_first + 1) % RECORDS_MAX;
        record_count--;
    }
}

// --- the registry ---

// Before it begins it is told where nobody else calls.
static struct registry_control way_to(const struct init_unit *unit) {
    return (struct registry_control){unit->life.state == SUPERVISE_STARTING ? unit->asked.way_in : the_registry.client};
}

static status_t tell_endpoint(const struct init_unit *to, const struct init_endpoint *endpoint) {
    RPC_CALL(call);
    TESS_OWNED handle_t copy = {};
    rights_t rights = {RIGHT_SEND_BIT | RIGHT_MINT_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT};
    TRY(tess_handle_copy(endpoint->endpoint, rights, &copy));
    return registry_control_call_register(way_to(to), &call, capnp_text(endpoint->name), endpoint->interface_id, (struct endpoint){copy},
                                          endpoint->provider->life.state == SUPERVISE_FAILED, patience(), nullptr);
}

static uint64_t all_names(void) {
    return (1ull << init.endpoint_count) - 1; // MANIFEST_PROVIDED_MAX is less than there are bits
}

// All that this process has not been told yet.
static void tell_names(struct init_unit *to) {
    for (size_t i = 0; i < init.endpoint_count; i++) {
        if ((to->names_told >> i & 1) == 0) {
            if (!went_well(&the_registry, tell_endpoint(to, &init.endpoints[i]))) {
                return;
            }
            to->names_told |= 1ull << i;
        }
    }
}

static void pump_registry(void) {
    if (ready(&the_registry)) {
        tell_names(the_registry.endpoint->provider);
    }
    struct init_unit *next = replace_new_registry();
    if (next != nullptr && ready(&the_registry)) {
        tell_names(next);
    }
}

bool outbox_told(const struct init_unit *unit) {
    return the_registry.endpoint == nullptr || the_registry.endpoint->provider->spec != unit->spec || unit->names_told == all_names();
}

// --- the console ---

static void drop_announcement(void) {
    announcement_count--;
    memmove(announcements[0], announcements[1], announcement_count * sizeof announcements[0]);
}

static bool flush_announcements(void) {
    while (announcement_count > 0) {
        if (!early_print(announcements[0])) {
            if (!ready(&the_console)) {
                return false;
            }
            char line[260];
            size_t len = fmt_snprintf(line, sizeof line, "%s\n", announcements[0]);
            if (!went_well(&the_console, console_write(the_console.client, line, len, patience()))) {
                return false;
            }
        }
        drop_announcement();
    }
    return true;
}

void outbox_announce(const char *line) {
    if (announcement_count < ANNOUNCEMENTS_MAX) { // the log has them all
        (void)str_copy(announcements[announcement_count++], sizeof announcements[0], line);
    }
    (void)flush_announcements();
}

bool outbox_unsaid(char line[OUTBOX_LINE_BYTES]) {
    if (announcement_count == 0) {
        return false;
    }
    memcpy(line, announcements[0], OUTBOX_LINE_BYTES);
    drop_announcement();
    return true;
}

// --- all ---

// The registry hears of every service that was started again, replaced or given up, for those who watch it.
static void tell_again(const struct init_unit *unit) {
    const struct init_endpoint *registry = endpoint_find(the_registry.name);
    struct init_unit *other = replace_other_registry();
    for (size_t i = 0; registry != nullptr && i < init.endpoint_count; i++) {
        if (init.endpoints[i].provider == unit) {
            registry->provider->names_told &= ~(1ull << i);
            if (other != nullptr) {
                other->names_told &= ~(1ull << i);
            }
        }
    }
}

static void try_at_once(const struct init_unit *unit) {
    struct target *const targets[] = {&the_log, &the_registry, &the_console};
    for (size_t i = 0; i < 3; i++) {
        const struct init_endpoint *endpoint = endpoint_find(targets[i]->name);
        if (endpoint != nullptr && endpoint->provider == unit) {
            targets[i]->retry_ns = targets[i]->pause_ns = 0;
        }
    }
}

void outbox_restarted(struct init_unit *unit) {
    unit->names_told = 0;
    try_at_once(unit);
    if (unit->life.ended_ns != 0) {
        tell_again(unit);
    }
}

void outbox_replaced(const struct init_unit *unit) {
    try_at_once(unit);
    tell_again(unit);
}

void outbox_given_up(const struct init_unit *unit) {
    tell_again(unit);
}

// A target that refused to listen sets its retry time; one that is not running is tried after its start.
static uint64_t retry_of(const struct target *target) {
    bool waiting =
        target->pause_ns != 0 && target->endpoint != nullptr && hears(target);
    return waiting ? target->retry_ns : UINT64_MAX;
}

uint64_t outbox_pump(void) {
    pump_log();
    pump_registry();
    (void)flush_announcements();
    uint64_t next = retry_of(&the_log);
    next = retry_of(&the_registry) < next ? retry_of(&the_registry) : next;
    return retry_of(&the_console) < next ? retry_of(&the_console) : next;
}
