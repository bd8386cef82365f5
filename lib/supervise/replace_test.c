// Every order in which things can happen, with processes that are played: which of them serves is known here, and never are there two.
#include "lib/supervise/replace.h"

#include "base/test.h"

constexpr uint64_t READY = 1000, PATIENCE = 100, STOP = 50;

TEST(one_takes_the_place_of_the_other) {
    struct replace r;
    replace_start(&r, READY, PATIENCE, STOP, 1);
    CHECK_EQ(replace_next(&r, 1), REPLACE_NOTHING);
    CHECK_EQ(r.due_ns, 1001);
    CHECK(!replace_event(&r, REPLACE_READY, 10));
    CHECK_EQ(replace_next(&r, 10), REPLACE_ASK_SAVE);
    CHECK_EQ(replace_next(&r, 10), REPLACE_NOTHING);
    CHECK_EQ(r.due_ns, 110);
    CHECK(!replace_event(&r, REPLACE_SAVED, 20));
    CHECK_EQ(replace_next(&r, 20), REPLACE_ASK_BEGIN);
    CHECK_EQ(r.due_ns, 120);
    CHECK(replace_is_open(&r));
    CHECK(!replace_event(&r, REPLACE_BEGAN, 30));
    CHECK(!replace_is_open(&r) && replace_is_on(&r));
    CHECK_EQ(replace_next(&r, 30), REPLACE_SWITCH);
    CHECK_EQ(r.due_ns, 80);
    CHECK(!replace_event(&r, REPLACE_PREDECESSOR_ENDED, 40));
    CHECK_EQ(r.step, REPLACE_DONE);
    CHECK(!replace_is_on(&r));
}

TEST(one_that_does_not_leave_is_ended) {
    struct replace r = {.step = REPLACE_DRAINING, .successor = SUCCESSOR_SERVES, .predecessor = PREDECESSOR_LEAVES, .due_ns = 80};
    CHECK(!replace_event(&r, REPLACE_LATE, 80));
    CHECK_EQ(replace_next(&r, 80), REPLACE_END_PREDECESSOR);
    CHECK_EQ(replace_next(&r, 80), REPLACE_NOTHING);
    CHECK_EQ(r.step, REPLACE_DRAINING);
    CHECK(!replace_event(&r, REPLACE_PREDECESSOR_ENDED, 90));
    CHECK_EQ(r.step, REPLACE_DONE);
}

TEST(one_that_finishes_slowly_is_told_to_go_on) {
    struct replace r;
    replace_start(&r, READY, PATIENCE, STOP, 1);
    CHECK(!replace_event(&r, REPLACE_READY, 10));
    CHECK_EQ(replace_next(&r, 10), REPLACE_ASK_SAVE);
    CHECK(replace_event(&r, REPLACE_LATE, 110));
    CHECK_EQ(replace_next(&r, 110), REPLACE_END_SUCCESSOR);
    CHECK(!replace_event(&r, REPLACE_SUCCESSOR_ENDED, 120));
    CHECK_EQ(replace_next(&r, 120), REPLACE_NOTHING); // it may still answer
    CHECK(!replace_event(&r, REPLACE_LATE, 210));
    CHECK_EQ(replace_next(&r, 210), REPLACE_ASK_RESUME);
    CHECK(!replace_event(&r, REPLACE_RESUMED, 220));
    CHECK_EQ(replace_next(&r, 220), REPLACE_NOTHING);
    CHECK_EQ(r.step, REPLACE_FAILED);
    CHECK_EQ(r.predecessor, PREDECESSOR_SERVES);
}

// ---- All orders ----

// What really is, and what was answered and has not been told yet.
struct world {
    struct replace r;
    uint64_t now;
    bool new_lives, new_serves, new_ending, old_lives, old_serves, old_ending;
    enum { NOT_ASKED, ASKED, ANSWERED, REFUSED } ready, save, begin, resume; // ANSWERED, REFUSED: told later
    bool failed;
};

static uint64_t ends, replaced, undone, lost;

static void act(struct world *w) {
    for (enum replace_action action; (action = replace_next(&w->r, w->now)) != REPLACE_NOTHING;) {
        switch (action) {
        case REPLACE_ASK_SAVE: w->save = ASKED; break;
        case REPLACE_ASK_BEGIN: w->begin = ASKED; break;
        case REPLACE_ASK_RESUME:
            w->resume = ASKED;
            w->save = NOT_ASKED; // whatever comes of that, nobody waits for it any more
            break;
        case REPLACE_END_SUCCESSOR: w->new_ending = true; break;
        case REPLACE_END_PREDECESSOR:
        case REPLACE_SWITCH: w->old_ending = true; break;
        case REPLACE_NOTHING: break;
        }
    }
}

