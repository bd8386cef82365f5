// The derivation tree: which handle was made from which.
//
// The links are in the slots themselves. Siblings form a list whose two ends refer to the parent, which so is
// written nowhere else: taking a slot out gives its children to its parent, in its place, in a few steps
// however many they are. A list whose ends are 0 has no parent: the handle they came from is gone, or never
// was.
//
// All slots of a tree hold the same object, whose derivation lock guards the links (kernel/object/handle.c).
#pragma once

#include <stdint.h>

#include "kernel/mm/direct_map.h"
#include "kernel/types.h"

struct handle_slot;

// A slot by its physical address in units of slots: half a pointer, good for 256 GiB of RAM, above which no
// table is put. 0 is none.
typedef struct {
    uint32_t v;
} slot_ref_t;
constexpr uint64_t SLOT_BYTES = 64;
constexpr uint64_t SLOT_REACH_BYTES = SLOT_BYTES << 32;

static inline struct handle_slot *slot_from_ref(slot_ref_t ref) {
    return ref.v == 0 ? nullptr : phys_to_virt((paddr_t){(uint64_t)ref.v * SLOT_BYTES});
}

static inline slot_ref_t slot_ref(const struct handle_slot *slot) {
    return (slot_ref_t){(uint32_t)(virt_to_phys(slot).v / SLOT_BYTES)};
}

// Makes `child`, which has no links, the first child.
void derivation_add(struct handle_slot *parent, struct handle_slot *child);

// Takes a slot out. Its children take its place.
void derivation_remove(struct handle_slot *slot);

// `heir`, which has no links, takes the place of `slot` and its children.
void derivation_replace(struct handle_slot *slot, struct handle_slot *heir);

// The parent, null when there is none. Looks at no more than *steps siblings on either side, and takes what
// it looked at from *steps; *steps is 0 and the answer null when that was not enough.
struct handle_slot *derivation_parent(const struct handle_slot *slot, uint32_t *steps);
