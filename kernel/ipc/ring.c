// Rings: taking entries, for the owner or on a processor that polls, and who has hold of the ring.
#include "kernel/ipc/ring.h"

#include "base/mem.h"
#include "kernel/arch/arch.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"

// ---- entries ---------------------------------------------------------------------------------------

// What an entry may have, by operation: flags (enum ring_entry_flags), and beside them
enum : uint8_t { WAITS = 64, HAS_MESSAGE = 128, SHAPE_FLAGS = RING_LINK | RING_EARLIER | RING_AGAIN | RING_CLOSE };
static const uint8_t shapes[RING_OP_COUNT] = {
    [RING_NOP] = RING_LINK,
    [RING_CALL] = RING_LINK | RING_EARLIER | RING_CLOSE | WAITS | HAS_MESSAGE,
    [RING_RECV] = RING_LINK | RING_EARLIER | WAITS | HAS_MESSAGE,
    [RING_RETURN] = RING_LINK | RING_AGAIN | HAS_MESSAGE,
    [RING_RELEASE] = RING_LINK | RING_EARLIER,
    [RING_PARK] = RING_LINK | WAITS,
    [RING_UNPARK] = RING_LINK,
    [RING_WAIT] = RING_LINK | RING_EARLIER | WAITS,
    [RING_TIMEOUT] = RING_LINK | RING_EARLIER | WAITS,
    [RING_CANCEL] = RING_LINK,
};

// Whether the message that an entry names can be, in itself. Handles have their place in a buffer; for one of an answer
// there is one in the completion.
static inline bool message_fits(const struct ring *ring, const struct ring_entry *entry) {
    const uint64_t info = entry->info;
    return entry->buffer <= ring->mask + 1 && (entry->op != RING_RECV || (info & ~MESSAGE_ACCEPT_MASK) == 0) &&
           (info <= UINT32_MAX ||
            (message_accept(info) <= (entry->buffer != 0 ? MESSAGE_HANDLES : entry->op == RING_CALL) &&
             (entry->buffer != 0 || message_handle_count(info) == 0)));
}

static inline bool entry_fits(const struct ring *ring, const struct ring_entry *entry) {
    return entry->op < RING_OP_COUNT && (entry->flags & ~(shapes[entry->op] & SHAPE_FLAGS)) == 0 &&
           (entry->index == 0 || ((entry->flags & RING_EARLIER) != 0 && entry->index < MESSAGE_HANDLES)) &&
           ((shapes[entry->op] & HAS_MESSAGE) != 0 ? message_fits(ring, entry) : entry->buffer == 0);
}

// The request that an entry refers to is in flight: it will tell.
static void await_request(struct ring *ring, struct ring_request *request, uint8_t outcome, enum ring_waits waits) {
    request->waits |= waits;
    ring->requests[outcome - OUTCOME_PENDING].awaited = true;
}

// Whether the next entry has to wait for others; or cannot succeed any more because of them. Its target is resolved if
// that is known.
static status_t look_back(struct ring *ring, struct ring_request *request) REQUIRES(ring->lock) {
    struct ring_entry *entry = &request->entry;
    if (ring_has(ring, RING_LINKED)) {
        const uint8_t outcome = ring->outcome[(ring->head - 1) & ring->mask];
        if (outcome == OUTCOME_FAILED) {
            return STATUS_CANCELED;
        }
        if (outcome >= OUTCOME_PENDING) {
            await_request(ring, request, outcome, WAITS_LINK);
        }
    }
    if ((entry->flags & RING_EARLIER) == 0) {
        return STATUS_OK;
    }
    if (!ring_remembers(ring->head, entry->target, ring->mask)) {
        return STATUS_BAD_ARGUMENT;
    }
    const uint32_t slot = entry->target & ring->mask;
    const uint8_t outcome = ring->outcome[slot];
    if (outcome >= OUTCOME_PENDING) {
        await_request(ring, request, outcome, WAITS_EARLIER);
    } else if (entry->op == RING_TIMEOUT) {
        return STATUS_CANCELED;
    } else if (outcome != OUTCOME_HANDLES || ring->promised[slot][entry->index].v == 0) {
        request->thread.regs.info = entry->target;
        return STATUS_PROMISE_BROKEN;
    } else {
        ring_resolve(request, ring->promised[slot][entry->index]);
    }
    return STATUS_OK;
}

