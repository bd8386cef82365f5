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
constexpr uint32_t STACK_FRAMES = 32;
constexpr unsigned REFILL_ORDER = 3; // how many single frames are split off at once
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
    uint32_t stack_count GUARDED_BY(frame_lock);
    uint64_t stack[STACK_FRAMES] GUARDED_BY(frame_lock); // frame numbers
    uint64_t free_frames GUARDED_BY(frame_lock);         // on the lists and on the stack
    uint8_t *states; // enum frame_state | order, by frame number less first_frame; the bytes are under the lock
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

static void stack_drain(void) REQUIRES(frame_lock) {
    while (pool.stack_count > 0) {
        block_release(pool.stack[--pool.stack_count], 0);
    }
}

// A single frame: from the stack, which is filled up a few at a time so that most are cheap.
static bool single_take(uint64_t *out) REQUIRES(frame_lock) {
    if (pool.stack_count == 0) {
        uint64_t first;
        if (!block_take(REFILL_ORDER, &first)) {
            return block_take(0, out);
        }
        for (uint64_t i = 1ull << REFILL_ORDER; i-- > 0;) { // the lowest comes out first
            *state_of(first + i) = STATE_STACKED;
            pool.stack[pool.stack_count++] = first + i;
        }
    }
    *out = pool.stack[--pool.stack_count];
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
    pool.non_empty = pool.stack_count = 0;
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

status_t frame_alloc(unsigned order, paddr_t *out) {
    uint64_t frame;
    spin_lock(&frame_lock);
    bool found = order == 0 ? single_take(&frame) : order <= FRAME_MAX_ORDER && block_take(order, &frame);
    if (!found && order != 0) {
        stack_drain(); // its frames may complete a block
        found = order <= FRAME_MAX_ORDER && block_take(order, &frame);
    }
    if (!found) {
        spin_unlock(&frame_lock);
        return STATUS_NO_MEMORY;
    }
    *state_of(frame) = frame_state(STATE_USED, order);
    pool.free_frames -= 1ull << order;
    spin_unlock(&frame_lock);
    *out = (paddr_t){frame << FRAME_SHIFT};
    return STATUS_OK;
}

void frame_free(paddr_t base, unsigned order) {
    uint64_t frame = base.v >> FRAME_SHIFT;
    spin_lock(&frame_lock);
    if (!frame_in_span(frame, pool.first_frame, pool.end_frame) ||
        *state_of(frame) != frame_state(STATE_USED, order)) {
        panic("frame_free: %#lx order %u was not given out so", base.v, order);
    }
    if (KERNEL_DEBUG) {
        memset(phys_to_virt(base), FREED_BYTE, FRAME_BYTES << (order < 4 ? order : 4));
    }
    pool.free_frames += 1ull << order;
    if (order == 0 && pool.stack_count < STACK_FRAMES) {
        *state_of(frame) = STATE_STACKED;
        pool.stack[pool.stack_count++] = frame;
    } else {
        block_release(frame, order);
    }
    spin_unlock(&frame_lock);
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

uint64_t frame_free_bytes(void) {
    spin_lock(&frame_lock);
    uint64_t bytes = pool.free_frames << FRAME_SHIFT;
    spin_unlock(&frame_lock);
    return bytes;
}
