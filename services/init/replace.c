// One process of a service in place of another, while clients call (lib/supervise/replace.h decides). The successor is started beside
// the predecessor with what the manifest grants the service, the right to receive from its endpoints and its kept memory included;
// which of the two receives there is what they are told. Nobody is waited for: questions go over init's ring.
//
// One service at a time. `other` is the process that is not the service's: the successor until it serves, then the predecessor.
#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/lifecycle.capnp.h"
#include "idl/log.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

static_assert((int)REPLACE_FAILED == (int)SUPERVISOR_REPLACE_STEP_FAILED && (int)REPLACE_UNDOING == (int)SUPERVISOR_REPLACE_STEP_UNDOING &&
              (int)REPLACE_DONE == (int)SUPERVISOR_REPLACE_STEP_DONE);

constexpr uint64_t STOP_LEAST_NS = 500'000'000; // for the predecessor, which may owe answers whatever its manifest says of going down

static struct {
    struct replace life;
    struct init_unit *unit;
    struct init_unit other;
    bool may_lose;
    handle_t watcher; // owned
    uint64_t watcher_bits;
    handle_t predecessor; // owned; a way in to the predecessor's own endpoint
    handle_t state;       // owned; what it handed over. 0: nothing
    uint64_t state_bytes;
    struct question {
        enum { ASKS_NOTHING, ASKS_READY, ASKS_BEGIN, ASKS_SAVE, ASKS_RESUME, ASKS_STOP } what;
        struct rpc_promise answer;
    } to_successor, to_predecessor;
    uint64_t began_ns;                         // on the clock
    uint64_t reached_ns[REPLACE_FAILED + 1];   // since then, by step
    char reason[INIT_WHY_BYTES];               // why it failed
} now;

static bool is_over(void) {
    return !replace_is_on(&now.life);
}

// ---- Steps ----

static void tell_watcher(void) {
    if (tess_handle_valid(now.watcher)) {
        (void)tess_signal(now.watcher, now.watcher_bits); // who does not watch any more is nobody's concern
    }
}

// Whatever was asked of them, the answers do not matter any more.
static void forget(struct question *question) {
    if (question->what != ASKS_NOTHING) {
        rpc_drop(ask_ring(), question->answer);
        question->what = ASKS_NOTHING;
        (void)rpc_flush(ask_ring()); // a ring of init's own is not damaged
    }
}

static void close_all(void) {
    forget(&now.to_successor);
    forget(&now.to_predecessor);
    tess_close(tess_handle_take(&now.predecessor));
    tess_close(tess_handle_take(&now.state));
    if (now.life.step == REPLACE_FAILED) {
        outbox_log(now.unit, LOG_LEVEL_WARNING, "%s was not replaced: %s", now.unit->name, now.reason);
    } else {
        outbox_log(now.unit, LOG_LEVEL_INFO, "%s was replaced by a process of `%s`: its clients waited %lu us, with %lu bytes of state in %lu us",
                   now.unit->name, now.unit->program, (now.reached_ns[REPLACE_DRAINING] - now.reached_ns[REPLACE_SAVING]) / 1000,
                   now.state_bytes, now.reached_ns[REPLACE_DONE] / 1000);
    }
    tell_watcher();
    tess_close(tess_handle_take(&now.watcher));
}

// The service goes on with the one that it has; nothing of it was lost.
static void go_on_as_before(void) {
    if (now.unit->life.state == SUPERVISE_RUNNING) {
        const bool asked = status_ok(ask_follow(now.unit)); // else it is not asked whether it is well
        (void)asked;
    }
}

static void ask_save(void) {
    const struct lifecycle_target target = {rpc_target(now.unit->asked.way_in)};
    ask_pause(now.unit); // until it serves again, or its successor does
    now.to_predecessor = (struct question){ASKS_SAVE, lifecycle_submit_save(ask_ring(), target, now.may_lose)};
}

// Without room in the ring it is asked later: nobody would serve else.
static void ask_resume(void) {
    const struct lifecycle_target target = {rpc_target(now.predecessor)};
    forget(&now.to_predecessor);
    const struct rpc_promise answer = lifecycle_submit_resume(ask_ring(), target);
    now.to_predecessor = (struct question){answer.slot != 0 ? ASKS_RESUME : ASKS_NOTHING, answer};
}

static void ask_begin(void) {
    const struct lifecycle_target target = {rpc_target(now.other.asked.way_in)};
    forget(&now.to_successor);
    now.to_successor = (struct question){ASKS_BEGIN, lifecycle_submit_begin(ask_ring(), target, (struct vmo){now.state}, now.state_bytes)};
}

