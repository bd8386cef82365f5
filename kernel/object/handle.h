// Handle tables: what a process holds.
//
// A slot is one cache line: object, rights, badge, interface id, and its place in the derivation tree.
// Slots live in page-sized chunks that are added as needed and charged to the process's account; free
// slots are reused first-in first-out, so that a stale handle stays stale as long as possible.
//
// Pointers that a look-up returns are valid until the end of this kernel entry; what must live longer
// takes a reference (object_get).
//
// Locks: the table's lock guards the free list and changes of slots; the derivation lock (one for all)
// guards the tree links. Order: derivation lock, then table lock. Look-ups take no lock.
#pragma once

#include <stdint.h>

#include "abi/inspect.h"
#include "kernel/lock.h"
#include "kernel/object/object.h"
#include "kernel/types.h"

struct process;

struct handle_slot {
    uint32_t handle;      // the full handle value while in use, 0 while free
    uint32_t type_rights; // type in bits 24..31, rights below
    union {
        struct object *object; // while in use
        uint32_t next_free;    // while free: index, or HANDLE_NONE
    };
    uint64_t badge;
    uint64_t interface_id;
    struct handle_slot *parent, *first_child, *next_sibling, *prev_sibling;
};
static_assert(sizeof(struct handle_slot) == 64);

constexpr uint32_t HANDLE_SLOTS_PER_CHUNK = 64 - 1; // the first line of a chunk is its header
constexpr uint32_t HANDLE_NONE = 0xffff'ffff;

// Finds the slot of a handle in the current process; the fast path's only way.
// BAD_HANDLE, WRONG_TYPE or NO_RIGHT, in that order.
status_t handle_lookup(struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct handle_slot **out);

// As above, and gives the object itself.
status_t handle_object(struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct object **out);

// Any type.
status_t handle_lookup_any(struct process *process, uint64_t handle, struct handle_slot **out);

// Puts `object` into a free slot. On success the slot takes over the caller's reference; on failure
// (NO_MEMORY, NO_HANDLES, BAD_STATE when the process is ending) the caller still has it.
// `parent` is the slot it derives from, or null for the root of a new derivation.
status_t handle_insert(struct process *process, struct object *object, rights_t rights, uint64_t badge,
                       uint64_t interface_id, struct handle_slot *parent, enum handle_origin origin,
                       handle_t *out);

// Empties a slot: its children are given to its parent; the object loses the slot's reference.
void handle_remove(struct process *process, struct handle_slot *slot);
