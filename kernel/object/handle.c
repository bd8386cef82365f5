#include "kernel/object/handle.h"

#include "kernel/mm/slab.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "kernel/object/ring.h"
#include "kernel/object/thread.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"

// The derivation locks, each in a cache line of its own. An object's guards the tree links of all slots that
// hold it, and is taken only when handles are derived, moved, closed or revoked.
static struct {
    alignas(64) struct spinlock lock;
} derivations[64] = {[0 ... 63] = {.lock = SPINLOCK(LOCK_DERIVATION)}};

struct spinlock *derivation_lock(const struct object *object) {
    return &derivations[((uintptr_t)object >> 6 ^ (uintptr_t)object >> 12) % 64].lock;
}

constexpr size_t DIRECTORY_BYTES = PROCESS_MAX_CHUNKS * sizeof(struct handle_slot *);

static uint64_t total_handles;

uint64_t handle_total_count(void) {
    return __atomic_load_n(&total_handles, __ATOMIC_RELAXED);
}

// ---- look-up ---------------------------------------------------------------------------------------

static struct handle_slot *slot_at(const struct process *process, uint32_t index) {
    return &process->chunks[index / HANDLE_CHUNK_SLOTS][index % HANDLE_CHUNK_SLOTS];
}

status_t handle_look_up(const struct process *process, uint64_t handle, struct capability *out) {
    struct handle_slot *slot = process_slot(process, handle);
    if (slot == nullptr) {
        return STATUS_BAD_HANDLE;
    }
    *out = (struct capability){slot, slot->object, slot->badge, slot->interface_id, (uint32_t)handle, slot->type_rights};
    return slot_holds(slot, handle) ? STATUS_OK : STATUS_BAD_HANDLE;
}

void handle_clear(struct handle_slot *slot, uint64_t handle, uint32_t uses) {
    struct process *process = handle_slot_process(slot);
    spin_lock(&process->lock);
    slot->type_rights &= ~(slot->handle == handle ? uses : 0); // of a free slot the word is something else
    spin_unlock(&process->lock);
}

status_t handle_read(const struct process *process, uint64_t handle, struct capability *out) {
    TRY(handle_look_up(process, handle, out));
    handle_note(out, SLOT_NEVER_USED);
    return STATUS_OK;
}

status_t handle_read_at(const struct process *process, uint32_t index, struct capability *out) {
    return handle_look_up(process, index < process->slot_limit ? slot_at(process, index)->handle : 0, out);
}

status_t handle_read_as(const struct process *process, uint64_t handle, enum object_type type, rights_t need,
                        struct capability *out) {
    TRY(handle_read(process, handle, out));
    if (capability_type(out) != type) {
        return STATUS_WRONG_TYPE;
    }
    return rights_cover(out->type_rights, need.v) ? STATUS_OK : STATUS_NO_RIGHT;
}

status_t handle_object(const struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct object **out) {
    struct capability capability;
    TRY(handle_read_as(process, handle, type, need, &capability));
    *out = capability.object;
    return STATUS_OK;
}

struct process *handle_slot_process(const struct handle_slot *slot) {
    const struct handle_chunk *chunk = (const void *)((uintptr_t)slot & ~(uintptr_t)(PAGE_BYTES - 1));
    return chunk->process;
}

// ---- free slots ------------------------------------------------------------------------------------

static void free_list_append(struct process *process, struct handle_slot *slot) REQUIRES(process->lock) {
    slot->next_free = nullptr;
    *(process->free_first == nullptr ? &process->free_first : &process->free_last->next_free) = slot;
    process->free_last = slot;
}

// Room for more chunk pointers: from the first few in struct process to a full directory.
static status_t grow_directory(struct process *process) REQUIRES(process->lock) {
    struct handle_slot **directory = account_alloc(process->object.account, DIRECTORY_BYTES);
    if (directory == nullptr) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < PROCESS_FIRST_CHUNKS; i++) {
        directory[i] = process->first_chunks[i];
    }
    // The old one stays valid inside struct process, for look-ups that read it already.
    __atomic_store_n(&process->chunks, directory, __ATOMIC_RELEASE);
    return STATUS_OK;
}

