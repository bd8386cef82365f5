#include "kernel/ipc/park.h"

#include "abi/gen/methods.h"
#include "abi/message.h"
#include "abi/park.h"
#include "base/align.h"
#include "base/container.h"
#include "kernel/ipc/invoke.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/mapping.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/sched/sched.h"

constexpr uint32_t BUCKETS = 64; // a power of two
constexpr uint32_t ORDER_BAND_SHIFT = 56;
constexpr uint64_t INHERITING = 1; // in park_key.offset

static struct park_bucket buckets[BUCKETS];
static uint64_t arrivals; // atomic

// Who lends to whom, and who is called what.
static struct {
    struct spinlock lock;
    struct list named[64] GUARDED_BY(lock); // threads by lock id; a list never used is all zero
    uint32_t last_id GUARDED_BY(lock);
} lending = {.lock = SPINLOCK(LOCK_LENDING)};

// ---- words and waiters -----------------------------------------------------------------------------

static struct thread *thread_of(const struct rb_node *node) {
    return node == nullptr ? nullptr : CONTAINER_OF(node, struct thread, park.node);
}

static bool same_key(const struct park_key *a, const struct park_key *b) {
    return a->vmo == b->vmo && a->offset == b->offset;
}

static bool before(const struct rb_node *a, const struct rb_node *b) {
    const struct park_wait *x = &thread_of(a)->park, *y = &thread_of(b)->park;
    return x->key.vmo != y->key.vmo         ? x->key.vmo < y->key.vmo
           : x->key.offset != y->key.offset ? x->key.offset < y->key.offset
                                            : x->order < y->order;
}

// The key comes before all that have it.
static int compare_first(const void *key, const struct rb_node *node) {
    const struct park_key *a = key, *b = &thread_of(node)->park.key;
    return a->vmo < b->vmo || (a->vmo == b->vmo && a->offset <= b->offset) ? -1 : 1;
}

