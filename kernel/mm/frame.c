#include "kernel/mm/frame.h"

#include "abi/boot_info.h"
#include "abi/gen/abi.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/lock.h"
#include "kernel/mm/buddy.h"
#include "kernel/mm/direct_map.h"
#include "kernel/panic.h"

constexpr unsigned ORDER_COUNT = FRAME_MAX_ORDER + 1;
constexpr unsigned REFILL_ORDER = 3;     // how many single frames a cache is given at once
constexpr uint32_t ZERO_AHEAD_STEP = 8;  // frames zeroed each time that a processor has nothing else to do
constexpr uint64_t FRAME_BYTES = 1ull << FRAME_SHIFT;
constexpr uint64_t EARLY_END = 1ull << 32;
constexpr uint64_t FRAME_NUMBER_END = 1ull << 30; // VMOs keep frame numbers in 30 bits

// Bookkeeping may take at most 1/16 of the memory it is for: memory behind larger holes is left out.
constexpr uint64_t SPAN_FRAMES_PER_FRAME = FRAME_BYTES / 16;

// Lies in the free block itself. Lists are circular through their head.
struct free_block {
    struct free_block *next, *prev;
};

static struct spinlock frame_lock = SPINLOCK(LOCK_FRAMES);

static struct {
    struct free_block lists[ORDER_COUNT] GUARDED_BY(frame_lock);
    uint32_t non_empty GUARDED_BY(frame_lock); // bit n: lists[n] has a block
    uint64_t free_frames GUARDED_BY(frame_lock); // on the lists
    // enum frame_state | order, by frame number less first_frame. What is on a list is under the lock; the byte of any
    // other frame is its holder's, and no processor that does not hold it takes it for free.
    uint8_t *states;
    // How many refer to a frame beside its first owner; atomic, and 0 unless it is given out singly.
    uint8_t *shares;
    uint64_t first_frame, end_frame;
} pool;

// What is left of the region that early frames come from; they are taken from its end.
static struct {
    uint64_t base, next, end;
} early;

void frame_early_init(const struct boot_info *boot) {
    early.base = early.next = early.end = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *region = &boot->regions[i];
        uint64_t base = region->base < FRAME_BYTES ? FRAME_BYTES : region->base;
        uint64_t end = region->base + region->len_bytes;
        end = end > EARLY_END ? EARLY_END : end;
        if (region->kind == BOOT_MEM_USABLE && end > base && end - base > early.end - early.base) {
            early.base = base;
            early.next = early.end = end;
        }
    }
}

bool frame_early_alloc(paddr_t *out) {
    if (early.next - early.base < FRAME_BYTES) {
        return false;
    }
    early.next -= FRAME_BYTES;
    *out = (paddr_t){early.next};
    return true;
}

static struct free_block *block_of(uint64_t frame) {
    return phys_to_virt((paddr_t){frame << FRAME_SHIFT});
}

static uint8_t *state_of(uint64_t frame) {
    return &pool.states[frame - pool.first_frame];
}

static void list_insert(uint64_t frame, unsigned order) REQUIRES(frame_lock) {
    struct free_block *block = block_of(frame);
    struct free_block *head = &pool.lists[order];
    block->prev = head;
    block->next = head->next;
    head->next->prev = block;
    head->next = block;
    pool.non_empty |= 1u << order;
    *state_of(frame) = frame_state(STATE_FREE, order);
}

static void list_unlink(uint64_t frame, unsigned order) REQUIRES(frame_lock) {
    struct free_block *block = block_of(frame);
    block->prev->next = block->next;
    block->next->prev = block->prev;
    if (pool.lists[order].next == &pool.lists[order]) {
        pool.non_empty &= ~(1u << order);
    }
    *state_of(frame) = STATE_INSIDE;
}

// Puts a block on its list, together with its buddies as far as they are free.
static void block_release(uint64_t frame, unsigned order) REQUIRES(frame_lock) {
    *state_of(frame) = STATE_INSIDE;
    uint64_t block = frame >> order;
    while (order < FRAME_MAX_ORDER) {
        uint64_t buddy = buddy_beside(block) << order;
        if (!frame_in_span(buddy, pool.first_frame, pool.end_frame) ||
            *state_of(buddy) != frame_state(STATE_FREE, order)) {
            break;
        }
        list_unlink(buddy, order);
        block = buddy_joined(block);
        order++;
    }
    list_insert(block << order, order);
}

