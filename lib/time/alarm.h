// Alarms: somebody is to be told at a moment, once or again and again.
//
// One on the wall clock is for what that says, whoever set it. Set forward past the moment, it goes off at once, and once,
// however many periods were jumped over; set back, it waits for the moment to come again: one with a period goes off whenever the
// clock passes one of its moments, start + n × period. One that went off once is gone. While the clock is not known, they wait.
// One on the monotonic clock knows nothing of this. A watcher that cannot be signalled any more is forgotten, with its alarm.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/time/wall.h"

constexpr size_t ALARMS_MAX = 64;
constexpr size_t ALARMS_OF_ONE_MAX = 8;
constexpr uint64_t ALARM_PERIOD_MIN_NS = 10'000'000; // who wants more has a timer of the kernel's

struct alarm {
    uint32_t id;      // 0: free
    bool on_wall;
    uint64_t holder;
    int64_t start_ns; // on its clock
    int64_t next_ns;
    uint64_t period_ns; // 0: once
    uint64_t bits;
    uint64_t fired, missed; // periods that were jumped over
    handle_t watcher;       // owned
};

struct alarms {
    bool (*signal)(handle_t watcher, uint64_t bits); // false: it is dead. No bits: only that
    void (*close)(handle_t watcher);
    uint32_t last_id;
    struct alarm entries[ALARMS_MAX];
};

// Adds one, whose start and period are set; the watcher becomes the table's. 0, and nothing is taken: there is no room, not
// even without the dead ones.
uint32_t alarms_add(struct alarms *alarms, const struct alarm *alarm);

// Of this holder; `anybody`: of whomever. False: there is none.
bool alarms_cancel(struct alarms *alarms, uint64_t holder, bool anybody, uint32_t id);

// Tells those whose moment has come.
void alarms_run(struct alarms *alarms, uint64_t mono_ns, const struct wall *wall);

// When to run next; UINT64_MAX for never.
uint64_t alarms_next(const struct alarms *alarms, const struct wall *wall);
