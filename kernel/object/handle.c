#include "kernel/object/handle.h"

#include "kernel/mm/slab.h"
#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/plat/clock.h"

// Guards the tree links of all slots. Taken only when handles are made, moved or closed.
static struct spinlock derivation_lock;

static uint64_t total_handles;

uint64_t handle_total_count(void) {
    return __atomic_load_n(&total_handles, __ATOMIC_RELAXED);
}

// ---- look-up ---------------------------------------------------------------------------------------

status_t handle_lookup_any(struct process *process, uint64_t handle, struct handle_slot **out) {
    struct handle_slot *slot = process_slot(process, handle);
    if (slot == nullptr) {
        return STATUS_BAD_HANDLE;
    }
    *out = slot;
    return STATUS_OK;
}

status_t handle_lookup(struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct handle_slot **out) {
    struct handle_slot *slot = process_slot(process, handle);
    if (slot == nullptr) {
        return STATUS_BAD_HANDLE;
    }
    if (slot_type(slot) != type) {
        return STATUS_WRONG_TYPE;
    }
    if ((slot->type_rights & need.v) != need.v) {
        return STATUS_NO_RIGHT;
    }
    *out = slot;
    return STATUS_OK;
}

status_t handle_object(struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct object **out) {
    struct handle_slot *slot;
    TRY(handle_lookup(process, handle, type, need, &slot));
    *out = slot->object;
    return STATUS_OK;
}

struct process *handle_slot_process(const struct handle_slot *slot) {
    const struct handle_chunk *chunk = (const void *)((uintptr_t)slot & ~(uintptr_t)(PAGE_BYTES - 1));
    return chunk->process;
}

// ---- free slots ------------------------------------------------------------------------------------

static struct handle_slot *slot_at(struct process *process, uint32_t index) {
    return &process->chunks[index / HANDLE_CHUNK_SLOTS][index % HANDLE_CHUNK_SLOTS];
}

// A free slot keeps the generation of its last use in type_rights.
static void free_list_append(struct process *process, uint32_t index) REQUIRES(process->lock) {
    slot_at(process, index)->next_free = HANDLE_NONE;
    if (process->free_last == HANDLE_NONE) {
        process->free_first = index;
    } else {
        slot_at(process, process->free_last)->next_free = index;
    }
    process->free_last = index;
}

// Room for more chunk pointers: from the first few in struct process to a full directory.
static status_t grow_directory(struct process *process) REQUIRES(process->lock) {
    const size_t bytes = PROCESS_MAX_CHUNKS * sizeof(struct handle_slot *);
    TRY(account_charge(process->object.account, kalloc_charge(bytes)));
    struct handle_slot **directory = kalloc(bytes);
    if (directory == nullptr) {
        account_uncharge(process->object.account, kalloc_charge(bytes));
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < PROCESS_FIRST_CHUNKS; i++) {
        directory[i] = process->first_chunks[i];
    }
    // The old one stays valid inside struct process, for look-ups that read it already.
    process->chunks = directory;
    return STATUS_OK;
}

static status_t add_chunk(struct process *process) REQUIRES(process->lock) {
    uint32_t number = process->slot_limit / HANDLE_CHUNK_SLOTS;
    if (number == PROCESS_MAX_CHUNKS) {
        return STATUS_NO_HANDLES;
    }
    if (number == PROCESS_FIRST_CHUNKS && process->chunks == process->first_chunks) {
        TRY(grow_directory(process));
    }
    TRY(account_charge(process->object.account, kalloc_charge(PAGE_BYTES)));
    struct handle_slot *chunk = kalloc(PAGE_BYTES);
    if (chunk == nullptr) {
        account_uncharge(process->object.account, kalloc_charge(PAGE_BYTES));
        return STATUS_NO_MEMORY;
    }
    *(struct handle_chunk *)chunk = (struct handle_chunk){HANDLE_CHUNK_MARK, 0, process};
    process->chunks[number] = chunk;
    uint32_t base = number * HANDLE_CHUNK_SLOTS;
    process->slot_limit = base + HANDLE_CHUNK_SLOTS;
    for (uint32_t i = 1; i < HANDLE_CHUNK_SLOTS; i++) {
        free_list_append(process, base + i);
    }
    return STATUS_OK;
}

// Takes the slot that has been free for longest.
static status_t take_free_slot(struct process *process, uint32_t *out) REQUIRES(process->lock) {
    if (process->state >= PROCESS_ENDED) {
        return STATUS_BAD_STATE;
    }
    if (process->free_first == HANDLE_NONE) {
        TRY(add_chunk(process));
    }
    uint32_t index = process->free_first;
    struct handle_slot *slot = slot_at(process, index);
    process->free_first = slot->next_free;
    if (process->free_first == HANDLE_NONE) {
        process->free_last = HANDLE_NONE;
    }
    process->handle_count++;
    *out = index;
    return STATUS_OK;
}