static bool block_take(unsigned order, uint64_t *out) REQUIRES(frame_lock) {
    uint32_t fitting = pool.non_empty >> order << order;
    if (fitting == 0) {
        return false;
    }
    unsigned found = (unsigned)__builtin_ctz(fitting);
    uint64_t frame = virt_to_phys(pool.lists[found].next).v >> FRAME_SHIFT;
    list_unlink(frame, found);
    while (found > order) {
        found--;
        list_insert(frame + (1ull << found), found);
    }
    *out = frame;
    return true;
}

// Adds frames [frame, end), which nobody holds, in the largest blocks that their alignment allows.
static void range_add(uint64_t frame, uint64_t end) REQUIRES(frame_lock) {
    frame = frame < pool.first_frame ? pool.first_frame : frame;
    end = end > pool.end_frame ? pool.end_frame : end;
    while (frame < end) {
        unsigned order = (unsigned)__builtin_ctzll(frame | 1ull << FRAME_MAX_ORDER);
        while (1ull << order > end - frame) {
            order--;
        }
        block_release(frame, order);
        pool.free_frames += 1ull << order;
        frame += 1ull << order;
    }
}

static bool region_counts(const struct boot_region *region) {
    return region->kind == BOOT_MEM_USABLE || region->kind == BOOT_MEM_BOOT_INFO;
}

// Frames [first, end) of a region, without frame 0, whose number means "none".
static uint64_t region_first(const struct boot_region *region) {
    uint64_t first = region->base >> FRAME_SHIFT;
    return first == 0 ? 1 : first;
}

static uint64_t region_end(const struct boot_region *region) {
    uint64_t end = (region->base + region->len_bytes) >> FRAME_SHIFT;
    return end > FRAME_NUMBER_END ? FRAME_NUMBER_END : end;
}

// Which frames the bookkeeping covers.
static void span_choose(const struct boot_info *boot) {
    uint64_t frames = 0;
    pool.first_frame = pool.end_frame = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *region = &boot->regions[i];
        uint64_t first = region_first(region), end = region_end(region);
        if (!region_counts(region) || first >= end) {
            continue;
        }
        if (frames == 0) {
            pool.first_frame = first;
        }
        frames += end - first;
        if (end - pool.first_frame > frames * SPAN_FRAMES_PER_FRAME) {
            break;
        }
        pool.end_frame = end;
    }
}

// Finds room for the bookkeeping at the beginning of the usable region with most memory left.
static bool states_place(const struct boot_info *boot, uint64_t frames_needed, uint64_t *out) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *region = &boot->regions[i];
        uint64_t first = region_first(region), end = region_end(region);
        if (region->kind != BOOT_MEM_USABLE || first >= end || end > pool.end_frame) {
            continue;
        }
        if (first << FRAME_SHIFT == early.base) {
            end = early.next >> FRAME_SHIFT;
        }
        if (end - first > most) {
            most = end - first;
            *out = first;
        }
    }
    return most > frames_needed;
}

bool frame_init(const struct boot_info *boot) {
    span_choose(boot);
    uint64_t span = pool.end_frame - pool.first_frame;
    uint64_t states_frames = align_up(2 * span, FRAME_BYTES) >> FRAME_SHIFT;
    uint64_t states_first;
    if (span == 0 || !states_place(boot, states_frames, &states_first)) {
        return false;
    }
    pool.states = phys_to_virt((paddr_t){states_first << FRAME_SHIFT});
    memset(pool.states, STATE_INSIDE, span);
    pool.shares = pool.states + span;
    memset(pool.shares, 0, span);

    spin_lock(&frame_lock);
    for (unsigned order = 0; order < ORDER_COUNT; order++) {
        pool.lists[order].next = pool.lists[order].prev = &pool.lists[order];
    }
    pool.non_empty = 0;
    pool.free_frames = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *region = &boot->regions[i];
        uint64_t first = region_first(region), end = region_end(region);
        if (region->kind != BOOT_MEM_USABLE || first >= end || end > pool.end_frame) {
            continue;
        }
        bool early_region = first << FRAME_SHIFT == early.base;
        if (first == states_first) {
            first += states_frames;
        }
        if (early_region) {
            range_add(first, early.next >> FRAME_SHIFT);
            first = early.end >> FRAME_SHIFT;
        }
        range_add(first, end);
    }
    spin_unlock(&frame_lock);
    early.base = early.end = early.next; // no early frames from here on
    return true;
}

