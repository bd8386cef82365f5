// vmo: memory as an object.
//
// Anonymous: zero-filled pages, committed one by one on first touch and charged to the VMO's account.
// Contiguous: anonymous, but committed from the start in adjacent frames, and pinned.
// Paged: what is not there comes from a user-space pager, who is asked through an endpoint; or, in a clone of such a VMO,
// from its origin (vmo_pager.c).
// Physical: a fixed contiguous range handed out at boot, or a view of a part of it; nothing is charged and nothing ever freed.
//
// A VMO is charged for every page that it refers to, shared or not. After a clone two VMOs refer to the same frames
// (frame.h counts them); whoever writes to such a page first gets a copy of its own. So what an account pays never
// depends on what others do with their copies.
//
// Pages can be taken away again (decommit, shrinking, copy on write, supply): every mapping of the VMO is on its
// list, and what the page tables say about its pages is entered and removed under the VMO's lock only
// (kernel/object/mapping.h). A frame number that was read under the lock is good until the lock is dropped; what is
// used longer is kept with vmo_page_hold, or is of a pinned VMO, which never loses a page.
//
// Files: vmo.c creation, pages; vmo_pages.c where frame numbers are kept; vmo_range.c what is done to ranges;
// vmo_pager.c pages from user space; vmo_methods.c what programs call.
//
// Lock: the VMO's own, after the vspace's, before the account's. No two VMOs' locks are held together.
#pragma once

#include <stdint.h>

#include "base/container.h"
#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

constexpr uint32_t VMO_INLINE_PAGES = 8;
constexpr uint64_t VMO_MAX_BYTES = 1ull << 46;
constexpr uint64_t VMO_COPY_BYTES = 64 * 1024;            // the most that read and write move at once
constexpr uint64_t VMO_CONTIGUOUS_MAX_BYTES = 4ull << 20; // the largest block of frames
// A page that is taken away must leave all mappings in one bounded step. Physical and sealed VMOs never lose a page and
// have no such limit.
constexpr uint32_t VMO_MAX_MAPPINGS = 4096;

enum vmo_kind : uint8_t {
    VMO_ANONYMOUS = 0,
    VMO_PHYSICAL = 1,
};

enum vmo_flags : uint8_t {
    VMO_RESIZABLE = 1, // never kept inline
    VMO_PINNED = 2,    // keeps the frames it has: somebody relies on their addresses
    VMO_SEALED = 4,    // contents never change again
    VMO_LARGE = 8,     // may have whole, aligned blocks of LARGE_PAGES frames
    VMO_MARKED = 16,   // slots may have marks: a page may have to be prepared for writing
    VMO_PAGED = 32,    // pages that are not there must be waited for; never kept inline
    VMO_TRACKED = 64,  // ... and a pager of its own supplies them, and wants to know what is written
};

// What a slot says beside the frame number. A slot of 0 is a page that is not there.
constexpr uint32_t SLOT_SHARED = 1u << 31; // another VMO may refer to the frame as well: copy before writing
constexpr uint32_t SLOT_DIRTY = 1u << 30;  // written since it was supplied or taken for writing back
constexpr uint32_t SLOT_FRAME = SLOT_DIRTY - 1;