static void judge(const struct world *w) {
    CHECK(replace_check(&w->r));
    CHECK(!(w->new_serves && w->old_serves));
}

static void go_on(struct world w, uint32_t depth);

static void tell(struct world w, enum replace_event event, uint32_t depth) {
    w.now++;
    const bool fails = replace_event(&w.r, event, w.now);
    CHECK(!(fails && w.failed)); // once
    w.failed = w.failed || fails;
    act(&w);
    judge(&w);
    go_on(w, depth);
}

static void end_new(struct world w, uint32_t depth) {
    w.new_lives = w.new_serves = false;
    if (w.begin == ANSWERED) { // which was on its way
        w.begin = NOT_ASKED;
        (void)replace_event(&w.r, REPLACE_BEGAN, w.now);
        act(&w);
        judge(&w);
    }
    if (w.r.successor == SUCCESSOR_SERVES) {
        go_on(w, depth); // the end of the service's process, like any other
    } else {
        tell(w, REPLACE_SUCCESSOR_ENDED, depth);
    }
}

static void end_old(struct world w, uint32_t depth) {
    w.old_lives = w.old_serves = false;
    tell(w, REPLACE_PREDECESSOR_ENDED, depth);
}

static void predecessor_goes_on(struct world w, uint32_t depth) {
    if (w.save == ASKED) {
        struct world saved = w, refuses = w;
        saved.save = ANSWERED;
        saved.old_serves = false;
        go_on(saved, depth);
        refuses.save = REFUSED;
        go_on(refuses, depth);
    } else if (w.save == ANSWERED || w.save == REFUSED) {
        const bool saved = w.save == ANSWERED;
        w.save = NOT_ASKED;
        tell(w, saved ? REPLACE_SAVED : REPLACE_SAVE_REFUSED, depth);
    }
    if (w.resume == ASKED) {
        struct world goes_on = w, refuses = w;
        goes_on.resume = ANSWERED;
        goes_on.old_serves = true;
        judge(&goes_on);
        go_on(goes_on, depth);
        refuses.resume = REFUSED;
        go_on(refuses, depth);
    } else if (w.resume == ANSWERED || w.resume == REFUSED) {
        const bool goes_on = w.resume == ANSWERED;
        w.resume = NOT_ASKED;
        tell(w, goes_on ? REPLACE_RESUMED : REPLACE_RESUME_REFUSED, depth);
    }
}

static void successor_goes_on(struct world w, uint32_t depth) {
    if (w.ready == ASKED) {
        struct world ready = w;
        ready.ready = NOT_ASKED;
        tell(ready, REPLACE_READY, depth);
    }
    if (w.begin == ASKED) {
        struct world begins = w, refuses = w;
        begins.begin = ANSWERED;
        begins.new_serves = true;
        judge(&begins);
        go_on(begins, depth);
        refuses.begin = REFUSED;
        go_on(refuses, depth);
    } else if (w.begin == ANSWERED || w.begin == REFUSED) {
        const bool begins = w.begin == ANSWERED;
        w.begin = NOT_ASKED;
        tell(w, begins ? REPLACE_BEGAN : REPLACE_BEGIN_REFUSED, depth);
    }
}

// Each thing that may happen next, and all that may follow. A process may end at any time; one that is ended may do something before.
static void go_on(struct world w, uint32_t depth) {
    if (!replace_is_on(&w.r)) {
        ends++;
        replaced += w.r.step == REPLACE_DONE;
        undone += w.r.step == REPLACE_FAILED && w.old_serves;
        lost += w.r.step == REPLACE_FAILED && !w.old_lives;
        CHECK(w.r.step == REPLACE_DONE ? !w.old_lives : !w.new_lives && (w.old_serves || !w.old_lives));
        CHECK(w.failed || w.r.step == REPLACE_DONE);
        return;
    }
    if (depth == 0) {
        CHECK(false); // it comes to an end
        return;
    }
    if (w.new_lives) {
        successor_goes_on(w, depth - 1);
        end_new(w, depth - 1);
    }
    if (w.old_lives) {
        predecessor_goes_on(w, depth - 1);
        end_old(w, depth - 1);
    }
    if (w.r.due_ns != UINT64_MAX) {
        w.now = w.r.due_ns;
        tell(w, REPLACE_LATE, depth - 1);
    } else {
        // Nothing waits for an answer that may never come.
        CHECK(w.new_ending || w.old_ending || !w.new_lives || !w.old_lives);
    }
}

TEST(whatever_happens_one_serves_at_most) {
    struct world w = {.new_lives = true, .old_lives = true, .old_serves = true, .ready = ASKED};
    replace_start(&w.r, READY, PATIENCE, STOP, 0);
    go_on(w, 24);
    CHECK(replaced > 0 && undone > 0 && lost > 0);
}
