#include "lib/tess/condition.h"

#include <stdatomic.h>

#include "lib/tess/park.h"

status_t tess_condition_wait(struct tess_condition *condition, struct tess_mutex *mutex, uint64_t deadline_ns) {
    const uint32_t sequence = atomic_load_explicit(&condition->sequence, memory_order_relaxed);
    tess_mutex_unlock(mutex);
    status_t status = tess_park(&condition->sequence, sequence, deadline_ns);
    // As one for whom others may wait: who was moved to the mutex is woken by our unlock only then.
    while (atomic_exchange_explicit(&mutex->state, 2, memory_order_acquire) != 0) {
        (void)tess_park(&mutex->state, 2, DEADLINE_NEVER);
    }
    return status_is(status, STATUS_BAD_STATE) ? STATUS_OK : status; // woken before it slept
}

void tess_condition_wake_one(struct tess_condition *condition) {
    atomic_fetch_add_explicit(&condition->sequence, 1, memory_order_release);
    (void)tess_unpark(&condition->sequence, 1);
}

void tess_condition_wake_all(struct tess_condition *condition, struct tess_mutex *mutex) {
    atomic_fetch_add_explicit(&condition->sequence, 1, memory_order_release);
    (void)tess_unpark_move(&condition->sequence, 1, &mutex->state, UNPARK_ALL);
}