// Words and message page of a request, as its entry says: `buffer`, or else `own`. The words are read once.
static void load_message(const struct ring *ring, struct thread *thread, uint32_t buffer, const uint64_t own[4]) {
    uint64_t *words = thread->regs.words;
    thread->message_page = nullptr;
    if (buffer == 0) {
        copy_words(words, own, 4);
        for (uint32_t i = 4; i < MESSAGE_WORDS; i++) {
            words[i] = 0;
        }
        return;
    }
    copy_words(words, ring->buffers[buffer - 1].words, MESSAGE_WORDS);
    if (buffer <= ring->buffer_pages) {
        thread->message_page = ring->message_pages + (buffer - 1) * MESSAGE_PAGE_BYTES;
    }
}

static void hold(struct ring *ring, struct ring_request *request) REQUIRES(ring->lock) {
    struct thread *thread = &request->thread;
    if (request->entry.op == RING_TIMEOUT || request->entry.deadline_ns != DEADLINE_POLL) {
        thread_arm_deadline(thread, request->entry.deadline_ns); // before anybody can end the wait
    }
    request->phase = REQUEST_HELD;
    thread->waiting_on = &ring->object;
    list_push_back(&ring->held, &thread->link);
    thread_set_state(thread, THREAD_WAITING);
}

// Takes the next entry. Null when it has to wait and no request is left for it.
static struct ring_request *take_entry(struct ring *ring) REQUIRES(ring->lock) {
    struct ring_request *request = ring->free;
    struct ring_entry *entry = &request->entry;
    const struct ring_entry *from = &ring->entries[ring->head & ring->mask];
    copy_words((uint64_t *)entry, (const uint64_t *)from, offsetof(struct ring_entry, words) / sizeof(uint64_t));
    request->waits = 0;
    request->thread.regs.info = 0;
    const bool fits = entry_fits(ring, entry);
    entry->flags &= fits ? UINT8_MAX : RING_LINK; // of what is no entry nothing is done
    status_t status = !fits ? STATUS_BAD_ARGUMENT
                      : (entry->flags & RING_EARLIER) == 0 && !ring_has(ring, RING_LINKED) ? STATUS_OK
                                                                                          : look_back(ring, request);
    if (status_ok(status) && (request->waits != 0 || (shapes[entry->op] & WAITS) != 0) && request->next_free == nullptr) {
        return nullptr;
    }
    ring->free = request->next_free;
    request->awaited = request->method = false;
    request->sequence = ring->head;
    request->thread.regs.status = status.code;
    request->thread.band = request->thread.effective_band = ring->owner->effective_band;
    load_message(ring, &request->thread, entry->buffer, from->words);
    ring->outcome[ring->head++ & ring->mask] = OUTCOME_PENDING + request->number;
    ring->attention = (ring->attention & ~(uint32_t)RING_LINKED) | ((entry->flags & RING_LINK) != 0 ? RING_LINKED : 0);
    ring->pending++;
    if (status_ok(status) && (request->waits != 0 || entry->op == RING_TIMEOUT)) {
        hold(ring, request);
    } else {
        request->phase = REQUEST_ACTIVE;
    }
    return request;
}

// Takes plain NOPs, at most `count`, without making requests of them. Returns how many there were.
static inline uint32_t take_nops(struct ring *ring, uint32_t count) REQUIRES(ring->lock) {
    uint32_t left = count;
    while (left != 0 && !ring_has(ring, RING_LINKED | RING_BOUND)) {
        const uint32_t at = ring->head & ring->mask, capacity = 2 * (ring->mask + 1);
        const uint32_t to = ring->tail & (capacity - 1);
        uint32_t run = left < ring->mask + 1 - at ? left : ring->mask + 1 - at, taken = 0;
        run = run < capacity - to ? run : capacity - to;
        const volatile struct ring_entry *entry = &ring->entries[at];
        struct ring_completion *completion = &ring->completions[to];
        uint8_t *outcome = &ring->outcome[at];
        for (; taken < run && *(const volatile uint32_t *)&entry[taken] == RING_NOP; taken++) {
            completion[taken] = (struct ring_completion){.user_data = entry[taken].user_data};
            outcome[taken] = OUTCOME_OK;
        }
        ring->head += taken;
        ring->tail += taken;
        left -= taken;
        if (taken < run) {
            break;
        }
    }
    return count - left;
}

// ---- who has hold of the ring ----------------------------------------------------------------------

