// Spinlocks, with the annotations that clang's -Wthread-safety checks.
//
// The kernel runs with interrupts off and never blocks with a lock held, so a plain spinlock is
// enough. Lock order is in docs/concepts/kernel-objects.md.
#pragma once

#include <stdint.h>

#include "arch_cpu.h"

#define CAPABILITY(x) __attribute__((capability(x)))
// The & is what makes clang 19 find a lock that is a member of the same structure in C.
#define GUARDED_BY(x) __attribute__((guarded_by(&x)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))

struct CAPABILITY("spinlock") spinlock {
    uint32_t held;
};

static inline void spin_lock(struct spinlock *lock) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0)
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0)
            arch_relax();
}

static inline void spin_unlock(struct spinlock *lock) RELEASE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
