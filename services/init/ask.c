// What services are asked (idl/lifecycle.capnp): to begin, whether they are well, to stop. The questions go over init's ring, so
// that init waits for nobody; the answers come with the bits of its one notification.
#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "idl/lifecycle.capnp.h"
#include "idl/log.capnp.h"
#include "lib/rpc/decline.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

static struct rpc_ring ring;
static struct rpc_decline declines[INIT_ENDPOINTS_MAX]; // by place in init.endpoints (absent.c)

status_t ask_init(void) {
    TRY(rpc_ring_create_declining(RPC_RING_CALLS, declines, (uint32_t)init.endpoint_count, &ring)); // each in its place
    return tess_ring_bind(ring.ring.handle, init.ends, INIT_ANSWER_BIT);
}

// ---- Ways in ----

struct rpc_ring *ask_ring(void) {
    return &ring;
}

status_t ask_way_in(handle_t endpoint, handle_t *out) {
    return tess_handle_mint(endpoint, (rights_t){RIGHT_SEND_BIT}, BADGE_SUPERVISOR, 0, out);
}

status_t ask_open(struct init_unit *unit) {
    unit->asked = (struct init_asked){};
    unit->work = (struct init_work){};
    if (unit->life.patience_ns == 0) {
        return STATUS_OK;
    }
    TRY(tess_account_create_endpoint(unit->account, LIFECYCLE_ID, &unit->asked.endpoint));
    return ask_way_in(unit->asked.endpoint, &unit->asked.way_in);
}

void ask_pause(struct init_unit *unit) {
    if (unit->asked.what != ASK_NOTHING) {
        rpc_drop(&ring, unit->asked.answer);
        (void)rpc_flush(&ring); // a ring of init's own is not damaged
    }
    unit->asked.what = ASK_NOTHING;
    probe_end(&unit->probe);
}

void ask_close(struct init_unit *unit) {
    ask_pause(unit);
    tess_close(unit->asked.way_in);
    tess_close(unit->asked.endpoint);
    unit->asked = (struct init_asked){};
}

status_t ask_follow(struct init_unit *unit) {
    handle_t clients;
    TRY(ask_way_in(endpoint_find(manifest_word(unit->spec->provides, 0))->endpoint, &clients));
    tess_close(unit->asked.way_in);
    unit->asked.way_in = clients;
    probe_init(&unit->probe, unit->spec->probe_ms * 1'000'000ull, unit->spec->answer_ms * 1'000'000ull, tess_now_ns());
    return STATUS_OK;
}

// ---- Questions ----

// Asks, if there is room in the ring; else later: an answer makes room.
static bool ask(struct init_unit *unit, enum init_ask what) {
    const struct lifecycle_target target = {rpc_target(unit->asked.way_in)};
    struct rpc_promise answer = {};
    switch (what) {
    case ASK_BEGIN: answer = lifecycle_submit_begin(&ring, target, (struct vmo){}, 0); break;
    case ASK_PROBE: answer = lifecycle_submit_probe(&ring, target); break;
    case ASK_STOP: answer = lifecycle_submit_stop(&ring, target); break;
    case ASK_NOTHING: break;
    }
    if (answer.slot == 0) {
        return false;
    }
    unit->asked.what = what;
    unit->asked.answer = answer;
    (void)rpc_flush(&ring); // a ring of init's own is not damaged
    return true;
}

bool ask_stop(struct init_unit *unit) {
    if (!tess_handle_valid(unit->asked.way_in)) {
        return false; // it knows nothing of this
    }
    ask_pause(unit);
    return ask(unit, ASK_STOP);
}

// Ends a process that cannot go on, which is a failure of the service.
[[gnu::format(printf, 2, 3)]] static void give_up(struct init_unit *unit, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(unit->verdict, sizeof unit->verdict, format, args);
    va_end(args);
    outbox_log(unit, LOG_LEVEL_WARNING, "%s %s; it is ended", unit->name, unit->verdict);
    unit->life.due_ns = unit->life.state == SUPERVISE_STARTING ? UINT64_MAX : unit->life.due_ns; // once is enough
    probe_end(&unit->probe);
    (void)tess_process_exit(unit->process.process, 0); // BAD_STATE: it is ending by itself
}

