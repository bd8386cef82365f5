#include "kernel/ipc/park.h"

#include "abi/gen/methods.h"
#include "abi/message.h"
#include "abi/park.h"
#include "base/align.h"
#include "base/container.h"
#include "kernel/ipc/invoke.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/sched/sched.h"

constexpr uint32_t BUCKETS = 256; // a power of two
constexpr uint32_t AT_ONCE = 32;  // threads woken or moved in one entry
constexpr uint32_t ORDER_BAND_SHIFT = 56;
constexpr uint64_t INHERITING = 1; // in park_key.offset

struct bucket {
    struct spinlock lock;
    struct rb_tree waiters GUARDED_BY(lock);
};
static struct bucket buckets[BUCKETS];
static uint64_t arrivals; // atomic

// Who lends to whom, and who is called what.
static struct {
    struct spinlock lock;
    struct list named[64] GUARDED_BY(lock); // threads by lock id; a list never used is all zero
    uint32_t last_id GUARDED_BY(lock);
} lending;

// ---- words and waiters -----------------------------------------------------------------------------

static struct thread *thread_of(const struct rb_node *node) {
    return node == nullptr ? nullptr : CONTAINER_OF(node, struct thread, park.node);
}

static bool same_key(const struct park_key *a, const struct park_key *b) {
    return a->vmo == b->vmo && a->offset == b->offset;
}

static int order_of(const struct park_key *a, uint64_t a_order, const struct park_key *b, uint64_t b_order) {
    if (a->vmo != b->vmo) {
        return a->vmo < b->vmo ? -1 : 1;
    }
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return a_order < b_order ? -1 : a_order > b_order;
}

static bool before(const struct rb_node *a, const struct rb_node *b) {
    const struct park_wait *x = &thread_of(a)->park, *y = &thread_of(b)->park;
    return order_of(&x->key, x->order, &y->key, y->order) < 0;
}

static int compare_first(const void *key, const struct rb_node *node) {
    const struct park_wait *wait = &thread_of(node)->park;
    return order_of(key, 0, &wait->key, wait->order);
}

