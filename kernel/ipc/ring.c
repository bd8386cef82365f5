// Rings: what each operation does, and the ways in of the owner and of a processor that polls. How requests end is in
// ring_complete.c, the structure and the rules are in kernel/object/ring.h, the operations in abi/ring.h.
#include "kernel/ipc/ring.h"

#include "base/mem.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/invoke.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/park.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/ipc/transfer.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/ring.h"
#include "kernel/sched/sched.h"

// ---- operations ------------------------------------------------------------------------------------

// Ends a request that is in flight. One that is about to be started fails when it is. False when it is over already.
static bool abort_request(struct ring *ring, struct ring_request *request, status_t status) {
    spin_lock(&ring->lock);
    const bool about_to = request->phase == REQUEST_STARTABLE || request->phase == REQUEST_LOCAL;
    if (about_to && status_ok(request->failure)) {
        request->failure = status;
    }
    spin_unlock(&ring->lock);
    return about_to || thread_abort_wait(&request->thread, status);
}

static bool in_flight(const struct ring_request *request) {
    return request->phase != REQUEST_FREE && request->phase != REQUEST_UNANSWERED;
}

static status_t cancel_request(struct ring *ring, uint64_t user_data) {
    for (uint32_t i = 0; i < ring->request_count; i++) {
        struct ring_request *request = ring->requests[i];
        if (in_flight(request) && request->user_data == user_data &&
            abort_request(ring, request, STATUS_CANCELED)) {
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

// Words and message page of a request, as its entry says. The words are read once.
static void load_message(const struct ring *ring, struct thread *thread, uint32_t buffer, const uint64_t inline_words[4]) {
    const bool page = buffer != 0 && buffer <= ring->buffer_pages;
    thread->message_page = page ? ring_at(ring, ring->pages_at + (buffer - 1) * MESSAGE_PAGE_BYTES) : nullptr;
    if (buffer != 0) {
        memcpy(thread->regs.words, buffer_at(ring, buffer), sizeof(struct ring_buffer));
        return;
    }
    for (uint32_t i = 0; i < 4; i++) {
        thread->regs.words[i] = inline_words[i];
        thread->regs.words[4 + i] = 0;
    }
}

static status_t return_answer(struct ring *ring, const struct ring_entry *entry, uint32_t target) {
    struct ring_request *server = nullptr;
    if ((uint16_t)target < ring->request_count) {
        server = ring->requests[(uint16_t)target];
    }
    if (server == nullptr || server->phase != REQUEST_UNANSWERED || server->generation != target >> 16) {
        return STATUS_NO_CALLER;
    }
    load_message(ring, &server->thread, entry->buffer, entry->words);
    struct thread *resumed;
    status_t status = answer_caller(&server->thread, entry->info, &resumed);
    if (status_ok(status) && resumed != nullptr) {
        sched_ready(resumed);
    }
    if (status_ok(status) || status_is(status, STATUS_NO_CALLER)) {
        spin_lock(&ring->lock);
        ring_free_request(ring, server);
        spin_unlock(&ring->lock);
    }
    return status;
}

static status_t unpark_some(const struct ring *ring, const struct ring_entry *entry, uint64_t *value) {
    uint64_t count = entry->words[1], words[4] = {};
    if (count > UNPARK_AT_ONCE) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(unpark(ring->owner, entry->words[0], &count, words));
    *value = words[2];
    return STATUS_OK;
}

// Operations that are over at once.
static status_t perform(struct ring *ring, const struct ring_entry *entry, uint32_t target, uint64_t *value) {
    switch (entry->op) {
    case RING_NOP: return STATUS_OK;
    case RING_RELEASE: return handle_close(ring->owner->process, target);
    case RING_RETURN: return return_answer(ring, entry, target);
    case RING_UNPARK: return unpark_some(ring, entry, value);
    default: return cancel_request(ring, entry->words[0]);
    }
}

// ---- starting requests -----------------------------------------------------------------------------

// Ends a request that is in no wait.
static void end_request(struct ring_request *request, status_t status) {
    const bool broken = status_is(status, STATUS_PROMISE_BROKEN);
    struct arch_regs *regs = &request->thread.regs;
    regs->status = status.code;
    regs->badge = 0;
    regs->info = broken ? request->target : 0;
    ring_complete(&request->thread);
}

// Leaves a request to the owner.
static void leave_to_owner(struct ring *ring, struct ring_request *request) {
    spin_lock(&ring->lock);
    ring_header(ring)->need_enter = 1;
    request->phase = REQUEST_LOCAL;
    list_push_back(&ring->local, &request->thread.link);
    spin_unlock(&ring->lock);
}

// A request has been put into a wait: whoever took the handle away just before did not see it there.
static void check_wait(struct thread *thread, const struct capability *through) {
    if (!slot_holds(through->slot, through->handle)) {
        thread_abort_wait(thread, STATUS_REVOKED); // false: its wait has ended
    }
}

static void call_method(struct ring *ring, struct ring_request *request, const struct capability *target) {
    struct invocation invocation;
    request->method = true;
    status_t status = invoke_method(&request->thread, target->object, target->type_rights, request->info, &invocation);
    if ((ring->owner->flags & THREAD_ENDING) != 0) {
        this_cpu()->work |= WORK_RESCHEDULE; // it, or its process, has been ended just now
    }
    if (status_ok(status) && invocation.again) {
        leave_to_owner(ring, request); // the rest of it, with the words as they are now
        return;
    }
    request->thread.regs.info = message_info(0, invocation.page_bytes, 0, 0);
    request->thread.regs.status = status.code;
    request->thread.regs.badge = 0;
    ring_complete(&request->thread);
}

static void start_call(struct ring *ring, struct ring_request *request, bool own) {
    struct thread *thread = &request->thread;
    struct capability target;
    status_t status = handle_read(thread->process, request->target, &target);
    if (status_ok(status) && capability_type(&target) != OBJECT_ENDPOINT) {
        if (own) {
            call_method(ring, request, &target);
        } else {
            leave_to_owner(ring, request);
        }
        return;
    }
    if (status_ok(status) && (target.type_rights & RIGHT_SEND_BIT) == 0) {
        status = STATUS_NO_RIGHT;
    }
    if (status_ok(status)) {
        status = message_check(thread, request->info);
    }
    struct thread *receiver = nullptr;
    if (status_ok(status)) {
        struct endpoint *endpoint = CONTAINER_OF(target.object, struct endpoint, object);
        status = transfer_send(thread, endpoint, request->info, target.badge, request->deadline_ns, true, &receiver);
    }
    if (receiver != nullptr) {
        sched_ready(receiver);
    }
    if (!status_ok(status)) {
        end_request(request, status);
    } else {
        check_wait(thread, &target);
    }
}

static void start_receive(struct ring_request *request) {
    struct thread *thread = &request->thread;
    struct capability source;
    enum transfer_progress progress = TRANSFER_DONE;
    status_t status = handle_read_as(thread->process, request->target, OBJECT_ENDPOINT, RIGHT_RECEIVE, &source);
    if (status_ok(status)) {
        status = transfer_receive(thread, CONTAINER_OF(source.object, struct endpoint, object),
                                  message_accept(request->info), request->deadline_ns, &progress);
    }
    if (!status_ok(status)) {
        end_request(request, status);
    } else if (progress == TRANSFER_AGAIN) {
        leave_to_owner(request->ring, request);
    } else if (progress == TRANSFER_DONE) {
        ring_complete(thread);
    } else {
        check_wait(thread, &source);
    }
}

static void start_wait(struct ring_request *request) {
    struct thread *thread = &request->thread;
    struct capability source;
    uint64_t bits = 0;
    bool waits = false;
    status_t status = handle_read_as(thread->process, request->target, OBJECT_NOTIFICATION, RIGHT_WAIT, &source);
    if (status_ok(status)) {
        status = notification_take(CONTAINER_OF(source.object, struct notification, object), thread,
                                   request->deadline_ns, &bits, &waits);
    }
    if (waits) {
        check_wait(thread, &source);
        return;
    }
    thread->regs.words[0] = bits;
    end_request(request, status);
}

static void start_park(struct ring_request *request) {
    uint64_t *words = request->thread.regs.words;
    const uint64_t address = words[0];
    words[0] = 0; // the value of the completion
    status_t status = words[1] > UINT32_MAX ? STATUS_BAD_ARGUMENT
                                            : park(&request->thread, address, words[1], request->deadline_ns);
    if (!status_ok(status)) {
        end_request(request, status);
    }
}

// A TIMEOUT for an earlier entry: its time has come.
static void time_out_earlier(struct ring *ring, struct ring_request *request) {
    for (uint32_t i = 0; i < ring->request_count; i++) {
        struct ring_request *earlier = ring->requests[i];
        if (earlier != request && in_flight(earlier) && earlier->sequence == request->target) {
            (void)abort_request(ring, earlier, STATUS_TIMED_OUT); // false: it has just been completed
        }
    }
    end_request(request, STATUS_OK);
}

// Starts a request that is in nobody else's hands. `own`: the owner is the current thread.
static void start(struct ring *ring, struct ring_request *request, bool own) {
    thread_disarm_deadline(&request->thread);
    if (!status_ok(request->failure) || __atomic_load_n(&ring->ended, __ATOMIC_RELAXED)) {
        end_request(request, status_ok(request->failure) ? STATUS_CANCELED : request->failure);
        return;
    }
    switch (request->op) {
    case RING_CALL: start_call(ring, request, own); break;
    case RING_RECV: start_receive(request); break;
    case RING_WAIT: start_wait(request); break;
    case RING_PARK: start_park(request); break;
    case RING_TIMEOUT: time_out_earlier(ring, request); break;
    default: {
        struct ring_entry entry = {.op = request->op, .buffer = request->buffer, .info = request->info};
        memcpy(entry.words, request->thread.regs.words, sizeof(entry.words));
        request->thread.regs.words[0] = 0;
        end_request(request, perform(ring, &entry, request->target, request->thread.regs.words));
    }
    }
}

// Whether there is something to start. The answer may be old; who lets go looks again with the lock held.
static bool may_start(const struct ring *ring, bool own) NO_THREAD_SAFETY_ANALYSIS {
    return !list_empty(&ring->startable) || (own && !list_empty(&ring->local));
}

static struct ring_request *next_to_start(struct ring *ring, bool own) {
    if (!may_start(ring, own)) {
        return nullptr;
    }
    spin_lock(&ring->lock);
    struct list_node *node = own ? list_pop_front(&ring->local) : nullptr;
    if (node == nullptr) {
        node = list_pop_front(&ring->startable);
    }
    struct ring_request *request = nullptr;
    if (node != nullptr) {
        request = ring_request_of(LIST_ENTRY(node, struct thread, link));
        request->phase = REQUEST_ACTIVE;
    }
    spin_unlock(&ring->lock);
    return request;
}

// Becomes the one who takes and starts. False: somebody is, and sees before letting go what there is to start.
static bool take_hold(struct ring *ring) {
    spin_lock(&ring->lock);
    const bool was_busy = ring->busy;
    ring->busy = true;
    spin_unlock(&ring->lock);
    return !was_busy;
}

// Whether there is (still, or by now) something to start.
static bool let_go(struct ring *ring, bool own) {
    spin_lock(&ring->lock);
    ring->busy = false;
    const bool left = !list_empty(&ring->startable) || (own && !list_empty(&ring->local));
    spin_unlock(&ring->lock);
    return left;
}

// Starts what others were held for; at most as many as there are requests, because none is taken meanwhile.
static void start_others(struct ring *ring) {
    do {
        if (!take_hold(ring)) {
            return;
        }
        struct ring_request *request;
        while ((request = next_to_start(ring, false)) != nullptr) {
            start(ring, request, false);
        }
    } while (let_go(ring, false));
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

void ring_attend(struct percpu *cpu) {
    while (cpu->rings != nullptr) {
        struct ring *ring = cpu->rings;
        cpu->rings = ring->next_deferred;
        __atomic_store_n(&ring->deferred, false, __ATOMIC_RELEASE);
        start_others(ring);
        ring_wake_owner(ring);
        signal_bound(ring);
        object_put(&ring->object);
    }
}

// ---- taking entries --------------------------------------------------------------------------------

constexpr uint32_t OPS_WITH_BUFFER = 1u << RING_CALL | 1u << RING_RECV | 1u << RING_RETURN;
constexpr uint32_t OPS_WITH_EARLIER =
    1u << RING_CALL | 1u << RING_RECV | 1u << RING_RELEASE | 1u << RING_WAIT | 1u << RING_TIMEOUT;
constexpr uint32_t OPS_THAT_WAIT =
    1u << RING_CALL | 1u << RING_RECV | 1u << RING_PARK | 1u << RING_WAIT | 1u << RING_TIMEOUT;

// What is wrong with an entry in itself. Handles have their place in a buffer.
static status_t check_entry(const struct ring *ring, const struct ring_entry *entry) {
    const uint32_t op = entry->op < RING_OP_COUNT ? 1u << entry->op : 0;
    const bool earlier = (entry->flags & RING_EARLIER) != 0;
    if (op == 0 || (entry->flags & ~(RING_LINK | RING_EARLIER)) != 0 || entry->index >= MESSAGE_HANDLES ||
        entry->buffer > ring->mask + 1 || (entry->buffer != 0 && (op & OPS_WITH_BUFFER) == 0) ||
        (earlier && (op & OPS_WITH_EARLIER) == 0) || (!earlier && entry->index != 0)) {
        return STATUS_BAD_ARGUMENT;
    }
    if ((op & OPS_WITH_BUFFER) != 0 && (message_accept(entry->info) > MESSAGE_HANDLES ||
        (entry->buffer == 0 && (message_accept(entry->info) | message_handle_count(entry->info)) != 0) ||
        (op == 1u << RING_RECV && (entry->info & ~MESSAGE_ACCEPT_MASK) != 0))) {
        return STATUS_BAD_ARGUMENT;
    }
    return STATUS_OK;
}

// Whether the entry, the next to be taken, has to wait for others; or cannot succeed any more because of them. Its
// target is resolved if that is known.
static status_t look_back(struct ring *ring, struct ring_entry *entry, uint8_t *waits) REQUIRES(ring->lock) {
    if (ring->linked) {
        const uint8_t outcome = ring->outcome[(ring->head - 1) & ring->mask];
        if (outcome == OUTCOME_FAILED) {
            return STATUS_CANCELED;
        }
        if (outcome >= OUTCOME_PENDING) {
            *waits |= WAITS_LINK;
            ring->requests[outcome - OUTCOME_PENDING]->awaited = true;
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
        *waits |= WAITS_EARLIER;
        ring->requests[outcome - OUTCOME_PENDING]->awaited = true;
    } else if (entry->op == RING_TIMEOUT) {
        return STATUS_CANCELED;
    } else if (outcome != OUTCOME_HANDLES || ring->promised[slot][entry->index].v == 0) {
        return STATUS_PROMISE_BROKEN;
    } else {
        entry->target = ring->promised[slot][entry->index].v;
    }
    return STATUS_OK;
}

static void fill_request(struct ring *ring, struct ring_request *request, const struct ring_entry *entry,
                         uint8_t waits) REQUIRES(ring->lock) {
    request->user_data = entry->user_data;
    request->info = entry->info;
    request->deadline_ns = entry->deadline_ns;
    request->sequence = ring->head;
    request->target = entry->target;
    request->op = entry->op;
    request->flags = entry->flags;
    request->index = entry->index;
    request->buffer = entry->buffer;
    request->waits = waits;
    request->awaited = request->method = false;
    request->failure = STATUS_OK;
    request->generation = request->generation == UINT16_MAX ? 1 : request->generation + 1;
    request->thread.band = request->thread.effective_band = ring->owner->effective_band;
    load_message(ring, &request->thread, entry->buffer, entry->words);
    ring->outcome[ring->head & ring->mask] = (uint8_t)(OUTCOME_PENDING + request->number);
    ring->pending++;
    if (waits != 0 || entry->op == RING_TIMEOUT) {
        if (entry->op == RING_TIMEOUT || entry->deadline_ns != DEADLINE_POLL) {
            thread_arm_deadline(&request->thread, entry->deadline_ns); // before anybody can end the wait
        }
        request->phase = REQUEST_HELD;
        request->thread.waiting_on = &ring->object;
        thread_set_state(&request->thread, THREAD_WAITING);
        list_push_back(&ring->held, &request->thread.link);
    } else {
        request->phase = REQUEST_ACTIVE;
    }
}

// An entry that is over without having been a request.
static void finish_entry(struct ring *ring, const struct ring_entry *entry, uint32_t sequence, status_t status,
                         uint64_t value) {
    const bool broken = status_is(status, STATUS_PROMISE_BROKEN);
    const struct ring_completion completion = {entry->user_data, status.code, 0, broken ? entry->target : 0, value};
    spin_lock(&ring->lock);
    ring->outcome[sequence & ring->mask] = status_ok(status) ? OUTCOME_OK : OUTCOME_FAILED;
    ring_add_completion(ring, &completion);
    const bool attend = ring->notification != nullptr;
    spin_unlock(&ring->lock);
    if (attend) {
        ring_defer(ring);
    }
}

// Takes the next entry. False when it needs a request and none is free.
static bool take_entry(struct ring *ring, bool own) {
    struct ring_entry entry;
    memcpy(&entry, ring_at(ring, ring_offset(ring->entries_at, ring->head, ring->mask, sizeof(entry))),
           sizeof(entry));
    __asm__ volatile("" : "+m"(entry)); // the copy is what counts: it may change in the ring at any time
    struct ring_request *request = nullptr;
    uint8_t waits = 0;
    status_t status = check_entry(ring, &entry);
    spin_lock(&ring->lock);
    if (status_ok(status)) {
        status = look_back(ring, &entry, &waits);
    }
    if (status_ok(status) && (waits != 0 || (1u << entry.op & OPS_THAT_WAIT) != 0)) {
        request = ring->free;
        if (request == nullptr) {
            spin_unlock(&ring->lock);
            return false;
        }
        ring->free = request->next_free;
        fill_request(ring, request, &entry, waits);
    }
    const uint32_t sequence = ring->head++;
    ring->linked = (entry.flags & RING_LINK) != 0;
    spin_unlock(&ring->lock);
    if (request == nullptr) {
        uint64_t value = 0;
        if (status_ok(status)) {
            status = perform(ring, &entry, entry.target, &value);
        }
        finish_entry(ring, &entry, sequence, status, value);
    } else if (request->phase != REQUEST_HELD) {
        start(ring, request, own);
    }
    return true;
}

// Whether it is worth while to look for plain NOPs; take_nops looks again.
static bool next_is_nop(const struct ring *ring) {
    const uint32_t offset =
        ring_offset(ring->entries_at, ring->head, ring->mask, sizeof(struct ring_entry));
    return !ring->linked && *(const volatile uint32_t *)ring_at(ring, offset) == RING_NOP;
}

// Takes plain NOPs, at most `count`, and returns how many there were.
static uint32_t take_nops(struct ring *ring, uint32_t count) {
    uint32_t taken = 0;
    spin_lock(&ring->lock);
    while (taken < count && !ring->linked && ring->notification == nullptr) {
        const uint32_t entry_run = ring_run(ring->entries_at, ring->head, ring->mask, sizeof(struct ring_entry));
        const uint32_t run = ring_run(ring->completions_at, ring->tail, 2 * ring->mask + 1,
                                      sizeof(struct ring_completion));
        uint32_t left = count - taken;
        left = left < entry_run ? left : entry_run;
        left = left < run ? left : run;
        const volatile struct ring_entry *entry =
            ring_at(ring, ring_offset(ring->entries_at, ring->head, ring->mask, sizeof(struct ring_entry)));
        struct ring_completion *completion = completion_at(ring, ring->tail);
        uint8_t *outcome = &ring->outcome[ring->head & ring->mask];
        uint32_t done = 0;
        for (; done < left && *(const volatile uint32_t *)entry == RING_NOP; done++) {
            *completion++ = (struct ring_completion){.user_data = entry++->user_data};
            *outcome++ = OUTCOME_OK;
        }
        ring->head += done;
        ring->tail += done;
        taken += done;
        if (done < left) {
            break;
        }
    }
    __atomic_store_n(&ring_header(ring)->completion_tail, ring->tail, __ATOMIC_RELEASE);
    spin_unlock(&ring->lock);
    return taken;
}

// ---- the owner's way in ----------------------------------------------------------------------------

constexpr uint32_t ENTER_BUDGET = 64; // entries taken, and requests started, in one entry into the kernel

// Takes at most `count` entries, and starts what is to be started. Returns how many it took; *stuck: the next one
// needs a request, and none is free.
static uint32_t take_and_start(struct ring *ring, uint32_t count, bool own, bool *stuck) {
    uint32_t budget = ENTER_BUDGET, taken = 0;
    *stuck = false;
    while (budget > 0 && (current_thread()->flags & THREAD_ENDING) == 0) {
        struct ring_request *request = next_to_start(ring, own);
        if (request != nullptr) {
            start(ring, request, own);
            budget--;
            continue;
        }
        const uint32_t most = count - taken < budget ? count - taken : budget;
        const uint32_t nops = next_is_nop(ring) ? take_nops(ring, most) : 0;
        taken += nops;
        budget -= nops;
        *stuck = taken < count && budget > 0 && !take_entry(ring, own);
        if (*stuck || taken == count || budget == 0) {
            break;
        }
        taken++;
        budget--;
    }
    __atomic_store_n(&ring_header(ring)->submission_head, ring->head, __ATOMIC_RELEASE);
    return taken;
}

// How many of `submit` entries may be taken now, by the program's indices, of which *seen comes out. BAD_ARGUMENT when
// those cannot be.
static status_t count_entries(struct ring *ring, uint64_t submit, uint32_t *seen, uint32_t *count)
    REQUIRES(ring->lock) {
    const struct ring_header *header = ring_header(ring);
    const uint32_t capacity = 2 * (ring->mask + 1);
    const uint32_t offered_to = __atomic_load_n(&header->submission_tail, __ATOMIC_ACQUIRE);
    *seen = __atomic_load_n(&header->completion_head, __ATOMIC_ACQUIRE);
    if (submit > ring->mask + 1 || !ring_hint_fits(ring->head, offered_to, ring->mask + 1) ||
        !ring_hint_fits(*seen, ring->tail, capacity)) {
        return STATUS_BAD_ARGUMENT;
    }
    const uint32_t offered = ring_distance(ring->head, offered_to);
    const uint32_t room = ring_room(capacity, ring_distance(*seen, ring->tail), ring->pending);
    *count = submit < offered ? (uint32_t)submit : offered;
    *count = *count < room ? *count : room;
    return STATUS_OK;
}

// The owner waits, unless enough is there or in flight.
static status_t await_completions(struct ring *ring, uint32_t seen, uint64_t min_complete, uint64_t deadline_ns,
                                  bool *waits, uint64_t *available) REQUIRES(ring->lock) {
    *waits = false;
    *available = ring_distance(seen, ring->tail);
    const uint64_t possible = *available + ring->pending;
    const uint64_t goal = min_complete < possible ? min_complete : possible;
    if (__atomic_load_n(&ring->ended, __ATOMIC_RELAXED)) {
        return STATUS_OBJECT_DEAD;
    }
    if (*available >= goal) {
        return STATUS_OK;
    }
    if (deadline_ns == DEADLINE_POLL) {
        return STATUS_TIMED_OUT;
    }
    *waits = true;
    thread_arm_deadline(ring->owner, deadline_ns); // before anybody can end the wait
    ring->sleeping = true;
    ring->seen = seen;
    ring->goal = seen + (uint32_t)goal;
    ring->owner->waiting_on = &ring->object;
    thread_set_state(ring->owner, THREAD_WAITING);
    return STATUS_OK;
}

// ---- polling ---------------------------------------------------------------------------------------

constexpr uint64_t POLL_NS = 200'000; // without an entry

// On an idle processor: takes entries for the owner, which runs elsewhere. `wait`: even if somebody has hold of it now.
static bool poll_entries(struct ring *ring, bool wait) {
    uint32_t seen, count, taken = 0;
    if (__atomic_load_n(&ring_header(ring)->submission_tail, __ATOMIC_RELAXED) == ring->head) {
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
    spin_unlock(&ring->lock);
    if (status_ok(status) && !__atomic_load_n(&ring->ended, __ATOMIC_RELAXED)) {
        bool stuck;
        taken = take_and_start(ring, count, false, &stuck);
    }
    if (let_go(ring, false) || taken != 0) {
        ring_defer(ring); // starts what was left, and wakes the owner if that is enough for it
    }
    return taken != 0;
}

void ring_poll_end(struct percpu *cpu, struct ring *next) {
    struct ring *ring = __atomic_exchange_n(&cpu->polling, next, __ATOMIC_ACQ_REL);
    if (ring == nullptr || ring == RING_NO_POLLING) {
        return;
    }
    spin_lock(&ring->lock);
    ring->polled = false;
    ring_header(ring)->need_enter = 1;
    spin_unlock(&ring->lock);
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
    } else if (now_ns > ring->poll_end_ns || __atomic_load_n(&ring->ended, __ATOMIC_RELAXED)) {
        ring_poll_end(cpu, nullptr);
    }
    return true;
}

static bool give_to(struct ring *ring, struct percpu *cpu) {
    struct ring *none = nullptr;
    return cpu != this_cpu() && __atomic_compare_exchange_n(&cpu->polling, &none, ring, false, __ATOMIC_ACQ_REL,
                                                            __ATOMIC_RELAXED);
}

// Finds an idle processor that polls the ring, unless one does.
static void find_poller(struct ring *ring) {
    spin_lock(&ring->lock);
    const bool polled = ring->polled;
    ring->polled = true;
    ring_header(ring)->need_enter = 0;
    spin_unlock(&ring->lock);
    if (polled) {
        return;
    }
    ring->poll_end_ns = 0; // the processor that begins to poll says until when
    object_get(&ring->object);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (give_to(ring, percpus[i])) {
            cpu_request(percpus[i], WORK_KICKED);
            return;
        }
    }
    spin_lock(&ring->lock);
    ring->polled = false;
    ring_header(ring)->need_enter = 1;
    spin_unlock(&ring->lock);
    object_put(&ring->object);
}

status_t ring_enter(struct ring *ring, uint64_t handle, uint64_t *submit, uint64_t min_complete,
                    uint64_t deadline_ns, enum ring_entered *entered, uint64_t *available) {
    uint32_t seen, count;
    *entered = RING_ENTERED_AGAIN;
    if (ring->owner != current_thread()) {
        return STATUS_NOT_ALLOWED;
    }
    spin_lock(&ring->lock);
    const bool was_busy = ring->busy;
    status_t status = was_busy ? STATUS_OK : count_entries(ring, *submit, &seen, &count);
    ring->busy = was_busy || status_ok(status);
    spin_unlock(&ring->lock);
    if (was_busy || !status_ok(status)) {
        return status; // busy: another processor is at it for a moment
    }
    if (ring->polls) {
        find_poller(ring);
    }
    bool stuck = false;
    uint32_t taken = 0;
    if (!__atomic_load_n(&ring->ended, __ATOMIC_RELAXED)) {
        taken = take_and_start(ring, count, true, &stuck);
    }
    const bool left = let_go(ring, true);
    *submit = stuck || taken == count ? 0 : count - taken;
    if (*submit != 0 || (left && !stuck)) {
        return STATUS_OK;
    }
    bool waits;
    spin_lock(&ring->lock);
    ring->enter_handle = handle;
    ring->enter_deadline_ns = deadline_ns;
    status = await_completions(ring, seen, min_complete, deadline_ns, &waits, available);
    spin_unlock(&ring->lock);
    TRY(status);
    *entered = waits ? RING_ENTERED_WAITS : RING_ENTERED_DONE;
    return STATUS_OK;
}