// The rest of the ring's calls is for a replacement, and for what init has to say (outbox.c, tell.c), which others wait for.
static bool may_ask(void) {
    constexpr size_t ASKED_MOST = RPC_RING_CALLS - 8;
    size_t asked = 0;
    for (size_t i = 0; i < init.unit_count; i++) {
        asked += init.units[i].asked.what != ASK_NOTHING;
    }
    return asked < ASKED_MOST;
}

static void question(struct init_unit *unit, uint64_t now_ns) {
    if (unit->life.state == SUPERVISE_STARTING) {
        if (now_ns >= supervise_ready_due_ns(&unit->life)) {
            give_up(unit, "was not ready within %lu ms", unit->life.patience_ns / 1'000'000);
        } else if (unit->asked.what == ASK_NOTHING && outbox_told(unit) && may_ask()) {
            (void)ask(unit, ASK_BEGIN);
        }
    } else if (probe_is_late(&unit->probe, now_ns)) {
        give_up(unit, "did not say that it is well within %lu ms", unit->probe.patience_ns / 1'000'000);
    } else if (unit->asked.what == ASK_NOTHING && probe_is_due(&unit->probe, now_ns) && may_ask() && ask(unit, ASK_PROBE)) {
        probe_asked(&unit->probe, now_ns);
    }
}

uint64_t ask_due(void) {
    uint64_t next = UINT64_MAX;
    (void)rpc_answered(&ring, (struct rpc_promise){}); // those that nobody waits for any more make room
    for (size_t i = 0; i < init.unit_count; i++) {
        struct init_unit *unit = &init.units[i];
        if (!unit_runs(unit) || init.closing) {
            continue;
        }
        question(unit, tess_now_ns());
        const uint64_t ready_ns = supervise_ready_due_ns(&unit->life), probe_ns = probe_due_ns(&unit->probe);
        next = ready_ns < next ? ready_ns : next;
        next = probe_ns < next ? probe_ns : next;
    }
    return next;
}

// ---- Answers ----

// Any answer is one: a service that refuses is well enough to do so.
static bool answered(status_t status) {
    return status_ok(status) || status.code >= RPC_FAILED;
}

static void take_work(struct init_unit *unit, struct lifecycle_probe_results said) {
    unit->work = (struct init_work){
        .requests = lifecycle_probe_results_get_requests(said),
        .refused = lifecycle_probe_results_get_refused(said),
        .denied = lifecycle_probe_results_get_denied(said),
    };
}

static void take(struct init_unit *unit) {
    struct capnp_struct results = {};
    const status_t status = rpc_take(&ring, unit->asked.answer, DEADLINE_POLL, &results);
    const uint64_t now_ns = tess_now_ns();
    const enum init_ask what = unit->asked.what;
    if (status_is(status, STATUS_TIMED_OUT)) {
        return;
    }
    if (what == ASK_PROBE && status_ok(status)) {
        take_work(unit, (struct lifecycle_probe_results){results});
    }
    if (what == ASK_BEGIN && !status_ok(status) && answered(status)) {
        char text[RPC_TEXT_BYTES];
        give_up(unit, "refused to begin: %s", rpc_promise_exception_text(&ring, unit->asked.answer, text));
    }
    rpc_drop(&ring, unit->asked.answer);
    unit->asked.what = ASK_NOTHING;
    if (what == ASK_PROBE && answered(status)) {
        probe_answered(&unit->probe, now_ns);
    } else if (what == ASK_BEGIN && status_ok(status) && status_ok(ask_follow(unit))) {
        supervise_ready(&unit->life, now_ns);
    }
    // What was asked and not answered is late sooner or later.
}

void ask_collect(void) {
    for (size_t i = 0; i < init.unit_count; i++) {
        struct init_unit *unit = &init.units[i];
        if (unit->asked.what != ASK_NOTHING && rpc_answered(&ring, unit->asked.answer)) {
            take(unit);
        }
    }
}
