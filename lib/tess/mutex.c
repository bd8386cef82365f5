// The three-state lock of U. Drepper, "Futexes are tricky" (2011), section 6; and one that says who holds it.
#include "lib/tess/mutex.h"

#include <stdatomic.h>

#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"
#include "lib/tess/park.h"
#include "lib/tess/thread.h"

status_t tess_mutex_lock_until(struct tess_mutex *mutex, uint64_t deadline_ns) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong_explicit(&mutex->state, &seen, 1, memory_order_acquire,
                                                memory_order_relaxed)) {
        return STATUS_OK;
    }
    while (atomic_exchange_explicit(&mutex->state, 2, memory_order_acquire) != 0) {
        status_t status = tess_park(&mutex->state, 2, deadline_ns);
        if (status_is(status, STATUS_TIMED_OUT)) {
            return status;
        }
    }
    return STATUS_OK;
}

void tess_mutex_lock(struct tess_mutex *mutex) {
    (void)tess_mutex_lock_until(mutex, DEADLINE_NEVER); // which has no end but success
}

void tess_mutex_unlock(struct tess_mutex *mutex) {
    if (atomic_exchange_explicit(&mutex->state, 0, memory_order_release) == 2) {
        (void)tess_unpark(&mutex->state, 1);
    }
}

// ---- with inheritance ------------------------------------------------------------------------------

static status_t own_id(uint32_t *id) {
    struct tess_thread_block *block = tess_thread_block();
    if (block->lock_id == 0) {
        uint64_t given;
        TRY(tess_thread_lock_id(tess_self_thread(), &given));
        block->lock_id = (uint32_t)given;
    }
    *id = block->lock_id;
    return STATUS_OK;
}

static bool change(struct tess_pi_mutex *mutex, uint32_t from, uint32_t to) {
    return atomic_compare_exchange_strong_explicit(&mutex->word, &from, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

status_t tess_pi_mutex_lock(struct tess_pi_mutex *mutex, uint64_t deadline_ns) {
    uint32_t id;
    TRY(own_id(&id));
    for (;;) {
        if (change(mutex, 0, id)) {
            return STATUS_OK;
        }
        const uint32_t seen = atomic_load_explicit(&mutex->word, memory_order_relaxed);
        const uint32_t waited = seen | PARK_WAITED_FOR;
        if ((seen & PARK_HOLDER_MASK) == id) {
            return STATUS_BAD_STATE;
        }
        if (seen == 0 || (seen != waited && !change(mutex, seen, waited))) {
            continue; // it has changed
        }
        status_t status = tess_park_inherit(&mutex->word, waited, deadline_ns);
        if (status_is(status, STATUS_PEER_DIED) && !change(mutex, waited, id | PARK_WAITED_FOR)) {
            continue; // somebody else was quicker
        }
        if (!status_is(status, STATUS_BAD_STATE)) {
            return status;
        }
    }
}

void tess_pi_mutex_unlock(struct tess_pi_mutex *mutex) {
    if (!change(mutex, tess_thread_block()->lock_id, 0)) {
        (void)tess_unpark_inherit(&mutex->word);
    }
}