// What a unit has as long as it runs goes with its process.
static void exchange(struct init_unit *unit, struct init_unit *other) {
    const struct init_unit predecessor = *unit, successor = *other;
    unit->process = successor.process, other->process = predecessor.process;
    unit->account = successor.account, other->account = predecessor.account;
    unit->lent = successor.lent, other->lent = predecessor.lent;
    unit->capset = successor.capset, other->capset = predecessor.capset;
    unit->crashes_news = successor.crashes_news, other->crashes_news = predecessor.crashes_news;
    unit->asked = successor.asked, other->asked = predecessor.asked;
    unit->work = successor.work, other->work = predecessor.work;
    unit->names_told = successor.names_told, other->names_told = predecessor.names_told;
    memcpy(unit->program, successor.program, sizeof unit->program);
    memcpy(other->program, predecessor.program, sizeof other->program);
}

// The successor serves. The predecessor, which is told where nobody else calls, finishes what it owes.
static void switch_over(void) {
    const struct lifecycle_target target = {rpc_target(now.predecessor)};
    struct init_unit *unit = now.unit;
    exchange(unit, &now.other);
    supervise_replaced(&unit->life, now.other.life.started_ns, tess_now_ns());
    unit->replacements++;
    job_report_ends(unit);
    job_discharge(unit->id, 0);
    go_on_as_before();
    outbox_replaced(unit);
    forget(&now.to_predecessor);
    now.to_predecessor = (struct question){ASKS_STOP, lifecycle_submit_stop(ask_ring(), target)};
}