void frame_add_range(paddr_t base, uint64_t len_bytes) {
    uint64_t first = base.v >> FRAME_SHIFT;
    uint64_t end = (base.v + len_bytes) >> FRAME_SHIFT;
    spin_lock(&frame_lock);
    range_add(first, end);
    spin_unlock(&frame_lock);
}

// ---- Single frames: each processor has some at hand ----

// Gives frames back until `keep` are left.
static void cache_shrink(struct frame_cache *cache, uint32_t keep) REQUIRES(cache->lock) {
    spin_lock(&frame_lock);
    pool.free_frames += cache->count - keep;
    while (cache->count > keep) {
        block_release(cache->frames[--cache->count], 0);
    }
    cache->zeroed = cache->zeroed < keep ? cache->zeroed : keep;
    spin_unlock(&frame_lock);
}

// Makes sure that there is a frame; false when no block is free.
[[gnu::noinline]] static bool cache_refill(struct frame_cache *cache) REQUIRES(cache->lock) {
    uint64_t first;
    unsigned order = REFILL_ORDER;
    spin_lock(&frame_lock);
    bool found = block_take(order, &first);
    if (!found) {
        found = block_take(order = 0, &first);
    }
    for (uint64_t i = found ? 1ull << order : 0; i-- > 0;) { // the lowest comes out first
        *state_of(first + i) = STATE_STACKED;
        cache->frames[cache->count++] = (uint32_t)(first + i);
        pool.free_frames--;
    }
    spin_unlock(&frame_lock);
    return found;
}

// What all processors have at hand may be all that there is, or complete a block.
static void caches_drain(void) {
    struct frame_cache *cache;
    for (uint32_t i = 0; (cache = frame_cache_of(i)) != nullptr; i++) {
        spin_lock(&cache->lock);
        cache_shrink(cache, 0);
        spin_unlock(&cache->lock);
    }
}

// The number of a frame at hand, one that is zeroed if there is with `zeroed`; 0: there is none. *is_zeroed says what it is.
static inline uint64_t single_take(bool zeroed, bool *is_zeroed) {
    struct frame_cache *cache = frame_cache_here();
    uint64_t frame = 0;
    spin_lock(&cache->lock);
    if (cache->count != 0 || cache_refill(cache)) {
        const uint32_t top = --cache->count;
        frame = cache->frames[top];
        *is_zeroed = zeroed && cache->zeroed != 0;
        if (*is_zeroed) {
            frame = cache->frames[--cache->zeroed];
            cache->frames[cache->zeroed] = cache->frames[top];
        } else if (cache->zeroed > top) {
            cache->zeroed = top;
        }
        *state_of(frame) = frame_state(STATE_USED, 0);
    }
    spin_unlock(&cache->lock);
    return frame;
}

static bool block_alloc(unsigned order, uint64_t *out) {
    spin_lock(&frame_lock);
    const bool found = order <= FRAME_MAX_ORDER && block_take(order, out);
    pool.free_frames -= found ? 1ull << order : 0;
    spin_unlock(&frame_lock);
    return found;
}

status_t frame_alloc(unsigned order, paddr_t *out) {
    bool ignored;
    uint64_t frame = order == 0 ? single_take(false, &ignored) : 0;
    if (frame == 0) {
        if (!block_alloc(order, &frame)) {
            caches_drain();
            if (!block_alloc(order, &frame)) {
                return STATUS_NO_MEMORY;
            }
        }
        *state_of(frame) = frame_state(STATE_USED, order);
    }
    *out = (paddr_t){frame << FRAME_SHIFT};
    return STATUS_OK;
}

