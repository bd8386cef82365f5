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
#include "kernel/mm/direct_map.h"
#include "kernel/object/object.h"
#include "kernel/types.h"

struct process;

// A slot by its physical address in units of slots: half a pointer, good for 256 GiB of RAM. 0 is none.
typedef struct {
    uint32_t v;
} slot_ref_t;

struct handle_slot {
    uint32_t handle;      // the full handle value while in use, 0 while free
    uint32_t type_rights; // type in bits 24..31, enum handle_origin in 20..23, rights below
    union {
        struct object *object; // while in use
        uint32_t next_free;    // while free: index, or HANDLE_NONE
    };
    uint64_t badge;
    uint64_t interface_id;
    slot_ref_t parent, first_child, next_sibling, prev_sibling;
    uint64_t granted_ns; // when it came into this slot
    uint64_t zero;
};
static_assert(sizeof(struct handle_slot) == 64);

// Slots per page-sized chunk. The first line of each chunk is a header, so 63 hold handles.
constexpr uint32_t HANDLE_CHUNK_SLOTS = 64;
constexpr uint32_t HANDLE_INDEX_BITS = 16;
constexpr uint32_t HANDLE_NONE = 0xffff'ffff;

// The header line of a chunk. Its `handle` is one that no slot of this index can have, so a look-up
// never matches it.
struct handle_chunk {
    uint32_t handle; // HANDLE_CHUNK_MARK
    uint32_t type_rights;
    struct process *process; // whose chunk it is
};
constexpr uint32_t HANDLE_CHUNK_MARK = 1;

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

// A second handle to what `slot` holds, in a table of its own or another process's, derived from it.
// The object gains a reference. Errors as handle_insert.
status_t handle_duplicate(struct handle_slot *slot, struct process *to, rights_t rights, uint64_t badge,
                          uint64_t interface_id, enum handle_origin origin, handle_t *out);

// Empties a slot: its children are given to its parent; the object loses the slot's reference.
void handle_remove(struct process *process, struct handle_slot *slot);

// Empties a slot in favour of a handle derived from it, which takes its place in the tree: `heir` inherits
// its parent and its other children. With handle_duplicate before, this is a move.
void handle_retire(struct process *process, struct handle_slot *slot, struct handle_slot *heir);

// The process whose table the slot is in.
struct process *handle_slot_process(const struct handle_slot *slot);

// Closes up to `limit` handles of a process that is ending, beginning at *index. True when all are closed.
bool handle_close_some(struct process *process, uint32_t *index, uint32_t limit);

// Frees the table of a process that has ended and has no handles any more.
void handle_table_free(struct process *process);

// Invariants of one table: counts, free list, back links. For tests and debug builds.
bool handle_table_check(struct process *process);

static inline struct handle_slot *slot_from_ref(slot_ref_t ref) {
    return ref.v == 0 ? nullptr : phys_to_virt((paddr_t){(uint64_t)ref.v * sizeof(struct handle_slot)});
}

static inline rights_t slot_rights(const struct handle_slot *slot) {
    return (rights_t){slot->type_rights & 0x000f'ffff};
}
static inline enum handle_origin slot_origin(const struct handle_slot *slot) {
    return (enum handle_origin)(slot->type_rights >> 20 & 15);
}
static inline enum object_type slot_type(const struct handle_slot *slot) {
    return (enum object_type)(slot->type_rights >> 24);
}
