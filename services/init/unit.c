#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/align.h"
#include "base/checked.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/supervise/reason.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "services/init/init.h"
#include "tess_arch.h"

constexpr uint64_t PROCESS_STATE_ENDED = 2; // process.info
constexpr uint32_t END_BITS = 63; // the last is INIT_ANSWER_BIT

static uint64_t end_bit(const struct init_unit *unit) {
    return 1ull << (unit->id % END_BITS);
}

static status_t add_endpoint(struct init_unit *unit, const char *name) {
    if (init.endpoint_count == INIT_ENDPOINTS_MAX) {
        return STATUS_TOO_LARGE;
    }
    struct init_endpoint *endpoint = &init.endpoints[init.endpoint_count];
    const uint64_t interface_id = launch_interface_id(name);
    *endpoint = (struct init_endpoint){.name = name, .interface_id = interface_id, .provider = unit};
    TRY(tess_account_create_endpoint(init.account, interface_id, &endpoint->endpoint));
    init.endpoint_count++;
    return STATUS_OK;
}

// All that there is but what init itself may come to need: a supervisor without memory for its own next page helps nobody.
static status_t make_services_account(void) {
    uint64_t limit_bytes = 0, used_bytes = 0;
    TRY(tess_account_info(init.account, &limit_bytes, &used_bytes, nullptr, nullptr));
    const uint64_t set_aside_bytes = saturating_add_u64(used_bytes, INIT_SET_ASIDE_BYTES + init.endpoint_count * PAGE_BYTES);
    return limit_bytes > set_aside_bytes
               ? tess_account_create_account(init.account, align_down(limit_bytes - set_aside_bytes, PAGE_BYTES), &init.services)
               : STATUS_NO_MEMORY;
}

status_t units_init(void) {
    static_assert((int)SUPERVISE_NEVER == (int)MANIFEST_RESTART_NEVER &&
                  (int)SUPERVISE_ON_FAILURE == (int)MANIFEST_RESTART_ON_FAILURE &&
                  (int)SUPERVISE_ALWAYS == (int)MANIFEST_RESTART_ALWAYS);
    static_assert((int)BAND_REALTIME == (int)MANIFEST_BAND_REALTIME &&
                  (int)BAND_INTERACTIVE == (int)MANIFEST_BAND_INTERACTIVE &&
                  (int)BAND_NORMAL == (int)MANIFEST_BAND_NORMAL &&
                  (int)BAND_BACKGROUND == (int)MANIFEST_BAND_BACKGROUND);
    static_assert(MANIFEST_PROVIDED_MAX <= INIT_ENDPOINTS_MAX);
    init.next_id = INIT_FIRST_ID;
    for (size_t i = 0; i < init.manifest.unit_count; i++) {
        const struct manifest_unit *spec = &init.manifest.units[i];
        if (spec->kind != MANIFEST_SERVICE) {
            continue;
        }
        struct init_unit *unit = &init.units[init.unit_count++];
        *unit = (struct init_unit){.spec = spec, .id = init.next_id++, .name = spec->name};
        (void)str_copy(unit->program, sizeof unit->program, spec->program); // the same bound
        // There is room for all places. It stands there before anybody can meet the unit.
        const bool entered = roster_put(init.roster, unit->id, unit->name);
        TESS_ASSERT(entered);
        supervise_init(&unit->life, (enum supervise_policy)spec->restart);
        // Who provides nothing has nowhere to be asked.
        unit->life.patience_ns = capnp_text_list_count(spec->provides) > 0 ? spec->ready_ms * 1'000'000ull : 0;
        unit->life.budget = spec->budget;
        probe_end(&unit->probe);
        for (uint32_t j = 0; j < capnp_text_list_count(spec->provides); j++) {
            TRY(add_endpoint(unit, manifest_word(spec->provides, j)));
        }
    }
    return make_services_account();
}

static void end_accounts(struct init_unit *unit) {
    if (tess_handle_valid(unit->lent)) {
        (void)tess_account_end(unit->lent);
        tess_close(tess_handle_take(&unit->lent));
    }
    if (tess_handle_valid(unit->account)) {
        (void)tess_account_end(unit->account); // what it started goes with it
        tess_close(tess_handle_take(&unit->account));
    }
}

// Sets memory aside for it, if that is not done yet.
static status_t reserve(struct init_unit *unit) {
    return tess_handle_valid(unit->account)
               ? STATUS_OK
               : tess_account_create_account(init.services, unit->spec->memory_bytes, &unit->account);
}

void units_reserve(void) {
    for (size_t i = 0; i < init.unit_count; i++) {
        struct init_unit *unit = &init.units[i];
        if (order_is_vital(unit) && mode_has(unit)) {
            (void)reserve(unit); // its start says that it cannot be
        }
    }
}

static status_t make_accounts(struct init_unit *unit, char *why, size_t why_bytes) {
    status_t status = reserve(unit);
    if (status_ok(status)) {
        status = launch_lend_account(unit->spec, init.services, &unit->lent);
    }
    if (!status_ok(status)) {
        fmt_snprintf(why, why_bytes, "%s: the %lu KiB that %s:%u reserves for it are not there", unit->name,
                     unit->spec->memory_bytes / 1024, unit->spec->source, unit->spec->line);
    }
    return status;
}

