// What is done to many pages of a VMO, a bounded part at a time: the caller goes on with what is left.
#include "base/align.h"
#include "base/mem.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/mapping.h"
#include "kernel/object/page_table.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vmo_pages.h"

constexpr uint32_t STEP_PAGES = VMO_NODE_WAYS; // zeroed, shared or looked at in one step

// ---- Commit ----

status_t vmo_commit_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    if (vmo_has(vmo, VMO_PAGED)) {
        return STATUS_BAD_STATE;
    }
    if (vmo->kind == VMO_PHYSICAL) {
        *first = *end;
        return STATUS_OK;
    }
    status_t status = STATUS_OK;
    spin_lock(&vmo->lock);
    // Where there is no whole block, or it cannot be paid for, single pages may still do.
    if (is_aligned(*first, LARGE_PAGES) && *end - *first >= LARGE_PAGES && *end <= vmo->page_count &&
        status_ok(slots_commit_block(vmo, *first, LARGE_PAGES))) {
        __atomic_fetch_or(&vmo->flags, VMO_LARGE, __ATOMIC_RELAXED);
        *first += LARGE_PAGES;
    } else {
        const uint64_t stop = min_u64(*first + STEP_PAGES, *end);
        while (*first < stop && status_ok(status = vmo_page_get(vmo, *first, false).status)) {
            (*first)++;
        }
        status = status_is(status, STATUS_NOT_FOUND) ? STATUS_BAD_ARGUMENT : status; // cut off since the range was checked
    }
    spin_unlock(&vmo->lock);
    return status;
}

// ---- Decommit, resize ----

status_t vmo_decommit_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    if (vmo_has(vmo, VMO_PINNED | VMO_SEALED)) {
        return STATUS_BAD_STATE;
    }
    spin_lock(&vmo->lock);
    const bool pinned = vmo->pin_count > 0;
    *end = pinned ? *first : min_u64(*end, vmo->page_count);
    if (*first < *end) {
        slots_trim(vmo, *first, end, true);
    } else {
        *end = *first;
    }
    spin_unlock(&vmo->lock);
    return pinned ? STATUS_IN_USE : STATUS_OK;
}

// Shrinking lowers the length as far as a step gets, so what is beyond it is always gone.
static status_t resize_locked(struct vmo *vmo, uint64_t page_count) REQUIRES(vmo->lock) {
    uint64_t reached = vmo->page_count;
    if (vmo->pin_count > 0) {
        return STATUS_IN_USE;
    }
    if (page_count > reached) {
        TRY(slots_reach(vmo, page_count));
        reached = page_count;
    } else if (page_count < reached) {
        slots_trim(vmo, page_count, &reached, false);
    }
    __atomic_store_n(&vmo->page_count, reached, __ATOMIC_RELAXED);
    return STATUS_OK;
}

status_t vmo_resize_some(struct vmo *vmo, uint64_t page_count, bool *done) {
    if (!vmo_has(vmo, VMO_RESIZABLE) || vmo_has(vmo, VMO_PINNED | VMO_SEALED)) {
        return STATUS_BAD_STATE;
    }
    spin_lock(&vmo->lock);
    status_t status = resize_locked(vmo, page_count);
    *done = vmo->page_count == page_count;
    spin_unlock(&vmo->lock);
    return status;
}

// ---- Clone ----

// Gives each page of [first, first + count) that is there another owner; a frame that has too many already is copied.
// slots[i] is what the clone keeps, 0 for nothing. Returns how many were done.
static uint32_t share_out(struct vmo *from, uint64_t first, uint32_t count, uint32_t slots[]) REQUIRES(from->lock) {
    mappings_change(from, first, first + count, false);
    __atomic_fetch_or(&from->flags, VMO_MARKED, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *slot = slot_find(from, first + i);
        slots[i] = 0;
        if (slot == nullptr || *slot == 0) {
            continue;
        }
        const paddr_t frame = {(uint64_t)(*slot & SLOT_FRAME) << FRAME_SHIFT};
        // What a system call is writing to (vmo_page_hold) would change after the clone is there.
        const bool held = (*slot & SLOT_SHARED) == 0 && frame_is_shared(frame);
        if (!held && frame_share(frame, FRAME_SHARES_USUAL)) {
            *slot |= SLOT_SHARED;
            slots[i] = (*slot & SLOT_FRAME) | SLOT_SHARED;
            continue;
        }
        paddr_t copy;
        if (!status_ok(frame_alloc(0, &copy))) {
            return i;
        }
        memcpy(phys_to_virt(copy), phys_to_virt(frame), PAGE_BYTES);
        slots[i] = (uint32_t)(copy.v >> FRAME_SHIFT);
    }
    return count;
}

static status_t take_in(struct vmo *into, uint64_t page_index, uint32_t entry) REQUIRES(into->lock) {
    if (page_index >= into->page_count) {
        return STATUS_NOT_FOUND;
    }
    uint32_t *slot = slot_make(into, page_index);
    if (slot == nullptr) {
        return STATUS_NO_MEMORY;
    }
    if (*slot != 0) {
        return STATUS_IN_USE;
    }
    if (entry == 0) {
        return slot_commit(into, slot);
    }
    TRY(account_charge(into->object.account, PAGE_BYTES));
    *slot = entry;
    __atomic_fetch_or(&into->flags, VMO_MARKED, __ATOMIC_RELAXED);
    vmo_pages_counted(into, 1);
    return STATUS_OK;
}

status_t slots_take_in(struct vmo *into, uint64_t first, const uint32_t entries[], uint32_t count, bool zeros) {
    status_t status = STATUS_OK;
    spin_lock(&into->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i] == 0 && !zeros) {
            continue;
        }
        const status_t taken = take_in(into, first + i, entries[i]);
        if (!status_ok(taken)) {
            if (entries[i] != 0) {
                frame_release((paddr_t){(uint64_t)(entries[i] & SLOT_FRAME) << FRAME_SHIFT});
            }
            status = status_is(taken, STATUS_NO_MEMORY) ? taken : status;
        }
    }
    spin_unlock(&into->lock);
    return status;
}

status_t vmo_clone_some(struct vmo *from, uint64_t *first, uint64_t *end, struct vmo *into, uint64_t into_first) {
    uint32_t slots[STEP_PAGES];
    const uint32_t wanted = (uint32_t)min_u64(*end - *first, STEP_PAGES);
    spin_lock(&from->lock);
    const bool pinned = from->pin_count > 0;
    const uint32_t count = pinned ? 0 : share_out(from, *first, wanted, slots);
    spin_unlock(&from->lock);
    if (pinned) {
        return STATUS_IN_USE;
    }
    TRY(slots_take_in(into, into_first, slots, count, false));
    *first += wanted;
    return count == wanted ? STATUS_OK : STATUS_NO_MEMORY;
}