// The next handle value of a slot: generations run from 1 to 65535 and over again.
static uint32_t next_handle(const struct handle_slot *slot, uint32_t index) {
    uint32_t generation = (slot->type_rights + 1) & 0xffff;
    if (generation == 0) {
        generation = 1;
    }
    return generation << HANDLE_INDEX_BITS | index;
}

// ---- derivation tree -------------------------------------------------------------------------------

static slot_ref_t ref_of(const struct handle_slot *slot) {
    return (slot_ref_t){slot == nullptr ? 0 : (uint32_t)(virt_to_phys(slot).v / sizeof(struct handle_slot))};
}

static void tree_link(struct handle_slot *slot, struct handle_slot *parent) REQUIRES(derivation_lock) {
    slot->parent = ref_of(parent);
    slot->prev_sibling = (slot_ref_t){};
    slot->next_sibling = (slot_ref_t){};
    if (parent != nullptr) {
        slot->next_sibling = parent->first_child;
        struct handle_slot *next = slot_from_ref(slot->next_sibling);
        if (next != nullptr) {
            next->prev_sibling = ref_of(slot);
        }
        parent->first_child = ref_of(slot);
    }
}

// Makes the neighbours of `slot` point at `left`/`right` as if it were not there.
static void tree_unlink(struct handle_slot *slot) REQUIRES(derivation_lock) {
    struct handle_slot *next = slot_from_ref(slot->next_sibling);
    struct handle_slot *prev = slot_from_ref(slot->prev_sibling);
    struct handle_slot *parent = slot_from_ref(slot->parent);
    if (prev != nullptr) {
        prev->next_sibling = slot->next_sibling;
    } else if (parent != nullptr) {
        parent->first_child = slot->next_sibling;
    }
    if (next != nullptr) {
        next->prev_sibling = slot->prev_sibling;
    }
}

// Removes a slot from the tree. Its children are given to `heir`, one of them, or to its parent. Returns how
// many.
static uint32_t tree_remove(struct handle_slot *slot, struct handle_slot *heir) REQUIRES(derivation_lock) {
    struct handle_slot *parent = slot_from_ref(slot->parent);
    tree_unlink(slot);
    if (heir != nullptr) {
        tree_unlink(heir);
        tree_link(heir, parent);
        parent = heir;
    }
    struct handle_slot *child = slot_from_ref(slot->first_child);
    uint32_t children = 0;
    for (; child != nullptr; children++) {
        struct handle_slot *next = slot_from_ref(child->next_sibling);
        tree_link(child, parent);
        child = next;
    }
    return children;
}

// ---- filling and emptying --------------------------------------------------------------------------

// Writes a slot that is in use from now on. The handle value comes last: it makes the slot visible.
static void slot_fill(struct handle_slot *slot, uint32_t handle, struct object *object, rights_t rights,
                      uint64_t badge, uint64_t interface_id, enum handle_origin origin) {
    slot->type_rights = (uint32_t)object->type << 24 | (uint32_t)origin << 20 | rights.v;
    slot->object = object;
    slot->badge = badge;
    slot->interface_id = interface_id;
    slot->granted_ns = clock_now().v;
    __atomic_store_n(&slot->handle, handle, __ATOMIC_RELEASE);
    __atomic_fetch_add(&total_handles, 1, __ATOMIC_RELAXED);
}

static void slot_empty(struct process *process, struct handle_slot *slot) REQUIRES(process->lock) {
    uint32_t handle = slot->handle;
    __atomic_store_n(&slot->handle, 0, __ATOMIC_RELEASE);
    slot->type_rights = handle >> HANDLE_INDEX_BITS;
    slot->parent = slot->first_child = slot->next_sibling = slot->prev_sibling = (slot_ref_t){};
    free_list_append(process, handle & ((1u << HANDLE_INDEX_BITS) - 1));
    process->handle_count--;
    __atomic_fetch_sub(&total_handles, 1, __ATOMIC_RELAXED);
}

status_t handle_insert(struct process *process, struct object *object, rights_t rights, uint64_t badge,
                       uint64_t interface_id, struct handle_slot *parent, enum handle_origin origin,
                       handle_t *out) {
    spin_lock(&derivation_lock);
    spin_lock(&process->lock);
    uint32_t index;
    status_t status = take_free_slot(process, &index);
    if (status_ok(status)) {
        struct handle_slot *slot = slot_at(process, index);
        uint32_t handle = next_handle(slot, index);
        slot->first_child = (slot_ref_t){};
        tree_link(slot, parent);
        slot_fill(slot, handle, object, rights, badge, interface_id, origin);
        *out = (handle_t){handle};
    }
    spin_unlock(&process->lock);
    spin_unlock(&derivation_lock);
    const struct object_class *class = object_class(object->type);
    if (status_ok(status) && class->handle_added != nullptr) {
        class->handle_added(object, rights);
    }
    return status;
}

