#include "lib/accounts/throttle.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "lib/badge/badge.h"

constexpr uint64_t ALL_FREE_NS = THROTTLE_ALL_FREE_TRIES * THROTTLE_ALL_EACH_NS;

static size_t bucket_of(const struct throttle *throttle, const char *name) {
    uint64_t words[NAME_BYTES / sizeof(uint64_t)] = {};
    (void)str_copy((char *)words, sizeof(words), name); // accounts have no longer ones
    return siphash(throttle->key, words, NAME_BYTES / sizeof(uint64_t)) % THROTTLE_BUCKETS;
}

static uint64_t from_to(uint64_t from_ns, uint64_t to_ns) {
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

void throttle_init(struct throttle *throttle, const uint64_t key[2]) {
    *throttle = (struct throttle){.key = {key[0], key[1]}};
}

uint64_t throttle_wait_ns(const struct throttle *throttle, const char *name, uint64_t now_ns) {
    const uint64_t own = from_to(now_ns, throttle->buckets[bucket_of(throttle, name)].not_before_ns);
    const uint64_t all = from_to(now_ns + ALL_FREE_NS, throttle->all_paid_ns);
    return own > all ? own : all;
}

void throttle_failed(struct throttle *throttle, const char *name, uint64_t now_ns) {
    struct throttle_bucket *bucket = &throttle->buckets[bucket_of(throttle, name)];
    if (from_to(bucket->last_ns, now_ns) >= THROTTLE_FORGET_NS) {
        bucket->failures = 0;
    }
    bucket->failures++;
    bucket->last_ns = now_ns;
    uint64_t delay = bucket->failures >= THROTTLE_FREE_TRIES ? THROTTLE_FIRST_NS : 0;
    for (uint32_t i = THROTTLE_FREE_TRIES; i < bucket->failures && delay < THROTTLE_LONGEST_NS; i++) {
        delay *= 2;
    }
    bucket->not_before_ns = now_ns + (delay < THROTTLE_LONGEST_NS ? delay : THROTTLE_LONGEST_NS);
    const uint64_t paid = throttle->all_paid_ns > now_ns ? throttle->all_paid_ns : now_ns;
    throttle->all_paid_ns = paid + THROTTLE_ALL_EACH_NS;
}

void throttle_succeeded(struct throttle *throttle, const char *name) {
    throttle->buckets[bucket_of(throttle, name)] = (struct throttle_bucket){};
}
