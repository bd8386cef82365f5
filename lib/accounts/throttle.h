// How often somebody may be wrong: after a few tries each further one has to wait, for longer and longer; and all together may not
// be wrong too often either. Who waits is not looked at, and waiting costs the service nothing.
//
// Names fall into buckets by a keyed hash, whether there is such an account or not: so the delay tells nothing about that, and
// nobody can choose names that share a bucket with somebody else's.
//
// Pure; no locks. Times are monotonic.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t THROTTLE_BUCKETS = 64;
constexpr uint32_t THROTTLE_FREE_TRIES = 3;               // of a name, without waiting
constexpr uint64_t THROTTLE_FIRST_NS = 1'000'000'000;     // after that; doubled with each
constexpr uint64_t THROTTLE_LONGEST_NS = 300'000'000'000; // up to this
constexpr uint64_t THROTTLE_FORGET_NS = 900'000'000'000;  // without another wrong one a name begins anew
constexpr uint32_t THROTTLE_ALL_FREE_TRIES = 20;          // of all names together,
constexpr uint64_t THROTTLE_ALL_EACH_NS = 3'000'000'000;  // of which one is forgotten each time this has passed

struct throttle_bucket {
    uint32_t failures;
    uint64_t last_ns, not_before_ns;
};

struct throttle {
    uint64_t key[2];
    struct throttle_bucket buckets[THROTTLE_BUCKETS];
    uint64_t all_paid_ns; // when the failures of all will have been forgotten
};

void throttle_init(struct throttle *throttle, const uint64_t key[2]);

// How long this name has to wait from now on; 0: it may be tried.
uint64_t throttle_wait_ns(const struct throttle *throttle, const char *name, uint64_t now_ns);

void throttle_failed(struct throttle *throttle, const char *name, uint64_t now_ns);
void throttle_succeeded(struct throttle *throttle, const char *name);
