// park: waiting on a word of memory, for locks that user space builds itself.
//
// What a word is, is (VMO, offset in it), found through the caller's mapping: so processes that share memory meet,
// wherever each has mapped it. A parked thread refers to neither: a word whose VMO is gone wakes nobody, and
// who waits on it waits until its deadline.
//
// No wake-up is lost: park compares the word and queues the thread under the lock of the word's bucket, and
// unpark, which comes after the word was changed, takes the same lock. The kernel reaches the word through the direct
// map, with the VMO locked, so that its page stays.
//
// An inheriting word says who holds it: bits 0..29 are the holder's lock id (thread.lock_id), 31 says that somebody
// may be parked. The most urgent waiter of each such word lends its band to the holder (`lenders`); unpark hands the
// word over to it. Inheriting and plain waiters of the same word do not see each other.
//
// State: a parked thread is WAITING, on nothing (`waiting_on` is null), and in the tree of its word's bucket.
// Invariants: each tree is in order; a waiter lends only if it is the first of an inheriting word.
//
// Locks: vspace, VMO, bucket, `lending`. What wakes and moves a thread holds one bucket at a time.
#pragma once

#include "base/list.h"
#include "base/rbtree.h"
#include "kernel/lock.h"
#include "kernel/types.h"

struct thread;

constexpr uint32_t UNPARK_AT_ONCE = 32; // threads woken or moved in one entry

// The waiters of the words that meet here.
struct park_bucket {
    struct spinlock lock;
    struct rb_tree waiters GUARDED_BY(lock); // by word, then `order`
};

struct park_key {
    uint64_t vmo;    // koid: never used again
    uint64_t offset; // of the word; bit 0 set for inheriting waiters
};

struct park_wait {
    struct rb_node node;
    struct park_key key;
    struct thread *lends_to; // the holder whose `lenders` it is in
    struct list_node lent;
    uint64_t order;          // among those of the same word: arrival; before it, if inheriting, the band
};

// The system calls (abi/abi.toml). With OK of park the thread, which may be a ring's request, is in its wait. unpark
// may do a part: what is left to wake comes out in *count, what is left to move in words[1].
status_t park(struct thread *thread, uint64_t address, uint64_t expected, uint64_t deadline_ns);
status_t unpark(struct thread *thread, uint64_t address, uint64_t *count, uint64_t words[4]);
status_t unpark_inheriting(struct thread *thread, uint64_t address);

// Takes a parked thread out of its wait: it is WAKING then, and the caller's. False when it is parked no more.
bool park_take(struct thread *thread);

// The thread's band has changed: its place among the waiters of its word with it. Who is lent that band, or null.
struct thread *park_reorder(struct thread *thread);

// The most urgent band that the thread is lent, BAND_COUNT when none.
uint32_t park_lent_band(const struct thread *thread);

// The thread ends: the first waiters of the words that it holds get PEER_DIED.
void park_forget(struct thread *thread);

// The name by which inheriting words call the thread; 0 once it is ending.
uint32_t park_lock_id(struct thread *thread);
