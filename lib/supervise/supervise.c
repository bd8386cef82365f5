#include "lib/supervise/supervise.h"

#include "base/checked.h"

void supervise_init(struct supervise *s, enum supervise_policy policy) {
    *s = (struct supervise){.policy = policy, .state = SUPERVISE_STOPPED, .budget = SUPERVISE_BUDGET};
}

void supervise_started(struct supervise *s, uint64_t now_ns) {
    if (s->ended_ns != 0) {
        s->restarts++;
    }
    s->state = s->patience_ns == 0 ? SUPERVISE_RUNNING : SUPERVISE_STARTING;
    s->started_ns = now_ns;
    s->took_ns = 0;
    s->killed = s->start_again = s->starved = false;
    s->due_ns = s->patience_ns == 0 ? 0 : saturating_add_u64(now_ns, s->patience_ns);
}

void supervise_ready(struct supervise *s, uint64_t now_ns) {
    if (s->state == SUPERVISE_STARTING) {
        s->state = SUPERVISE_RUNNING;
        s->took_ns = saturating_sub_u64(now_ns, s->started_ns);
        s->due_ns = 0;
    }
}

void supervise_replaced(struct supervise *s, uint64_t started_ns, uint64_t now_ns) {
    s->started_ns = started_ns;
    s->took_ns = saturating_sub_u64(now_ns, started_ns);
    s->killed = s->start_again = false;
}

static void enter(struct supervise *s, enum supervise_state state, uint64_t now_ns) {
    s->state = state;
    s->starved = false;
    s->started_ns = s->took_ns = 0;
    s->ended_ns = now_ns == 0 ? 1 : now_ns; // 0 means never
    s->due_ns = 0;
}

static void back_off(struct supervise *s, uint64_t now_ns) {
    s->failures++;
    if (s->failures >= s->budget) {
        enter(s, SUPERVISE_FAILED, now_ns);
        return;
    }
    uint64_t pause = 0;
    if (s->failures > 1) {
        pause = s->failures > 10 ? SUPERVISE_PAUSE_MAX_NS : SUPERVISE_PAUSE_FIRST_NS << (s->failures - 2);
    }
    enter(s, SUPERVISE_BACKOFF, now_ns);
    s->due_ns = saturating_add_u64(now_ns, pause < SUPERVISE_PAUSE_MAX_NS ? pause : SUPERVISE_PAUSE_MAX_NS);
}

void supervise_start_failed(struct supervise *s, uint64_t now_ns) {
    if (s->closing || s->policy == SUPERVISE_NEVER) {
        enter(s, SUPERVISE_FAILED, now_ns);
    } else {
        back_off(s, now_ns);
    }
}

void supervise_starved(struct supervise *s, uint64_t now_ns, uint64_t freed_ns) {
    const bool more = freed_ns != 0 && saturating_sub_u64(now_ns, freed_ns) < SUPERVISE_FREEING_NS;
    enter(s, more && !s->closing ? SUPERVISE_BACKOFF : SUPERVISE_FAILED, now_ns);
    s->due_ns = s->state == SUPERVISE_BACKOFF ? saturating_add_u64(now_ns, SUPERVISE_PAUSE_FIRST_NS) : 0;
    s->starved = !s->closing;
}

bool supervise_fed(struct supervise *s, uint64_t now_ns) {
    const bool waits = s->starved && s->state == SUPERVISE_FAILED;
    if (waits) {
        s->state = SUPERVISE_BACKOFF;
        s->due_ns = now_ns;
    }
    return waits;
}

void supervise_hopeless(struct supervise *s, uint64_t now_ns) {
    s->failures++;
    enter(s, SUPERVISE_FAILED, now_ns);
}

void supervise_ended(struct supervise *s, uint64_t now_ns, bool success) {
    bool killed = s->killed, start_again = s->start_again;
    if (saturating_sub_u64(now_ns, s->started_ns) >= SUPERVISE_STEADY_NS) {
        s->failures = 0;
    }
    s->killed = s->start_again = false;
    if (s->closing) {
        enter(s, SUPERVISE_STOPPED, now_ns);
    } else if (start_again || (killed && s->policy == SUPERVISE_ALWAYS)) {
        enter(s, SUPERVISE_BACKOFF, now_ns);
        s->due_ns = now_ns;
    } else if (killed || s->policy == SUPERVISE_NEVER || (s->policy == SUPERVISE_ON_FAILURE && success)) {
        enter(s, SUPERVISE_ENDED, now_ns);
    } else {
        back_off(s, now_ns);
    }
}

void supervise_kill(struct supervise *s) {
    s->killed = supervise_lives(s);
}

bool supervise_restart(struct supervise *s, uint64_t now_ns) {
    if (s->closing) {
        return false;
    }
    s->failures = 0;
    if (supervise_lives(s)) {
        s->killed = s->start_again = true;
        return true;
    }
    s->starved = false;
    s->state = SUPERVISE_BACKOFF;
    s->due_ns = now_ns;
    return false;
}

void supervise_close(struct supervise *s) {
    s->closing = true;
    s->starved = false;
    if (s->state == SUPERVISE_BACKOFF) {
        s->state = SUPERVISE_STOPPED;
        s->due_ns = 0;
    }
}

uint64_t supervise_due_ns(const struct supervise *s) {
    return s->state == SUPERVISE_BACKOFF ? s->due_ns : UINT64_MAX;
}

uint64_t supervise_ready_due_ns(const struct supervise *s) {
    return s->state == SUPERVISE_STARTING ? s->due_ns : UINT64_MAX;
}

bool supervise_check(const struct supervise *s) {
    bool lives = supervise_lives(s);
    return s->failures <= s->budget && (!s->killed || lives) && (!s->start_again || s->killed) &&
           (s->due_ns == 0 || s->state == SUPERVISE_BACKOFF || s->state == SUPERVISE_STARTING) &&
           (s->started_ns == 0 || lives) && (s->took_ns == 0 || s->state == SUPERVISE_RUNNING) &&
           (!s->closing || s->state != SUPERVISE_BACKOFF) &&
           (!s->starved || (!s->closing && (s->state == SUPERVISE_BACKOFF || s->state == SUPERVISE_FAILED)));
}
