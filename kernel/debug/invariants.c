#include "kernel/debug/invariants.h"

#include "base/align.h"
#include "kernel/ipc/park.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/mapping.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"

// All is read with the lock that guards it, which the analysis does not see.
#define LOCKED NO_THREAD_SAFETY_ANALYSIS

constexpr uint32_t LOOK_AT = 8; // of what is queued

// The first few of a list: its links agree, and each thread in it is in this state, and waits on this.
static bool waiters_hold(const struct list *list, enum thread_state state, const struct object *waiting_on) {
    const struct list_node *node = &list->head;
    for (uint32_t seen = 0; seen < LOOK_AT; seen++) {
        if (node->next->prev != node) {
            return false;
        }
        node = node->next;
        if (node == &list->head) {
            return true;
        }
        const struct thread *thread = LIST_ENTRY(node, struct thread, link);
        if (thread->state != state || thread->waiting_on != waiting_on) {
            return false;
        }
    }
    return true;
}

// ---- scheduling ------------------------------------------------------------------------------------

static bool is_ready_on(const struct thread *thread, const struct percpu *cpu) {
    return thread->state == THREAD_READY && thread->cpu.v == cpu->id.v;
}

static const char *run_queue_broken(const struct percpu *cpu) {
    const struct run_queue *queue = &cpu->ready;
    if (queue->ready_mask >> BAND_COUNT != 0 || queue->running_band > BAND_COUNT) {
        return "there is no such band";
    }
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        const struct list *list = &queue->bands[band];
        if (list_empty(list) != ((queue->ready_mask & 1u << band) == 0)) {
            return "the mask does not say which bands are ready";
        }
        const struct list_node *node = list->head.next;
        for (uint32_t seen = 0; node != &list->head && seen < LOOK_AT; seen++, node = node->next) {
            const struct thread *thread = LIST_ENTRY(node, struct thread, link);
            if (node->prev->next != node || node->next->prev != node || thread->queued_band != band) {
                return "a band's list does not hold together";
            }
            if (!is_ready_on(thread, cpu)) {
                return "a queued thread is not ready there";
            }
        }
    }
    return queue->next == nullptr || is_ready_on(queue->next, cpu) ? nullptr : "the next thread is not ready there";
}

static const char *timers_broken(const struct percpu *cpu) LOCKED {
    const struct rb_node *node = rb_first(&cpu->timers.tree);
    uint64_t reached_ns = 0;
    if (node == nullptr ? cpu->timers.tree.root != nullptr : node->left != nullptr) {
        return "the soonest deadline is not the first";
    }
    for (uint32_t seen = 0; node != nullptr && seen < LOOK_AT; seen++, node = rb_next(node)) {
        const struct timer_node *timer = RB_ENTRY(node, const struct timer_node, node);
        if (!timer->armed || timer->cpu.v != cpu->id.v) {
            return "a queued deadline is not armed there";
        }
        if (timer->deadline_ns < reached_ns || timer->earliest_ns > timer->deadline_ns) {
            return "deadlines are not in order";
        }
        reached_ns = timer->deadline_ns;
    }
    return nullptr;
}

// ---- waiting ---------------------------------------------------------------------------------------

static const char *endpoint_broken(const struct endpoint *endpoint) LOCKED {
    const bool dead = (endpoint->attention & ENDPOINT_DEAD) != 0, has_senders = !list_empty(&endpoint->senders);
    if (has_senders && endpoint->receivers != nullptr) {
        return "senders and receivers wait for each other";
    }
    if (dead ? endpoint->receivers != nullptr : endpoint->doomed != nullptr) {
        return "a dead endpoint has receivers, or a living one doomed ones";
    }
    if (has_senders != ((endpoint->attention & ENDPOINT_SENDERS) != 0)) {
        return "attention does not say whether there are senders";
    }
    if (!waiters_hold(&endpoint->senders, THREAD_SENDING, &endpoint->object)) {
        return "a sender does not wait there";
    }
    const struct thread *const *from = (const struct thread *const *)(dead ? &endpoint->doomed : &endpoint->receivers);
    for (uint32_t seen = 0; *from != nullptr && seen < LOOK_AT; seen++) {
        const struct thread *thread = *from;
        if (thread->prev != (struct thread **)from || thread->state != THREAD_RECEIVING ||
            thread->waiting_on != &endpoint->object) {
            return "a receiver does not wait there";
        }
        from = (const struct thread *const *)&thread->next;
    }
    return nullptr;
}

