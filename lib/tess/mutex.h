// Mutual exclusion between threads of a process. Uncontended: no system call. A waiter sleeps on a
// notification, so that a holder of a less urgent band can go on and let go.
#pragma once

#include <stdint.h>

#include "abi/types.h"

struct tess_mutex {
    _Atomic uint32_t state; // 0 free, 1 held, 2 held and perhaps waited for
    handle_t wakeup;        // owned; 0: the process has one thread only, nobody can be in the way
};

// Makes what a second thread will wait on. NO_MEMORY, NO_HANDLES. A zero-filled mutex may be used
// without this until the process starts its second thread.
status_t tess_mutex_init(struct tess_mutex *mutex);
void tess_mutex_fini(struct tess_mutex *mutex);

// May block.
void tess_mutex_lock(struct tess_mutex *mutex);
void tess_mutex_unlock(struct tess_mutex *mutex);