status_t unit_spawn(struct init_unit *unit, char *why, size_t why_bytes) {
    status_t status = make_accounts(unit, why, why_bytes);
    if (status_ok(status)) {
        status = ask_open(unit);
        if (!status_ok(status)) {
            fmt_snprintf(why, why_bytes, "%s: its account is too small to be supervised (%s:%u)", unit->name, unit->spec->source,
                         unit->spec->line);
        }
    }
    if (status_ok(status)) {
        uint8_t withheld[WITHHELD_GRANTS_MAX];
        const bool is_withheld = withheld_of(unit->spec, withheld);
        const struct launch_handed lifecycle = {"lifecycle", unit->asked.endpoint, {RIGHT_RECEIVE_BIT | RIGHT_INSPECT_BIT}};
        const struct launch launch = {
            .manifest = &init.manifest,
            .spec = unit->spec,
            .package = &init.package,
            .package_vmo = init.package_vmo,
            .program = unit->program,
            .name = unit->name,
            .holder = unit->id,
            .account = unit->account,
            .accounts = unit->lent,
            .band = unit->spec->band,
            .command_line = init.cmdline,
            .watch = init.ends,
            .watch_bits = end_bit(unit),
            .keep_memory = true,
            .handed = &lifecycle,
            .handed_count = tess_handle_valid(unit->asked.endpoint) ? 1 : 0,
            .withheld = is_withheld ? withheld : nullptr,
            .make = grant_make,
            .provide = grant_provide,
            .context = unit,
        };
        status = launch_start(&launch, &unit->process, &unit->capset, why, why_bytes);
        if (is_withheld) {
            withheld_report(unit->spec, unit->id);
        }
    }
    if (!status_ok(status)) {
        ask_close(unit);
        end_accounts(unit);
        tess_close(tess_handle_take(&unit->crashes_news));
    }
    return status;
}

// The program's file is missing or no good: it will be no better the next time.
static bool is_hopeless(status_t status) {
    return status_is(status, STATUS_NOT_FOUND) || status_is(status, STATUS_BAD_ARGUMENT);
}

// What is said of a start that failed depends on what comes next. That it waits for memory is said once.
static void report_failed_start(struct init_unit *unit, const char *why, bool hopeless) {
    const bool given_up = unit->life.state == SUPERVISE_FAILED, starved = unit->life.starved;
    const bool said = starved && (unit->waits_for_memory || !given_up);
    char line[300];
    (void)str_copy(unit->reason, sizeof unit->reason, why);
    unit->waits_for_memory = starved && given_up;
    if (!said) {
        outbox_log(unit, LOG_LEVEL_ERROR, "%s", why);
    }
    if (given_up && (!said || unit->spec->essential)) {
        order_given_up(unit, hopeless);
    }
    if (!said && (given_up || unit->life.failures <= 1)) {
        fmt_snprintf(line, sizeof line, "init: cannot start %s%s", why,
                     starved ? "; it waits for memory" : given_up ? " (given up)" : "");
        outbox_announce(line);
    }
}

status_t unit_start(struct init_unit *unit) {
    char why[256] = "it could not be started";
    absent_end(unit); // before there is a process that receives
    status_t status = unit_spawn(unit, why, sizeof why);
    uint64_t now = tess_now_ns();
    if (status_ok(status)) {
        bool again = unit->life.ended_ns != 0;
        supervise_started(&unit->life, now);
        unit->waits_for_memory = false;
        outbox_restarted(unit);
        if (again) {
            outbox_log(unit, LOG_LEVEL_INFO, "%s started again (restart %u)", unit->name, unit->life.restarts);
        }
        return status;
    }
    if (is_hopeless(status)) {
        supervise_hopeless(&unit->life, now);
    } else if (status_is(status, STATUS_NO_MEMORY)) {
        supervise_starved(&unit->life, now, init.freed_ns);
    } else {
        supervise_start_failed(&unit->life, now);
    }
    report_failed_start(unit, why, is_hopeless(status));
    return status;
}

