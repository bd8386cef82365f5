#include "lib/supervise/replace.h"

#include "base/checked.h"

void replace_start(struct replace *r, uint64_t ready_ns, uint64_t patience_ns, uint64_t stop_ns, uint64_t now_ns) {
    *r = (struct replace){
        .step = REPLACE_STARTING,
        .patience_ns = patience_ns,
        .stop_ns = stop_ns,
        .due_ns = saturating_add_u64(now_ns, ready_ns),
    };
}

// ---- What happened ----

// True: it was not undone yet. One who is asked for its state meanwhile may still answer that.
static bool undo(struct replace *r, uint64_t now_ns) {
    if (r->step < REPLACE_STARTING || r->step > REPLACE_BEGINNING) {
        return false;
    }
    r->step = REPLACE_UNDOING;
    r->due_ns = r->predecessor == PREDECESSOR_SAVES ? saturating_add_u64(now_ns, r->patience_ns) : UINT64_MAX;
    return true;
}

static bool late(struct replace *r, uint64_t now_ns) {
    r->due_ns = UINT64_MAX;
    if (undo(r, now_ns)) {
        return true;
    }
    if (r->predecessor == PREDECESSOR_SAVES) {
        r->predecessor = PREDECESSOR_SAVED; // or still finishes what it has begun: either way it can be told to go on
    } else if (r->predecessor == PREDECESSOR_RESUMES || r->predecessor == PREDECESSOR_LEAVES) {
        r->predecessor = PREDECESSOR_STUCK;
    }
    return false;
}

static void began(struct replace *r) {
    const bool asked = r->successor == SUCCESSOR_BEGINS || (r->successor == SUCCESSOR_ENDS && r->may_serve);
    if (asked && r->predecessor == PREDECESSOR_SAVED) { // else what it has begun is ended, as its predecessor has
        r->successor = SUCCESSOR_SERVES;
        r->step = REPLACE_DRAINING;
        r->due_ns = UINT64_MAX;
    }
}

static void predecessor_answered(struct replace *r, enum replace_predecessor asked, enum replace_predecessor is) {
    if (r->predecessor == asked) {
        r->predecessor = is;
        r->due_ns = UINT64_MAX;
    }
}

static void settle(struct replace *r) {
    if (r->step == REPLACE_DRAINING && r->predecessor == PREDECESSOR_GONE) {
        r->step = REPLACE_DONE;
    } else if (r->step == REPLACE_UNDOING && r->successor == SUCCESSOR_GONE &&
               (r->predecessor == PREDECESSOR_SERVES || r->predecessor == PREDECESSOR_GONE)) {
        r->step = REPLACE_FAILED;
    }
    r->due_ns = replace_is_on(r) ? r->due_ns : UINT64_MAX;
}

static bool take(struct replace *r, enum replace_event event, uint64_t now_ns) {
    switch (event) {
    case REPLACE_READY:
        if (r->step == REPLACE_STARTING) {
            r->step = REPLACE_SAVING;
            r->successor = SUCCESSOR_WAITS;
        }
        return false;
    case REPLACE_SAVED:
        predecessor_answered(r, PREDECESSOR_SAVES, PREDECESSOR_SAVED);
        r->step = r->step == REPLACE_SAVING ? REPLACE_BEGINNING : r->step;
        return false;
    case REPLACE_SAVE_REFUSED:
        predecessor_answered(r, PREDECESSOR_SAVES, PREDECESSOR_SERVES);
        return undo(r, now_ns);
    case REPLACE_BEGAN: began(r); return false;
    case REPLACE_BEGIN_REFUSED:
        if (r->successor == SUCCESSOR_BEGINS) {
            r->successor = SUCCESSOR_REFUSED;
        }
        r->may_serve = false;
        return undo(r, now_ns);
    case REPLACE_SUCCESSOR_ENDED:
        if (r->successor == SUCCESSOR_SERVES) {
            return false;
        }
        r->successor = SUCCESSOR_GONE;
        return undo(r, now_ns);
    case REPLACE_RESUMED: predecessor_answered(r, PREDECESSOR_RESUMES, PREDECESSOR_SERVES); return false;
    case REPLACE_RESUME_REFUSED: predecessor_answered(r, PREDECESSOR_RESUMES, PREDECESSOR_STUCK); return false;
    case REPLACE_PREDECESSOR_ENDED: r->predecessor = PREDECESSOR_GONE; return undo(r, now_ns);
    case REPLACE_LATE: return late(r, now_ns);
    }
    return false;
}

bool replace_event(struct replace *r, enum replace_event event, uint64_t now_ns) {
    const bool fails = replace_is_on(r) && take(r, event, now_ns);
    settle(r);
    return fails;
}

// ---- What is to be done ----

static enum replace_action ask(struct replace *r, enum replace_predecessor state, uint64_t patience_ns, enum replace_action action,
                               uint64_t now_ns) {
    r->predecessor = state;
    r->due_ns = saturating_add_u64(now_ns, patience_ns);
    return action;
}

static enum replace_action next_undone(struct replace *r, uint64_t now_ns) {
    if (r->successor < SUCCESSOR_ENDS) {
        r->may_serve = r->successor == SUCCESSOR_BEGINS;
        r->successor = SUCCESSOR_ENDS;
        return REPLACE_END_SUCCESSOR;
    }
    if (r->predecessor == PREDECESSOR_SAVED && (r->successor == SUCCESSOR_GONE || !r->may_serve)) {
        return ask(r, PREDECESSOR_RESUMES, r->patience_ns, REPLACE_ASK_RESUME, now_ns);
    }
    return REPLACE_NOTHING;
}

enum replace_action replace_next(struct replace *r, uint64_t now_ns) {
    if (!replace_is_on(r)) {
        return REPLACE_NOTHING;
    }
    if (r->predecessor == PREDECESSOR_STUCK) {
        r->predecessor = PREDECESSOR_ENDS;
        return REPLACE_END_PREDECESSOR;
    }
    if (r->step == REPLACE_SAVING && r->predecessor == PREDECESSOR_SERVES) {
        return ask(r, PREDECESSOR_SAVES, r->patience_ns, REPLACE_ASK_SAVE, now_ns);
    }
    if (r->step == REPLACE_BEGINNING && r->successor == SUCCESSOR_WAITS) {
        r->successor = SUCCESSOR_BEGINS;
        r->due_ns = saturating_add_u64(now_ns, r->patience_ns);
        return REPLACE_ASK_BEGIN;
    }
    if (r->step == REPLACE_DRAINING && r->predecessor == PREDECESSOR_SAVED) {
        return ask(r, PREDECESSOR_LEAVES, r->stop_ns, REPLACE_SWITCH, now_ns);
    }
    return r->step == REPLACE_UNDOING ? next_undone(r, now_ns) : REPLACE_NOTHING;
}

bool replace_check(const struct replace *r) {
    const bool new_may = r->successor == SUCCESSOR_BEGINS || r->successor == SUCCESSOR_SERVES || (r->successor == SUCCESSOR_ENDS && r->may_serve);
    const bool old_may = r->predecessor == PREDECESSOR_SERVES || r->predecessor == PREDECESSOR_SAVES || r->predecessor == PREDECESSOR_RESUMES;
    const bool waits = r->due_ns != UINT64_MAX;
    return r->step == REPLACE_NONE || (!(new_may && old_may) && (r->step != REPLACE_DONE || r->successor == SUCCESSOR_SERVES) &&
                                       (r->step != REPLACE_FAILED || r->successor == SUCCESSOR_GONE) && (replace_is_on(r) || !waits));
}
