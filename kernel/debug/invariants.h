// What always holds for what a lock guards while nobody has the lock. The debug build looks whenever a lock is given back
// (lock_order.c), so no operation need ask for it; and an idle processor looks at everything in turn (patrol.c).
//
// Bounded work: what the operation has most likely touched, and the first few of what is queued. The whole of a table is
// the host tests' business (kernel/arch/host/invariants.h). Each can fail: invariants_test.c.
#pragma once

#include <stdint.h>

struct handle_slot;
struct mapping;
struct spinlock;

// What does not hold; null when all does. The caller has the lock, which has a rank.
const char *invariants_broken(const struct spinlock *lock);

// Whether the links of the slot in the derivation tree and those around it agree. With the derivation lock.
bool derivation_check(const struct handle_slot *slot);

// Whether the mapping may be as it is, wherever it is. With the lock of its address space.
bool mapping_check(const struct mapping *mapping);

// An idle processor looks at the next few handles of all processes, or at one address space.
void patrol_step(void);