static const char *notification_broken(const struct notification *notification) LOCKED {
    if (!list_empty(&notification->waiters) && (notification->bits != 0 || notification->bound != nullptr)) {
        return "somebody waits for bits that are there, or go elsewhere";
    }
    return waiters_hold(&notification->waiters, THREAD_WAITING, &notification->object) ? nullptr
                                                                                     : "a waiter does not wait there";
}

static const char *park_broken(const struct park_bucket *bucket) LOCKED {
    const struct rb_node *node = rb_first(&bucket->waiters);
    const struct park_wait *last = nullptr;
    for (uint32_t seen = 0; node != nullptr && seen < LOOK_AT; seen++, node = rb_next(node)) {
        const struct park_wait *wait = RB_ENTRY(node, const struct park_wait, node);
        const struct thread *thread = CONTAINER_OF(wait, const struct thread, park);
        if (thread->state != THREAD_WAITING || thread->waiting_on != nullptr) {
            return "a waiter is not parked";
        }
        if (last != nullptr && last->key.vmo == wait->key.vmo && last->key.offset == wait->key.offset
                ? last->order >= wait->order
                : last != nullptr && (last->key.vmo > wait->key.vmo ||
                                      (last->key.vmo == wait->key.vmo && last->key.offset > wait->key.offset))) {
            return "waiters are not in order";
        }
        last = wait;
    }
    return nullptr;
}

static bool requests_hold(const struct list *list, enum ring_phase phase) {
    const struct list_node *node = list->head.next;
    for (uint32_t seen = 0; node != &list->head && seen < LOOK_AT; seen++, node = node->next) {
        const struct thread *thread = LIST_ENTRY(node, struct thread, link);
        if (node->next->prev != node || CONTAINER_OF(thread, const struct ring_request, thread)->phase != phase) {
            return false;
        }
    }
    return true;
}

static const char *ring_broken(const struct ring *ring) LOCKED {
    const struct ring_request *request = ring->free;
    for (uint32_t seen = 0; request != nullptr && seen < LOOK_AT; seen++, request = request->next_free) {
        if (request->ring != ring || request->phase != REQUEST_FREE) {
            return "a free request is in use";
        }
    }
    if (!requests_hold(&ring->held, REQUEST_HELD) || !requests_hold(&ring->startable, REQUEST_STARTABLE) ||
        !requests_hold(&ring->local, REQUEST_STARTABLE)) {
        return "a request is in another phase than its list";
    }
    return ring->pending <= ring->request_count ? nullptr : "more completions are to come than there are requests";
}

// ---- tables and sums -------------------------------------------------------------------------------

static bool same(slot_ref_t ref, const struct handle_slot *slot) {
    return ref.v == slot_ref(slot).v;
}

// A neighbour is a sibling or, at either end, the parent.
bool derivation_check(const struct handle_slot *slot) {
    const struct handle_slot *left = slot_from_ref(slot->prev), *right = slot_from_ref(slot->next);
    const struct handle_slot *first = slot_from_ref(slot->first_child), *last = slot_from_ref(slot->last_child);
    return (left == nullptr || same(left->first_child, slot) || same(left->next, slot)) &&
           (right == nullptr || same(right->last_child, slot) || same(right->prev, slot)) &&
           (first == nullptr) == (last == nullptr) &&
           (first == nullptr || (same(first->prev, slot) && same(last->next, slot)));
}

// A free slot of this process, and the handle that it will have is one of this place.
static bool free_slot_holds(const struct handle_slot *slot, const struct process *process) {
    const uintptr_t chunk = (uintptr_t)slot & ~(uintptr_t)(PAGE_BYTES - 1);
    return ((const struct handle_chunk *)chunk)->process == process && slot->handle == 0 &&
           handle_slot_in_chunk(handle_index(slot->next_handle)) == ((uintptr_t)slot - chunk) / SLOT_BYTES;
}

static const char *process_broken(const struct process *process) LOCKED {
    const struct handle_slot *slot = process->free_first;
    for (uint32_t seen = 0; slot != nullptr && seen < LOOK_AT; seen++, slot = slot->next_free) {
        if (!free_slot_holds(slot, process) || (slot->next_free == nullptr && slot != process->free_last)) {
            return "the list of free slots";
        }
    }
    if (process->free_first != nullptr && process->free_last->next_free != nullptr) {
        return "the end of the list of free slots";
    }
    if (process->handles_made - process->handles_gone > process->slot_limit) {
        return "more handles than slots";
    }
    return list_empty(&process->threads) == (process->thread_count == 0) ? nullptr : "the count of threads";
}

