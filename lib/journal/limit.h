// How many records are taken of one source: a token bucket, as the one number that says it all, the time at which the bucket
// will be full again. Pure.
#pragma once

#include <stdint.h>

// One line each 16 ms is more than a person follows, and less than a hundredth of a processor; a burst is what a program says of
// a bad moment, a dump of its state included.
constexpr uint64_t LIMIT_PER_SECOND = 64;
constexpr uint64_t LIMIT_BURST = 256;

// Once it is empty nothing is taken until it has so much again: a flood is told in few pieces, each with its number.
constexpr uint64_t LIMIT_RESUME = 64;

struct limit {
    uint64_t full_ns;  // when the bucket is full
    uint64_t muted_ns; // until then nothing is taken; 0: it is
    uint64_t kept_out; // since it was muted: to be reported
    uint64_t total;    // ever
};

// Whether one more is taken at this time, which never goes back. One that is not is counted.
bool limit_take(struct limit *limit, uint64_t now_ns);

// How many were kept out, once the time for it has come to say so; then it is 0 again. 0: none, or not yet.
uint64_t limit_report(struct limit *limit, uint64_t now_ns);
