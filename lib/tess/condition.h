// Condition variables beside a mutex, for threads of one process or of several that share the memory. Zero-filled memory
// is one that nobody waits for.
#pragma once

#include "lib/tess/mutex.h"

struct tess_condition {
    _Atomic uint32_t sequence; // changes with every wake
};

// Lets go of the mutex, waits to be woken, and takes the mutex again. May wake without cause: look again at what is
// waited for. TIMED_OUT and CANCELED with the mutex held, too. May block.
status_t tess_condition_wait(struct tess_condition *condition, struct tess_mutex *mutex, uint64_t deadline_ns);

// Wakes one who waits. / Wakes all who wait, one after another as the mutex becomes free.
void tess_condition_wake_one(struct tess_condition *condition);
void tess_condition_wake_all(struct tess_condition *condition, struct tess_mutex *mutex);
