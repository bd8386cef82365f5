// What becomes of a service that starts, ends, fails or is told to stop: the supervisor's decisions, as
// a state machine without processes, clocks or messages.
//
//   STOPPED --start--> STARTING --ready--> RUNNING --ended--> BACKOFF --due--> (start again) ... or FAILED, or ENDED
//
// A service that ends while it should run is started again at once the first time, then after 50 ms,
// 100 ms, 200 ms ... at most 5 s. Having run for SUPERVISE_STEADY_NS it is forgiven everything. After
// `budget` ends in a row without that it is FAILED and stays down until told to restart.
// An end that somebody asked for (kill, restart) is no failure. One that is not ready in time is ended by the supervisor, which
// is a failure like any other end.
//
// That there is no memory for it is none: it waits (FAILED, starved) until some may have become free, and only where that was a
// moment ago tries again by itself, for what an end gives back comes in pieces.
//
// Times are nanoseconds of the monotonic clock. Invariants: supervise_check.
#pragma once

#include <stdint.h>

constexpr uint64_t SUPERVISE_STEADY_NS = 10ull * 1000 * 1000 * 1000;
constexpr uint64_t SUPERVISE_PAUSE_FIRST_NS = 50ull * 1000 * 1000;
constexpr uint64_t SUPERVISE_PAUSE_MAX_NS = 5ull * 1000 * 1000 * 1000;
constexpr uint32_t SUPERVISE_BUDGET = 12;
constexpr uint64_t SUPERVISE_FREEING_NS = 1000ull * 1000 * 1000; // how long after an end memory may still become free

enum supervise_policy : uint8_t { SUPERVISE_NEVER, SUPERVISE_ON_FAILURE, SUPERVISE_ALWAYS };

// The numbers are those of the supervisor's contract (idl/supervisor.capnp).
enum supervise_state : uint8_t {
    SUPERVISE_STOPPED = 0,
    SUPERVISE_STARTING = 1,
    SUPERVISE_RUNNING = 2,
    SUPERVISE_BACKOFF = 3,
    SUPERVISE_FAILED = 4,
    SUPERVISE_ENDED = 5,
};

struct supervise {
    enum supervise_policy policy;
    enum supervise_state state;
    uint32_t budget;     // SUPERVISE_BUDGET, unless its owner says otherwise
    uint64_t patience_ns; // how long it may take to become ready; 0: it says nothing, and is ready when it runs
    bool killed;         // STARTING, RUNNING: somebody asked for its end
    bool start_again;    // ... and for a new start whatever the policy says
    bool starved;        // BACKOFF, FAILED: there was no memory when it was to be started
    bool closing;        // the system is going down: nothing is started any more
    uint32_t failures;   // in a row
    uint32_t restarts;   // starts after the first
    uint64_t started_ns; // STARTING, RUNNING: since when; else 0
    uint64_t took_ns;    // RUNNING: from its start until it was ready
    uint64_t ended_ns;   // last end; 0 never
    uint64_t due_ns;     // BACKOFF: when to start; STARTING: when it is to be ready
};

void supervise_init(struct supervise *s, enum supervise_policy policy);

// It was started, or could not be. Only in STOPPED, BACKOFF, FAILED or ENDED.
void supervise_started(struct supervise *s, uint64_t now_ns);
void supervise_start_failed(struct supervise *s, uint64_t now_ns);

// There was no memory to start it; some last began to become free at freed_ns (0: never).
void supervise_starved(struct supervise *s, uint64_t now_ns, uint64_t freed_ns);

// Memory has become free: whether it is due now, since that is what it waits for.
bool supervise_fed(struct supervise *s, uint64_t now_ns);

// It could not be started, and trying again would be no use: its file is missing or no good.
void supervise_hopeless(struct supervise *s, uint64_t now_ns);

// It is ready. In any other state than STARTING this changes nothing.
void supervise_ready(struct supervise *s, uint64_t now_ns);

// Its process ended; `success` is exit code 0. Only in STARTING and RUNNING.
void supervise_ended(struct supervise *s, uint64_t now_ns, bool success);

// Another process serves in place of the one that did, which ends without that being its end. Only in RUNNING.
void supervise_replaced(struct supervise *s, uint64_t started_ns, uint64_t now_ns);

// Somebody asked for the end of a running process: the supervisor kills it, then supervise_ended follows.
void supervise_kill(struct supervise *s);

// Somebody asked for a fresh start. Whether its process must be killed first; if not, it is due now.
bool supervise_restart(struct supervise *s, uint64_t now_ns);

// The system goes down: no start any more.
void supervise_close(struct supervise *s);

// When the next start is wanted: a time (maybe past), or UINT64_MAX.
uint64_t supervise_due_ns(const struct supervise *s);

// When it has to be ready: a time (maybe past: then its process is to be ended), or UINT64_MAX.
uint64_t supervise_ready_due_ns(const struct supervise *s);

// There is a process.
static inline bool supervise_lives(const struct supervise *s) {
    return s->state == SUPERVISE_STARTING || s->state == SUPERVISE_RUNNING;
}

bool supervise_check(const struct supervise *s);
