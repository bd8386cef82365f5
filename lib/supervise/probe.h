// When a service is asked whether it is well, and when it has not answered for too long. Pure; times are nanoseconds of the
// monotonic clock, UINT64_MAX is never.
#pragma once

#include <stdint.h>

struct probe {
    uint64_t interval_ns; // 0: it is never asked
    uint64_t patience_ns; // for an answer
    uint64_t next_ns;     // when to ask
    uint64_t late_ns;     // when the answer to what was asked is late
};

// A process has begun: nothing is asked yet.
void probe_init(struct probe *probe, uint64_t interval_ns, uint64_t patience_ns, uint64_t now_ns);

// It is being asked.
void probe_asked(struct probe *probe, uint64_t now_ns);

// It answered. What was not asked is not answered: ignored.
void probe_answered(struct probe *probe, uint64_t now_ns);

// Nothing more is to be asked.
void probe_end(struct probe *probe);

static inline bool probe_is_due(const struct probe *probe, uint64_t now_ns) {
    return now_ns >= probe->next_ns;
}
static inline bool probe_is_late(const struct probe *probe, uint64_t now_ns) {
    return now_ns >= probe->late_ns;
}

// The next time at which one of the two may become true.
static inline uint64_t probe_due_ns(const struct probe *probe) {
    return probe->next_ns < probe->late_ns ? probe->next_ns : probe->late_ns;
}
