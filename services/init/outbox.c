// What other services are to be told. Each of them may be down, starting or stuck, so everything waits here until it is theirs: init
// asks over its ring (ask.c), one thing at a time of log and console, and goes on when the answer comes, however long that takes. Nothing
// that it says is lost but the oldest log records of a long outage, which are counted. The registry is tell.c's.
#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/checked.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "idl/log.capnp.h"
#include "lib/badge/badge.h"
#include "lib/console/console.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

constexpr uint64_t RETRY_FIRST_NS = 5'000'000, RETRY_MAX_NS = 500'000'000;
constexpr size_t RECORDS_MAX = 32, RECORD_TEXT_BYTES = 240;
constexpr size_t ANNOUNCEMENTS_MAX = 4;

struct record {
    uint64_t subject; // holder number
    enum log_level level;
    enum log_kind kind;
    char text[RECORD_TEXT_BYTES];
    struct denied {
        char who[NAME_BYTES], attempted[NAME_BYTES], object[NAME_BYTES];
    } denied; // of a denial
};

static struct outbox_target the_log = {.name = "log"};
static struct outbox_target the_console = {.name = "console"};

static struct record records[RECORDS_MAX]; // a ring
static size_t record_first, record_count;
static uint64_t first_number = 1; // of the oldest record; all are numbered, from 1
static uint64_t records_dropped;
static char announcements[ANNOUNCEMENTS_MAX][OUTBOX_LINE_BYTES];
static size_t announcement_count;
static size_t announced_bytes; // of the first one, and its end of line

// ---- Targets ----

bool outbox_hears(const struct outbox_target *target) {
    return target->endpoint->provider->life.state == SUPERVISE_RUNNING;
}

bool outbox_finds(struct outbox_target *target) {
    if (target->endpoint == nullptr) {
        target->endpoint = endpoint_find(target->name);
        if (target->endpoint == nullptr) {
            return false; // this system has none
        }
    }
    return tess_handle_valid(target->client) || status_ok(ask_way_in(target->endpoint->endpoint, &target->client));
}

static bool ready(struct outbox_target *target) {
    return outbox_finds(target) && outbox_hears(target) && tess_now_ns() >= target->retry_ns;
}

enum outbox_end outbox_came_to(struct outbox_target *target, status_t status) {
    const bool later = status_is(status, rpc_status(RPC_DISCONNECTED)) || status_is(status, rpc_status(RPC_OVERLOADED));
    if (status_ok(status) || (status.code >= RPC_FAILED && !later)) {
        target->pause_ns = 0;
        return status_ok(status) ? OUTBOX_TAKEN : OUTBOX_REFUSED; // repeating would not help
    }
    target->pause_ns = target->pause_ns == 0 ? RETRY_FIRST_NS : target->pause_ns * 2;
    if (target->pause_ns > RETRY_MAX_NS) {
        target->pause_ns = RETRY_MAX_NS;
    }
    target->retry_ns = tess_deadline_after_ns(target->pause_ns);
    return OUTBOX_AGAIN;
}

// A target that did not listen sets its retry time; one that is not running is tried after its start.
uint64_t outbox_retry_ns(const struct outbox_target *target, bool hears) {
    return target->pause_ns != 0 && target->endpoint != nullptr && hears ? target->retry_ns : UINT64_MAX;
}

// Whether an answer has come, as its status; then nothing is under way any more. *taken (may be null) is what the console took.
static bool has_answer(struct rpc_promise *answer, status_t *status, uint32_t *taken) {
    struct capnp_struct results = {};
    if (answer->slot == 0 || !rpc_answered(ask_ring(), *answer)) {
        return false;
    }
    *status = rpc_take(ask_ring(), *answer, DEADLINE_POLL, &results);
    if (taken != nullptr && status_ok(*status)) {
        *taken = console_write_results_get_taken((struct console_write_results){results});
    }
    rpc_drop(ask_ring(), *answer);
    *answer = (struct rpc_promise){};
    return true;
}

// ---- The log ----

static void drop_oldest(void) {
    record_first = (record_first + 1) % RECORDS_MAX;
    record_count--;
    first_number++;
}

static struct record *put_record(const struct init_unit *subject, enum log_level level, enum log_kind kind, const char *format, va_list args) {
    if (record_count == RECORDS_MAX) {
        drop_oldest();
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
    return record;
}

void outbox_log(const struct init_unit *subject, uint8_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)put_record(subject, (enum log_level)level, LOG_KIND_REPORT, format, args);
    va_end(args);
}

void outbox_crash(const struct init_unit *subject, uint8_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)put_record(subject, (enum log_level)level, LOG_KIND_CRASH, format, args);
    va_end(args);
}

[[gnu::format(printf, 1, 2)]] static struct record *put_denial(const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct record *record = put_record(nullptr, LOG_LEVEL_WARNING, LOG_KIND_DENIAL, format, args);
    va_end(args);
    return record;
}

void outbox_denial(const char *who, const char *attempted, const char *object, const char *reason) {
    struct denied *denied = &put_denial("%s may not %s %s: %s", who, attempted, object, reason)->denied;
    (void)str_copy(denied->who, sizeof denied->who, who); // names, for which there is room
    (void)str_copy(denied->attempted, sizeof denied->attempted, attempted);
    (void)str_copy(denied->object, sizeof denied->object, object);
}

static void put_denied(struct log_control_append_record_for_params_builder params, const struct denied *denied) {
    char missing[2 * NAME_BYTES];
    fmt_snprintf(missing, sizeof missing, "%s of %s", denied->attempted, denied->object);
    const char *const fields[][2] = {
        {"who", denied->who}, {"attempted", denied->attempted}, {"object", denied->object}, {"missing", missing}};
    constexpr uint32_t COUNT = sizeof fields / sizeof fields[0];
    const struct log_field_list_builder list = log_control_append_record_for_params_init_fields(params, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        log_field_set_name(log_field_list_edit(list, i), capnp_text(fields[i][0]));
        log_field_set_text(log_field_list_edit(list, i), capnp_text(fields[i][1]));
    }
}