static void end(const struct init_unit *unit) {
    (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
}

static void carry_out(enum replace_action action) {
    switch (action) {
    case REPLACE_ASK_SAVE: ask_save(); break;
    case REPLACE_ASK_BEGIN: ask_begin(); break;
    case REPLACE_SWITCH: switch_over(); break;
    case REPLACE_ASK_RESUME: ask_resume(); break;
    case REPLACE_END_SUCCESSOR: end(&now.other); break;
    case REPLACE_END_PREDECESSOR:
        if (now.life.step == REPLACE_DRAINING) {
            end(&now.other);
        } else if (unit_runs(now.unit)) {
            fmt_snprintf(now.unit->verdict, sizeof now.unit->verdict, "did not go on after a replacement that failed");
            end(now.unit);
        }
        break;
    case REPLACE_NOTHING: break;
    }
}

// Notes when it got where it is, and tells who watches.
static void note_step(enum replace_step before) {
    if (now.life.step != before) {
        now.reached_ns[now.life.step] = tess_now_ns() - now.began_ns;
        tell_watcher();
    }
}

// Something has happened: does all that follows.
[[gnu::format(printf, 2, 3)]] static void happened(enum replace_event event, const char *why, ...) {
    enum replace_step before = now.life.step;
    const bool old_went_on = now.life.predecessor == PREDECESSOR_SERVES;
    if (is_over()) {
        return;
    }
    if (replace_event(&now.life, event, tess_now_ns())) {
        va_list args;
        va_start(args, why);
        fmt_vsnprintf(now.reason, sizeof now.reason, why, args);
        va_end(args);
    }
    note_step(before);
    for (enum replace_action action; (action = replace_next(&now.life, tess_now_ns())) != REPLACE_NOTHING;) {
        before = now.life.step;
        carry_out(action);
        (void)rpc_flush(ask_ring()); // a ring of init's own is not damaged
        note_step(before);
    }
    if (now.life.predecessor == PREDECESSOR_SERVES && !old_went_on) {
        go_on_as_before();
    }
    if (is_over()) {
        close_all();
    }
}

// ---- Beginning ----

static status_t start_other(struct init_unit *unit, const char *program, char *why, size_t why_bytes) {
    struct init_unit *other = &now.other;
    *other = (struct init_unit){.spec = unit->spec, .id = unit->id, .name = unit->name, .kept = unit->kept};
    (void)str_copy(other->program, sizeof other->program, program[0] != '\0' ? program : unit->program); // it was looked up
    supervise_init(&other->life, SUPERVISE_NEVER);
    other->life.patience_ns = unit->life.patience_ns;
    probe_end(&other->probe);
    TRY(unit_spawn(other, why, why_bytes));
    supervise_started(&other->life, tess_now_ns());
    return STATUS_OK;
}

// Asks whether it is set up: it answers that when it comes to where it is told to begin. Later, where the ring has no room.
static void ask_ready(void) {
    const struct lifecycle_target target = {rpc_target(now.other.asked.way_in)};
    const struct rpc_promise answer = lifecycle_submit_probe(ask_ring(), target);
    now.to_successor = (struct question){answer.slot != 0 ? ASKS_READY : ASKS_NOTHING, answer};
}

status_t replace_begin(struct init_unit *unit, const struct replace_request *request, char *why, size_t why_bytes) {
    handle_t predecessor = {};
    if (!is_over() && unit != nullptr) {
        fmt_snprintf(why, why_bytes, "%s is being replaced, and one service at a time is", now.unit->name);
        return STATUS_IN_USE;
    }
    TRY(replace_check_unit(unit, request->program, why, why_bytes));
    if (!status_ok(ask_way_in(unit->asked.endpoint, &predecessor))) {
        fmt_snprintf(why, why_bytes, "init has no room for another handle");
        return STATUS_BAD_STATE;
    }
    if (!status_ok(start_other(unit, request->program, why, why_bytes))) {
        tess_close(predecessor);
        return STATUS_BAD_STATE;
    }
    const uint64_t now_ns = tess_now_ns(), stop_ns = unit->spec->stop_ms * 1'000'000ull;
    now.unit = unit;
    now.may_lose = request->may_lose;
    now.watcher = request->watcher;
    now.watcher_bits = request->bits;
    now.predecessor = predecessor;
    now.state = (handle_t){};
    now.state_bytes = 0;
    now.to_successor = now.to_predecessor = (struct question){};
    now.began_ns = now_ns;
    memset(now.reached_ns, 0, sizeof now.reached_ns);
    now.reason[0] = '\0';
    replace_start(&now.life, unit->life.patience_ns, unit->spec->answer_ms * 1'000'000ull, stop_ns > STOP_LEAST_NS ? stop_ns : STOP_LEAST_NS,
                  now_ns);
    tell_watcher();
    return STATUS_OK;
}

// ---- What comes back ----

// Whether the answer has come, as its status; then the question is none any more, but its results are there until `forget`.
static bool has_answer(const struct question *question, status_t *status, struct capnp_struct *results) {
    if (question->what == ASKS_NOTHING || !rpc_answered(ask_ring(), question->answer)) {
        return false;
    }
    *status = rpc_take(ask_ring(), question->answer, DEADLINE_POLL, results);
    return !status_is(*status, STATUS_TIMED_OUT);
}

// What was said with a refusal; of one who died nothing is heard, but its end soon.
static const char *refusal(const struct question *question, status_t status, char text[RPC_TEXT_BYTES]) {
    return status.code >= RPC_FAILED ? rpc_promise_exception_text(ask_ring(), question->answer, text) : rpc_status_text(status);
}

static void take_from_successor(void) {
    status_t status;
    struct capnp_struct results = {};
    char text[RPC_TEXT_BYTES], why[RPC_TEXT_BYTES];
    if (!has_answer(&now.to_successor, &status, &results)) {
        return;
    }
    const bool begins = now.to_successor.what == ASKS_BEGIN;
    (void)str_copy(why, sizeof why, refusal(&now.to_successor, status, text)); // same bounds
    forget(&now.to_successor);
    if (status_is(status, STATUS_PEER_DIED)) {
        return;
    }
    if (!begins) {
        happened(REPLACE_READY, "-"); // it answers, if only that it does not know the question
    } else if (status_ok(status)) {
        happened(REPLACE_BEGAN, "-");
    } else {
        happened(REPLACE_BEGIN_REFUSED, "the successor refused to begin: %s", why);
    }
}

static void take_from_predecessor(void) {
    status_t status;
    struct capnp_struct results = {};
    char text[RPC_TEXT_BYTES], why[RPC_TEXT_BYTES];
    if (!has_answer(&now.to_predecessor, &status, &results)) {
        return;
    }
    const struct question asked = now.to_predecessor;
    (void)str_copy(why, sizeof why, refusal(&now.to_predecessor, status, text)); // same bounds
    if (asked.what == ASKS_SAVE && status_ok(status)) {
        const struct lifecycle_save_results saved = {results};
        now.state = rpc_promise_keep(ask_ring(), asked.answer, lifecycle_save_results_get_state(saved).handle);
        now.state_bytes = lifecycle_save_results_get_bytes(saved);
    }
    forget(&now.to_predecessor);
    if (status_is(status, STATUS_PEER_DIED)) {
        return;
    }
    if (asked.what == ASKS_SAVE) {
        happened(status_ok(status) ? REPLACE_SAVED : REPLACE_SAVE_REFUSED, "the process that serves goes on: %s%s", why,
                 status_is(status, rpc_status(RPC_FAILED)) && !now.may_lose ? " without --lose-state" : "");
    } else if (asked.what == ASKS_RESUME) {
        happened(status_ok(status) ? REPLACE_RESUMED : REPLACE_RESUME_REFUSED, "-");
    }
}

void replace_take(void) {
    if (!is_over()) {
        take_from_successor();
    }
    if (!is_over()) {
        take_from_predecessor();
    }
}

// ---- Ends ----

static void bury_other(void) {
    struct exit_record record;
    unit_examine(&now.other, &record);
    now.unit->former[now.unit->former_count++ % INIT_FORMER_MAX] = now.other.process.koid.v; // of the service, which stays
    unit_bury(&now.other, &record);
    supervise_ended(&now.other.life, tess_now_ns(), false);
}

void replace_collect(void) {
    if (is_over() || !unit_runs(&now.other) || !unit_has_ended(&now.other)) {
        return;
    }
    replace_take(); // what it had answered before it ended
    if (is_over() || !unit_has_ended(&now.other)) {
        return; // that it serves: it is the service's process now, and ends as such
    }
    const bool draining = now.life.step == REPLACE_DRAINING;
    bury_other();
    happened(draining ? REPLACE_PREDECESSOR_ENDED : REPLACE_SUCCESSOR_ENDED, "the successor ended: %s", now.other.reason);
}

void replace_lost(const struct init_unit *unit) {
    if (replace_holds(unit)) {
        happened(REPLACE_PREDECESSOR_ENDED, "the process that served ended meanwhile: %s", unit->reason);
    }
}

static const char *late_text(void) {
    switch (now.life.step) {
    case REPLACE_STARTING: return "the successor was not ready in time (readyMs)";
    case REPLACE_SAVING: return "the process that serves did not hand its state over in time (answerMs)";
    default: return "the successor did not begin in time (answerMs)";
    }
}

uint64_t replace_due(void) {
    if (is_over()) {
        return UINT64_MAX;
    }
    if (now.life.step == REPLACE_STARTING && now.to_successor.what == ASKS_NOTHING && outbox_told(&now.other)) {
        ask_ready();
    }
    if (now.life.predecessor == PREDECESSOR_RESUMES && now.to_predecessor.what == ASKS_NOTHING) {
        ask_resume();
    }
    (void)rpc_flush(ask_ring()); // a ring of init's own is not damaged
    if (now.life.due_ns <= tess_now_ns()) {
        happened(REPLACE_LATE, "%s", late_text());
    }
    return is_over() ? UINT64_MAX : now.life.due_ns;
}

// ---- For the others ----

struct init_unit *replace_new_registry(void) {
    return now.life.step == REPLACE_STARTING ? replace_other_registry() : nullptr;
}

struct init_unit *replace_other_registry(void) {
    const struct init_endpoint *registry = endpoint_find("registry");
    const bool is_it = replace_is_open(&now.life) && registry != nullptr && registry->provider == now.unit && unit_runs(&now.other);
    return is_it ? &now.other : nullptr;
}

bool replace_holds(const struct init_unit *unit) {
    return replace_is_open(&now.life) && now.unit == unit;
}

void replace_close(void) {
    if (!is_over() && unit_runs(&now.other)) {
        end(&now.other);
    }
}

void replace_put(struct supervisor_replacement_builder to) {
    if (now.unit == nullptr) {
        return;
    }
    const enum replace_step over = now.life.step == REPLACE_FAILED ? REPLACE_FAILED : REPLACE_DONE;
    const bool draining = now.life.step == REPLACE_DRAINING || now.life.step == REPLACE_DONE;
    supervisor_replacement_set_service(to, capnp_text(now.unit->name));
    supervisor_replacement_set_program(to, capnp_text(draining ? now.unit->program : now.other.program));
    supervisor_replacement_set_step(to, (enum supervisor_replace_step)now.life.step);
    supervisor_replacement_set_reason(to, capnp_text(now.reason));
    supervisor_replacement_set_state_bytes(to, now.state_bytes);
    supervisor_replacement_set_ready_ns(to, now.reached_ns[REPLACE_SAVING]);
    supervisor_replacement_set_saved_ns(to, now.reached_ns[REPLACE_BEGINNING]);
    supervisor_replacement_set_begun_ns(to, now.reached_ns[REPLACE_DRAINING]);
    supervisor_replacement_set_over_ns(to, now.reached_ns[over]);
}