static struct bucket *bucket_of(const struct park_key *key) {
    const uint64_t mixed = (key->vmo * 0x9e37'79b9'7f4a'7c15 + (key->offset >> 2)) * 0xd6e8'feb8'6659'fd93;
    return &buckets[mixed >> 32 & (BUCKETS - 1)];
}

static struct thread *first_waiter(struct bucket *bucket, const struct park_key *key) REQUIRES(bucket->lock) {
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
static struct bucket *lock_bucket_of(const struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    while (is_parked(thread)) {
        const struct park_key key = thread->park.key;
        struct bucket *bucket = bucket_of(&key);
        spin_lock(&bucket->lock);
        if (is_parked(thread) && same_key(&thread->park.key, &key)) {
            return bucket;
        }
        spin_unlock(&bucket->lock);
    }
    return nullptr;
}

// What and where the word at `address` is; with *word the page is there for `access` while the vspace is locked.
static status_t find_word(struct vspace *vspace, uint64_t address, uint32_t access, struct park_key *key,
                          uint32_t **word) REQUIRES(vspace->lock) {
    if (!is_aligned(address, sizeof(uint32_t))) {
        return STATUS_BAD_ARGUMENT;
    }
    struct vmo *vmo;
    if (!vspace_find(vspace, address, access, &vmo, &key->offset)) {
        return STATUS_BAD_ADDRESS;
    }
    key->vmo = vmo->object.koid.v;
    if (word == nullptr) {
        return STATUS_OK;
    }
    paddr_t frame;
    uint32_t prot;
    const uint64_t page = align_down(address, PAGE_BYTES);
    if (!arch_space_query(&vspace->space, page, &frame, &prot) || (access & ~prot) != 0) {
        TRY(vspace_fault_locked(vspace, page, access));
        if (!arch_space_query(&vspace->space, page, &frame, &prot)) {
            return STATUS_BAD_ADDRESS;
        }
    }
    *word = (uint32_t *)((char *)phys_to_virt(frame) + address % PAGE_BYTES);
    return STATUS_OK;
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

// Lets the first waiter of the word, and it alone, lend to the holder. `old_first` did before; without a holder given
// it is whom that lent to. Returns the holder.
static struct thread *lend_from_first(struct bucket *bucket, const struct park_key *key, struct thread *old_first,
                                      struct thread *holder) REQUIRES(bucket->lock, lending.lock) {
    struct thread *first = first_waiter(bucket, key);
    if (old_first != nullptr) {
        holder = holder != nullptr ? holder : old_first->park.lends_to;
        stop_lending(old_first);
    }
    if (first != nullptr && holder != nullptr) {
        stop_lending(first);
        first->park.lends_to = holder;
        list_push_back(&holder->lenders, &first->park.lent);
        thread_set_flags(holder, THREAD_LENT);
    }
    return holder;
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

static struct thread *find_named_locked(uint32_t id) REQUIRES(lending.lock) {
    LIST_FOR_EACH(node, names_of(id)) {
        struct thread *thread = CONTAINER_OF(node, struct thread, named);
        if (thread->lock_id == id) {
            return thread;
        }
    }
    return nullptr;
}

static struct thread *find_named(uint32_t id) {
    spin_lock(&lending.lock);
    struct thread *thread = find_named_locked(id);
    spin_unlock(&lending.lock);
    return thread;
}

uint32_t park_lock_id(struct thread *thread) {
    spin_lock(&lending.lock);
    if (thread->lock_id == 0 && (thread->flags & THREAD_ENDING) == 0) {
        do {
            lending.last_id = (lending.last_id + 1) & PARK_HOLDER_MASK;
        } while (lending.last_id == 0 || find_named_locked(lending.last_id) != nullptr);
        thread->lock_id = lending.last_id;
        list_push_back(names_of(thread->lock_id), &thread->named);
    }
    const uint32_t id = thread->lock_id;
    spin_unlock(&lending.lock);
    return id;
}

// Who may be lent the band of whoever waits on this memory: a thread of a process that has mapped it, too.
static status_t find_holder(const struct thread *thread, uint32_t word, uint64_t vmo_koid, struct thread **out) {
    struct thread *holder = find_named(word & PARK_HOLDER_MASK);
    if (holder == thread || (word & PARK_WAITED_FOR) == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if (holder == nullptr) {
        return STATUS_PEER_DIED;
    }
    if (holder->process != thread->process && !vspace_has_vmo(holder->process->vspace, vmo_koid)) {
        return STATUS_NOT_ALLOWED;
    }
    *out = holder;
    return STATUS_OK;
}

// ---- park ------------------------------------------------------------------------------------------

static void enqueue(struct bucket *bucket, struct thread *thread, const struct park_key *key, uint64_t deadline_ns)
    REQUIRES(bucket->lock) {
    thread->park.key = *key;
    thread->park.order = __atomic_fetch_add(&arrivals, 1, __ATOMIC_RELAXED);
    thread->park.lends_to = nullptr;
    if ((key->offset & INHERITING) != 0) {
        thread->park.order |= (uint64_t)thread->effective_band << ORDER_BAND_SHIFT;
    }
    rb_insert(&bucket->waiters, &thread->park.node, before);
    thread_arm_deadline(thread, deadline_ns);
    thread->waiting_on = nullptr;
    thread_set_state(thread, THREAD_WAITING);
}

// The same for a word that `holder` holds, unless that has ended meanwhile.
static status_t enqueue_inheriting(struct bucket *bucket, struct thread *thread, const struct park_key *key,
                                   uint64_t deadline_ns, struct thread *holder) REQUIRES(bucket->lock) {
    status_t status = STATUS_PEER_DIED;
    spin_lock(&lending.lock);
    if (holder->lock_id != 0) {
        struct thread *old_first = first_waiter(bucket, key);
        enqueue(bucket, thread, key, deadline_ns);
        (void)lend_from_first(bucket, key, old_first, holder);
        status = STATUS_OK;
    }
    spin_unlock(&lending.lock);
    return status;
}

// Compares and queues. `holder`: null for a plain word.
static status_t park_on(struct thread *thread, const struct park_key *key, const uint32_t *word, uint32_t expected,
                        uint64_t deadline_ns, struct thread *holder) {
    struct bucket *bucket = bucket_of(key);
    status_t status = STATUS_OK;
    spin_lock(&bucket->lock);
    if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected) {
        status = STATUS_BAD_STATE;
    } else if (deadline_ns == DEADLINE_POLL) {
        status = STATUS_TIMED_OUT;
    } else if (holder != nullptr) {
        status = enqueue_inheriting(bucket, thread, key, deadline_ns, holder);
    } else {
        enqueue(bucket, thread, key, deadline_ns);
    }
    spin_unlock(&bucket->lock);
    return status;
}

static status_t park_plain(struct thread *thread, uint64_t address, uint32_t expected, uint64_t deadline_ns) {
    struct vspace *vspace = thread->process->vspace;
    struct park_key key;
    uint32_t *word;
    spin_lock(&vspace->lock);
    status_t status = find_word(vspace, address, PROT_READ, &key, &word);
    if (status_ok(status)) {
        status = park_on(thread, &key, word, expected, deadline_ns, nullptr);
    }
    spin_unlock(&vspace->lock);
    return status;
}

static status_t park_inheriting(struct thread *thread, uint64_t address, uint32_t expected, uint64_t deadline_ns) {
    struct vspace *vspace = thread->process->vspace;
    struct park_key key, again;
    uint32_t *word;
    spin_lock(&vspace->lock);
    status_t status = find_word(vspace, address, PROT_READ, &key, nullptr);
    spin_unlock(&vspace->lock);
    TRY(status);
    struct thread *holder;
    TRY(find_holder(thread, expected, key.vmo, &holder)); // locks another address space
    (void)park_lock_id(thread);                           // by which the word will call it
    spin_lock(&vspace->lock);
    status = find_word(vspace, address, PROT_READ, &again, &word);
    if (status_ok(status) && again.vmo != key.vmo) {
        status = STATUS_BAD_STATE;
    }
    if (status_ok(status)) {
        again.offset |= INHERITING;
        status = park_on(thread, &again, word, expected, deadline_ns, holder);
    }
    spin_unlock(&vspace->lock);
    if (status_ok(status)) {
        sched_hurry(holder, thread->effective_band);
    }
    return status;
}

status_t park(struct thread *thread, uint64_t address, uint64_t expected, uint64_t deadline_ns) {
    if ((expected & ~(PARK_INHERIT | UINT32_MAX)) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    return (expected & PARK_INHERIT) != 0 ? park_inheriting(thread, address, (uint32_t)expected, deadline_ns)
                                          : park_plain(thread, address, (uint32_t)expected, deadline_ns);
}

// ---- unpark ----------------------------------------------------------------------------------------

// Takes the first waiter out: it is the caller's. Null when there is none.
static struct thread *pop_waiter(struct bucket *bucket, const struct park_key *key) REQUIRES(bucket->lock) {
    struct thread *thread;
    while ((thread = first_waiter(bucket, key)) != nullptr) {
        rb_remove(&bucket->waiters, &thread->park.node);
        if ((key->offset & INHERITING) != 0) {
            spin_lock(&lending.lock);
            stop_lending(thread);
            spin_unlock(&lending.lock);
        }
        if ((thread->flags & THREAD_ENDING) == 0) {
            thread_set_state(thread, THREAD_WAKING);
            return thread;
        }
        thread_set_state(thread, THREAD_STOPPED);
    }
    return nullptr;
}

static void wake(struct thread *thread) {
    thread_finish_wait(thread, STATUS_OK, 0, 0);
    sched_ready(thread);
}

// Both at once; the same one may be given twice.
static void lock_two(struct bucket *a, struct bucket *b) ACQUIRE(a->lock, b->lock) NO_THREAD_SAFETY_ANALYSIS {
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b) {
        spin_lock(a < b ? &b->lock : &a->lock);
    }
}

static void unlock_two(struct bucket *a, struct bucket *b) RELEASE(a->lock, b->lock) NO_THREAD_SAFETY_ANALYSIS {
    spin_unlock(&a->lock);
    if (a != b) {
        spin_unlock(&b->lock);
    }
}

// Wakes and moves up to AT_ONCE threads. Returns those to be woken, linked by `next`.
static struct thread *take_and_move(struct bucket *from, const struct park_key *from_key, struct bucket *to,
                                    const struct park_key *to_key, struct unpark_request *request)
    REQUIRES(from->lock, to->lock) {
    struct thread *taken = nullptr, **last = &taken, *thread;
    uint32_t count = 0;
    for (; count < AT_ONCE && request->wake > 0 && (thread = pop_waiter(from, from_key)) != nullptr; count++) {
        *last = thread;
        last = &thread->next;
        request->wake--;
        request->woken++;
    }
    *last = nullptr;
    for (; count < AT_ONCE && request->move > 0 && (thread = first_waiter(from, from_key)) != nullptr; count++) {
        rb_remove(&from->waiters, &thread->park.node);
        thread->park.key = *to_key;
        thread->park.order = __atomic_fetch_add(&arrivals, 1, __ATOMIC_RELAXED);
        rb_insert(&to->waiters, &thread->park.node, before);
        request->move--;
        request->moved++;
    }
    request->more = count == AT_ONCE && (request->wake > 0 || request->move > 0) &&
                    first_waiter(from, from_key) != nullptr;
    return taken;
}

static status_t unpark_locked(struct vspace *vspace, struct unpark_request *request, struct thread **taken)
    REQUIRES(vspace->lock) {
    const bool moves = request->to_address != 0;
    struct park_key key, to_key;
    uint32_t *word;
    TRY(find_word(vspace, request->address, PROT_READ, &key, moves ? &word : nullptr));
    to_key = key;
    if (moves) {
        TRY(find_word(vspace, request->to_address, PROT_READ, &to_key, nullptr));
    }
    struct bucket *from = bucket_of(&key), *to = bucket_of(&to_key);
    status_t status = STATUS_OK;
    lock_two(from, to);
    if (moves && __atomic_load_n(word, __ATOMIC_ACQUIRE) != request->expected) {
        status = STATUS_BAD_STATE;
    } else {
        *taken = take_and_move(from, &key, to, &to_key, request);
    }
    unlock_two(from, to);
    return status;
}

status_t unpark(struct thread *thread, struct unpark_request *request) {
    struct vspace *vspace = thread->process->vspace;
    struct thread *taken = nullptr;
    if (request->to_address == 0 && request->move != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    spin_lock(&vspace->lock);
    status_t status = unpark_locked(vspace, request, &taken);
    spin_unlock(&vspace->lock);
    while (taken != nullptr) {
        struct thread *next = taken->next;
        taken->next = nullptr;
        wake(taken);
        taken = next;
    }
    return status;
}

// Hands the word over. *heir gets it, if there is one.
static status_t hand_over(struct thread *thread, const struct park_key *key, uint32_t *word, struct thread **heir) {
    struct bucket *bucket = bucket_of(key);
    status_t status = STATUS_OK;
    spin_lock(&bucket->lock);
    const uint32_t held = __atomic_load_n(word, __ATOMIC_RELAXED) & PARK_HOLDER_MASK;
    if (held == 0 || held != thread->lock_id) {
        status = STATUS_NOT_ALLOWED;
    } else {
        *heir = pop_waiter(bucket, key);
        spin_lock(&lending.lock);
        (void)lend_from_first(bucket, key, nullptr, *heir);
        spin_unlock(&lending.lock);
        const uint32_t waited = first_waiter(bucket, key) != nullptr ? PARK_WAITED_FOR : 0;
        __atomic_store_n(word, *heir == nullptr ? 0 : (*heir)->lock_id | waited, __ATOMIC_RELEASE);
    }
    spin_unlock(&bucket->lock);
    return status;
}

status_t unpark_inheriting(struct thread *thread, uint64_t address) {
    struct vspace *vspace = thread->process->vspace;
    struct park_key key;
    uint32_t *word;
    struct thread *heir = nullptr;
    spin_lock(&vspace->lock);
    status_t status = find_word(vspace, address, PROT_READ | PROT_WRITE, &key, &word);
    if (status_ok(status)) {
        key.offset |= INHERITING;
        status = hand_over(thread, &key, word, &heir);
    }
    spin_unlock(&vspace->lock);
    if (heir != nullptr) {
        thread_settle_urgency(heir);
        wake(heir);
    }
    thread_settle_urgency(thread);
    return status;
}

// ---- other ends of the wait ------------------------------------------------------------------------

bool park_take(struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    struct bucket *bucket = lock_bucket_of(thread);
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
            (void)lend_from_first(bucket, &thread->park.key, thread, holder);
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
    struct bucket *bucket = lock_bucket_of(thread);
    if (bucket == nullptr) {
        return nullptr;
    }
    struct park_wait *wait = &thread->park;
    struct thread *holder = nullptr;
    if ((wait->key.offset & INHERITING) != 0) {
        struct thread *old_first = first_waiter(bucket, &wait->key);
        rb_remove(&bucket->waiters, &wait->node);
        wait->order = (wait->order & ((1ull << ORDER_BAND_SHIFT) - 1)) |
                      (uint64_t)thread->effective_band << ORDER_BAND_SHIFT;
        rb_insert(&bucket->waiters, &wait->node, before);
        spin_lock(&lending.lock);
        holder = lend_from_first(bucket, &wait->key, old_first, nullptr);
        spin_unlock(&lending.lock);
    }
    spin_unlock(&bucket->lock);
    return holder;
}

// The first of those that lend to a thread that ends, which does not lend any more.
static struct thread *take_lender(struct thread *thread) {
    spin_lock(&lending.lock);
    struct list_node *node = list_first(&thread->lenders);
    struct thread *waiter = node == nullptr ? nullptr : CONTAINER_OF(node, struct thread, park.lent);
    if (waiter != nullptr) {
        stop_lending(waiter);
    } else if (thread->lock_id != 0) {
        list_remove(&thread->named);
        thread->lock_id = 0;
    }
    spin_unlock(&lending.lock);
    return waiter;
}

void park_forget(struct thread *thread) {
    struct thread *waiter;
    while ((waiter = take_lender(thread)) != nullptr) {
        (void)thread_abort_wait(waiter, STATUS_PEER_DIED);
    }
}

// ---- invariants ------------------------------------------------------------------------------------

static bool check_bucket(struct bucket *bucket) REQUIRES(bucket->lock) {
    const struct thread *last = nullptr;
    for (struct rb_node *node = rb_first(&bucket->waiters); node != nullptr; node = rb_next(node)) {
        const struct thread *thread = thread_of(node);
        const bool first = last == nullptr || !same_key(&last->park.key, &thread->park.key);
        const bool lends = thread->park.lends_to != nullptr;
        if (!is_parked(thread) || bucket_of(&thread->park.key) != bucket || list_linked(&thread->link) ||
            (lends && (!first || (thread->park.key.offset & INHERITING) == 0 ||
                       (thread->park.lends_to->flags & THREAD_LENT) == 0))) {
            return false;
        }
        last = thread;
    }
    return rb_check(&bucket->waiters, before);
}

bool park_check(void) {
    bool good = true;
    for (uint32_t i = 0; i < BUCKETS && good; i++) {
        spin_lock(&buckets[i].lock);
        good = check_bucket(&buckets[i]);
        spin_unlock(&buckets[i].lock);
    }
    return good;
}

status_t method_thread_lock_id(struct invocation *invocation) {
    const uint32_t id = park_lock_id(CONTAINER_OF(invocation->object, struct thread, object));
    if (id == 0) {
        return STATUS_BAD_STATE;
    }
    invocation->words[0] = id;
    return STATUS_OK;
}
