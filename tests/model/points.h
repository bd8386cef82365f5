// Included before everything else when the kernel core is built for interleaving tests: each atomic operation, and so
// each taking and giving of a lock, is a place where the deterministic scheduler may let another processor go first
// (tests/model/processors.h). Counting up and down without order is none: nobody waits for that.
#pragma once

// May return much later, and on another processor's stack everything may have happened meanwhile.
void processors_point(void);

static inline int points_relaxed(int order) {
    return order == __ATOMIC_RELAXED;
}
static inline void points_unless(int skipped) {
    if (!skipped) {
        processors_point();
    }
}

#define __atomic_load_n(at, order) (processors_point(), __atomic_load_n(at, order))
#define __atomic_store_n(at, value, order) (processors_point(), __atomic_store_n(at, value, order))
#define __atomic_exchange_n(at, value, order) (processors_point(), __atomic_exchange_n(at, value, order))
#define __atomic_compare_exchange_n(...) (processors_point(), __atomic_compare_exchange_n(__VA_ARGS__))
#define __atomic_fetch_or(at, value, order) (processors_point(), __atomic_fetch_or(at, value, order))
#define __atomic_fetch_and(at, value, order) (processors_point(), __atomic_fetch_and(at, value, order))
#define __atomic_fetch_add(at, value, order) (points_unless(points_relaxed(order)), __atomic_fetch_add(at, value, order))
#define __atomic_fetch_sub(at, value, order) (points_unless(points_relaxed(order)), __atomic_fetch_sub(at, value, order))
#define __atomic_add_fetch(at, value, order) (points_unless(points_relaxed(order)), __atomic_add_fetch(at, value, order))
