// Handle tables: what a process holds.
//
// A slot is one cache line: object, rights, badge, interface id, and its place in the derivation tree.
// Slots live in page-sized chunks that are added as needed and charged to the process's account; free
// slots are reused first-in first-out, so that a stale handle stays stale as long as possible.
//
// Pointers that a look-up returns are valid until the end of this kernel entry; what must live longer
// takes a reference (object_get).
//
// Locks: the table's lock guards the free list and changes of slots. Handles to an object come and go under
// its derivation lock (one of 64, by the object's address), which guards the tree links. Order: derivation
// lock, then table lock. Look-ups take no lock: a slot's `handle` is written last and cleared first, so
// whoever reads more than it reads it again at the end (struct capability). Whoever changes a slot that was
// looked up looks again under the lock: another processor may have emptied it.
#pragma once

#include <stdint.h>

#include "abi/inspect.h"
#include "abi/message.h"
#include "kernel/lock.h"
#include "kernel/object/derivation.h"
#include "kernel/object/handle_bits.h"
#include "kernel/object/object.h"
#include "kernel/object/rights.h"
#include "kernel/types.h"

struct process;

struct handle_slot {
    uint32_t handle; // the full handle value while in use, 0 while free
    union {
        uint32_t type_rights; // in use: type in bits 24..31, enum handle_origin in 20..23, SLOT_NEVER in 18..19, rights below
        uint32_t next_handle; // free: the value that it will have
    };
    union {
        struct object *object;         // in use
        struct handle_slot *next_free; // free; null at the end
    };
    uint64_t badge;
    uint64_t interface_id;
    slot_ref_t first_child, last_child, next, prev; // kernel/object/derivation.h
    uint64_t granted_at; // reading of the clock's counter when it came into this slot,
    uint64_t granter;    // and from which process's handle: its koid, times GRANT_METHODS, and the method; 0: with its object
};
static_assert(sizeof(struct handle_slot) == SLOT_BYTES);

// What a granted handle was not used for yet (enum handle_use, in this order). A fresh one is not what the fast path of a call looks
// for: the first use goes the general way, which clears the bit, and no later one takes any longer for it.
constexpr uint32_t SLOT_NEVER_USED = 1u << 18, SLOT_NEVER_MARKED = MESSAGE_MARK, SLOT_NEVER = SLOT_NEVER_USED | SLOT_NEVER_MARKED;
static_assert(SLOT_NEVER_MARKED == 2 * SLOT_NEVER_USED && RIGHT_POWER_BIT < SLOT_NEVER_USED);

// How a handle comes to be: an origin, and above it for one that came with a message the method that was called, of which
// so much is kept.
constexpr uint64_t GRANT_METHODS = 1 << 24;
static inline uint64_t grant_by_message(enum handle_origin origin, uint32_t label) {
    return (uint64_t)label * SLOT_ORIGIN_END + origin;
}
static inline enum handle_origin grant_origin(uint64_t grant) {
    return (enum handle_origin)(grant % SLOT_ORIGIN_END);
}

// A handle as it was at one moment, all of it together.
struct capability {
    struct handle_slot *slot;
    struct object *object;
    uint64_t badge;
    uint64_t interface_id;
    uint32_t handle;
    uint32_t type_rights;
};

// The header line of a chunk. Its `handle` is one that no slot of this index can have, so a look-up
// never matches it.
struct handle_chunk {
    uint32_t handle; // HANDLE_CHUNK_MARK
    uint32_t type_rights;
    struct process *process; // whose chunk it is
    struct reap_item freed;
    struct handle_slot **directory; // to be freed with it
};
static_assert(sizeof(struct handle_chunk) <= SLOT_BYTES);
constexpr uint32_t HANDLE_CHUNK_MARK = 1;

// Takes note of uses, bits of SLOT_NEVER, that the handle was not seen used for when it was read.
void handle_clear(struct handle_slot *slot, uint64_t handle, uint32_t uses);
static inline void handle_note(const struct capability *of, uint64_t uses) {
    if (!LIKELY((of->type_rights & uses) == 0)) {
        handle_clear(of->slot, of->handle, (uint32_t)uses);
    }
}

// All of a handle at one moment, which is to be used: of any type; or of this type, with at least these rights. BAD_HANDLE, WRONG_TYPE or
// NO_RIGHT, in that order. The fast paths of IPC look at the slot itself (process_slot).
status_t handle_read(const struct process *process, uint64_t handle, struct capability *out);
status_t handle_read_as(const struct process *process, uint64_t handle, enum object_type type, rights_t need,
                        struct capability *out);

