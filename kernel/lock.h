// Spinlocks, with the annotations that clang's -Wthread-safety checks.
//
// The kernel runs with interrupts off and never blocks with a lock held, so a plain spinlock is
// enough. Every lock has a rank, and a processor takes locks in rising order of rank only; the debug build
// verifies it, and what a lock guards when it is given back (kernel/debug). What the ranks mean is in docs/concepts/locking.md.
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

// Outermost first. Of one rank a processor holds one lock at a time, but for spin_lock_related.
#define LOCK_RANKS(X) \
    X(OBJECT_LIST) \
    X(DERIVATION) \
    X(PROCESS) \
    X(VSPACE) \
    X(IOSPACE) \
    X(VMO) \
    X(PARK) \
    X(INTERRUPT) \
    X(TIMER) \
    X(NOTIFICATION) \
    X(ENDPOINT) \
    X(RING) \
    X(LENDING) \
    X(RUN_QUEUE) \
    X(TIMERS) \
    X(MACHINE) \
    X(ACCOUNT) \
    X(SLAB) \
    X(FRAME_CACHE) \
    X(FRAMES)

#define LOCK_RANK_ENUM(name) LOCK_##name,
enum lock_rank : uint8_t { LOCK_UNRANKED, LOCK_RANKS(LOCK_RANK_ENUM) };

struct CAPABILITY("spinlock") spinlock {
    uint32_t held;
#if KERNEL_DEBUG
    enum lock_rank rank;
#endif
};

// For `static struct spinlock x = SPINLOCK(LOCK_X)` and for locks in new objects, which are all zeros. The rank is all
// there is to a free lock: outside the debug build both are nothing.
#if KERNEL_DEBUG
#define SPINLOCK(lock_rank) {.rank = lock_rank}
#define spin_init(lock, lock_rank) ((void)((lock)->rank = (lock_rank)))
#else
#define SPINLOCK(lock_rank) {}
#define spin_init(lock, lock_rank) ((void)0)
#endif

// The debug build's view of it: panic when the order is broken. lock_check_none: this processor holds no lock.
void lock_check_take(const struct spinlock *lock, bool child);
void lock_check_give(const struct spinlock *lock);
void lock_check_none(void);

#if KERNEL_DEBUG
// What a processor holds, in the order in which it took it (struct percpu).
constexpr uint32_t LOCKS_HELD_MAX = 8;
struct lock_stack {
    uint32_t count;
    const struct spinlock *locks[LOCKS_HELD_MAX];
};
#endif

// What a processor does between two looks at something that another will change: it serves what others ask of it
// meanwhile, so that no two wait for each other. Any context, any locks held. In kernel/sched/tlb.c.
void spin_relax(void);

// Takes a lock that was held a moment ago. A call that keeps the registers, so that the way without it has them.
ARCH_COLD_CALL void spin_wait(struct spinlock *lock);

static inline void spin_lock(struct spinlock *lock) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    if (KERNEL_DEBUG)
        lock_check_take(lock, false);
    if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, false))
        spin_wait(lock);
}

// Beside others of its rank: where a tree of objects says which of them is the outer one.
static inline void spin_lock_related(struct spinlock *lock) ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    if (KERNEL_DEBUG)
        lock_check_take(lock, true);
    if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, false))
        spin_wait(lock);
}

static inline void spin_unlock(struct spinlock *lock) RELEASE(lock) NO_THREAD_SAFETY_ANALYSIS
{
    if (KERNEL_DEBUG)
        lock_check_give(lock);
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
