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

// What a processor does between two looks at something that another will change: it serves what others ask of it
// meanwhile, so that no two wait for each other. Any context, any locks held. In kernel/sched/tlb.c.
void spin_relax(void);

// Returns when the lock was free a moment ago. A call that keeps the registers, so that the way without it has them.
ARCH_COLD_CALL void spin_wait(const struct spinlock *lock);

static inline void spin_lock(struct spinlock *lock) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0)
        spin_wait(lock);
}

static inline void spin_unlock(struct spinlock *lock) RELEASE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
