// Services that nobody will start by himself: given up, over, left out by the mode, or without memory. Whoever calls one is told so at
// once, by init, which owns the endpoints and lends the right to receive only to processes. One that comes back (`restart`, memory)
// finds its clients' capabilities as they were.
#include "base/fmt.h"
#include "lib/rpc/decline.h"
#include "services/init/init.h"

// What was answered was answered before anybody else was heard: whoever asks the supervisor itself has the next turn.
static bool others_first;

// Nothing will come of waiting for it.
static bool is_absent(const struct init_unit *unit) {
    const bool over = unit->life.state == SUPERVISE_FAILED || unit->life.state == SUPERVISE_ENDED;
    return !unit_runs(unit) && !replace_holds(unit) && (over || !mode_has(unit));
}

// Why, and what to do. What it died of is for those who may ask the supervisor.
static void explain(const struct init_unit *unit, char text[RPC_TEXT_BYTES]) {
    const struct supervise *life = &unit->life;
    if (!is_absent(unit)) { // any more
        fmt_snprintf(text, RPC_TEXT_BYTES, "%s was away, and is being started; try again", unit->name);
    } else if (!mode_has(unit)) {
        fmt_snprintf(text, RPC_TEXT_BYTES, "%s does not run in mode %s", unit->name, mode_name());
    } else if (life->starved) {
        fmt_snprintf(text, RPC_TEXT_BYTES, "%s waits for memory, and is started when there is some", unit->name);
    } else if (life->state == SUPERVISE_ENDED) {
        fmt_snprintf(text, RPC_TEXT_BYTES, "%s has ended; `restart %s` starts it again", unit->name, unit->name);
    } else {
        fmt_snprintf(text, RPC_TEXT_BYTES, "%s was given up after %u failure%s in a row; `restart %s` tries again", unit->name,
                     life->failures, life->failures == 1 ? "" : "s", unit->name);
    }
}

void absent_take(void) {
    struct rpc_ring *ring = ask_ring();
    uint32_t number;
    (void)rpc_answered(ring, (struct rpc_promise){}); // takes the completions
    while (rpc_decline_in_hand(ring, &number)) {
        char text[RPC_TEXT_BYTES];
        explain(init.endpoints[number].provider, text);
        rpc_decline_answer(ring, number, text);
        others_first = true;
    }
}

uint64_t absent_due(void) {
    struct rpc_ring *ring = ask_ring();
    for (uint32_t i = 0; i < init.endpoint_count; i++) {
        if (is_absent(init.endpoints[i].provider)) {
            rpc_decline_begin(ring, i, init.endpoints[i].endpoint);
        } else {
            rpc_decline_end(ring, i);
        }
    }
    if (!rpc_decline_idles(ring)) {
        return UINT64_MAX;
    }
    if (others_first) {
        others_first = false;
        return 0;
    }
    rpc_decline_receive(ring);
    absent_take(); // who has waited
    return rpc_decline_idles(ring) ? 0 : UINT64_MAX;
}

void absent_end(const struct init_unit *unit) {
    for (uint32_t i = 0; i < init.endpoint_count; i++) {
        if (init.endpoints[i].provider == unit) {
            rpc_decline_end(ask_ring(), i);
        }
    }
}

struct init_unserved absent_unserved(const struct init_unit *unit) {
    struct init_unserved all = {};
    for (uint32_t i = 0; i < init.endpoint_count; i++) {
        if (init.endpoints[i].provider == unit) {
            all.refused += ask_ring()->declines[i].refused;
            all.dropped += ask_ring()->declines[i].dropped;
        }
    }
    return all;
}
