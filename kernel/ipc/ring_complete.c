// Rings: the completing half, which anybody may come through.
#include "base/mem.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/ring.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/ring.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

static bool succeeded(const struct ring_request *request) {
    const struct arch_regs *regs = &request->thread.regs;
    return regs->status == 0 && (request->entry.op != RING_CALL || message_label(regs->info) == 0);
}

// Handle number `index` of the answer; 0 when it has none.
static handle_t promised_handle(const struct ring_request *request, uint32_t index) {
    const struct arch_regs *regs = &request->thread.regs;
    if (request->method) {
        return (handle_t){regs->words[index] <= UINT32_MAX ? (uint32_t)regs->words[index] : 0};
    }
    return message_handle(regs->words, regs->info, index);
}

// Writes down for entries to come how this one has ended.
static inline void remember(struct ring *ring, const struct ring_request *request, bool success) REQUIRES(ring->lock) {
    const struct arch_regs *regs = &request->thread.regs;
    const uint32_t slot = request->sequence & ring->mask;
    if (ring_distance(request->sequence, ring->head) > ring->mask + 1) {
        return; // it took so long that its record has been used again
    }
    ring->outcome[slot] = success ? OUTCOME_OK : OUTCOME_FAILED;
    if (!success || request->entry.op != RING_CALL) {
        return;
    }
    handle_t *promised = ring->promised[slot];
    if (request->method) {
        for (uint32_t i = 0; i < MESSAGE_HANDLES; i++) {
            promised[i] = promised_handle(request, i);
        }
    } else if (message_handle_count(regs->info) != 0) { // they fill the last words, with 0 where there is none
        static_assert(sizeof(ring->promised[0]) == 2 * sizeof(uint64_t));
        memcpy(promised, &regs->words[MESSAGE_WORDS - 2], sizeof(ring->promised[0]));
    } else {
        return;
    }
    ring->outcome[slot] = OUTCOME_HANDLES;
}

static void fail_held(struct ring_request *held, status_t status) {
    if (held->thread.regs.status == 0) {
        held->thread.regs.status = status.code;
    }
}

// What the end of one request means for another that is held.
static void resolve(struct ring_request *held, const struct ring_request *ended) {
    if ((held->waits & WAITS_LINK) != 0 && held->sequence - 1 == ended->sequence) {
        held->waits &= (uint8_t)~WAITS_LINK;
        if (!succeeded(ended)) {
            fail_held(held, STATUS_CANCELED);
        }
    }
    if ((held->waits & WAITS_EARLIER) != 0 && held->entry.target == ended->sequence) {
        const handle_t handle = promised_handle(ended, held->entry.index);
        held->waits &= (uint8_t)~WAITS_EARLIER;
        if (held->entry.op == RING_TIMEOUT) {
            fail_held(held, STATUS_CANCELED);
        } else if (succeeded(ended) && ended->entry.op == RING_CALL && handle.v != 0) {
            ring_resolve(held, handle);
        } else if (held->thread.regs.status == 0) {
            held->thread.regs.info = held->entry.target;
            fail_held(held, STATUS_PROMISE_BROKEN);
        }
    }
}

static void make_startable(struct ring *ring, struct ring_request *request) REQUIRES(ring->lock) {
    list_push_back(&ring->startable, &request->thread.link);
    ring->attention |= RING_LEFT;
    request->phase = REQUEST_STARTABLE;
}

// Lets go of the requests that were held for nothing but this one, in the order of their entries. A TIMEOUT waits for
// its time, too.
static void release_held(struct ring *ring, const struct ring_request *ended) REQUIRES(ring->lock) {
    LIST_FOR_EACH_SAFE(node, &ring->held) {
        struct ring_request *held = ring_request_of(LIST_ENTRY(node, struct thread, link));
        resolve(held, ended);
        if (held->thread.regs.status != 0 || (held->waits == 0 && held->entry.op != RING_TIMEOUT)) {
            list_remove(node);
            thread_set_state(&held->thread, THREAD_NEW); // in no wait
            make_startable(ring, held);
        }
    }
}

// The end of a request, whose outcome is in its registers: it is free then, or UNANSWERED.
static inline void settle(struct ring *ring, struct ring_request *request) REQUIRES(ring->lock) {
    const struct arch_regs *regs = &request->thread.regs;
    const struct ring_entry *entry = &request->entry;
    struct ring_completion *completion = completion_at(ring, ring->tail);
    uint64_t value = 0;
    uint32_t token = 0;
    remember(ring, request, succeeded(request));
    if (request->awaited) {
        release_held(ring, request);
    }
    if (regs->status == 0) {
        value = regs->words[0];
        if (entry->buffer != 0) {
            copy_words(ring->buffers[entry->buffer - 1].words, regs->words, MESSAGE_WORDS);
        } else if (entry->op == RING_CALL && !request->method) {
            token = message_handle(regs->words, regs->info, 0).v;
        }
        if (entry->op == RING_RECV && (regs->info & MESSAGE_NOTIFICATION) == 0) {
            value = regs->badge;
        }
        if (entry->op == RING_RECV && (regs->info & MESSAGE_WANTS_REPLY) != 0) {
            request->generation = request->generation == UINT16_MAX ? 1 : request->generation + 1;
            token = (uint32_t)request->generation << 16 | request->number;
        }
    }
    if (token == 0 || entry->op == RING_CALL) {
        ring_free_request(ring, request);
    } else {
        request->phase = REQUEST_UNANSWERED;
    }
    *completion = (struct ring_completion){entry->user_data, (uint32_t)regs->status, token, regs->info, value};
    ring->pending--;
    __atomic_store_n(&ring->header->completion_tail, ++ring->tail, __ATOMIC_RELEASE);
}

struct thread *ring_take_owner(struct ring *ring) {
    if (!ring->sleeping || (!ring_reached(ring->tail, ring->goal) && list_empty(&ring->local))) {
        return nullptr;
    }
    ring->sleeping = false;
    thread_set_state(ring->owner, THREAD_WAKING);
    return ring->owner;
}

bool ring_settle(struct thread *thread) {
    struct ring_request *request = ring_request_of(thread);
    struct ring *ring = request->ring;
    bool expired = false;
    if ((request->entry.flags & (RING_CLOSE | RING_EARLIER)) == RING_CLOSE) {
        const status_t ignored = handle_close(thread->process, request->entry.target);
        (void)ignored; // that there is none the call says
    }
    spin_lock(&ring->lock);
    thread_set_state(thread, THREAD_NEW); // in no wait
    if (request->entry.op == RING_TIMEOUT && thread->regs.status == STATUS_CODE_TIMED_OUT &&
        (request->waits & WAITS_LINK) == 0) {
        thread->regs.status = 0; // just what was asked for
        expired = (request->waits & WAITS_EARLIER) != 0;
    }
    if (expired) { // whom it is to end is seen to when it is started
        make_startable(ring, request);
    } else {
        settle(ring, request);
    }
    const bool attend = ring_has(ring, RING_LEFT | RING_BOUND) ||
                        (ring->sleeping && ring_reached(ring->tail, ring->goal));
    spin_unlock(&ring->lock);
    return attend;
}

void ring_defer(struct ring *ring) {
    struct percpu *cpu = this_cpu();
    if (!__atomic_exchange_n(&ring->deferred, true, __ATOMIC_ACQ_REL)) {
        object_get(&ring->object);
        ring->next_deferred = cpu->rings;
        cpu->rings = ring;
        cpu->work |= WORK_RING;
    }
}
