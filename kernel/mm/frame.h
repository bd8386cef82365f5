// Physical frames: a buddy allocator over all usable RAM.
//
// Blocks are 2^order frames, naturally aligned. Two bytes of bookkeeping a frame; free blocks are linked
// through their own first bytes. Each processor has some single frames at hand, which keeps the common case short and
// apart from the others; when memory runs out, all give them back. While it is idle it zeroes some of them.
// Nothing here is charged: callers charge an account before they ask.
//
// Locks: those of the processors' frames, then the allocator's own, last in the kernel's lock order. Nothing blocks;
// all may be called with interrupts off and with any other lock held.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/lock.h"
#include "kernel/types.h"

struct boot_info;

constexpr unsigned FRAME_SHIFT = 12;
constexpr unsigned FRAME_MAX_ORDER = 10; // 4 MiB
constexpr uint8_t FREED_BYTE = 0xdd;     // what freed frames hold in the debug build (up to 64 KiB of a block), but for links

// Single frames that a processor has at hand (struct percpu). Others take them back only when memory runs out.
constexpr uint32_t FRAME_CACHE_MAX = 64;
struct frame_cache {
    struct spinlock lock;
    uint32_t count GUARDED_BY(lock);                   // atomic for who counts free frames
    uint32_t zeroed GUARDED_BY(lock);                  // the first ones
    uint32_t frames[FRAME_CACHE_MAX] GUARDED_BY(lock); // numbers
};

// This processor's, and those of all by number; null beyond the last (kernel/percpu.c).
struct frame_cache *frame_cache_here(void);
struct frame_cache *frame_cache_of(uint32_t cpu);

// Before frame_init: hands out single frames (contents unspecified) below 4 GiB for the first page tables,
// from one region that frame_early_init picks. frame_early_alloc gives false when that region is used up.
void frame_early_init(const struct boot_info *boot);
bool frame_early_alloc(paddr_t *out);

// Takes over all usable regions of `boot` less what frame_early_alloc gave out and less the frames that
// its own bookkeeping needs. Needs the direct map. False when there is too little memory even for that.
bool frame_init(const struct boot_info *boot);

// Adds frames that became free after boot (the boot path's own memory). Page-aligned; what lies
// outside the span of memory known since frame_init is left out.
void frame_add_range(paddr_t base, uint64_t len_bytes);

// One block of 2^order frames with unspecified contents. NO_MEMORY when there is none.
status_t frame_alloc(unsigned order, paddr_t *out);

// A single frame that is zeroed; 0 when there is none.
paddr_t frame_alloc_zeroed(void);

// For a processor that is idle: zeroes a few frames ahead, up to half of what it may have at hand.
void frame_zero_ahead(void);

// Gives a block back. The order must be that of its allocation; a wrong or double free panics.
void frame_free(paddr_t base, unsigned order);

// Makes single frames of a block: each is given back on its own.
void frame_split(paddr_t base, unsigned order);

// A single frame may have several owners, each of which gives it up with frame_release; the last one's frees it.
//
// frame_share adds one, and is for whoever has one: false when there are `most` more already. FRAME_SHARES_USUAL leaves
// room for one that each processor adds for the length of a kernel entry.
constexpr uint8_t FRAME_SHARES_USUAL = 127, FRAME_SHARES_MAX = UINT8_MAX;
bool frame_share(paddr_t base, uint8_t most);
void frame_release(paddr_t base);

// Whether there is another owner. Only an owner can add one, so false stays true while the caller's is guarded.
bool frame_is_shared(paddr_t base);

uint64_t frame_free_bytes(void);

// Smallest order whose block holds `len_bytes` (at least 1).
static inline unsigned frame_order_for(size_t len_bytes) {
    size_t frames = (len_bytes - 1) >> FRAME_SHIFT;
    return frames == 0 ? 0 : 64u - (unsigned)__builtin_clzll(frames);
}
