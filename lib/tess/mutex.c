// The three-state lock of U. Drepper, "Futexes are tricky" (2011), section 6, over a notification.
#include "lib/tess/mutex.h"

#include <stdatomic.h>

#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"

status_t tess_mutex_init(struct tess_mutex *mutex) {
    return tess_account_create_notification(tess_self_account(), &mutex->wakeup);
}

void tess_mutex_fini(struct tess_mutex *mutex) {
    tess_close(tess_handle_take(&mutex->wakeup));
}

void tess_mutex_lock(struct tess_mutex *mutex) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong_explicit(&mutex->state, &seen, 1, memory_order_acquire,
                                                memory_order_relaxed)) {
        return;
    }
    // The notification keeps a signal that comes before the wait, so none is missed.
    while (atomic_exchange_explicit(&mutex->state, 2, memory_order_acquire) != 0) {
        uint64_t bits;
        if (!status_ok(tess_wait(mutex->wakeup, &bits, DEADLINE_NEVER))) {
            tess_yield();
        }
    }
}

void tess_mutex_unlock(struct tess_mutex *mutex) {
    if (atomic_exchange_explicit(&mutex->state, 0, memory_order_release) == 2) {
        (void)tess_signal(mutex->wakeup, 1);
    }
}
