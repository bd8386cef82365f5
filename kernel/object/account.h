// account: what memory is charged to, in bytes, before it exists.
//
// A sub-account reserves its whole limit from its parent when it is created, so charging touches one
// account only, and what one sub-account uses up no other can notice.
//
// Invariants: used <= limit, used <= peak; used is the sum of what exists: objects (their slab share),
// committed pages, page tables, and the limits of sub-accounts.
// Lock: the account's own; it comes after vspace, vmo and handle-table locks, before slab and frame locks.
#pragma once

#include <stdint.h>

#include "base/container.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

// How deep accounts may be split: what walks from one to the root is bounded work.
constexpr uint32_t ACCOUNT_MAX_DEPTH = 32;

struct account {
    struct object object;
    struct spinlock lock;
    uint32_t depth;       // 0 for the root
    uint64_t limit_bytes; // fixed at creation
    uint64_t used_bytes GUARDED_BY(lock);
    uint64_t peak_bytes GUARDED_BY(lock);
    uint64_t object_count GUARDED_BY(lock);
    bool ended; // atomic: pays for no new process (account.end)
};

extern struct slab_cache account_cache;
bool account_destroy_step(struct object *object);

static inline struct account *account_of(struct object *object) {
    return CONTAINER_OF(object, struct account, object);
}

// The account that all others descend from. Once, at boot; the caller gets its reference.
struct account *account_create_root(uint64_t limit_bytes);

// Splits off a sub-account. NO_MEMORY when the parent cannot reserve the limit; BAD_ARGUMENT for limit 0,
// or when it would be deeper than ACCOUNT_MAX_DEPTH.
status_t account_create(struct account *parent, uint64_t limit_bytes, struct account **out);

// Takes `bytes` from the account. NO_MEMORY leaves nothing changed. Does not block.
status_t account_charge(struct account *account, uint64_t bytes);
// Gives back what was charged.
void account_uncharge(struct account *account, uint64_t bytes);

// The same, and counts an object (object.c).
status_t account_charge_object(struct account *account, uint64_t bytes);
void account_uncharge_object(struct account *account, uint64_t bytes);

// Whether `account` is `ancestor` or was split off from it, directly or not.
static inline bool account_descends(const struct account *account, const struct account *ancestor)
{
    while (account != nullptr && account != ancestor)
        account = account->object.account;
    return account != nullptr;
}

struct account_usage {
    uint64_t limit_bytes, used_bytes, peak_bytes, objects;
};
struct account_usage account_usage(struct account *account);
