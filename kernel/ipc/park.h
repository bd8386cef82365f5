// park: waiting on a word of memory, for locks that user space builds itself.
//
// What a word is, is (VMO, offset in it), found through the caller's mapping: so processes that share memory meet,
// wherever each has mapped it. A parked thread refers to neither: a word whose VMO is gone wakes nobody, and
// who waits on it waits until its deadline.
//
// No wake-up is lost: park compares the word and queues the thread under the lock of the word's bucket, and
// unpark, which comes after the word was changed, takes the same lock. Nothing faults meanwhile: the lock is taken
// under that of the address space, in whose tables the page is, and the word is read through the direct map.
//
// An inheriting word says who holds it: bits 0..29 are the holder's lock id (thread.lock_id), 31 says that somebody
// may be parked. The most urgent waiter of each such word lends its band to the holder (`lenders`); unpark hands the
// word over to it. Inheriting and plain waiters of the same word do not see each other.
//
// State: a parked thread is WAITING, on nothing (`waiting_on` is null), and in the tree of its word's bucket.
//
// Locks: vspace, bucket (two: the lower address first), lenders. Invariants (park_check): each tree is in order and
// its threads wait; a waiter is in its holder's `lenders` only if it is the first of an inheriting word.
#pragma once

#include "base/list.h"
#include "base/rbtree.h"
#include "kernel/types.h"

struct thread;

struct park_key {
    uint64_t vmo;    // koid: never used again
    uint64_t offset; // of the word; bit 0 set for inheriting waiters
};

struct park_wait {
    struct rb_node node;
    struct park_key key;
    uint64_t order;         // among those of the same key: arrival; before it, if inheriting, the band
    struct thread *lends_to; // the holder whose `lenders` it is in
    struct list_node lent;
};

// As the system calls (abi/abi.toml) for the current thread. With OK of park the thread is in its wait. unpark may do a part: *more says that there is more to wake or move.
struct unpark_request {
    uint64_t address, wake;     // in; wake: out what is left to wake
    uint64_t to_address, move;  // 0: nowhere; move: out what is left to move
    uint32_t expected;          // of the first word, when something is to be moved
    uint64_t woken, moved;      // added to
    bool more;                  // out
};
status_t park(struct thread *thread, uint64_t address, uint64_t expected, uint64_t deadline_ns);
status_t unpark(struct thread *thread, struct unpark_request *request);
status_t unpark_inheriting(struct thread *thread, uint64_t address);

// Takes a parked thread out of its wait: it is WAKING then, and the caller's. False when it is parked no more.
bool park_take(struct thread *thread);

// The thread's band has changed: its place among the waiters of its word with it. Who is lent that band, or null.
struct thread *park_reorder(struct thread *thread);

// The most urgent band that the thread is lent, BAND_COUNT when none.
uint32_t park_lent_band(const struct thread *thread);

// The thread ends: the first waiters of the words that it holds get PEER_DIED.
void park_forget(struct thread *thread);

// The name by which inheriting words call the thread; never 0.
uint32_t park_lock_id(struct thread *thread);

bool park_check(void);
