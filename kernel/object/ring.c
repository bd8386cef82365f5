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
static SLAB_CACHE(request_cache, struct ring_request);

// ---- create ----------------------------------------------------------------------------------------

struct ring_shape {
    uint32_t entries, in_flight, pages;
};

static uint64_t table_bytes(const struct ring *ring) {
    return ring->page_count * sizeof(char *) + ring->request_count * sizeof(struct ring_request *) +
           (ring->mask + 1) * (sizeof(ring->promised[0]) + sizeof(ring->outcome[0]));
}

// Where everything lies, and how much of it there is.
static void lay_out(struct ring *ring, const struct ring_shape *shape) {
    ring->mask = shape->entries - 1;
    ring->request_count = shape->in_flight;
    ring->buffer_pages = shape->pages;
    ring->entries_at = RING_HEADER_BYTES;
    ring->completions_at = ring->entries_at + shape->entries * (uint32_t)sizeof(struct ring_entry);
    ring->buffers_at = ring->completions_at + 2 * shape->entries * (uint32_t)sizeof(struct ring_completion);
    ring->pages_at =
        (uint32_t)align_up(ring->buffers_at + shape->entries * sizeof(struct ring_buffer), PAGE_BYTES);
    ring->page_count = ring->pages_at / PAGE_BYTES + shape->pages;
}

static status_t make_tables(struct ring *ring) {
    struct account *account = ring->object.account;
    const uint64_t bytes = table_bytes(ring);
    TRY(account_charge(account, kalloc_charge(bytes)));
    char *table = kalloc(bytes);
    if (table == nullptr) {
        account_uncharge(account, kalloc_charge(bytes));
        return STATUS_NO_MEMORY;
    }
    ring->pages = (char **)table;
    ring->requests = (struct ring_request **)(ring->pages + ring->page_count);
    ring->promised = (handle_t(*)[MESSAGE_HANDLES])(ring->requests + ring->request_count);
    ring->outcome = (uint8_t *)(ring->promised + ring->mask + 1);
    return STATUS_OK;
}

static status_t make_memory(struct ring *ring) {
    TRY(vmo_create(ring->object.account, ring->page_count * PAGE_BYTES, &ring->memory));
    for (uint32_t i = 0; i < ring->page_count; i++) {
        paddr_t frame;
        TRY(vmo_commit(ring->memory, i, &frame, nullptr));
        ring->pages[i] = phys_to_virt(frame);
    }
    *ring_header(ring) = (struct ring_header){
        .need_enter = 1,
        .entries = ring->mask + 1,
        .pages = ring->buffer_pages,
        .entries_offset = ring->entries_at,
        .completions_offset = ring->completions_at,
        .buffers_offset = ring->buffers_at,
        .pages_offset = ring->pages_at,
    };
    return STATUS_OK;
}

// No lock: nobody else knows of it yet.
static status_t make_requests(struct ring *ring) NO_THREAD_SAFETY_ANALYSIS {
    struct account *account = ring->object.account;
    for (uint32_t i = 0; i < ring->request_count; i++) {
        TRY(account_charge(account, slab_charge(&request_cache)));
        struct ring_request *request = slab_alloc(&request_cache);
        if (request == nullptr) {
            account_uncharge(account, slab_charge(&request_cache));
            return STATUS_NO_MEMORY;
        }
        thread_init_request(&request->thread, ring->owner);
        request->ring = ring;
        request->number = (uint16_t)i;
        ring->requests[i] = request;
        ring_free_request(ring, request);
    }
    return STATUS_OK;
}

static status_t ring_create(struct account *account, struct thread *owner, const struct ring_shape *shape,
                            struct ring **out) NO_THREAD_SAFETY_ANALYSIS {
    struct object *object;
    TRY(object_create(OBJECT_RING, account, &object));
    struct ring *ring = ring_of(object);
    spin_init(&ring->lock, LOCK_RING);
    lay_out(ring, shape);
    list_init(&ring->held);
    list_init(&ring->startable);
    list_init(&ring->local);
    ring->owner = owner;
    object_get(&owner->object);
    status_t status = make_tables(ring);
    if (status_ok(status)) {
        status = make_memory(ring);
    }
    if (status_ok(status)) {
        status = make_requests(ring);
    }
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    *out = ring;
    return STATUS_OK;
}