// Out of line, so that taking a slot that is there saves no register for it.
[[gnu::noinline]] static status_t add_chunk(struct process *process) REQUIRES(process->lock) {
    uint32_t number = process->slot_limit / HANDLE_CHUNK_SLOTS;
    if (number == PROCESS_MAX_CHUNKS) {
        return STATUS_NO_HANDLES;
    }
    if (number == PROCESS_FIRST_CHUNKS && process->chunks == process->first_chunks) {
        TRY(grow_directory(process));
    }
    struct handle_slot *chunk = account_alloc(process->object.account, PAGE_BYTES);
    if (chunk == nullptr) {
        return STATUS_NO_MEMORY;
    }
    if (virt_to_phys(chunk).v >= SLOT_REACH_BYTES) {
        account_free(process->object.account, chunk, PAGE_BYTES);
        return STATUS_NO_MEMORY;
    }
    *(struct handle_chunk *)chunk = (struct handle_chunk){.handle = HANDLE_CHUNK_MARK, .process = process};
    process->chunks[number] = chunk;
    process->fresh = &chunk[1];
    process->fresh->next_handle = handle_make(1, process->slot_limit + 1);
    free_list_append(process, process->fresh);
    __atomic_store_n(&process->slot_limit, process->slot_limit + HANDLE_CHUNK_SLOTS, __ATOMIC_RELEASE);
    return STATUS_OK;
}

// Puts the slot behind one that never had a handle into the free list behind it; at the end of the chunk there is none.
static void extend_free_list(struct process *process, struct handle_slot *slot) REQUIRES(process->lock) {
    struct handle_slot *next = slot + 1;
    process->fresh = (uintptr_t)next % PAGE_BYTES == 0 ? nullptr : next;
    if (process->fresh != nullptr) {
        next->next_handle = slot->next_handle + 1;
        next->next_free = slot->next_free;
        slot->next_free = next;
        process->free_last = process->free_last == slot ? next : process->free_last;
    }
}

