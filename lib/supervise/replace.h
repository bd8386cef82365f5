// How one process of a service takes the place of another while clients call: the decisions, without processes, clocks or messages.
//
//   the successor     SETS_UP --ready--> WAITS --asked--> BEGINS --began--> SERVES
//   the predecessor   SERVES --asked--> SAVES --saved--> SAVED --asked--> LEAVES --ended--> GONE
//
// The predecessor is asked for its state only when the successor has nothing left to do but to begin with it, and in between
// clients wait. Until the successor has begun all can be undone: it is ended, and the predecessor is told to go on as soon as it is
// certain that the successor will never serve. So never do two processes serve at the same time, and there is none that serves only
// when both have failed; then the service is started again like any other that ended.
//
// What happened is told with replace_event, and replace_next says what is to be done, until there is nothing. Times are nanoseconds
// of the monotonic clock. Invariants: replace_check.
#pragma once

#include <stdint.h>

// The numbers are those of the supervisor's contract (idl/supervisor.capnp).
enum replace_step : uint8_t {
    REPLACE_NONE = 0,
    REPLACE_STARTING = 1,  // the successor sets itself up
    REPLACE_SAVING = 2,    // the predecessor hands its state over
    REPLACE_BEGINNING = 3, // the successor begins with that
    REPLACE_DRAINING = 4,  // it serves; the predecessor finishes what it owes
    REPLACE_DONE = 5,
    REPLACE_UNDOING = 6, // it failed: the successor is ended, and the predecessor goes on
    REPLACE_FAILED = 7,
};

enum replace_event : uint8_t {
    REPLACE_READY,            // the successor waits to begin
    REPLACE_BEGAN,            // ... serves
    REPLACE_BEGIN_REFUSED,    // ... and never will
    REPLACE_SUCCESSOR_ENDED,  // only before it began
    REPLACE_SAVED,            // the predecessor has handed its state over
    REPLACE_SAVE_REFUSED,     // ... and serves on
    REPLACE_RESUMED,          // ... serves again
    REPLACE_RESUME_REFUSED,   // ... does not
    REPLACE_PREDECESSOR_ENDED,
    REPLACE_LATE, // replace_due_ns has come
};

enum replace_action : uint8_t {
    REPLACE_NOTHING,
    REPLACE_ASK_SAVE,        // of the predecessor
    REPLACE_ASK_BEGIN,       // of the successor, with that state
    REPLACE_SWITCH,          // the successor is the service's process from now on; the predecessor is asked to stop
    REPLACE_ASK_RESUME,      // of the predecessor
    REPLACE_END_SUCCESSOR,   // its end is told later, and before that whether it has begun
    REPLACE_END_PREDECESSOR, // which answers no more
};

struct replace {
    enum replace_step step;
    enum replace_successor : uint8_t {
        SUCCESSOR_SETS_UP,
        SUCCESSOR_WAITS,
        SUCCESSOR_BEGINS,
        SUCCESSOR_REFUSED,
        SUCCESSOR_ENDS, // it was asked to begin before, or not: may_serve
        SUCCESSOR_SERVES,
        SUCCESSOR_GONE,
    } successor;
    enum replace_predecessor : uint8_t {
        PREDECESSOR_SERVES,
        PREDECESSOR_SAVES,
        PREDECESSOR_SAVED,
        PREDECESSOR_RESUMES,
        PREDECESSOR_LEAVES,
        PREDECESSOR_STUCK, // to be ended
        PREDECESSOR_ENDS,
        PREDECESSOR_GONE,
    } predecessor;
    bool may_serve;        // SUCCESSOR_ENDS: nobody knows whether it has begun
    uint64_t patience_ns;  // for each answer
    uint64_t stop_ns;      // for the predecessor's end
    uint64_t due_ns;       // UINT64_MAX: never
};

// The successor was started, while the predecessor serves. So long it may take to set itself up, to answer, the predecessor to stop.
void replace_start(struct replace *r, uint64_t ready_ns, uint64_t patience_ns, uint64_t stop_ns, uint64_t now_ns);

// Whether this is what it fails by: from here on it is undone. What does not fit is ignored.
bool replace_event(struct replace *r, enum replace_event event, uint64_t now_ns);

// The next thing to be done, which is taken for done then.
enum replace_action replace_next(struct replace *r, uint64_t now_ns);

// It goes on.
static inline bool replace_is_on(const struct replace *r) {
    return r->step != REPLACE_NONE && r->step != REPLACE_DONE && r->step != REPLACE_FAILED;
}

// It is not settled yet which process is to serve: nothing else is to be done with the service.
static inline bool replace_is_open(const struct replace *r) {
    return replace_is_on(r) && r->step != REPLACE_DRAINING;
}

bool replace_check(const struct replace *r);