// Whether there is something to start.
static bool may_start(const struct ring *ring, bool own) REQUIRES(ring->lock) {
    return !list_empty(&ring->startable) || (own && !list_empty(&ring->local));
}

// Takes one that may be started out of its list.
static struct ring_request *take_startable(struct ring *ring, bool own) REQUIRES(ring->lock) {
    struct list_node *node = own ? list_pop_front(&ring->local) : nullptr;
    node = node != nullptr ? node : list_pop_front(&ring->startable);
    if (list_empty(&ring->local) && list_empty(&ring->startable)) {
        ring->attention &= ~(uint32_t)RING_LEFT;
    }
    struct ring_request *request = ring_request_of(LIST_ENTRY(node, struct thread, link));
    request->phase = REQUEST_ACTIVE;
    return request;
}

// A request that was held and may be started, or the next entry's, of which *left may be taken. Null when there is neither.
static inline struct ring_request *next_request(struct ring *ring, uint32_t *left, bool own) REQUIRES(ring->lock) {
    if (ring_has(ring, RING_LEFT) && may_start(ring, own)) {
        return take_startable(ring, own);
    }
    struct ring_request *request = *left != 0 ? take_entry(ring) : nullptr;
    *left -= request != nullptr;
    return request;
}

// Starts what is to be started and takes entries, *left at most, as much as is good for one entry into the kernel. False
// when there is nothing more to do, or it cannot be done now. Whoever made it RING_BUSY calls this.
static bool advance(struct ring *ring, uint32_t *left, bool own) REQUIRES(ring->lock) {
    constexpr uint32_t AT_ONCE = 64;
    uint32_t done = 0;
    for (; done < AT_ONCE && (!own || (ring->owner->flags & THREAD_ENDING) == 0); done++) {
        struct ring_request *request = next_request(ring, left, own);
        if (request == nullptr) {
            break;
        }
        if (request->phase == REQUEST_ACTIVE) {
            spin_unlock(&ring->lock);
            ring_start(ring, request, own);
            spin_lock(&ring->lock);
        }
    }
    __atomic_store_n(&ring->header->submission_head, ring->head, __ATOMIC_RELEASE);
    return done == AT_ONCE && *left != 0;
}

// Becomes the one who takes and starts. False: somebody is, and sees before letting go what there is to start.
static bool take_hold(struct ring *ring) {
    spin_lock(&ring->lock);
    const bool was_busy = ring_has(ring, RING_BUSY);
    ring->attention |= RING_BUSY;
    spin_unlock(&ring->lock);
    return !was_busy;
}

static void signal_bound(struct ring *ring) {
    spin_lock(&ring->lock);
    struct notification *notification = ring->notification;
    const uint64_t bits = ring->bits;
    if (notification != nullptr) {
        object_get(&notification->object);
    }
    spin_unlock(&ring->lock);
    if (notification != nullptr) {
        notification_signal(notification, bits);
        object_put(&notification->object);
    }
}

struct thread *ring_attend_one(struct ring *ring) {
    uint32_t none = 0;
    spin_lock(&ring->lock);
    // At most as many as there are requests, because none is taken meanwhile. Who is at it sees what there is.
    while (ring_has(ring, RING_LEFT) && !ring_has(ring, RING_BUSY) && may_start(ring, false)) {
        ring->attention |= RING_BUSY;
        (void)advance(ring, &none, false);
        ring->attention &= ~(uint32_t)RING_BUSY;
    }
    struct thread *owner = ring_take_owner(ring);
    const bool again = !list_empty(&ring->local), bound = ring_has(ring, RING_BOUND);
    const uint64_t available = ring_distance(ring->seen, ring->tail);
    spin_unlock(&ring->lock);
    if (owner != nullptr) {
        thread_finish_wait(owner, STATUS_OK, 0, 0);
        if (again) {
            arch_regs_restart(&owner->regs, SYS_RING_ENTER, ring->enter_handle, 0, ring->enter_deadline_ns);
        } else {
            owner->regs.words[0] = available;
        }
    }
    if (bound) {
        signal_bound(ring);
    }
    return owner;
}

void ring_attend(struct percpu *cpu) {
    cpu->work &= ~(uint32_t)WORK_RING;
    while (cpu->rings != nullptr) {
        struct ring *ring = cpu->rings;
        cpu->rings = ring->next_deferred;
        __atomic_store_n(&ring->deferred, false, __ATOMIC_RELEASE);
        struct thread *owner = ring_attend_one(ring);
        if (owner != nullptr) {
            sched_ready(owner);
        }
        object_put(&ring->object);
    }
}

