#include "kernel/object/ring.h"

#include "abi/gen/methods.h"
#include "base/align.h"
#include "kernel/arch/arch.h"
#include "kernel/ipc/invoke.h"
#include "kernel/ipc/ring.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

SLAB_CACHE(ring_cache, struct ring);

// ---- create ----------------------------------------------------------------------------------------

static uint64_t table_bytes(const struct ring *ring) {
    return ring->request_count * sizeof(struct ring_request) +
           (ring->mask + 1) * (sizeof(ring->promised[0]) + sizeof(ring->outcome[0]));
}

// No lock: nobody else knows of it yet.
static status_t make_requests(struct ring *ring) NO_THREAD_SAFETY_ANALYSIS {
    ring->requests = account_alloc(ring->object.account, table_bytes(ring));
    if (ring->requests == nullptr) {
        return STATUS_NO_MEMORY;
    }
    ring->promised = (handle_t(*)[MESSAGE_HANDLES])(ring->requests + ring->request_count);
    ring->outcome = (uint8_t *)(ring->promised + ring->mask + 1);
    list_init(&ring->held);
    list_init(&ring->startable);
    list_init(&ring->local);
    for (uint32_t i = ring->request_count; i-- > 0;) {
        thread_init_request(&ring->requests[i].thread, ring->owner);
        ring->requests[i].ring = ring;
        ring->requests[i].number = (uint8_t)i;
        ring_free_request(ring, &ring->requests[i]);
    }
    return STATUS_OK;
}

// Where everything lies is said in the header, and kept where the program cannot change it.
static status_t make_memory(struct ring *ring) {
    const uint32_t entries = ring->mask + 1;
    const uint32_t completions_at = RING_HEADER_BYTES + entries * (uint32_t)sizeof(struct ring_entry);
    const uint32_t buffers_at = completions_at + 2 * entries * (uint32_t)sizeof(struct ring_completion);
    const uint32_t end = buffers_at + entries * (uint32_t)sizeof(struct ring_buffer);
    const uint32_t pages_at = (uint32_t)align_up(end, PAGE_BYTES);
    paddr_t frame;
    TRY(vmo_create_contiguous(ring->object.account, pages_at + ring->buffer_pages * PAGE_BYTES, &ring->memory));
    (void)vmo_peek(ring->memory, 0, &frame); // contiguous: it is there
    char *memory = phys_to_virt(frame);
    ring->header = (struct ring_header *)memory;
    ring->entries = (struct ring_entry *)(memory + RING_HEADER_BYTES);
    ring->completions = (struct ring_completion *)(memory + completions_at);
    ring->buffers = (struct ring_buffer *)(memory + buffers_at);
    ring->message_pages = memory + pages_at;
    *ring->header = (struct ring_header){
        .need_enter = 1,
        .entries = entries,
        .pages = ring->buffer_pages,
        .entries_offset = RING_HEADER_BYTES,
        .completions_offset = completions_at,
        .buffers_offset = buffers_at,
        .pages_offset = pages_at,
    };
    return STATUS_OK;
}

bool ring_destroy_step(struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    struct ring *ring = ring_of(object);
    if (ring->requests != nullptr) {
        account_free(object->account, ring->requests, table_bytes(ring));
    }
    if (ring->memory != nullptr) {
        object_put(&ring->memory->object);
    }
    if (ring->notification != nullptr) {
        object_put(&ring->notification->object);
    }
    object_put(&ring->owner->object);
    return true;
}

void ring_free_request(struct ring *ring, struct ring_request *request) {
    request->phase = REQUEST_FREE;
    request->next_free = ring->free;
    ring->free = request;
}

// ---- the end ---------------------------------------------------------------------------------------

// Ends a request, whatever it is in. False when somebody has it in hand: then again later.
static bool end_request(struct ring *ring, struct ring_request *request) {
    struct thread *thread = &request->thread;
    spin_lock(&ring->lock);
    if (request->phase == REQUEST_STARTABLE) {
        list_remove(&thread->link);
        ring->pending--;
        ring_free_request(ring, request);
    } else if (request->phase == REQUEST_UNANSWERED) {
        ring_free_request(ring, request);
    }
    const bool waits = request->phase != REQUEST_FREE;
    spin_unlock(&ring->lock);
    if (waits && (!thread_abort_wait(thread, STATUS_CANCELED) || request->phase != REQUEST_FREE)) {
        return false;
    }
    thread_disarm_deadline(thread);
    thread_drop_caller(thread);
    endpoint_forget_server(thread);
    return true;
}

static bool ended_step(struct reap_item *item) {
    object_put(&CONTAINER_OF(item, struct ring, ending)->object);
    return true;
}

static bool end_step(struct reap_item *item) {
    constexpr uint32_t AT_ONCE = 16;
    struct ring *ring = CONTAINER_OF(item, struct ring, ending);
    if (ring_take_waiter(ring, ring->owner)) {
        thread_fail_wait(ring->owner, STATUS_OBJECT_DEAD);
    }
    spin_lock(&ring->lock);
    const bool in_use = ring_has(ring, RING_BUSY) || ring->polled;
    spin_unlock(&ring->lock);
    if (in_use) {
        return false;
    }
    for (uint32_t i = 0; i < AT_ONCE && ring->end_index < ring->request_count; i++) {
        if (!end_request(ring, &ring->requests[ring->end_index])) {
            return false;
        }
        ring->end_index++;
    }
    if (ring->end_index < ring->request_count) {
        return false;
    }
    ring->ending.step = ended_step;
    reaper_defer(item); // another processor may still look at a request, as at a thread that it found
    return true;
}