// Takes the slot that has been free for longest.
static status_t take_free_slot(struct process *process, struct handle_slot **out)
    REQUIRES(process->lock) {
    if (process->state >= PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    if (process->free_first == nullptr) {
        TRY(add_chunk(process));
    }
    if (!account_count(process->object.account, LIMIT_HANDLES)) {
        return STATUS_NO_HANDLES;
    }
    *out = process->free_first;
    if (*out == process->fresh) {
        extend_free_list(process, *out);
    }
    process->free_first = (*out)->next_free;
    process->handles_made++;
    return STATUS_OK;
}

// ---- filling and emptying --------------------------------------------------------------------------

static void slot_empty(struct process *process, struct handle_slot *slot) REQUIRES(process->lock) {
    uint32_t handle = slot->handle;
    __atomic_store_n(&slot->handle, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    slot->next_handle = handle_make(handle_next_generation(handle_generation(handle)), handle_index(handle));
    free_list_append(process, slot);
    process->handles_gone++;
    account_discount(process->object.account, LIMIT_HANDLES);
    __atomic_fetch_sub(&total_handles, 1, __ATOMIC_RELAXED);
}

// Fills a free slot, whose word will be this: the handle value comes last, and makes it visible. Whoever derives it from
// another holds the derivation lock until it has its place in the tree, too. `more`: the object has one handle more with
// these rights.
[[gnu::always_inline]] static inline status_t fill(struct process *process, struct object *object, uint32_t word,
                                                    bool more, uint64_t badge, uint64_t interface_id, uint64_t granter,
                                                    struct handle_slot **slot_out, uint64_t *out) {
    if (account_dooms(object)) {
        return STATUS_BAD_HANDLE;
    }
    spin_lock(&process->lock);
    struct handle_slot *slot;
    status_t status = take_free_slot(process, &slot);
    if (status_ok(status)) {
        const uint32_t handle = slot->next_handle;
        const struct object_class *class = object_class((enum object_type)slot_word_type(word));
        if (more && class->handle_added != nullptr) {
            class->handle_added(object, (rights_t){slot_word_rights(word)}); // before anyone can close it
        }
        slot->type_rights = word;
        slot->object = object;
        slot->badge = badge;
        slot->interface_id = interface_id;
        slot->granted_at = arch_cycles();
        slot->granter = granter;
        __atomic_store_n(&slot->handle, handle, __ATOMIC_RELEASE);
        __atomic_fetch_add(&total_handles, 1, __ATOMIC_RELAXED);
        *slot_out = slot;
        *out = handle;
    }
    spin_unlock(&process->lock);
    return status;
}

status_t handle_insert(struct process *process, struct object *object, rights_t rights, uint64_t badge,
                       uint64_t interface_id, enum handle_origin origin, uint64_t *out) {
    struct handle_slot *slot;
    return fill(process, object, slot_word(object->type, origin, rights.v), true, badge, interface_id, 0, &slot, out);
}

status_t handle_to_new(struct process *process, struct object *object, uint64_t interface_id, uint64_t *out) {
    const rights_t rights = {object_class(object->type)->rights & ~(uint32_t)object->withheld};
    status_t status = handle_insert(process, object, rights, 0, interface_id, ORIGIN_CREATED, out);
    if (!status_ok(status)) {
        object_put(object);
    }
    return status;
}

static uint64_t granter_word(const struct process *granter, uint64_t grant) {
    return granter->object.koid.v * GRANT_METHODS + grant / SLOT_ORIGIN_END % GRANT_METHODS;
}

status_t handle_duplicate(const struct capability *from, struct process *to, rights_t rights, uint64_t badge,
                          uint64_t interface_id, uint64_t grant, uint64_t *out) {
    struct object *object = from->object;
    struct spinlock *lock = derivation_lock(object);
    status_t status = STATUS_BAD_HANDLE;
    spin_lock(lock);
    if (from->slot->handle == from->handle) {
        const struct process *granter = handle_slot_process(from->slot);
        const uint32_t word = slot_word(capability_type(from), grant_origin(grant), rights.v);
        struct handle_slot *slot;
        status = fill(to, object, word, true, badge, interface_id, granter_word(granter, grant), &slot, out);
        if (status_ok(status)) {
            handle_note(from, SLOT_NEVER); // what becomes of the other is not looked after
            derivation_add(from->slot, slot);
            object_get(object); // it cannot be gone before: `from` holds it
            if (grant != ORIGIN_COPIED && trace_on(TRACE_HANDLE)) {
                trace_handle(object, &granter->object, &to->object);
            }
        }
    }
    spin_unlock(lock);
    return status;
}

// Empties a slot that is in the tree no more, and gives the lock back. The slot's reference is the caller's
// now. `less`: the object has one handle less with its rights.
static inline void finish_removal(struct process *process, struct handle_slot *slot, bool less, struct spinlock *lock)
    RELEASE(lock) {
    struct object *object = slot->object;
    const rights_t rights = slot_rights(slot);
    spin_lock(&process->lock);
    slot_empty(process, slot);
    spin_unlock(&process->lock);
    spin_unlock(lock);
    const struct object_class *class = object_class(object->type);
    if (less && class->handle_removed != nullptr) {
        class->handle_removed(object, rights);
    }
}

status_t handle_move(const struct capability *from, struct process *to, rights_t rights, uint64_t grant,
                     uint64_t *out) {
    struct handle_slot *slot = from->slot, *heir;
    struct spinlock *lock = derivation_lock(from->object);
    const bool weaker = rights.v != capability_rights(from).v;
    status_t status = STATUS_BAD_HANDLE;
    spin_lock(lock);
    struct process *process = handle_slot_process(slot);
    if (slot->handle == from->handle) {
        const uint32_t word = slot_word(capability_type(from), grant_origin(grant), rights.v);
        status = fill(to, from->object, word, weaker, from->badge, from->interface_id, granter_word(process, grant), &heir,
                      out);
    }
    if (!status_ok(status)) {
        spin_unlock(lock);
        return status;
    }
    derivation_replace(slot, heir);
    TRACE(TRACE_HANDLE, trace_handle(from->object, &process->object, &to->object));
    finish_removal(process, slot, weaker, lock); // its reference is the heir's
    return STATUS_OK;
}

// Empties the slot if it still holds this handle.
static bool remove(struct process *process, struct handle_slot *slot, uint32_t handle) {
    struct object *object = slot->object;
    struct spinlock *lock = derivation_lock(object);
    spin_lock(lock);
    if (slot->handle != handle || slot->object != object) {
        spin_unlock(lock);
        return false;
    }
    [[clang::always_inline]] derivation_remove(slot);
    [[clang::always_inline]] finish_removal(process, slot, true, lock);
    object_put(object);
    return true;
}

status_t handle_close(struct process *process, uint64_t handle) {
    struct handle_slot *slot = process_slot(process, handle);
    return slot != nullptr && remove(process, slot, (uint32_t)handle) ? STATUS_OK : STATUS_BAD_HANDLE;
}

void handle_retire(const struct capability *from, struct process *to, uint64_t heir) {
    struct handle_slot *slot = from->slot, *heir_slot = process_slot(to, heir);
    struct spinlock *lock = derivation_lock(from->object);
    spin_lock(lock);
    if (slot->handle != from->handle) {
        spin_unlock(lock);
        return;
    }
    if (heir_slot != nullptr && heir_slot->handle == heir) {
        derivation_remove(heir_slot); // what was made from it comes back with the others
        derivation_replace(slot, heir_slot);
    } else {
        derivation_remove(slot);
    }
    finish_removal(handle_slot_process(slot), slot, true, lock);
    object_put(from->object);
}

// ---- revoking --------------------------------------------------------------------------------------

// Whether any thread waits on the object. Its lock is what whoever queued before now has released; whoever queues
// after it finds the slot empty when it looks again.
static bool anyone_waits(struct object *object) {
    bool waits = false;
    if (object->type == OBJECT_ENDPOINT) {
        struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
        spin_lock(&endpoint->lock);
        waits = endpoint->receivers != nullptr || !list_empty(&endpoint->senders);
        spin_unlock(&endpoint->lock);
    } else if (object->type == OBJECT_NOTIFICATION) {
        struct notification *notification = CONTAINER_OF(object, struct notification, object);
        spin_lock(&notification->lock);
        waits = !list_empty(&notification->waiters);
        spin_unlock(&notification->lock);
    }
    return waits;
}

// What a thread must wait for so that a handle with these rights is what it waits through.
static bool waits_through(const struct thread *thread, const struct object *object, rights_t rights) {
    if (thread->waiting_on != object || (thread->flags & THREAD_FAULTED) != 0) {
        return false;
    }
    switch ((enum thread_state)thread->state) {
    case THREAD_SENDING: return (rights.v & RIGHT_SEND_BIT) != 0;
    case THREAD_RECEIVING: return (rights.v & RIGHT_RECEIVE_BIT) != 0;
    case THREAD_WAITING: return (rights.v & RIGHT_WAIT_BIT) != 0;
    default: return false;
    }
}

// Ends the waits of the process's threads on an object that it lost a handle to. Which handle a thread waits
// through is not written down: one that has another simply waits again. Returns how many threads it has.
static uint32_t wake_waiters(struct process *process, const struct object *object, rights_t rights) {
    constexpr uint32_t AT_ONCE = 16;
    struct thread *found[AT_ONCE];
    uint32_t count, threads;
    do {
        count = 0;
        spin_lock(&process->lock);
        threads = process->thread_count;
        LIST_FOR_EACH(node, &process->threads) {
            struct thread *thread = LIST_ENTRY(node, struct thread, process_link);
            if (count < AT_ONCE && waits_through(thread, object, rights)) {
                object_get(&thread->object);
                found[count++] = thread;
            }
            const struct ring *ring = thread->ring;
            threads += ring == nullptr ? 0 : ring->request_count;
            for (uint32_t i = 0; ring != nullptr && i < ring->request_count && count < AT_ONCE; i++) {
                if (waits_through(&ring->requests[i].thread, object, rights)) {
                    object_get(&ring->requests[i].thread.object);
                    found[count++] = &ring->requests[i].thread;
                }
            }
        }
        spin_unlock(&process->lock);
        for (uint32_t i = 0; i < count; i++) {
            thread_abort_wait(found[i], STATUS_REVOKED);
            object_put(&found[i]->object);
        }
    } while (count == AT_ONCE);
    return threads;
}

bool handle_revoke_some(const struct capability *from, bool itself, uint32_t limit) {
    constexpr uint32_t THREADS_PER_HANDLE = 8; // what is as much work as one handle
    struct object *object = from->object;
    struct spinlock *lock = derivation_lock(object);
    uint32_t removed = 0; // whose references are given up together, once
    bool done = false;
    while (limit > 0 && !done) {
        spin_lock(lock);
        struct handle_slot *child = slot_from_ref(from->slot->first_child);
        done = child == nullptr;
        child = done && itself ? from->slot : child;
        if (from->slot->handle != from->handle || child == nullptr) {
            spin_unlock(lock);
            done = true;
            break;
        }
        struct process *process = handle_slot_process(child);
        const rights_t rights = slot_rights(child);
        [[clang::always_inline]] derivation_remove(child);
        [[clang::always_inline]] finish_removal(process, child, true, lock);
        removed++;
        limit--;
        if (anyone_waits(object)) {
            const uint32_t cost = wake_waiters(process, object, rights) / THREADS_PER_HANDLE;
            limit -= cost < limit ? cost : limit;
        }
    }
    object_put_some(object, removed);
    return done;
}

void handle_take_away(const struct capability *handle) {
    struct process *process = handle_slot_process(handle->slot);
    if (!object_try_get(handle->object)) { // until nobody waits on it
        return;
    }
    if (remove(process, handle->slot, handle->handle) && anyone_waits(handle->object)) {
        wake_waiters(process, handle->object, capability_rights(handle));
    }
    object_put(handle->object);
}

// ---- looking at handles ----------------------------------------------------------------------------

// False when the handle is gone by now.
static bool describe(const struct capability *of, uint32_t *steps, struct inspect_handle *out) {
    struct spinlock *lock = derivation_lock(of->object);
    spin_lock(lock);
    const bool there = of->slot->handle == of->handle;
    if (there) {
        const struct handle_slot *slot = of->slot, *parent = derivation_parent(slot, steps);
        *out = (struct inspect_handle){
            .handle = of->handle,
            .type = slot_type(slot),
            .rights = slot_rights(slot).v,
            .parent_handle = parent != nullptr ? parent->handle
                             : *steps == 0     ? INSPECT_PARENT_FAR
                                               : 0,
            .badge = slot->badge,
            .interface_id = slot->interface_id,
            .object_koid = slot->object->koid.v,
            .parent_process_koid = parent == nullptr ? 0 : handle_slot_process(parent)->object.koid.v,
            .granted_ns = clock_at(slot->granted_at).v,
            .granter_koid = slot->granter / GRANT_METHODS,
            .origin = slot_origin(slot),
            .use = ~slot->type_rights / SLOT_NEVER_USED % 4,
            .method = slot->granter % GRANT_METHODS,
        };
    }
    spin_unlock(lock);
    return there;
}

bool handle_describe(const struct process *process, uint64_t *index, uint32_t *steps,
                     struct inspect_handle *out) {
    while (*index < process->slot_limit && *steps > 0) {
        struct capability capability;
        --*steps;
        if (status_ok(handle_read_at(process, (uint32_t)(*index)++, &capability)) &&
            describe(&capability, steps, out)) {
            return true;
        }
    }
    return false;
}

// ---- the end of a table ----------------------------------------------------------------------------

bool handle_close_some(struct process *process, uint32_t *index, uint32_t limit) {
    constexpr uint32_t SLOTS_PER_STEP = 1024;
    const uint64_t *gone = &process->handles_gone; // none comes any more
    for (uint32_t seen = 0; *index < process->slot_limit && __atomic_load_n(gone, __ATOMIC_RELAXED) != process->handles_made; seen++) {
        if (seen == SLOTS_PER_STEP) {
            return false;
        }
        struct handle_slot *slot = slot_at(process, *index);
        const uint32_t handle = __atomic_load_n(&slot->handle, __ATOMIC_ACQUIRE);
        if (handle != 0 && *index % HANDLE_CHUNK_SLOTS != 0) {
            if (limit == 0) {
                return false;
            }
            limit -= remove(process, slot, handle);
        }
        ++*index;
    }
    return true;
}

static bool free_chunk(struct reap_item *item) {
    struct handle_chunk *chunk = CONTAINER_OF(item, struct handle_chunk, freed);
    if (chunk->directory != nullptr) {
        kfree(chunk->directory, DIRECTORY_BYTES);
    }
    kfree(chunk, PAGE_BYTES);
    return true;
}

// No lock: a process that has ended takes no handle any more. Those that take other processes' handles away may just
// be looking at the table.
void handle_table_free(struct process *process) NO_THREAD_SAFETY_ANALYSIS {
    struct account *account = process->object.account;
    process->free_first = nullptr;
    struct handle_slot **chunks = process->chunks;
    uint32_t left = process->slot_limit / HANDLE_CHUNK_SLOTS;
    __atomic_store_n(&process->slot_limit, 0, __ATOMIC_RELEASE);
    while (left-- > 0) {
        struct handle_chunk *chunk = (void *)chunks[left];
        if (left == 0 && chunks != process->first_chunks) {
            chunk->directory = chunks;
            account_uncharge(account, kalloc_charge(DIRECTORY_BYTES));
        }
        account_uncharge(account, kalloc_charge(PAGE_BYTES));
        chunk->freed.step = free_chunk;
        reaper_defer(&chunk->freed);
    }
}