status_t handle_duplicate(struct handle_slot *slot, struct process *to, rights_t rights, uint64_t badge,
                          uint64_t interface_id, enum handle_origin origin, handle_t *out) {
    struct object *object = slot->object;
    object_get(object);
    status_t status = handle_insert(to, object, rights, badge, interface_id, slot, origin, out);
    if (!status_ok(status)) {
        object_put(object);
    }
    return status;
}

// Returns how many children it had, which is the work it took.
static uint32_t remove(struct process *process, struct handle_slot *slot, struct handle_slot *heir) {
    struct object *object = slot->object;
    rights_t rights = slot_rights(slot);
    spin_lock(&derivation_lock);
    spin_lock(&process->lock);
    const uint32_t children = tree_remove(slot, heir);
    slot_empty(process, slot);
    spin_unlock(&process->lock);
    spin_unlock(&derivation_lock);
    const struct object_class *class = object_class(object->type);
    if (class->handle_removed != nullptr) {
        class->handle_removed(object, rights);
    }
    object_put(object);
    return children;
}

void handle_remove(struct process *process, struct handle_slot *slot) {
    remove(process, slot, nullptr);
}

void handle_retire(struct process *process, struct handle_slot *slot, struct handle_slot *heir) {
    remove(process, slot, heir);
}

// ---- the end of a table ----------------------------------------------------------------------------

bool handle_close_some(struct process *process, uint32_t *index, uint32_t limit) {
    constexpr uint32_t CHILDREN_PER_HANDLE = 8; // what is as much work as one handle
    constexpr uint32_t SLOTS_PER_STEP = 1024;
    for (uint32_t seen = 0; *index < process->slot_limit; seen++) {
        if (seen == SLOTS_PER_STEP) {
            return false;
        }
        struct handle_slot *slot = slot_at(process, *index);
        if (slot->handle != 0 && *index % HANDLE_CHUNK_SLOTS != 0) {
            if (limit == 0) {
                return false;
            }
            const uint32_t cost = 1 + remove(process, slot, nullptr) / CHILDREN_PER_HANDLE;
            limit -= cost < limit ? cost : limit;
        }
        ++*index;
    }
    return true;
}

// No lock: a process that has ended takes no handle any more.
void handle_table_free(struct process *process) NO_THREAD_SAFETY_ANALYSIS {
    struct account *account = process->object.account;
    process->free_first = process->free_last = HANDLE_NONE;
    uint32_t chunk_count = process->slot_limit / HANDLE_CHUNK_SLOTS;
    struct handle_slot **chunks = process->chunks;
    process->slot_limit = 0;
    process->chunks = process->first_chunks;
    for (uint32_t i = 0; i < chunk_count; i++) {
        kfree(chunks[i], PAGE_BYTES);
        account_uncharge(account, kalloc_charge(PAGE_BYTES));
    }
    if (chunks != process->first_chunks) {
        const size_t bytes = PROCESS_MAX_CHUNKS * sizeof(struct handle_slot *);
        kfree(chunks, bytes);
        account_uncharge(account, kalloc_charge(bytes));
    }
}

bool handle_table_check(struct process *process) {
    uint32_t used = 0, free_slots = 0;
    for (uint32_t index = 0; index < process->slot_limit; index++) {
        if (index % HANDLE_CHUNK_SLOTS == 0) {
            continue;
        }
        const struct handle_slot *slot = slot_at(process, index);
        if (slot->handle == 0) {
            free_slots++;
            continue;
        }
        used++;
        const struct handle_slot *child = slot_from_ref(slot->first_child);
        const struct handle_slot *next = slot_from_ref(slot->next_sibling);
        if ((uint16_t)slot->handle != index || slot->handle >> HANDLE_INDEX_BITS == 0 ||
            slot->object->type != slot_type(slot) || slot->object->references == 0 ||
            (child != nullptr && slot_from_ref(child->parent) != slot) ||
            (next != nullptr &&
             (slot_from_ref(next->prev_sibling) != slot || next->parent.v != slot->parent.v))) {
            return false;
        }
    }
    spin_lock(&process->lock);
    uint32_t listed = 0;
    for (uint32_t index = process->free_first; index != HANDLE_NONE && listed <= free_slots;
         index = slot_at(process, index)->next_free) {
        listed++;
    }
    bool good = used == process->handle_count && listed == free_slots;
    spin_unlock(&process->lock);
    return good;
}