static void free_requests(struct ring *ring) {
    for (uint32_t i = 0; i < ring->request_count && ring->requests[i] != nullptr; i++) {
        slab_free(&request_cache, ring->requests[i]);
        account_uncharge(ring->object.account, slab_charge(&request_cache));
        ring->requests[i] = nullptr;
    }
}

bool ring_destroy_step(struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    struct ring *ring = ring_of(object);
    struct account *account = object->account;
    if (ring->pages != nullptr) {
        free_requests(ring); // those of a ring that was never finished
        const uint64_t bytes = table_bytes(ring);
        kfree(ring->pages, bytes);
        account_uncharge(account, kalloc_charge(bytes));
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

static bool ring_is_busy(struct ring *ring) {
    spin_lock(&ring->lock);
    const bool busy = ring->busy;
    spin_unlock(&ring->lock);
    return busy;
}

// Ends a request, whatever it is in. False when somebody has it in hand: then again later.
static bool end_request(struct ring *ring, struct ring_request *request) {
    struct thread *thread = &request->thread;
    spin_lock(&ring->lock);
    if (request->phase == REQUEST_STARTABLE || request->phase == REQUEST_LOCAL) {
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
    struct ring *ring = CONTAINER_OF(item, struct ring, ending);
    free_requests(ring);
    object_put(&ring->object);
    return true;
}

static bool end_step(struct reap_item *item) {
    constexpr uint32_t AT_ONCE = 16;
    struct ring *ring = CONTAINER_OF(item, struct ring, ending);
    if (ring_take_waiter(ring, ring->owner)) {
        thread_fail_wait(ring->owner, STATUS_OBJECT_DEAD);
    }
    if (ring_is_busy(ring)) {
        return false;
    }
    for (uint32_t i = 0; i < AT_ONCE && ring->end_index < ring->request_count; i++) {
        if (!end_request(ring, ring->requests[ring->end_index])) {
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
    if (!__atomic_exchange_n(&ring->ended, true, __ATOMIC_ACQ_REL)) {
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

static status_t create_in(struct invocation *invocation, struct vspace *vspace) {
    constexpr uint32_t RIGHTS = RIGHT_COPY_BIT | RIGHT_SEND_BIT | RIGHT_MANAGE_BIT;
    const uint64_t *words = invocation->words;
    struct thread *owner = invocation->caller;
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
    const struct ring_shape shape = {(uint32_t)words[0], (uint32_t)words[1], (uint32_t)words[2]};
    struct ring *ring;
    TRY(ring_create(account_of(invocation->object), owner, &shape, &ring));
    ring->polls = words[3] != 0;
    const uint64_t len_bytes = ring->page_count * PAGE_BYTES;
    uint64_t address = words[5];
    status_t status = vspace_map(vspace, ring->memory, 0, len_bytes, &address, PROT_READ | PROT_WRITE,
                                 PROT_READ | PROT_WRITE);
    handle_t handle;
    if (status_ok(status)) {
        object_get(&ring->object);
        owner->ring = ring; // before somebody else can close the handle, which ends the ring
        status = handle_insert(owner->process, &ring->object, (rights_t){RIGHTS}, 0, 0, nullptr, ORIGIN_CREATED,
                               &handle);
        if (!status_ok(status)) {
            owner->ring = nullptr;
            object_put(&ring->object);
            status_t ignored = vspace_unmap(vspace, address, len_bytes);
            (void)ignored; // it was mapped a moment ago
        }
    }
    if (!status_ok(status)) {
        object_put(&ring->object);
        return status;
    }
    invocation->words[0] = handle.v;
    invocation->words[1] = address;
    return STATUS_OK;
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
    spin_unlock(&ring->lock);
    if (previous != nullptr) {
        object_put(&previous->object);
    }
    ring_defer(ring); // of what has been added before it is told now
    return STATUS_OK;
}
