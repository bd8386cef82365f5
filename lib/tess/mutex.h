// Mutual exclusion between threads, of one process or of several that share the memory. Uncontended: one atomic
// operation each way, no system call. Zero-filled memory is a free mutex.
#pragma once

#include <stdint.h>

#include "abi/types.h"

struct tess_mutex {
    _Atomic uint32_t state; // 0 free, 1 held, 2 held and perhaps waited for
};

// May block.
void tess_mutex_lock(struct tess_mutex *mutex);
void tess_mutex_unlock(struct tess_mutex *mutex);

// TIMED_OUT; with DEADLINE_POLL: it is held. May block.
status_t tess_mutex_lock_until(struct tess_mutex *mutex, uint64_t deadline_ns);

// A mutex whose holder runs at least as urgently as who waits for it. It is handed over to the most urgent.
struct tess_pi_mutex {
    _Atomic uint32_t word; // abi/park.h
};

// OK: the caller holds it. PEER_DIED: the caller holds it, and whoever held it before ended without letting go, so what
// it protects may be half done. TIMED_OUT, CANCELED. BAD_STATE: the caller holds it already. NOT_ALLOWED: the word
// names a thread of a process that has not mapped it. May block.
status_t tess_pi_mutex_lock(struct tess_pi_mutex *mutex, uint64_t deadline_ns);
void tess_pi_mutex_unlock(struct tess_pi_mutex *mutex);