void unit_kill(struct init_unit *unit) {
    supervise_kill(&unit->life);
    (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
}

// Files why it ended, and with a fault also the registers.
static void report_end(struct init_unit *unit, const struct exit_record *record) {
    bool expected = unit->life.killed || init.closing;
    bool good = record->kind == EXIT_NORMAL && record->code == 0;
    bool crash = record->kind == EXIT_FAULT ||
                 (record->kind == EXIT_NORMAL && (record->code == TESS_EXIT_PANIC || record->code == TESS_EXIT_STACK));
    (crash ? outbox_crash : outbox_log)(unit, good || expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s ended: %s",
                                        unit->name, unit->reason);
    if (record->kind == EXIT_FAULT) {
        static const char *const names[16] = TESS_ARCH_REGISTER_NAMES;
        char registers[400];
        reason_registers(record, names, registers, sizeof registers);
        outbox_crash(unit, LOG_LEVEL_DEBUG, "%s: %s", unit->name, registers);
    }
}

void unit_examine(struct init_unit *unit, struct exit_record *record) {
    *record = (struct exit_record){.kind = EXIT_KILLED};
    if (status_ok(tess_process_exit_record(unit->process.process))) {
        memcpy(record, tess_message_page(), sizeof *record);
    }
    const struct reason_image image = {
        .name = unit->program,
        .base = unit->process.image_base,
        .end = unit->process.image_end,
        .stack_low = unit->process.stack_base,
        .stack_high = unit->process.stack_end,
    };
    reason_text(record, &image, unit->reason, sizeof unit->reason);
    if (unit->verdict[0] != '\0') {
        fmt_snprintf(unit->reason, sizeof unit->reason, "it %s", unit->verdict);
        unit->verdict[0] = '\0';
    }
    ask_close(unit);
    (void)tess_account_info(unit->account, nullptr, nullptr, &unit->peak_bytes, nullptr);
}

void unit_bury(struct init_unit *unit, const struct exit_record *record) {
    crash_note(unit, record);
    unit->former[unit->former_count++ % INIT_FORMER_MAX] = unit->process.koid.v;
    tess_close(tess_handle_take(&unit->process.memory));
    end_accounts(unit);
    units_memory_came();
    tess_close(tess_handle_take(&unit->crashes_news));
    tess_close(tess_handle_take(&unit->process.thread));
    tess_close(tess_handle_take(&unit->process.process));
    launch_forget(&unit->capset);
}

static void settle(struct init_unit *unit) {
    struct exit_record record;
    unit_examine(unit, &record);
    report_end(unit, &record);
    unit_bury(unit, &record);
    job_report_ends(unit);
    job_discharge(unit->id, 0);
    if (unit->life.started_ns + SUPERVISE_STEADY_NS <= tess_now_ns()) {
        escalate_forget(&unit->escalation);
    }
    supervise_ended(&unit->life, tess_now_ns(), record.kind == EXIT_NORMAL && record.code == 0);
    replace_lost(unit);
    if (unit->life.state == SUPERVISE_FAILED) {
        order_given_up(unit, false);
    }
}

bool unit_has_ended(const struct init_unit *unit) {
    uint64_t state = 0;
    return status_ok(tess_process_info(unit->process.process, nullptr, &state, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr)) &&
           state == PROCESS_STATE_ENDED;
}

void units_collect(uint64_t bits) {
    if ((bits & INIT_ANSWER_BIT) != 0) {
        ask_collect();
        absent_take();
    }
    replace_take(); // what was answered before an end, before that
    replace_collect();
    for (size_t i = 0; i < init.unit_count; i++) {
        struct init_unit *unit = &init.units[i];
        if (unit_runs(unit) && (bits & end_bit(unit)) != 0 && unit_has_ended(unit)) {
            settle(unit);
        }
    }
}

void units_memory_came(void) {
    init.freed_ns = tess_now_ns();
    for (size_t i = 0; i < init.unit_count; i++) {
        (void)supervise_fed(&init.units[i].life, init.freed_ns);
    }
}

// Starts it if it is due; returns when it will be.
static uint64_t start_if_due(struct init_unit *unit) {
    if (replace_holds(unit)) {
        return UINT64_MAX;
    }
    const uint64_t due_ns = supervise_due_ns(&unit->life);
    const bool first = unit->life.state == SUPERVISE_STOPPED && !unit->life.closing && order_may_start(unit);
    if (!first && (due_ns == UINT64_MAX || due_ns > tess_now_ns())) {
        return due_ns;
    }
    (void)unit_start(unit); // its life says when the next try is
    return supervise_due_ns(&unit->life);
}

// Of two that want the same memory the one that the system cannot do without gets it, even if it is due later.
uint64_t units_start_due(void) {
    uint64_t next_ns = UINT64_MAX;
    bool vital_waits = false;
    for (size_t i = 0; i < 2 * init.unit_count; i++) {
        struct init_unit *unit = &init.units[i % init.unit_count];
        const bool vital = order_is_vital(unit);
        if (vital != (i < init.unit_count) || (vital_waits && unit->life.starved)) {
            continue; // it is tried when that one runs, or is given up
        }
        const uint64_t due_ns = start_if_due(unit);
        vital_waits = vital_waits || (vital && unit->life.state == SUPERVISE_BACKOFF);
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    return next_ns;
}

struct init_unit *unit_by_id(uint32_t id) {
    for (size_t i = 0; i < init.unit_count; i++) {
        if (init.units[i].id == id) {
            return &init.units[i];
        }
    }
    return nullptr;
}

struct init_unit *unit_by_name(const char *name) {
    for (size_t i = 0; i < init.unit_count; i++) {
        if (str_equal(init.units[i].name, name)) {
            return &init.units[i];
        }
    }
    uint64_t id;
    return str_parse_u64(name, strlen(name), &id) && id <= UINT32_MAX ? unit_by_id((uint32_t)id) : nullptr;
}
