// vspace: an address space, as an ordered set of mappings of VMOs.
//
// Mappings do not overlap, are page-aligned and lie in USER_LOWEST..USER_END. Each holds a reference to
// its VMO. Page tables are only a cache of what the mappings say: filled on fault, emptied by unmap
// and protect; they are charged to the vspace's account and given back when it is destroyed.
// No page is writable in one mapping and executable in the same or another one. What is mapped at all is readable.
//
// Lock: the vspace's own, before VMO and account locks. See mapping.h for what else guards a mapping.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "base/container.h"
#include "base/rbtree.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"
#include "kernel/object/page_table.h"

struct vmo;
struct mapping;

constexpr uint32_t VSPACE_MAX_MAPPINGS = 32768; // keeps the work of one operation bounded

struct vspace {
    struct object object;
    struct page_tables space; // what the processor walks; space.root is fixed for life
    struct spinlock lock;
    uint32_t mapping_count GUARDED_BY(lock);
    struct rb_tree mappings GUARDED_BY(lock);  // by start address
    struct mapping *last_hit GUARDED_BY(lock); // mapped or touched last
    struct mapping *last_unmapped GUARDED_BY(lock);
    uint64_t mapped_bytes GUARDED_BY(lock);
    uint64_t lowest_gap GUARDED_BY(lock); // below it there is no room for another mapping
};

extern struct slab_cache vspace_cache;
bool vspace_destroy_step(struct object *object);

static inline struct vspace *vspace_of(struct object *object) {
    return CONTAINER_OF(object, struct vspace, object);
}

// An empty address space that `account` pays for, with everything later put into it. NO_MEMORY.
// The caller gets one reference.
status_t vspace_create(struct account *account, struct vspace **out);

// Maps `len_bytes` of `vmo` from `offset_bytes`. `*address` 0 lets the kernel choose, and comes out chosen.
// `max_prot` bounds later vspace_protect; `prot` is within it. Nothing is committed or touched.
// BAD_ARGUMENT (alignment, range), IN_USE (overlap; or no room when the kernel chooses), NOT_ALLOWED (write
// with execute, or beyond max_prot), NO_MEMORY.
//
// With MAP_RESERVED in `prot` the place must be, and is taken from, one reserved range: NOT_FOUND when it is not.
status_t vspace_map(struct vspace *vspace, struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes,
                    uint64_t *address, uint32_t prot, uint32_t max_prot);

// Keeps a range from being chosen or mapped, until it is unmapped: only MAP_RESERVED may, and not into a `guard`. Costs a
// mapping. BAD_ARGUMENT, IN_USE, NO_MEMORY.
status_t vspace_reserve(struct vspace *vspace, uint64_t len_bytes, uint64_t *address, bool guard);

// Removes all mappings in the range; those partly in it are cut. BAD_ARGUMENT; NO_MEMORY (a cut needs a second
// mapping, and there may be VSPACE_MAX_MAPPINGS).
status_t vspace_unmap(struct vspace *vspace, uint64_t address, uint64_t len_bytes);

// One bounded step of it: what is left of the range comes out, length 0 when nothing is.
status_t vspace_unmap_some(struct vspace *vspace, uint64_t *address, uint64_t *len_bytes);

// One bounded step, of at most 128 mappings, of giving a range another protection; 0 takes all access away. What is left
// of it comes out, as above. A step checks first and then changes all of its part; what earlier ones did stays when a
// later one is refused. BAD_ARGUMENT, NOT_FOUND (not wholly mapped), NOT_ALLOWED, NO_MEMORY.
status_t vspace_protect_some(struct vspace *vspace, uint64_t *address, uint64_t *len_bytes, uint32_t prot);

// Makes `address` accessible with `access` (PROT_* bits; 0 counts as read). OK: it is mapped now, try again.
// NOT_FOUND: no mapping there, or the VMO ends before it. NOT_ALLOWED: the mapping forbids it. NO_MEMORY: the account
// cannot pay. TIMED_OUT: the page is absent (vmo_fetch, kernel/ipc/fault.h).
status_t vspace_fault(struct vspace *vspace, uint64_t address, uint32_t access);

// The mapping of a VMO at `address`, if it allows that. It and its VMO stay while the lock is held. NOT_FOUND, NOT_ALLOWED.
status_t vspace_find(struct vspace *vspace, uint64_t address, uint32_t access, struct mapping **out)
    REQUIRES(vspace->lock);
