// Each of the debug build's invariants fails when what it is about is damaged, and holds again when it is mended.
#include "kernel/debug/invariants.h"

#include <string.h>

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/machine.h"
#include "kernel/ipc/park.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/mapping.h"
#include "kernel/object/notification.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

// What is damaged is whatever a test laid out; nothing runs on it.
static struct thread threads[2];

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static void fresh_threads(enum thread_state state, struct object *waiting_on) {
    for (uint32_t i = 0; i < 2; i++) {
        threads[i] = (struct thread){.state = state, .waiting_on = waiting_on, .band = BAND_NORMAL, .effective_band = BAND_NORMAL};
        list_node_init(&threads[i].link);
    }
}

static bool is_said(const struct spinlock *lock, const char *what) {
    const char *broken = invariants_broken(lock);
    return what == nullptr || broken == nullptr ? what == broken : strcmp(broken, what) == 0;
}

// With this value in the place the lock's invariants say what is wrong, and without it nothing.
#define NOTICED(lock, place, value, what) \
    do { \
        const typeof(place) kept = (place); \
        CHECK(is_said(lock, nullptr)); \
        (place) = (value); \
        CHECK(is_said(lock, what)); \
        (place) = kept; \
        CHECK(is_said(lock, nullptr)); \
    } while (0)

TEST(run_queue) {
    struct percpu *cpu = this_cpu();
    struct run_queue *queue = &cpu->ready;
    const struct spinlock *lock = &cpu->ready_lock;
    const char *mask = "the mask does not say which bands are ready", *list = "a band's list does not hold together",
               *queued = "a queued thread is not ready there";
    host_processor_reset();
    fresh_threads(THREAD_READY, nullptr);
    run_queue_push(queue, &threads[0]);
    run_queue_push(queue, &threads[1]);
    NOTICED(lock, queue->ready_mask, 0u, mask);
    NOTICED(lock, queue->ready_mask, queue->ready_mask | 1u << BAND_REALTIME, mask);
    NOTICED(lock, queue->ready_mask, 1u << BAND_COUNT, "there is no such band");
    NOTICED(lock, queue->running_band, BAND_COUNT + 1u, "there is no such band");
    NOTICED(lock, threads[1].link.prev, &threads[1].link, list);
    NOTICED(lock, threads[1].queued_band, BAND_REALTIME, list);
    NOTICED(lock, threads[1].state, THREAD_RUNNING, queued);
    NOTICED(lock, threads[0].cpu.v, 1u, queued);
    run_queue_remove(queue, &threads[1]);
    queue->next = &threads[1];
    NOTICED(lock, threads[1].state, THREAD_WAKING, "the next thread is not ready there");
    run_queue_init(queue);
}

TEST(timers) NO_THREAD_SAFETY_ANALYSIS {
    struct percpu *cpu = this_cpu();
    static struct timer_node first, second;
    const struct spinlock *lock = &cpu->timer_lock;
    host_processor_reset();
    timer_arm(&cpu->timers, &first, 1000);
    timer_arm_between(&cpu->timers, &second, 1500, 2000);
    NOTICED(lock, first.deadline_ns, 3000, "deadlines are not in order");
    NOTICED(lock, second.earliest_ns, 2001, "deadlines are not in order");
    NOTICED(lock, second.armed, false, "a queued deadline is not armed there");
    NOTICED(lock, second.cpu.v, 1u, "a queued deadline is not armed there");
    NOTICED(lock, cpu->timers.tree.first, nullptr, "the soonest deadline is not the first");
    timer_disarm(&cpu->timers, &first);
    timer_disarm(&cpu->timers, &second);
}

TEST(endpoint_queues) {
    static struct endpoint endpoint;
    const struct spinlock *lock = &endpoint.lock;
    const char *sender = "a sender does not wait there", *receiver = "a receiver does not wait there";
    endpoint_init(&endpoint.object);
    fresh_threads(THREAD_NEW, nullptr);
    spin_lock(&endpoint.lock);
    endpoint_push_sender(&endpoint, &threads[0]);
    endpoint_push_sender(&endpoint, &threads[1]);
    NOTICED(lock, endpoint.attention, 0u, "attention does not say whether there are senders");
    NOTICED(lock, endpoint.receivers, &threads[0], "senders and receivers wait for each other");
    NOTICED(lock, threads[1].state, THREAD_RUNNING, sender);
    NOTICED(lock, threads[0].waiting_on, nullptr, sender);
    NOTICED(lock, threads[0].link.prev, nullptr, sender);
    (void)endpoint_pop_sender(&endpoint);
    (void)endpoint_pop_sender(&endpoint);
    endpoint_push_receiver(&endpoint, &threads[0]);
    endpoint_push_receiver(&endpoint, &threads[1]);
    NOTICED(lock, threads[0].prev, nullptr, receiver);
    NOTICED(lock, threads[0].state, THREAD_WAITING, receiver);
    NOTICED(lock, threads[1].waiting_on, nullptr, receiver);
    NOTICED(lock, endpoint.attention, ENDPOINT_DEAD, "a dead endpoint has receivers, or a living one doomed ones");
    spin_unlock(&endpoint.lock);
}

