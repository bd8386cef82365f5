// Slab caches: objects of one size, cut from single pages.
//
// A page begins with a 64-byte header; the rest is divided evenly. Empty pages go back to the frame
// allocator but for one spare a cache. Nothing here is charged: callers charge first, and what one object
// costs is slab_charge(cache), its share of the page.
//
// Locks: each cache's own, then the frame allocator's. Nothing blocks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/lock.h"
#include "kernel/types.h"

struct slab_page;

struct slab_cache {
    const char *name;
    uint32_t object_bytes; // multiple of 16
    uint32_t per_page;
    uint32_t charge_bytes; // its share of a page, rounded up
    struct spinlock lock;
    struct slab_page *partial GUARDED_BY(lock); // pages with a free object, doubly linked
    struct slab_page *spare GUARDED_BY(lock);   // at most one page with no object in use
};

constexpr size_t SLAB_PAGE_BYTES = 4096;
constexpr size_t SLAB_HEADER_BYTES = 64;
constexpr size_t SLAB_MAX_BYTES = 1984; // two in a page, aligned to 64

#define SLAB_ROUND(bytes) (((bytes) + 15) / 16 * 16)
#define SLAB_PER_PAGE(bytes) ((SLAB_PAGE_BYTES - SLAB_HEADER_BYTES) / SLAB_ROUND(bytes))

// Defines a cache for objects of `bytes` bytes; add `static` in front where it is private to a file.
#define SLAB_CACHE_BYTES(cache, text, bytes) \
    struct slab_cache cache = { \
        .name = text, \
        .object_bytes = SLAB_ROUND(bytes), \
        .lock = SPINLOCK(LOCK_SLAB), \
        .per_page = SLAB_PER_PAGE(bytes), \
        .charge_bytes = (SLAB_PAGE_BYTES + SLAB_PER_PAGE(bytes) - 1) / SLAB_PER_PAGE(bytes), \
    }; \
    static_assert((bytes) <= SLAB_MAX_BYTES)

// SLAB_CACHE(vmo_cache, struct vmo); objects are 16-byte aligned (64 when their size is a multiple of 64).
#define SLAB_CACHE(cache, type) SLAB_CACHE_BYTES(cache, #type, sizeof(type))

// A zeroed object, or null when there is no memory.
void *slab_alloc(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *object);

// What an account pays for one object of the cache, in bytes.
static inline uint64_t slab_charge(const struct slab_cache *cache) {
    return cache->charge_bytes;
}

// Zeroed memory of any size: from a size class up to SLAB_MAX_BYTES, else whole frames (rounded up to a
// power of two of them, at most 4 MiB). Aligned as objects of a cache are, so to 64 when `bytes` is a multiple
// of 64. Null when there is none. kfree needs the same size again.
void *kalloc(size_t bytes);
void kfree(void *memory, size_t bytes);

// What an account pays for kalloc(bytes).
uint64_t kalloc_charge(size_t bytes);

// Memory held by all caches and size classes, in bytes (kalloc's whole frames are not in it).
uint64_t slab_total_bytes(void);
