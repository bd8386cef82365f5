// The allocator behind lib/tess/heap.h, without the system calls: where regions come from is given.
//
// Blocks of a region lie side by side, each with a 16-byte header (its size, and that of the block
// before it), so a freed block joins its free neighbours at once. Free blocks are on one list, first
// fit. Not safe across threads: the user locks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

constexpr size_t HEAP_REGION_BYTES = 64 * 1024;
constexpr size_t HEAP_LARGE_BYTES = 16 * 1024; // from this size on a block is a region of its own
constexpr size_t HEAP_ALIGN = 16;

// Memory from elsewhere: zero-filled, page-aligned, a whole number of pages. Null: there is none.
typedef void *heap_region_alloc_fn(size_t len_bytes);
typedef void heap_region_free_fn(void *region, size_t len_bytes);

struct heap {
    heap_region_alloc_fn *region_alloc;
    heap_region_free_fn *region_free;
    struct list free_blocks;
    void *spare;         // one empty region kept, so that alternating use does not thrash
    size_t region_count; // without large blocks
    size_t used_bytes;   // in blocks handed out, headers included
};

void heap_init(struct heap *heap, heap_region_alloc_fn *region_alloc, heap_region_free_fn *region_free);

// Null when no region can be had or the size is absurd.
void *heap_alloc(struct heap *heap, size_t size);
void heap_free(struct heap *heap, void *block); // null is ignored

// Bytes that the block can hold; at least what was asked for.
size_t heap_capacity(const void *block);

// Walks everything that is free and checks the invariants; for tests.
bool heap_check(const struct heap *heap);
