// Where a VMO's frame numbers are kept: in the object itself up to VMO_INLINE_PAGES pages, else in a radix tree of
// 64-way nodes, grown on touch and charged like the pages. All with the VMO's lock held.
#pragma once

#include <stdint.h>

#include "base/align.h"
#include "kernel/object/vmo.h"

constexpr unsigned VMO_NODE_BITS = 6;
constexpr uint32_t VMO_NODE_WAYS = 1u << VMO_NODE_BITS;
constexpr uint64_t VMO_NODE_MASK = VMO_NODE_WAYS - 1;

// Where the slot of a page is; null when its part of the tree does not exist. Slots of one aligned group of 64 pages,
// or of an inlined VMO, lie side by side.
uint32_t *slot_find(struct vmo *vmo, uint64_t page_index) REQUIRES(vmo->lock);

// The same, and grows the tree where it has to; null: NO_MEMORY. Nodes made before a failure stay, empty and charged.
uint32_t *slot_make(struct vmo *vmo, uint64_t page_index) REQUIRES(vmo->lock);

// Adds levels until `page_count` pages fit.
status_t slots_reach(struct vmo *vmo, uint64_t page_count) REQUIRES(vmo->lock);

// Takes pages [first, *end) away from the end down, out of every mapping first; dirty ones stay with `keep_dirty`. One
// bounded step: *end is how far down it got, `first` when it is done.
void slots_trim(struct vmo *vmo, uint64_t first, uint64_t *end, bool keep_dirty) REQUIRES(vmo->lock);

// What all ways to create a VMO begin with. BAD_ARGUMENT, NO_MEMORY.
status_t vmo_create_with(struct account *account, uint64_t len_bytes, enum vmo_kind kind, uint32_t flags,
                         struct vmo **out);

// Fills an empty slot with a zeroed frame. NO_MEMORY.
status_t slot_commit(struct vmo *vmo, uint32_t *slot) REQUIRES(vmo->lock);

// Fills the slots of a range with adjacent zeroed frames. IN_USE: not all are empty. NO_MEMORY.
status_t slots_commit_block(struct vmo *vmo, uint64_t first, uint64_t count) REQUIRES(vmo->lock);

// Enters frames, each with SLOT_SHARED if it is, into the slots from `first` on; the VMO becomes their owner. An entry of 0
// is nothing, or with `zeros` a zeroed frame. What is there already, or lies beyond the end, stays so, and the frame for
// it is released. NO_MEMORY: some were.
status_t slots_take_in(struct vmo *into, uint64_t first, const uint32_t entries[], uint32_t count, bool zeros)
    EXCLUDES(into->lock);

// Counts a page that was entered into a slot, or taken out.
void vmo_pages_counted(struct vmo *vmo, uint64_t more) REQUIRES(vmo->lock);