// ---- polling ---------------------------------------------------------------------------------------

constexpr uint64_t POLL_NS = 200'000; // without an entry

// How many of `submit` entries may be taken now, by the program's indices, of which *seen comes out. BAD_ARGUMENT when
// those cannot be.
static inline status_t count_entries(struct ring *ring, uint64_t submit, uint32_t *seen, uint32_t *count)
    REQUIRES(ring->lock) {
    const struct ring_header *header = ring->header;
    const uint32_t entries = ring->mask + 1;
    const uint32_t offered_to = __atomic_load_n(&header->submission_tail, __ATOMIC_ACQUIRE);
    *seen = __atomic_load_n(&header->completion_head, __ATOMIC_ACQUIRE);
    if (submit > entries || !ring_hint_fits(ring->head, offered_to, entries) ||
        !ring_hint_fits(*seen, ring->tail, 2 * entries)) {
        return STATUS_BAD_ARGUMENT;
    }
    const uint32_t offered = ring_distance(ring->head, offered_to);
    const uint32_t room = ring_room(2 * entries, ring_distance(*seen, ring->tail), ring->pending);
    *count = submit < offered ? (uint32_t)submit : offered;
    *count = *count < room ? *count : room;
    return STATUS_OK;
}

// On an idle processor: takes entries for the owner, which runs elsewhere. `wait`: even if somebody has hold of it now.
static bool poll_entries(struct ring *ring, bool wait) {
    uint32_t seen, count = 0;
    if (__atomic_load_n(&ring->header->submission_tail, __ATOMIC_RELAXED) == ring->head) {
        return false;
    }
    while (!take_hold(ring)) {
        if (!wait) {
            return false;
        }
        spin_relax();
    }
    spin_lock(&ring->lock);
    status_t status = count_entries(ring, ring->mask + 1, &seen, &count);
    const uint32_t before = ring->head;
    if (status_ok(status) && !ring_has(ring, RING_ENDED)) {
        (void)advance(ring, &count, false);
    }
    ring->attention &= ~(uint32_t)RING_BUSY;
    const bool taken = ring->head != before, left = may_start(ring, false);
    spin_unlock(&ring->lock);
    if (left || taken) {
        ring_defer(ring); // starts what was left, and wakes the owner if that is enough for it
    }
    return taken;
}

// Whether somebody polls from now on; and who has moved the index need not enter. Returns what was.
static bool set_polled(struct ring *ring, bool polled) {
    spin_lock(&ring->lock);
    const bool was = ring->polled;
    ring->polled = polled;
    __atomic_store_n(&ring->header->need_enter, !polled, __ATOMIC_RELAXED);
    spin_unlock(&ring->lock);
    return was;
}

void ring_poll_end(struct percpu *cpu, struct ring *next) {
    struct ring *ring = __atomic_exchange_n(&cpu->polling, next, __ATOMIC_ACQ_REL);
    if (ring == nullptr || ring == RING_NO_POLLING) {
        return;
    }
    (void)set_polled(ring, false);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // the program moves its index, and then looks whether it must enter
    (void)poll_entries(ring, true);
    object_put(&ring->object);
}

bool ring_poll(struct percpu *cpu, uint64_t now_ns) {
    struct ring *ring = __atomic_load_n(&cpu->polling, __ATOMIC_ACQUIRE);
    if (ring == nullptr) {
        return false;
    }
    if (poll_entries(ring, false) || ring->poll_end_ns == 0) {
        ring->poll_end_ns = now_ns + POLL_NS;
    } else if (now_ns > ring->poll_end_ns || ring_has(ring, RING_ENDED)) {
        ring_poll_end(cpu, nullptr);
    }
    return true;
}

// Finds an idle processor that polls the ring, unless one does.
static void find_poller(struct ring *ring) {
    if (set_polled(ring, true)) {
        return;
    }
    ring->poll_end_ns = 0; // the processor that begins to poll says until when
    object_get(&ring->object);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        struct percpu *cpu = percpus[i];
        struct ring *none = nullptr;
        if (cpu != this_cpu() && __atomic_compare_exchange_n(&cpu->polling, &none, ring, false, __ATOMIC_ACQ_REL,
                                                             __ATOMIC_RELAXED)) {
            cpu_request(cpu, WORK_KICKED);
            return;
        }
    }
    (void)set_polled(ring, false);
    object_put(&ring->object);
}