void ring_end(struct ring *ring) {
    spin_lock(&ring->lock);
    const bool ended = ring_has(ring, RING_ENDED);
    ring->attention |= RING_ENDED;
    spin_unlock(&ring->lock);
    if (!ended) {
        __atomic_store_n(&ring->owner->ring, nullptr, __ATOMIC_RELEASE);
        ring->ending.step = end_step;
        reaper_add(&ring->ending);
    }
}

void ring_handle_added(struct object *object, [[maybe_unused]] rights_t rights) {
    __atomic_fetch_add(&ring_of(object)->handles, 1, __ATOMIC_RELAXED);
}

void ring_handle_removed(struct object *object, [[maybe_unused]] rights_t rights) {
    if (__atomic_fetch_sub(&ring_of(object)->handles, 1, __ATOMIC_ACQ_REL) == 1) {
        ring_end(ring_of(object));
    }
}

bool ring_take_waiter(struct ring *ring, struct thread *thread) {
    bool taken;
    spin_lock(&ring->lock);
    if ((thread->flags & THREAD_REQUEST) == 0) {
        taken = thread == ring->owner && ring->sleeping;
        ring->sleeping = ring->sleeping && !taken;
    } else {
        taken = ring_request_of(thread)->phase == REQUEST_HELD;
        if (taken) {
            list_remove(&thread->link);
            ring_request_of(thread)->phase = REQUEST_ACTIVE;
        }
    }
    if (taken) {
        thread_set_state(thread, THREAD_WAKING);
    }
    spin_unlock(&ring->lock);
    return taken;
}

// ---- methods ---------------------------------------------------------------------------------------

static status_t ring_create(struct account *account, struct thread *owner, const uint64_t words[4],
                            struct ring **out) {
    struct object *object;
    TRY(object_create(OBJECT_RING, account, &object));
    struct ring *ring = ring_of(object);
    spin_init(&ring->lock, LOCK_RING);
    ring->owner = owner;
    object_get(&owner->object);
    ring->mask = (uint32_t)words[0] - 1;
    ring->request_count = (uint32_t)words[1] + 1;
    ring->buffer_pages = (uint32_t)words[2];
    ring->attention = words[3] != 0 ? RING_POLLS : 0;
    status_t status = make_requests(ring);
    if (status_ok(status)) {
        status = make_memory(ring);
    }
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    *out = ring;
    return STATUS_OK;
}

// Maps its memory, and gives the owner the handle.
static status_t hand_out(struct ring *ring, struct vspace *vspace, uint64_t address, uint64_t words[2]) {
    const uint64_t len_bytes = vmo_len_bytes(ring->memory);
    TRY(vspace_map(vspace, ring->memory, 0, len_bytes, &address, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE));
    object_get(&ring->object);
    ring->owner->ring = ring; // before somebody else can close the handle, which ends the ring
    status_t status = handle_to_new(ring->owner->process, &ring->object, 0, &words[0]);
    if (!status_ok(status)) {
        ring->owner->ring = nullptr;
        status_t ignored = vspace_unmap(vspace, address, len_bytes);
        (void)ignored; // it was mapped a moment ago
        return status;
    }
    words[1] = address;
    return STATUS_OK;
}

static status_t create_in(struct invocation *invocation, struct vspace *vspace) {
    uint64_t *words = invocation->words;
    struct thread *owner = invocation->caller;
    struct ring *ring;
    if (words[0] == 0 || words[0] > RING_MAX_ENTRIES || (words[0] & (words[0] - 1)) != 0 || words[1] == 0 ||
        words[1] > RING_MAX_ENTRIES || words[2] > words[0] || words[3] > RING_POLLED) {
        return STATUS_BAD_ARGUMENT;
    }
    if ((owner->flags & THREAD_REQUEST) != 0) {
        return STATUS_BAD_STATE; // called through a ring: it is no thread that could own one
    }
    if (owner->ring != nullptr) {
        return STATUS_IN_USE;
    }
    TRY(ring_create(account_of(invocation->object), owner, words, &ring));
    status_t status = hand_out(ring, vspace, words[5], words);
    if (!status_ok(status)) {
        object_put(&ring->object);
    }
    return status;
}

status_t method_account_create_ring(struct invocation *invocation) {
    struct object *vspace;
    TRY(handle_hold(invocation->caller->process, invocation->words[4], OBJECT_VSPACE, RIGHT_MAP, &vspace));
    status_t status = create_in(invocation, vspace_of(vspace));
    object_put(vspace);
    return status;
}

status_t method_ring_bind(struct invocation *invocation) {
    struct ring *ring = ring_of(invocation->object);
    struct object *object = nullptr;
    if (invocation->words[0] != 0) {
        TRY(handle_hold(invocation->caller->process, invocation->words[0], OBJECT_NOTIFICATION, RIGHT_SIGNAL,
                        &object));
    }
    spin_lock(&ring->lock);
    struct notification *previous = ring->notification;
    ring->notification = object == nullptr ? nullptr : CONTAINER_OF(object, struct notification, object);
    ring->bits = invocation->words[1];
    ring->attention = (ring->attention & ~(uint32_t)RING_BOUND) | (object == nullptr ? 0 : RING_BOUND);
    spin_unlock(&ring->lock);
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    ring_defer(ring); // of what has been added before it is told now
    return STATUS_OK;
}