TEST(notification_waiters) {
    static struct notification notification;
    static struct endpoint bound;
    const struct spinlock *lock = &notification.lock;
    const char *waiter = "a waiter does not wait there", *bits = "somebody waits for bits that are there, or go elsewhere";
    notification_init(&notification.object);
    fresh_threads(THREAD_WAITING, &notification.object);
    spin_lock(&notification.lock);
    list_push_back(&notification.waiters, &threads[0].link);
    list_push_back(&notification.waiters, &threads[1].link);
    NOTICED(lock, notification.bits, 1u, bits);
    NOTICED(lock, notification.bound, &bound, bits);
    NOTICED(lock, threads[1].state, THREAD_READY, waiter);
    NOTICED(lock, threads[0].waiting_on, &bound.object, waiter);
    NOTICED(lock, threads[1].link.prev, nullptr, waiter);
    spin_unlock(&notification.lock);
}

static bool parked_before(const struct rb_node *a, const struct rb_node *b) {
    return CONTAINER_OF(a, const struct thread, park.node)->park.order < CONTAINER_OF(b, const struct thread, park.node)->park.order;
}

TEST(parked_threads) {
    static struct park_bucket bucket;
    const struct spinlock *lock = &bucket.lock;
    const char *order = "waiters are not in order";
    spin_init(&bucket.lock, LOCK_PARK);
    fresh_threads(THREAD_WAITING, nullptr);
    spin_lock(&bucket.lock);
    for (uint32_t i = 0; i < 2; i++) {
        threads[i].park = (struct park_wait){.key = {.vmo = 5, .offset = 8}, .order = i + 1};
        rb_insert(&bucket.waiters, &threads[i].park.node, parked_before);
    }
    NOTICED(lock, threads[0].park.order, 3u, order);
    NOTICED(lock, threads[0].park.key.vmo, 6u, order);
    NOTICED(lock, threads[1].park.key.offset, 4u, order);
    NOTICED(lock, threads[1].state, THREAD_READY, "a waiter is not parked");
    NOTICED(lock, threads[0].waiting_on, &threads[0].object, "a waiter is not parked");
    spin_unlock(&bucket.lock);
}

TEST(ring_requests) {
    static struct ring ring;
    static struct ring_request requests[3];
    const struct spinlock *lock = &ring.lock;
    const char *phase = "a request is in another phase than its list";
    spin_init(&ring.lock, LOCK_RING);
    spin_lock(&ring.lock);
    ring.request_count = 3;
    list_init(&ring.held);
    list_init(&ring.startable);
    list_init(&ring.local);
    requests[0] = (struct ring_request){.ring = &ring, .phase = REQUEST_FREE};
    requests[1] = (struct ring_request){.ring = &ring, .phase = REQUEST_HELD};
    requests[2] = (struct ring_request){.ring = &ring, .phase = REQUEST_STARTABLE};
    ring.free = &requests[0];
    list_push_back(&ring.held, &requests[1].thread.link);
    list_push_back(&ring.startable, &requests[2].thread.link);
    NOTICED(lock, requests[0].phase, REQUEST_ACTIVE, "a free request is in use");
    NOTICED(lock, requests[1].phase, REQUEST_ACTIVE, phase);
    NOTICED(lock, requests[2].phase, REQUEST_FREE, phase);
    NOTICED(lock, ring.pending, 4u, "more completions are to come than there are requests");
    spin_unlock(&ring.lock);
}

