// What the debug build looks at when a lock is taken and given back: the order, and what the lock guards.
#include "kernel/debug/invariants.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"

static const char *rank_name(enum lock_rank rank) {
#define RANK_NAME(name) [LOCK_##name] = #name,
    static const char *const names[] = {[LOCK_UNRANKED] = "(no rank)", LOCK_RANKS(RANK_NAME)};
    return names[rank];
}

// Null while there is no processor structure yet, and in host tests of files that need none.
static struct lock_stack *held_here(void) {
    struct percpu *cpu = this_cpu();
    return cpu != nullptr ? &cpu->held : nullptr;
}

void lock_check_take(const struct spinlock *lock, bool child) {
    struct lock_stack *held = held_here();
    if (held == nullptr || lock->rank == LOCK_UNRANKED) {
        return;
    }
    for (uint32_t i = 0; i < held->count; i++) {
        const enum lock_rank other = held->locks[i]->rank;
        if (held->locks[i] == lock) {
            panic("lock %s is taken twice", rank_name(other));
        }
        if (other > lock->rank || (other == lock->rank && !child)) {
            panic("lock order: %s is taken while %s is held", rank_name(lock->rank), rank_name(other));
        }
    }
    ASSERT(held->count < LOCKS_HELD_MAX);
    held->locks[held->count++] = lock;
}

// In any order.
void lock_check_give(const struct spinlock *lock) {
    struct lock_stack *held = held_here();
    if (held == nullptr || lock->rank == LOCK_UNRANKED) {
        return;
    }
    uint32_t i = held->count;
    while (i > 0 && held->locks[i - 1] != lock) {
        i--;
    }
    if (i == 0) {
        panic("lock %s is released and was not held here", rank_name(lock->rank));
    }
    const char *broken = invariants_broken(lock);
    if (broken != nullptr) {
        panic("what lock %s guards does not hold: %s", rank_name(lock->rank), broken);
    }
    for (held->count--; i <= held->count; i++) {
        held->locks[i - 1] = held->locks[i];
    }
}

void lock_check_none(void) {
    const struct lock_stack *held = held_here();
    if (held != nullptr && held->count != 0) {
        panic("lock %s is held where none may be", rank_name(held->locks[held->count - 1]->rank));
    }
}
