// A clock that counts whole seconds is read more precisely by waiting for the next one: between two readings of which the second
// says one more lies the moment at which that began.
#pragma once

#include <stdint.h>

constexpr uint64_t SETTLE_POLL_NS = 20'000'000;     // what remains of a second's uncertainty is half of this, and how long a reading takes
constexpr uint64_t SETTLE_PATIENCE_NS = 2'500'000'000; // a second in which nothing changes, and one more: the chip stands still

struct settle {
    bool goes_on;
    int64_t seconds;     // that were read last
    uint64_t before_ns;  // when that reading began, on the monotonic clock
    uint64_t give_up_ns;
};

// What a reading said, how far that may be off, and when (on the monotonic clock).
struct settle_time {
    int64_t wall_ns;
    uint64_t mono_ns;
    uint64_t uncertainty_ns;
};

// The first reading, which began and ended then: the middle of its second.
struct settle_time settle_begin(struct settle *settle, int64_t seconds, uint64_t before_ns, uint64_t after_ns);

// A further one. True: a second has just begun, *out is when, and it does not go on.
bool settle_sample(struct settle *settle, int64_t seconds, uint64_t before_ns, uint64_t after_ns, struct settle_time *out);