static void single_free(uint64_t frame) {
    struct frame_cache *cache = frame_cache_here();
    *state_of(frame) = STATE_STACKED;
    spin_lock(&cache->lock);
    if (cache->count == FRAME_CACHE_MAX) {
        cache_shrink(cache, FRAME_CACHE_MAX / 2);
    }
    cache->frames[cache->count++] = (uint32_t)frame;
    spin_unlock(&cache->lock);
}

void frame_free(paddr_t base, unsigned order) {
    uint64_t frame = base.v >> FRAME_SHIFT;
    if (!frame_in_span(frame, pool.first_frame, pool.end_frame) ||
        *state_of(frame) != frame_state(STATE_USED, order)) {
        panic("frame_free: %#lx order %u was not given out so", base.v, order);
    }
    if (KERNEL_DEBUG) {
        memset(phys_to_virt(base), FREED_BYTE, FRAME_BYTES << (order < 4 ? order : 4));
    }
    if (order == 0) {
        single_free(frame);
        return;
    }
    spin_lock(&frame_lock);
    pool.free_frames += 1ull << order;
    block_release(frame, order);
    spin_unlock(&frame_lock);
}

// ---- Zeroed frames ----

// When none is at hand, and none to be had in the usual way.
[[gnu::noinline]] static paddr_t last_zeroed(void) {
    paddr_t frame;
    if (!status_ok(frame_alloc(0, &frame))) {
        return (paddr_t){0};
    }
    arch_zero_page(phys_to_virt(frame));
    return frame;
}

paddr_t frame_alloc_zeroed(void) {
    bool is_zeroed;
    const paddr_t frame = {single_take(true, &is_zeroed) << FRAME_SHIFT};
    if (frame.v == 0) {
        return last_zeroed();
    }
    if (!is_zeroed) {
        arch_zero_page(phys_to_virt(frame));
    }
    return frame;
}

void frame_zero_ahead(void) {
    struct frame_cache *cache = frame_cache_here();
    spin_lock(&cache->lock);
    for (uint32_t i = 0; i < ZERO_AHEAD_STEP && cache->zeroed < FRAME_CACHE_MAX / 2; i++) {
        if (cache->zeroed == cache->count && !cache_refill(cache)) {
            break;
        }
        arch_zero_page(phys_to_virt((paddr_t){(uint64_t)cache->frames[cache->zeroed++] << FRAME_SHIFT}));
    }
    spin_unlock(&cache->lock);
}

void frame_split(paddr_t base, unsigned order) {
    uint64_t frame = base.v >> FRAME_SHIFT;
    spin_lock(&frame_lock);
    if (*state_of(frame) != (STATE_USED | order)) {
        panic("frame_split: %#lx order %u was not given out so", base.v, order);
    }
    memset(state_of(frame), STATE_USED, 1ull << order);
    spin_unlock(&frame_lock);
}

// ---- Sharing ----

static uint8_t *shares_of(paddr_t base) {
    return &pool.shares[(base.v >> FRAME_SHIFT) - pool.first_frame];
}

bool frame_share(paddr_t base, uint8_t most) {
    uint8_t *shares = shares_of(base);
    uint8_t count = __atomic_load_n(shares, __ATOMIC_RELAXED);
    while (count < most) {
        if (__atomic_compare_exchange_n(shares, &count, count + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

bool frame_is_shared(paddr_t base) {
    return __atomic_load_n(shares_of(base), __ATOMIC_ACQUIRE) != 0;
}

void frame_release(paddr_t base) {
    uint8_t *shares = shares_of(base);
    uint8_t count = __atomic_load_n(shares, __ATOMIC_ACQUIRE);
    while (count != 0) {
        if (__atomic_compare_exchange_n(shares, &count, count - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return;
        }
    }
    frame_free(base, 0);
}

// Frames that move between the lists and a processor are counted once: they do with the lock held.
uint64_t frame_free_bytes(void) {
    spin_lock(&frame_lock);
    uint64_t frames = pool.free_frames;
    struct frame_cache *cache;
    for (uint32_t i = 0; (cache = frame_cache_of(i)) != nullptr; i++) {
        frames += __atomic_load_n(&cache->count, __ATOMIC_RELAXED);
    }
    spin_unlock(&frame_lock);
    return frames << FRAME_SHIFT;
}
