// account: what memory is charged to, in bytes, before it exists; and what counts objects, handles and time.
//
// Accounts form a tree. What an account may use is bounded by its limit; of that, its parent has set the
// reservation aside, so that nobody else can notice how much of it is used. What goes beyond the reservation
// is charged to the parent as well, and so on upwards: each level checks its own limit. A new account's
// reservation is its whole limit; account.set_limit changes that.
//
// Objects, each kind of object, and handles are counted where somebody asked for a limit: a `counter`, for itself and
// all below it.
//
// Invariants: used <= limit unless the account has ended, reserved <= limit, used <= peak. An account's used
// is the sum of what exists: objects (their slab share), committed pages, page tables, and for each
// sub-account the greater of its reservation and its use. Locks: each account's own, a child's before its
// parent's; they come after vspace, vmo and handle-table locks, before slab and frame locks.
#pragma once

#include <stdint.h>

#include "abi/inspect.h"
#include "abi/limits.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"
#include "kernel/object/object_list.h"

// How deep accounts may be split: what walks from one to the root is bounded work.
constexpr uint32_t ACCOUNT_MAX_DEPTH = 32;

// What a limit of time may be: less would be used up by switching, and longer is not to be seen.
constexpr uint64_t ACCOUNT_LEAST_BUDGET_NS = 100'000, ACCOUNT_MAX_PERIOD_NS = 10'000'000'000;

// What a counter counts: handles, objects of each type, and all objects (enum account_limit).
constexpr uint32_t COUNT_KINDS = LIMIT_HANDLES + 1, COUNT_UNLIMITED = UINT32_MAX;
static inline bool account_counts(uint64_t what) {
    return what < OBJECT_TYPE_COUNT || what == LIMIT_HANDLES;
}

struct account {
    struct object object;
    struct spinlock lock;
    uint32_t depth; // 0 for the root
    uint64_t limit_bytes GUARDED_BY(lock);
    uint64_t reserved_bytes GUARDED_BY(lock);
    uint64_t used_bytes GUARDED_BY(lock);
    uint64_t peak_bytes GUARDED_BY(lock);
    uint32_t objects[OBJECT_TYPE_COUNT]; // atomic: charged to this very account
    bool ended;                          // atomic: pays for nothing new
    struct account *counter;             // the nearest counter from here upwards, which may be this; null: none
    uint32_t count[COUNT_KINDS];         // atomic
    uint32_t count_limit[COUNT_KINDS];   // COUNT_UNLIMITED: none
    uint64_t cpu_ns; // atomic: of its threads, and of sub-accounts that are gone
    struct account *timed;   // the nearest from here upwards that has a time limit, or null
    uint64_t budget_ns;      // its time limit: so much
    uint64_t period_ns;      // of each of these
    uint64_t period_end_ns;  // atomic: of the last that began,
    uint64_t period_used_ns; // atomic: and what was used of its budget
    struct object_link link; // in account_list
    struct reap_item ending;
    uint64_t swept_koid;  // how far account.end has come: this process,
    uint32_t sweep_index; // and so far in the table of the next
};

extern struct object_list account_list;

extern struct slab_cache account_cache;
bool account_destroy_step(struct object *object);

static inline struct account *account_of(struct object *object) {
    return CONTAINER_OF(object, struct account, object);
}

static inline bool account_is_counter(const struct account *account) {
    return account->counter == account;
}

// As account.limit says it.
static inline uint64_t account_count_limit(const struct account *account, uint64_t kind) {
    const uint32_t limit = account_is_counter(account) ? account->count_limit[kind] : COUNT_UNLIMITED;
    return limit == COUNT_UNLIMITED ? LIMIT_NONE : limit;
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

// kalloc and kfree, paid for by the account. Null: NO_MEMORY.
void *account_alloc(struct account *account, size_t bytes);
void account_free(struct account *account, void *memory, size_t bytes);

// A zeroed frame, paid for. 0: NO_MEMORY.
paddr_t account_frame(struct account *account);

// Charges or uncharges, and counts an object (object.c).
status_t account_charge_object(struct account *account, enum object_type type, uint64_t bytes);
void account_uncharge_object(struct account *account, enum object_type type, uint64_t bytes);

// Counts one more (an object of a type, or a handle) in every counter from this account upwards. False, and nothing
// changed, when one is at its limit. Cheap where there is no counter.
bool account_count(struct account *account, uint32_t kind);
void account_discount(struct account *account, uint32_t kind);

// Its threads have used the processor.
void account_use_budget(struct account *account, uint64_t used_ns, uint64_t now_ns);
static inline void account_use_time(struct account *account, uint64_t used_ns, uint64_t now_ns) {
    __atomic_fetch_add(&account->cpu_ns, used_ns, __ATOMIC_RELAXED);
    if (__builtin_expect(account->timed != nullptr, false)) {
        account_use_budget(account, used_ns, now_ns);
    }
}

// How long the threads of an account with a time limit, its own or one above, may still run; when that is 0, *until is
// when they may again.
uint64_t account_time_left(const struct account *account, uint64_t now_ns, uint64_t *until);

// Changes what a sub-account of `account` may use; see account.set_limit.
status_t account_set_limit(struct account *account, struct account *child, uint64_t what, uint64_t limit,
                           uint64_t extent);

// Whether the account, or one that it was split off from, has ended.
static inline bool account_has_ended(const struct account *account) {
    while (account != nullptr && !__atomic_load_n(&account->ended, __ATOMIC_ACQUIRE)) {
        account = account->object.account;
    }
    return account != nullptr;
}

// Whether an end is under way, and the object goes with it: then no handle to it may be made.
bool account_dooms(const struct object *object);

// Ends the account: it pays for nothing more, and what it paid for is found and taken apart.
void account_end(struct account *account);

// Everything about it at one moment: a struct inspect_account.
void account_describe(struct object *object, void *out);