struct vmo {
    struct object object;
    struct spinlock lock;
    uint8_t kind;                    // enum vmo_kind
    uint8_t flags;                   // enum vmo_flags; written under the lock
    uint8_t height GUARDED_BY(lock); // of the radix tree: 0 is a single leaf of 64 pages
    bool device;                     // minted from resource: nobody else has it, and the kernel does not reach it
    bool inlined;                    // pages are in inline_frames
    uint32_t supplies;               // atomic: how often pages came from its pager
    uint64_t page_count;             // written under the lock; fixed unless VMO_RESIZABLE
    uint64_t committed_pages GUARDED_BY(lock);
    struct list mappings GUARDED_BY(lock); // struct mapping, by vmo_link
    uint32_t mapping_count GUARDED_BY(lock);
    uint32_t writable_count GUARDED_BY(lock), executable_count GUARDED_BY(lock); // mappings that allow it now, and held pages
    uint32_t pin_count GUARDED_BY(lock); // devices, and threads' messages, that rely on the frames
    union {
        uint32_t inline_frames[VMO_INLINE_PAGES]; // slots
        struct {
            void *root; // radix node, null until touched
            union {
                struct { // VMO_TRACKED
                    struct endpoint *pager; // referenced, under the lock; null once it is detached
                    uint64_t pager_badge, pager_key;
                };
                struct { // VMO_PAGED alone
                    struct vmo *origin;    // referenced, VMO_TRACKED
                    uint64_t origin_first; // the page there that is its first
                };
            };
        };
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
    return __atomic_load_n(&vmo->page_count, __ATOMIC_RELAXED) << 12;
}

static inline bool vmo_has(const struct vmo *vmo, uint32_t flags) {
    return (__atomic_load_n(&vmo->flags, __ATOMIC_RELAXED) & flags) != 0;
}

// Anonymous memory; the length is rounded up to whole pages. BAD_ARGUMENT for 0 or above VMO_MAX_BYTES.
// The caller gets one reference.
status_t vmo_create(struct account *account, uint64_t len_bytes, struct vmo **out);

// The same, but its length can be changed later (vmo_resize_some).
status_t vmo_create_resizable(struct account *account, uint64_t len_bytes, struct vmo **out);

// Adjacent frames, zeroed, the first aligned to the next power of two of the length. BAD_ARGUMENT for 0 or above
// VMO_CONTIGUOUS_MAX_BYTES; NO_MEMORY also when no such block is free.
status_t vmo_create_contiguous(struct account *account, uint64_t len_bytes, struct vmo **out);

// A fixed range, page-aligned; `account` pays for the object only.
status_t vmo_create_physical(struct account *account, paddr_t base, uint64_t len_bytes, struct vmo **out);

// The frame of a page, to be written by the kernel; commits it when it is not there yet. `*fresh` (may be null) says
// whether it did. NO_MEMORY when the account cannot pay; NOT_FOUND beyond the end.
status_t vmo_commit(struct vmo *vmo, uint64_t page_index, paddr_t *out, bool *fresh);

// The frame of a page if it is committed.
bool vmo_peek(struct vmo *vmo, uint64_t page_index, paddr_t *out);

// ---- Pages, with the lock held ----

// Small enough to be returned in registers.
struct vmo_page {
    paddr_t frame;   // when the status is OK
    status_t status;
    bool writable;   // by a mapping: not shared, and known to be dirty where that matters
    bool fresh;      // was not there before
};

// The page at an index, made to be there, and with `write` made writable. NO_MEMORY, NOT_FOUND (beyond the end),
// TIMED_OUT (absent: vmo_fetch).
struct vmo_page vmo_page_get(struct vmo *vmo, uint64_t page_index, bool write) REQUIRES(vmo->lock);

// The pages from an index on as they are, up to the first that is not there, `count` at most; returns how many.
uint32_t vmo_page_run(struct vmo *vmo, uint64_t first_page, uint32_t count, struct vmo_page out[]) REQUIRES(vmo->lock);

// Whether a frame can be had for a mapping of the aligned LARGE_PAGES around a page: *out is the first one's.
bool vmo_large_page(struct vmo *vmo, uint64_t page_index, struct vmo_page *out) REQUIRES(vmo->lock);

// A page that the kernel copies from or to without the lock: the frame stays until vmo_page_drop, even if the VMO loses
// it meanwhile. With `write` the page is made writable, and the VMO cannot be sealed; else one that is not there gives a
// frame of 0. BAD_ARGUMENT beyond the end; NOT_ALLOWED, NO_MEMORY, TIMED_OUT (absent: vmo_fetch).
status_t vmo_page_hold(struct vmo *vmo, uint64_t page_index, bool write, paddr_t *out);
void vmo_page_drop(struct vmo *vmo, uint64_t page_index, bool write, paddr_t frame);

// For a device, or for messages, which reach frames and not pages: until vmo_unpin no page is taken away, exchanged or
// executed. NOT_ALLOWED: it is mapped executable, or is to be written to and sealed. UNSUPPORTED: a device's memory itself.
status_t vmo_pin(struct vmo *vmo, bool write);
void vmo_unpin(struct vmo *vmo, bool write);

// ---- Ranges, in bounded steps (vmo_range.c). What is left of the range comes out in *first and *end, which are
// equal when nothing is. ----

// Commits what is not there, with large blocks where they fit. NO_MEMORY: what came before stays. BAD_ARGUMENT: the range
// does not lie within the VMO (any more).
status_t vmo_commit_some(struct vmo *vmo, uint64_t *first, uint64_t *end);

// Takes pages away, from the end down: they read as zero again. BAD_STATE when it keeps its frames or is sealed. This
// and the next two: IN_USE while it is pinned.
status_t vmo_decommit_some(struct vmo *vmo, uint64_t *first, uint64_t *end);

// One step towards another length; *done says whether it is reached. BAD_STATE when not resizable.
status_t vmo_resize_some(struct vmo *vmo, uint64_t page_count, bool *done);

// Makes `into`, from page `into_first` on, share the pages of `from` that are there, copy on write. Pages that
// `into` has already stay.
status_t vmo_clone_some(struct vmo *from, uint64_t *first, uint64_t *end, struct vmo *into, uint64_t into_first);

// From now on nobody can write to it, nor change its length. IN_USE while a mapping allows writing, or a page is
// held for it.
status_t vmo_seal(struct vmo *vmo);

// ---- Pages from user space (vmo_pager.c) ----

struct endpoint;

// Resizable memory with a pager: requests go to the endpoint with this badge, and the key.
status_t vmo_create_paged(struct account *account, uint64_t len_bytes, struct endpoint *pager, uint64_t badge,
                          uint64_t key, struct vmo **out);

// A VMO to be made a clone of pages [first, ...) of `from`.
status_t vmo_create_child(struct account *account, uint64_t len_bytes, struct vmo *from, uint64_t first,
                          struct vmo **out);

// Gets an absent page of a VMO_PAGED VMO from its origin: OK, or it is there now. TIMED_OUT: only the pager can help, and
// the processor's absent_vmo and absent_page say what it must be asked for. NO_MEMORY, NOT_FOUND.
status_t vmo_fetch(struct vmo *vmo, uint64_t page_index);

// A reference to the pager's endpoint; null when there is none any more.
struct endpoint *vmo_pager(struct vmo *vmo);
void vmo_detach_pager(struct vmo *vmo);

static inline uint32_t vmo_supplies(const struct vmo *vmo) {
    return __atomic_load_n(&vmo->supplies, __ATOMIC_RELAXED);
}

// Moves pages of `from`, zero where it has none, to where `into` has none; `from` loses them all. NO_MEMORY.
status_t vmo_supply_some(struct vmo *into, uint64_t *first, uint64_t *end, struct vmo *from, uint64_t *from_first);

// The first dirty pages at or after *first: [*first, *end), which are equal when it found none in this step.
void vmo_dirty_some(struct vmo *vmo, uint64_t *first, uint64_t *end);

// Makes pages clean, and the next write to each mark it again.
status_t vmo_clean_some(struct vmo *vmo, uint64_t *first, uint64_t *end);

// Bytes committed, of one VMO and of all anonymous ones.
uint64_t vmo_committed_bytes(struct vmo *vmo);
uint64_t vmo_all_committed_bytes(void);