// As handle_read_as, when the object is all that is wanted.
status_t handle_object(const struct process *process, uint64_t handle, enum object_type type, rights_t need,
                       struct object **out);

// The same, with a reference: for what is kept, or must not be taken apart by another processor while it is changed.
// BAD_HANDLE also when that has begun.
static inline status_t handle_hold(const struct process *process, uint64_t handle, enum object_type type,
                                   rights_t need, struct object **out) {
    TRY(handle_object(process, handle, type, need, out));
    return object_try_get(*out) ? STATUS_OK : STATUS_BAD_HANDLE;
}

// The same, when it is no use, or whoever asked takes note of it; for the slot of an index: BAD_HANDLE when it is free.
status_t handle_look_up(const struct process *process, uint64_t handle, struct capability *out);
status_t handle_read_at(const struct process *process, uint32_t index, struct capability *out);

// Puts `object` into a free slot. On success the slot takes over the caller's reference; on failure
// (NO_MEMORY, NO_HANDLES, BAD_STATE when the process is ending, BAD_HANDLE when the object is about to go with its
// account) the caller still has it. The handle is the root of a new derivation.
status_t handle_insert(struct process *process, struct object *object, rights_t rights, uint64_t badge,
                       uint64_t interface_id, enum handle_origin origin, uint64_t *out);

// Gives a process the first handle to an object just made, with all rights of its type but those withheld: takes
// over the caller's reference in any case. Errors as handle_insert.
status_t handle_to_new(struct process *process, struct object *object, uint64_t interface_id, uint64_t *out);

// A second handle to what `from` holds, in a table of its own or another process's, derived from it.
// The object gains a reference. Errors as handle_insert, and BAD_HANDLE when `from` was closed meanwhile.
status_t handle_duplicate(const struct capability *from, struct process *to, rights_t rights, uint64_t badge,
                          uint64_t interface_id, uint64_t grant, uint64_t *out);

// Moves a handle, which may lose rights on the way, to another table or within its own: the new one has its place
// in the tree. Errors as handle_duplicate; then nothing has changed.
status_t handle_move(const struct capability *from, struct process *to, rights_t rights, uint64_t grant,
                     uint64_t *out);

// Gives up a handle: its children are given to its parent; the object loses the slot's reference. BAD_HANDLE.
status_t handle_close(struct process *process, uint64_t handle);

// Gives up `from` in favour of a handle derived from it, which takes its place in the tree: `heir`, of the
// process `to`, inherits its parent and its other children. With handle_duplicate before, this is a move that can be
// undone until now. When another processor has closed one of the two meanwhile, the other is treated as if it
// were alone.
void handle_retire(const struct capability *from, struct process *to, uint64_t heir);

// Takes away what was derived from a handle, directly or not, up to about `limit` handles, and last the handle itself; true when
// nothing is left at one moment. Whatever thread waits through one of them wakes with REVOKED.
bool handle_revoke_some(const struct capability *from, bool itself, uint32_t limit);

// Takes away this one handle, as a revoke does; what was derived from it stays.
void handle_take_away(const struct capability *handle);

// What guards the derivation tree of the handles to an object, and others'.
struct spinlock *derivation_lock(const struct object *object);

// The process whose table the slot is in.
struct process *handle_slot_process(const struct handle_slot *slot);

// Describes the handle with the lowest slot index >= *index; moves *index past it. False at the end, or when
// *steps ran out: that is what slots and siblings may be looked at, and is used up.
bool handle_describe(const struct process *process, uint64_t *index, uint32_t *steps, struct inspect_handle *out);

// Closes up to `limit` handles of a process that is ending, beginning at *index. True when all are closed.
bool handle_close_some(struct process *process, uint32_t *index, uint32_t limit);

// Frees the table of a process that has ended and has no handles any more, after a grace period.
void handle_table_free(struct process *process);

static inline rights_t slot_rights(const struct handle_slot *slot) {
    return (rights_t){slot_word_rights(slot->type_rights) & ~SLOT_NEVER};
}
static inline enum handle_origin slot_origin(const struct handle_slot *slot) {
    return (enum handle_origin)slot_word_origin(slot->type_rights);
}
static inline enum object_type slot_type(const struct handle_slot *slot) {
    return (enum object_type)slot_word_type(slot->type_rights);
}

static inline rights_t capability_rights(const struct capability *capability) {
    return (rights_t){slot_word_rights(capability->type_rights) & ~SLOT_NEVER};
}
static inline enum object_type capability_type(const struct capability *capability) {
    return (enum object_type)slot_word_type(capability->type_rights);
}