static struct park_bucket *bucket_of(const struct park_key *key) {
    const uint64_t mixed = (key->vmo * 0x9e37'79b9'7f4a'7c15 + (key->offset >> 2)) * 0xd6e8'feb8'6659'fd93;
    struct park_bucket *bucket = &buckets[mixed >> 32 & (BUCKETS - 1)];
    spin_init(&bucket->lock, LOCK_PARK);
    return bucket;
}

static struct thread *first_waiter(struct park_bucket *bucket, const struct park_key *key) REQUIRES(bucket->lock) {
    // Mostly there is one word in a bucket at a time.
    struct thread *thread = thread_of(rb_first(&bucket->waiters));
    if (thread == nullptr || same_key(&thread->park.key, key)) {
        return thread;
    }
    thread = thread_of(rb_lower_bound(&bucket->waiters, key, compare_first));
    return thread != nullptr && same_key(&thread->park.key, key) ? thread : nullptr;
}

static bool is_parked(const struct thread *thread) {
    return thread_state(thread) == THREAD_WAITING && thread->waiting_on == nullptr;
}

// Locks the bucket that the thread is parked in, which may change until then; null when it is not parked.
static struct park_bucket *lock_bucket_of(const struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    while (is_parked(thread)) {
        const struct park_key key = thread->park.key;
        struct park_bucket *bucket = bucket_of(&key);
        spin_lock(&bucket->lock);
        if (is_parked(thread) && same_key(&thread->park.key, &key)) {
            return bucket;
        }
        spin_unlock(&bucket->lock);
    }
    return nullptr;
}

static uint64_t order_of_band(const struct thread *thread, const struct park_key *key) {
    return (key->offset & INHERITING) != 0 ? (uint64_t)thread->effective_band << ORDER_BAND_SHIFT : 0;
}

static void enqueue(struct park_bucket *bucket, struct thread *thread, const struct park_key *key) REQUIRES(bucket->lock) {
    thread->park.key = *key;
    thread->park.lends_to = nullptr;
    thread->park.order = __atomic_fetch_add(&arrivals, 1, __ATOMIC_RELAXED) | order_of_band(thread, key);
    rb_insert(&bucket->waiters, &thread->park.node, before);
    thread->waiting_on = nullptr;
    thread_set_state(thread, THREAD_WAITING);
}

// A word as the kernel reaches it.
struct place {
    struct vspace *vspace;
    struct vmo *vmo;
    struct park_key key;
    uint32_t *word;
};

static inline status_t find_key(struct vspace *vspace, struct place *place, uint64_t address, uint32_t access)
    REQUIRES(vspace->lock) {
    struct mapping *mapping;
    if (!is_aligned(address, sizeof(uint32_t))) {
        return STATUS_BAD_ARGUMENT;
    }
    if (!status_ok(vspace_find(vspace, address, access, &mapping)) || mapping->vmo->device) {
        return STATUS_BAD_ADDRESS;
    }
    place->vmo = mapping->vmo;
    place->key = (struct park_key){place->vmo->object.koid.v, mapping->offset + (address - mapping->start)};
    return STATUS_OK;
}

// Finds the word and keeps it where it is: with OK the locks of the address space and of the VMO are held.
static status_t lock_word(const struct thread *thread, uint64_t address, uint32_t access, struct place *place)
    NO_THREAD_SAFETY_ANALYSIS {
    struct vspace *vspace = place->vspace = thread->process->vspace;
    spin_lock(&vspace->lock);
    status_t status = find_key(vspace, place, address, access);
    if (status_ok(status)) {
        const uint64_t offset = place->key.offset;
        spin_lock(&place->vmo->lock);
        const struct vmo_page page = vmo_page_get(place->vmo, offset / PAGE_BYTES, (access & PROT_WRITE) != 0);
        status = page.status;
        if (status_ok(status)) {
            place->word = (uint32_t *)((char *)phys_to_virt(page.frame) + offset % PAGE_BYTES);
            return STATUS_OK;
        }
        spin_unlock(&place->vmo->lock);
    }
    spin_unlock(&vspace->lock);
    // Absent from a pager's memory: the word may be anything, and whoever looks at it again brings it in.
    const bool absent = status_is(status, STATUS_TIMED_OUT);
    return absent && access == PROT_READ                    ? STATUS_BAD_STATE
           : absent || status_is(status, STATUS_NOT_FOUND) ? STATUS_BAD_ADDRESS
                                                            : status;
}

static void unlock_word(const struct place *place) NO_THREAD_SAFETY_ANALYSIS {
    spin_unlock(&place->vmo->lock);
    spin_unlock(&place->vspace->lock);
}

// ---- lending ---------------------------------------------------------------------------------------

static void stop_lending(struct thread *waiter) REQUIRES(lending.lock) {
    struct thread *holder = waiter->park.lends_to;
    if (holder != nullptr) {
        list_remove(&waiter->park.lent);
        waiter->park.lends_to = nullptr;
        if (list_empty(&holder->lenders)) {
            thread_clear_flags(holder, THREAD_LENT);
        }
    }
}

// Lets the first waiter of the word, and it alone, lend to the holder. `old_first` (may be null) did before.
static void lend_from_first(struct park_bucket *bucket, const struct park_key *key, struct thread *old_first,
                            struct thread *holder) REQUIRES(bucket->lock, lending.lock) {
    struct thread *first = first_waiter(bucket, key);
    if (old_first != nullptr) {
        stop_lending(old_first);
    }
    if (first != nullptr && holder != nullptr) {
        stop_lending(first);
        first->park.lends_to = holder;
        list_push_back(&holder->lenders, &first->park.lent);
        thread_set_flags(holder, THREAD_LENT);
    }
}

uint32_t park_lent_band(const struct thread *thread) {
    constexpr uint32_t LOOK_AT = 16; // bounded work; words held beyond that count when others are let go
    uint32_t band = BAND_COUNT, seen = 0;
    spin_lock(&lending.lock);
    LIST_FOR_EACH(node, &thread->lenders) {
        const struct thread *waiter = CONTAINER_OF(node, struct thread, park.lent);
        if (waiter->effective_band < band) {
            band = waiter->effective_band;
        }
        if (++seen == LOOK_AT) {
            break;
        }
    }
    spin_unlock(&lending.lock);
    return band;
}

// ---- names -----------------------------------------------------------------------------------------

static struct list *names_of(uint32_t id) REQUIRES(lending.lock) {
    struct list *names = &lending.named[id % (sizeof(lending.named) / sizeof(lending.named[0]))];
    if (names->head.next == nullptr) {
        list_init(names);
    }
    return names;
}

static struct thread *find_named(uint32_t id) REQUIRES(lending.lock) {
    LIST_FOR_EACH(node, names_of(id)) {
        struct thread *thread = CONTAINER_OF(node, struct thread, named);
        if (thread->lock_id == id) {
            return thread;
        }
    }
    return nullptr;
}

uint32_t park_lock_id(struct thread *thread) {
    spin_lock(&lending.lock);
    if (thread->lock_id == 0 && (thread->flags & THREAD_ENDING) == 0) {
        do {
            lending.last_id = (lending.last_id + 1) & PARK_HOLDER_MASK;
        } while (lending.last_id == 0 || find_named(lending.last_id) != nullptr);
        thread->lock_id = lending.last_id;
        list_push_back(names_of(thread->lock_id), &thread->named);
    }
    const uint32_t id = thread->lock_id;
    spin_unlock(&lending.lock);
    return id;
}

// Who may be lent the band of whoever waits on this memory: a thread of a process that has mapped it, too.
static status_t find_holder(const struct thread *thread, uint32_t word, struct vmo *vmo, struct thread **out)
    REQUIRES(vmo->lock, lending.lock) {
    struct thread *holder = find_named(word & PARK_HOLDER_MASK);
    if (holder == thread || (word & PARK_WAITED_FOR) == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if (holder == nullptr) {
        return STATUS_PEER_DIED;
    }
    if (holder->process != thread->process && !mapped_in(vmo, holder->process->vspace)) {
        return STATUS_NOT_ALLOWED;
    }
    *out = holder;
    return STATUS_OK;
}

// ---- park ------------------------------------------------------------------------------------------

static status_t park_plain(struct park_bucket *bucket, struct thread *thread, const struct park_key *key,
                           uint64_t deadline_ns) REQUIRES(bucket->lock) {
    if (deadline_ns == DEADLINE_POLL) {
        return STATUS_TIMED_OUT;
    }
    thread_arm_deadline(thread, deadline_ns);
    enqueue(bucket, thread, key);
    return STATUS_OK;
}

[[gnu::noinline]] static status_t park_inheriting(struct park_bucket *bucket, struct thread *thread, const struct place *place,
                                                  uint32_t expected, uint64_t deadline_ns, struct thread **holder)
    REQUIRES(bucket->lock) NO_THREAD_SAFETY_ANALYSIS { // and the VMO's
    spin_lock(&lending.lock);
    struct thread *old_first = first_waiter(bucket, &place->key);
    status_t status = find_holder(thread, expected, place->vmo, holder);
    if (status_ok(status)) {
        status = park_plain(bucket, thread, &place->key, deadline_ns);
    }
    if (status_ok(status)) {
        lend_from_first(bucket, &place->key, old_first, *holder);
    }
    spin_unlock(&lending.lock);
    return status;
}

status_t park(struct thread *thread, uint64_t address, uint64_t expected, uint64_t deadline_ns) {
    const bool inherits = (expected & PARK_INHERIT) != 0;
    if ((expected & ~(PARK_INHERIT | UINT32_MAX)) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if (inherits) {
        (void)park_lock_id(thread); // by which the word will call it
    }
    struct place place;
    struct thread *holder = nullptr;
    TRY(lock_word(thread, address, PROT_READ, &place));
    place.key.offset |= inherits ? INHERITING : 0;
    struct park_bucket *bucket = bucket_of(&place.key);
    spin_lock(&bucket->lock);
    status_t status = __atomic_load_n(place.word, __ATOMIC_ACQUIRE) != (uint32_t)expected ? STATUS_BAD_STATE
                      : inherits ? park_inheriting(bucket, thread, &place, (uint32_t)expected, deadline_ns, &holder)
                                 : park_plain(bucket, thread, &place.key, deadline_ns);
    spin_unlock(&bucket->lock);
    unlock_word(&place);
    if (status_ok(status) && holder != nullptr) {
        sched_hurry(holder, thread->effective_band);
    }
    return status;
}

// ---- unpark ----------------------------------------------------------------------------------------

// Takes the first waiter out: it is the caller's. Null when there is none.
static struct thread *pop_waiter(struct park_bucket *bucket, const struct park_key *key) REQUIRES(bucket->lock) {
    struct thread *thread = first_waiter(bucket, key);
    if (thread != nullptr) {
        rb_remove(&bucket->waiters, &thread->park.node);
        thread_set_state(thread, THREAD_WAKING);
    }
    return thread;
}

static void wake(struct thread *thread) {
    thread_finish_wait(thread, STATUS_OK, 0, 0);
    sched_ready(thread);
}

// Lets a thread that was taken out wait on another word.
[[gnu::noinline]] static void park_again(struct thread *thread, const struct park_key *key) {
    struct park_bucket *bucket = bucket_of(key);
    spin_lock(&bucket->lock);
    enqueue(bucket, thread, key);
    spin_unlock(&bucket->lock);
    thread_check_deadline(thread);
}

// The key of a word that need not be looked at.
static inline status_t key_of(const struct thread *thread, uint64_t address, struct park_key *key) {
    struct vspace *vspace = thread->process->vspace;
    struct place place;
    spin_lock(&vspace->lock);
    status_t status = find_key(vspace, &place, address, PROT_READ);
    spin_unlock(&vspace->lock);
    if (status_ok(status)) {
        *key = place.key;
    }
    return status;
}

status_t unpark(struct thread *thread, uint64_t address, uint64_t *count, uint64_t words[4]) {
    struct park_key from, to;
    if (*count > UINT32_MAX) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(key_of(thread, address, &from));
    if (words[1] != 0) {
        TRY(key_of(thread, words[0], &to));
        if (same_key(&from, &to)) {
            return STATUS_BAD_ARGUMENT;
        }
    }
    struct park_bucket *bucket = bucket_of(&from);
    for (uint32_t i = 0; i < UNPARK_AT_ONCE && (*count | words[1]) != 0; i++) {
        spin_lock(&bucket->lock);
        struct thread *waiter = pop_waiter(bucket, &from);
        spin_unlock(&bucket->lock);
        if (waiter == nullptr) {
            *count = words[1] = 0;
        } else if (*count != 0) {
            --*count;
            words[2]++;
            wake(waiter);
        } else {
            words[1]--;
            words[3]++;
            park_again(waiter, &to);
        }
    }
    return STATUS_OK;
}

// Gives the word to the first waiter, who is the caller's then, or to nobody.
static struct thread *hand_over(struct park_bucket *bucket, const struct place *place) REQUIRES(bucket->lock) {
    struct thread *heir = pop_waiter(bucket, &place->key);
    uint32_t word = 0;
    if (heir != nullptr) {
        spin_lock(&lending.lock);
        lend_from_first(bucket, &place->key, heir, heir);
        spin_unlock(&lending.lock);
        word = heir->lock_id | (first_waiter(bucket, &place->key) != nullptr ? PARK_WAITED_FOR : 0);
    }
    __atomic_store_n(place->word, word, __ATOMIC_RELEASE);
    return heir;
}

[[gnu::noinline]] status_t unpark_inheriting(struct thread *thread, uint64_t address) {
    struct place place;
    struct thread *heir = nullptr;
    TRY(lock_word(thread, address, PROT_READ | PROT_WRITE, &place));
    place.key.offset |= INHERITING;
    struct park_bucket *bucket = bucket_of(&place.key);
    spin_lock(&bucket->lock);
    const uint32_t held = __atomic_load_n(place.word, __ATOMIC_RELAXED) & PARK_HOLDER_MASK;
    const bool holds = held != 0 && held == thread->lock_id;
    if (holds) {
        heir = hand_over(bucket, &place);
    }
    spin_unlock(&bucket->lock);
    unlock_word(&place);
    if (heir != nullptr) {
        thread_settle_urgency(heir);
        wake(heir);
    }
    thread_settle_urgency(thread);
    return holds ? STATUS_OK : STATUS_NOT_ALLOWED;
}

// ---- other ends of the wait ------------------------------------------------------------------------

bool park_take(struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    struct park_bucket *bucket = lock_bucket_of(thread);
    if (bucket == nullptr) {
        return false;
    }
    struct thread *holder = nullptr;
    rb_remove(&bucket->waiters, &thread->park.node);
    thread_set_state(thread, THREAD_WAKING);
    if ((thread->park.key.offset & INHERITING) != 0) {
        spin_lock(&lending.lock);
        holder = thread->park.lends_to;
        if (holder != nullptr) {
            lend_from_first(bucket, &thread->park.key, thread, holder);
        }
        spin_unlock(&lending.lock);
    }
    spin_unlock(&bucket->lock);
    if (holder != nullptr) {
        thread_settle_urgency(holder);
    }
    return true;
}

struct thread *park_reorder(struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    struct park_bucket *bucket = lock_bucket_of(thread);
    if (bucket == nullptr) {
        return nullptr;
    }
    struct park_wait *wait = &thread->park;
    struct thread *holder = nullptr;
    if ((wait->key.offset & INHERITING) != 0) {
        struct thread *old_first = first_waiter(bucket, &wait->key);
        rb_remove(&bucket->waiters, &wait->node);
        wait->order = (wait->order & ((1ull << ORDER_BAND_SHIFT) - 1)) | order_of_band(thread, &wait->key);
        rb_insert(&bucket->waiters, &wait->node, before);
        spin_lock(&lending.lock);
        holder = old_first->park.lends_to;
        lend_from_first(bucket, &wait->key, old_first, holder);
        spin_unlock(&lending.lock);
    }
    spin_unlock(&bucket->lock);
    return holder;
}

// The first of those that lend to a thread that ends, which does not lend any more. When there is none the thread has
// no name any more.
static struct thread *take_lender(struct thread *thread) {
    spin_lock(&lending.lock);
    struct list_node *node = list_first(&thread->lenders);
    struct thread *waiter = node == nullptr ? nullptr : CONTAINER_OF(node, struct thread, park.lent);
    if (waiter != nullptr) {
        stop_lending(waiter);
    } else {
        list_remove(&thread->named);
        thread->lock_id = 0;
    }
    spin_unlock(&lending.lock);
    return waiter;
}

void park_forget(struct thread *thread) {
    struct thread *waiter;
    while (thread->lock_id != 0 && (waiter = take_lender(thread)) != nullptr) {
        (void)thread_abort_wait(waiter, STATUS_PEER_DIED);
    }
}

status_t method_thread_lock_id(struct invocation *invocation) {
    const uint32_t id = park_lock_id(CONTAINER_OF(invocation->object, struct thread, object));
    if (id == 0) {
        return STATUS_BAD_STATE;
    }
    invocation->words[0] = id;
    return STATUS_OK;
}