// ---- the owner's way in ----------------------------------------------------------------------------

static struct ring_entered over(status_t status) {
    return (struct ring_entered){status, RING_ENTERED_OVER, nullptr};
}

static struct ring_entered enter_again(struct ring *ring, uint64_t handle, uint64_t submit, uint64_t deadline_ns) {
    arch_regs_restart(&ring->owner->regs, SYS_RING_ENTER, handle, submit, deadline_ns);
    return (struct ring_entered){STATUS_OK, RING_ENTERED_AGAIN, nullptr};
}

// The owner waits, unless enough is there or in flight.
static struct ring_entered await_completions(struct ring *ring, uint64_t handle, uint32_t seen, uint64_t deadline_ns)
    REQUIRES(ring->lock) {
    uint64_t *words = ring->owner->regs.words;
    const uint32_t available = ring_distance(seen, ring->tail), possible = available + ring->pending;
    const uint32_t goal = words[0] < possible ? (uint32_t)words[0] : possible;
    if (ring_has(ring, RING_ENDED)) {
        return over(STATUS_OBJECT_DEAD);
    }
    if (available >= goal) {
        words[0] = available;
        return over(STATUS_OK);
    }
    if (deadline_ns == DEADLINE_POLL) {
        return over(STATUS_TIMED_OUT);
    }
    thread_arm_deadline(ring->owner, deadline_ns); // before anybody can end the wait
    ring->enter_handle = handle;
    ring->enter_deadline_ns = deadline_ns;
    ring->sleeping = true;
    ring->seen = seen;
    ring->goal = seen + goal;
    ring->owner->waiting_on = &ring->object;
    thread_set_state(ring->owner, THREAD_WAITING);
    return (struct ring_entered){STATUS_OK, RING_ENTERED_WAITS, nullptr};
}

// There are entries that are not plain NOPs, or the owner waits.
[[gnu::noinline]] static struct ring_entered enter_slowly(struct ring *ring, uint64_t handle, uint32_t left,
                                                          uint32_t seen, uint64_t deadline_ns) RELEASE(ring->lock) {
    bool more = false;
    ring->attention |= RING_BUSY;
    if (ring_has(ring, RING_POLLS)) {
        spin_unlock(&ring->lock);
        find_poller(ring);
        spin_lock(&ring->lock);
    }
    if (!ring_has(ring, RING_ENDED)) {
        more = advance(ring, &left, true);
    }
    spin_unlock(&ring->lock);
    ring_attend(this_cpu()); // before it waits, for whom it has called or answered
    struct thread *next = ring->next;
    ring->next = nullptr;
    spin_lock(&ring->lock);
    ring->attention &= ~(uint32_t)RING_BUSY;
    more = more || may_start(ring, true) || (ring->owner->flags & THREAD_ENDING) != 0;
    struct ring_entered entered = more ? enter_again(ring, handle, left, deadline_ns)
                                       : await_completions(ring, handle, seen, deadline_ns);
    spin_unlock(&ring->lock);
    if (entered.how == RING_ENTERED_WAITS) {
        entered.next = next;
    } else if (next != nullptr) {
        sched_ready(next);
    }
    return entered;
}

struct ring_entered ring_enter(struct ring *ring, uint64_t handle, uint64_t submit, uint64_t deadline_ns) {
    uint32_t seen, left;
    if (ring->owner != current_thread()) {
        return over(STATUS_NOT_ALLOWED);
    }
    spin_lock(&ring->lock);
    if (ring_has(ring, RING_BUSY)) { // another processor is at it for a moment
        spin_unlock(&ring->lock);
        return enter_again(ring, handle, submit, deadline_ns);
    }
    status_t status = count_entries(ring, submit, &seen, &left);
    if (status_ok(status)) {
        left -= take_nops(ring, left);
        __atomic_store_n(&ring->header->submission_head, ring->head, __ATOMIC_RELEASE);
        __atomic_store_n(&ring->header->completion_tail, ring->tail, __ATOMIC_RELEASE);
        uint64_t *words = ring->owner->regs.words;
        const uint32_t available = ring_distance(seen, ring->tail);
        if (left != 0 || available < words[0] || ring_has(ring, UINT32_MAX)) {
            return enter_slowly(ring, handle, left, seen, deadline_ns);
        }
        words[0] = available;
    }
    spin_unlock(&ring->lock);
    return over(status);
}