TEST(handles_and_accounts) NO_THREAD_SAFETY_ANALYSIS {
    host_processor_reset();
    struct account *root = account_create_root(4 << 20), *child;
    REQUIRE(status_ok(account_create(root, 1 << 20, &child)));
    struct process *process = host_process(child, "p");
    uint64_t handle, copy, second;
    struct capability from;
    REQUIRE(host_notification(process, &handle) != nullptr && status_ok(handle_read(process, handle, &from)) &&
            status_ok(handle_duplicate(&from, process, capability_rights(&from), 0, 0, ORIGIN_COPIED, &copy)) &&
            status_ok(handle_duplicate(&from, process, capability_rights(&from), 0, 0, ORIGIN_COPIED, &second)));

    const struct spinlock *lock = &process->lock;
    const char *slots = "the list of free slots";
    REQUIRE(status_ok(handle_close(process, second)));
    NOTICED(lock, process->free_first->handle, 99u, slots);
    NOTICED(lock, process->free_first->next_handle, process->free_first->next_handle + 1, slots);
    NOTICED(lock, process->free_first->next_free, nullptr, slots);
    NOTICED(lock, process->free_last->next_free, process->free_last, "the end of the list of free slots");
    NOTICED(lock, process->handles_gone, process->handles_made + 1, "more handles than slots");
    NOTICED(lock, process->thread_count, 1u, "the count of threads");

    const char *more = "more is used than the limit or the peak, or reserved than the limit";
    NOTICED(&child->lock, child->used_bytes, child->peak_bytes + 1, more);
    NOTICED(&child->lock, child->limit_bytes, child->reserved_bytes - 1, more);
    NOTICED(&child->lock, root->used_bytes, child->reserved_bytes - 1, "the parent does not pay for it");

    struct handle_slot *parent = process_slot(process, handle), *derived = process_slot(process, copy);
    slot_ref_t *const links[] = {&parent->first_child, &parent->last_child, &derived->prev, &derived->next};
    for (uint32_t i = 0; i < 4; i++) {
        const slot_ref_t kept = *links[i];
        CHECK(derivation_check(parent) && derivation_check(derived));
        *links[i] = slot_ref(process->free_first);
        CHECK(!derivation_check(parent) || !derivation_check(derived));
        *links[i] = kept;
    }
    object_put(&child->object);
    CHECK(host_finish(root, &process, 1));
}

TEST(address_space) {
    static struct vspace vspace;
    static struct mapping below, above;
    const struct spinlock *lock = &vspace.lock;
    const char *shape = "the mapping used last may not be as it is";
    spin_init(&vspace.lock, LOCK_VSPACE);
    spin_lock(&vspace.lock);
    const uint64_t at = USER_LOWEST + 16 * PAGE_BYTES;
    below = (struct mapping){.vspace = &vspace, .start = at, .end = at + PAGE_BYTES, .kind = MAPPING_RESERVED};
    above = (struct mapping){.vspace = &vspace, .start = at + PAGE_BYTES, .end = at + 2 * PAGE_BYTES, .kind = MAPPING_RESERVED};
    vspace.mappings = (struct rb_tree){.root = &below.node, .first = &below.node};
    below.node.right = &above.node;
    above.node.parent = &below.node;
    vspace.last_hit = &below;
    vspace.mapped_bytes = 2 * PAGE_BYTES;
    NOTICED(lock, below.end, at + 2 * PAGE_BYTES, "mappings overlap");
    NOTICED(lock, above.start, at, "mappings overlap");
    NOTICED(lock, below.start, at + 1, shape);
    NOTICED(lock, below.prot, PROT_WRITE, shape);
    NOTICED(lock, below.kind, MAPPING_VMO, shape);
    NOTICED(lock, below.vspace, nullptr, shape);
    NOTICED(lock, vspace.mapped_bytes, 0u, "more is mapped than counted");
    NOTICED(lock, vspace.last_unmapped, &above, "what was unmapped last is still mapped");
    spin_unlock(&vspace.lock);
}

TEST(frames_at_hand) NO_THREAD_SAFETY_ANALYSIS {
    struct frame_cache *cache = &this_cpu()->frames;
    const struct spinlock *lock = &cache->lock;
    frame_zero_ahead();
    spin_lock(&cache->lock);
    REQUIRE(cache->zeroed > 1);
    uint64_t *page = phys_to_virt((paddr_t){(uint64_t)cache->frames[cache->zeroed - 1] << FRAME_SHIFT});
    NOTICED(lock, page[0], 1u, "a zeroed frame was written to");
    NOTICED(lock, cache->count, FRAME_CACHE_MAX + 1, "the counts of frames at hand");
    NOTICED(lock, cache->zeroed, cache->count + 1, "the counts of frames at hand");
    NOTICED(lock, cache->frames[cache->count - 1], cache->frames[0], "a frame is at hand twice, or none is");
    spin_unlock(&cache->lock);
}