// What is on its way to the log.
static struct {
    struct rpc_promise answer;
    uint64_t number;  // of the record; 0: how many were dropped
    uint64_t dropped; // how many that says
} to_log;

// `denied` is null of what is no denial.
static void tell_record(uint64_t subject, enum log_level level, enum log_kind kind, const char *text, const struct denied *denied) {
    const struct log_control_target target = {rpc_target(the_log.client)};
    const struct log_control_append_record_for_params_builder params = log_control_submit_begin_append_record_for(ask_ring(), &to_log.answer);
    log_control_append_record_for_params_set_holder(params, subject);
    log_control_append_record_for_params_set_level(params, level);
    log_control_append_record_for_params_set_kind(params, kind);
    log_control_append_record_for_params_set_text(params, capnp_text(text));
    if (denied != nullptr) {
        put_denied(params, denied);
    }
    rpc_submit(ask_ring(), &to_log.answer, target.target); // without room in the ring it is tried again: an answer makes room
}

static void take_from_log(void) {
    status_t status;
    if (!has_answer(&to_log.answer, &status, nullptr)) {
        return;
    }
    const enum outbox_end end = outbox_came_to(&the_log, status);
    if (end == OUTBOX_AGAIN) {
        return;
    }
    if (to_log.number == 0) {
        records_dropped -= to_log.dropped;
    } else if (record_count > 0 && to_log.number == first_number) { // else it was dropped meanwhile, and counted
        drop_oldest();
        records_dropped += end == OUTBOX_REFUSED;
    }
}

static void pump_log(void) {
    take_from_log();
    if (to_log.answer.slot != 0 || (records_dropped == 0 && record_count == 0) || !ready(&the_log)) {
        return;
    }
    to_log.number = records_dropped > 0 ? 0 : first_number;
    to_log.dropped = records_dropped;
    if (records_dropped > 0) {
        char text[80];
        fmt_snprintf(text, sizeof text, "%lu records were dropped while logd was away, or because it refused them", records_dropped);
        tell_record(badge_holder(BADGE_SUPERVISOR), LOG_LEVEL_WARNING, LOG_KIND_REPORT, text, nullptr);
    } else {
        const struct record *record = &records[record_first];
        tell_record(record->subject, record->level, record->kind, record->text, record->kind == LOG_KIND_DENIAL ? &record->denied : nullptr);
    }
}

// ---- The console ----

static struct rpc_promise to_console; // of a piece of the first announcement that is on its way

static void drop_announcement(void) {
    announcement_count--;
    announced_bytes = 0;
    memmove(announcements[0], announcements[1], announcement_count * sizeof announcements[0]);
}

// The first line, with its end, as far as it is not there yet.
static void write_rest(void) {
    char line[OUTBOX_LINE_BYTES + 1];
    const size_t len = fmt_snprintf(line, sizeof line, "%s\n", announcements[0]) - announced_bytes;
    const struct capnp_data rest = {(const uint8_t *)line + announced_bytes, (uint32_t)(len < CONSOLE_PIECE_BYTES ? len : CONSOLE_PIECE_BYTES)};
    to_console = console_submit_write(ask_ring(), (struct console_target){rpc_target(the_console.client)}, rest);
}

static void pump_console(void) {
    status_t status;
    uint32_t taken = 0;
    if (has_answer(&to_console, &status, &taken)) {
        const enum outbox_end end = outbox_came_to(&the_console, status);
        announced_bytes += taken;
        if (end == OUTBOX_REFUSED || announced_bytes > strlen(announcements[0])) {
            drop_announcement();
        }
    }
    while (to_console.slot == 0 && announcement_count > 0) {
        if (announced_bytes == 0 && early_print(announcements[0])) {
            drop_announcement();
        } else if (ready(&the_console)) {
            write_rest();
            return; // also where the ring has no room
        } else {
            return;
        }
    }
}

void outbox_announce(const char *line) {
    if (announcement_count < ANNOUNCEMENTS_MAX) { // the log has them all
        (void)str_copy(announcements[announcement_count++], sizeof announcements[0], line);
    }
    pump_console();
}

bool outbox_unsaid(char line[OUTBOX_LINE_BYTES]) {
    if (announcement_count == 0) {
        return false;
    }
    rpc_drop(ask_ring(), to_console); // nobody is there who would answer
    to_console = (struct rpc_promise){};
    memcpy(line, announcements[0], OUTBOX_LINE_BYTES);
    drop_announcement();
    return true;
}

// ---- All ----

static void try_at_once(const struct init_unit *unit) {
    struct outbox_target *const targets[] = {&the_log, &the_registry, &the_console};
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

bool outbox_is_empty(void) {
    return ((record_count == 0 && records_dropped == 0) || !outbox_finds(&the_log) || !outbox_hears(&the_log)) &&
           (announcement_count == 0 || !outbox_finds(&the_console) || !outbox_hears(&the_console));
}

static uint64_t retry_of(const struct outbox_target *target) {
    return outbox_retry_ns(target, target->endpoint != nullptr && outbox_hears(target));
}

uint64_t outbox_pump(void) {
    pump_log();
    pump_console();
    uint64_t next = tell_pump();
    (void)rpc_flush(ask_ring()); // a ring of init's own is not damaged
    next = retry_of(&the_log) < next ? retry_of(&the_log) : next;
    return retry_of(&the_console) < next ? retry_of(&the_console) : next;
}
