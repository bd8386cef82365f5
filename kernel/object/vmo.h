// vmo: memory as an object.
//
// Anonymous: zero-filled pages, committed one by one on first touch and charged to the VMO's account.
// Physical: a fixed contiguous range handed out at boot; nothing is charged and nothing ever freed.
// A committed page stays until the VMO is destroyed, so a physical address is valid as long as a reference.
//
// Up to VMO_INLINE_PAGES pages are kept in the object itself; larger VMOs use a radix tree of 64-way nodes,
// grown on touch and charged like the pages.
//
// Lock: the VMO's own, after the vspace's, before the account's.
#pragma once

#include <stdint.h>

#include "base/container.h"
#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

constexpr uint32_t VMO_INLINE_PAGES = 8;
constexpr uint64_t VMO_MAX_BYTES = 1ull << 46;
constexpr uint64_t VMO_COPY_BYTES = 64 * 1024; // the most that read and write move at once

enum vmo_kind : uint8_t {
    VMO_ANONYMOUS = 0,
    VMO_PHYSICAL = 1,
};

struct vmo {
    struct object object;
    struct spinlock lock;
    uint8_t kind;   // enum vmo_kind
    uint8_t height; // of the radix tree: 0 is a single leaf of 64 pages
    bool device;    // minted from resource: nobody else has it, and the kernel does not reach it
    uint64_t page_count;
    uint64_t committed_pages GUARDED_BY(lock);
    union {
        uint32_t inline_frames[VMO_INLINE_PAGES]; // anonymous, page_count <= VMO_INLINE_PAGES: frame numbers
        void *root;                               // anonymous, larger: radix node, null until touched
        struct {                                  // physical
            paddr_t base;
            struct list_node device_link; // with `device`: resource.c
        };
    };
};

extern struct slab_cache vmo_cache;
bool vmo_destroy_step(struct object *object);

static inline struct vmo *vmo_of(struct object *object) {
    return CONTAINER_OF(object, struct vmo, object);
}

static inline uint64_t vmo_len_bytes(const struct vmo *vmo) {
    return vmo->page_count << 12;
}

// Anonymous memory; the length is rounded up to whole pages. BAD_ARGUMENT for 0 or above VMO_MAX_BYTES.
// The caller gets one reference.
status_t vmo_create(struct account *account, uint64_t len_bytes, struct vmo **out);

// A fixed range, page-aligned; `account` pays for the object only.
status_t vmo_create_physical(struct account *account, paddr_t base, uint64_t len_bytes, struct vmo **out);

// The frame of a page; commits it when it is not there yet. `*fresh` (may be null) says whether it did.
// NO_MEMORY when the account cannot pay. `page_index` must be below page_count.
status_t vmo_commit(struct vmo *vmo, uint64_t page_index, paddr_t *out, bool *fresh);

// The frame of a page if it is committed.
bool vmo_peek(struct vmo *vmo, uint64_t page_index, paddr_t *out);

// As vmo_peek for `count` pages at once (at most 64, within the VMO); frames not committed come out as 0.
void vmo_peek_range(struct vmo *vmo, uint64_t first_page, uint32_t count, paddr_t out[]);

// Bytes committed, of one VMO and of all anonymous ones.
uint64_t vmo_committed_bytes(struct vmo *vmo);
uint64_t vmo_all_committed_bytes(void);