// What an account costs its parent is part of what that has used. That grows and shrinks at the same time, but never below.
static const char *account_broken(const struct account *account) LOCKED {
    const struct account *parent = account->object.account;
    const uint64_t used = account->used_bytes, reserved = account->reserved_bytes;
    if (used > account->peak_bytes || reserved > account->limit_bytes || (used > account->limit_bytes && !account->ended)) {
        return "more is used than the limit or the peak, or reserved than the limit";
    }
    return parent == nullptr || (used > reserved ? used : reserved) <= __atomic_load_n(&parent->used_bytes, __ATOMIC_RELAXED)
               ? nullptr
               : "the parent does not pay for it";
}

bool mapping_check(const struct mapping *mapping) {
    const uint32_t prot = mapping->prot;
    return is_aligned(mapping->start | mapping->end, PAGE_BYTES) && mapping->start >= USER_LOWEST &&
           mapping->start < mapping->end && mapping->end <= arch_user_end() &&
           (mapping->vmo != nullptr) == (mapping->kind == MAPPING_VMO) && (prot & ~mapping->max_prot) == 0 &&
           (prot == 0 || (prot & PROT_READ) != 0) && (prot & (PROT_WRITE | PROT_EXECUTE)) != (PROT_WRITE | PROT_EXECUTE);
}

static const struct mapping *mapping_at(const struct rb_node *node) {
    return node == nullptr ? nullptr : RB_ENTRY(node, const struct mapping, node);
}

static const char *vspace_broken(const struct vspace *vspace) LOCKED {
    const struct mapping *mapping = vspace->last_hit;
    if (vspace->last_unmapped != nullptr && vspace->last_unmapped->kind != MAPPING_LAST) {
        return "what was unmapped last is still mapped";
    }
    if (mapping == nullptr) {
        return nullptr;
    }
    const struct mapping *below = mapping_at(rb_prev(&mapping->node)), *above = mapping_at(rb_next(&mapping->node));
    if (mapping->vspace != vspace || !mapping_check(mapping)) {
        return "the mapping used last may not be as it is";
    }
    if ((below != nullptr && below->kind != MAPPING_LAST && below->end > mapping->start) ||
        (above != nullptr && above->kind != MAPPING_LAST && above->start < mapping->end)) {
        return "mappings overlap";
    }
    return vspace->mapped_bytes >= mapping->end - mapping->start ? nullptr : "more is mapped than counted";
}

static const char *frame_cache_broken(const struct frame_cache *cache) LOCKED {
    if (cache->count > FRAME_CACHE_MAX || cache->zeroed > cache->count) {
        return "the counts of frames at hand";
    }
    if (cache->count > 1 && (cache->frames[cache->count - 1] == 0 || cache->frames[cache->count - 1] == cache->frames[0])) {
        return "a frame is at hand twice, or none is";
    }
    const uint64_t *page = cache->zeroed == 0 ? nullptr
                                              : phys_to_virt((paddr_t){(uint64_t)cache->frames[cache->zeroed - 1] << FRAME_SHIFT});
    return page == nullptr || (page[0] | page[PAGE_BYTES / sizeof(*page) - 1]) == 0 ? nullptr
                                                                                   : "a zeroed frame was written to";
}

const char *invariants_broken(const struct spinlock *lock) {
    switch (lock->rank) {
    case LOCK_PROCESS: return process_broken(CONTAINER_OF(lock, const struct process, lock));
    case LOCK_VSPACE: return vspace_broken(CONTAINER_OF(lock, const struct vspace, lock));
    case LOCK_PARK: return park_broken(CONTAINER_OF(lock, const struct park_bucket, lock));
    case LOCK_NOTIFICATION: return notification_broken(CONTAINER_OF(lock, const struct notification, lock));
    case LOCK_ENDPOINT: return endpoint_broken(CONTAINER_OF(lock, const struct endpoint, lock));
    case LOCK_RING: return ring_broken(CONTAINER_OF(lock, const struct ring, lock));
    case LOCK_RUN_QUEUE: return run_queue_broken(CONTAINER_OF(lock, const struct percpu, ready_lock));
    case LOCK_TIMERS: return timers_broken(CONTAINER_OF(lock, const struct percpu, timer_lock));
    case LOCK_ACCOUNT: return account_broken(CONTAINER_OF(lock, const struct account, lock));
    case LOCK_FRAME_CACHE: return frame_cache_broken(CONTAINER_OF(lock, const struct frame_cache, lock));
    default: return nullptr;
    }
}
