// Pages from user space: who is asked for one, how it gets in, and what the pager learns of writes.
//
// The messages are kernel/ipc/fault.c's. Everything the pager does it does by methods that need MANAGE, which clients of
// the memory do not have.
#include "base/mem.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/mapping.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vmo_pages.h"

constexpr uint64_t SUPPLY_STEP_PAGES = 32;
constexpr uint64_t LOOK_STEP_PAGES = 4096;
constexpr uint64_t DIRTY_RUN_PAGES = 512;

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

status_t vmo_create_paged(struct account *account, uint64_t len_bytes, struct endpoint *pager, uint64_t badge,
                          uint64_t key, struct vmo **out) {
    struct vmo *vmo;
    TRY(vmo_create_with(account, len_bytes, VMO_ANONYMOUS, VMO_RESIZABLE | VMO_PAGED | VMO_TRACKED | VMO_MARKED, &vmo));
    object_get(&pager->object);
    vmo->pager_badge = badge;
    vmo->pager_key = key;
    spin_lock(&vmo->lock);
    vmo->pager = pager;
    spin_unlock(&vmo->lock);
    *out = vmo;
    return STATUS_OK;
}

struct endpoint *vmo_pager(struct vmo *vmo, uint64_t *badge, uint64_t *key) {
    *badge = vmo->pager_badge;
    *key = vmo->pager_key;
    spin_lock(&vmo->lock);
    struct endpoint *pager = vmo->pager;
    if (pager != nullptr) {
        object_get(&pager->object);
    }
    spin_unlock(&vmo->lock);
    return pager;
}

void vmo_detach_pager(struct vmo *vmo) {
    spin_lock(&vmo->lock);
    struct endpoint *pager = vmo->pager;
    vmo->pager = nullptr;
    spin_unlock(&vmo->lock);
    if (pager != nullptr) {
        object_put(&pager->object);
    }
}

status_t vmo_fetch(struct vmo *vmo, uint64_t page_index, struct absent_page *absent) {
    struct vmo *origin = vmo->origin;
    *absent = (struct absent_page){vmo, page_index};
    if (origin == nullptr) {
        return STATUS_TIMED_OUT;
    }
    uint64_t first = vmo->origin_first + page_index, end = first + 1;
    paddr_t frame;
    *absent = (struct absent_page){origin, first};
    return vmo_peek(origin, first, &frame) ? vmo_clone_some(origin, &first, &end, vmo, page_index) : STATUS_TIMED_OUT;
}

void vmo_set_origin(struct vmo *child, struct vmo *from, uint64_t first) {
    child->origin = from->origin != nullptr ? from->origin : from;
    child->origin_first = from->origin_first + first;
    __atomic_fetch_or(&child->flags, VMO_PAGED | VMO_MARKED, __ATOMIC_RELAXED);
    object_get(&child->origin->object);
}

// ---- Supply ----

// Takes a page out, for nobody else to have it, or copies one that is shared; a new one where there is none.
static status_t take_out(struct vmo *from, uint64_t page_index, uint32_t *entry) REQUIRES(from->lock) {
    uint32_t *slot = slot_find(from, page_index);
    if (slot != nullptr && *slot != 0 && (*slot & SLOT_SHARED) == 0) {
        mappings_clear(from, page_index, page_index + 1);
        *entry = *slot & SLOT_FRAME;
        *slot = 0;
        vmo_pages_counted(from, -1ull);
        account_uncharge(from->object.account, 1ull << FRAME_SHIFT);
        return STATUS_OK;
    }
    paddr_t frame;
    TRY(frame_alloc(0, &frame));
    if (slot != nullptr && *slot != 0) {
        const paddr_t shared = {(uint64_t)(*slot & SLOT_FRAME) << FRAME_SHIFT};
        memcpy(phys_to_virt(frame), phys_to_virt(shared), 1ull << FRAME_SHIFT);
    } else {
        memset(phys_to_virt(frame), 0, 1ull << FRAME_SHIFT);
    }
    *entry = (uint32_t)(frame.v >> FRAME_SHIFT);
    return STATUS_OK;
}

static status_t put_in(struct vmo *into, uint64_t page_index, uint32_t entry) {
    spin_lock(&into->lock);
    status_t status = slot_take_in(into, page_index, entry);
    spin_unlock(&into->lock);
    return status;
}

static status_t supply_one(struct vmo *into, uint64_t page_index, struct vmo *from, uint64_t from_page) {
    uint32_t entry;
    paddr_t there;
    if (vmo_peek(into, page_index, &there)) {
        return STATUS_OK;
    }
    spin_lock(&from->lock);
    status_t status = take_out(from, from_page, &entry);
    spin_unlock(&from->lock);
    TRY(status);
    status = put_in(into, page_index, entry);
    // Back where it was; nobody can have it that did not have it before.
    if (!status_ok(status) && !status_ok(put_in(from, from_page, entry))) {
        frame_release((paddr_t){(uint64_t)entry << FRAME_SHIFT});
    }
    return status_is(status, STATUS_IN_USE) ? STATUS_OK : status;
}

status_t vmo_supply_some(struct vmo *into, uint64_t *first, uint64_t *end, struct vmo *from, uint64_t *from_first) {
    const uint64_t stop = min_u64(*first + SUPPLY_STEP_PAGES, *end);
    for (; *first < stop; (*first)++, (*from_first)++) {
        TRY(supply_one(into, *first, from, *from_first));
    }
    return STATUS_OK;
}

// ---- Writing back ----

static bool is_dirty(struct vmo *vmo, uint64_t page_index) REQUIRES(vmo->lock) {
    const uint32_t *slot = slot_find(vmo, page_index);
    return slot != nullptr && (*slot & SLOT_DIRTY) != 0;
}

void vmo_mark_dirty(struct vmo *vmo, uint64_t page_index, paddr_t frame) {
    spin_lock(&vmo->lock);
    uint32_t *slot = page_index < vmo->page_count ? slot_find(vmo, page_index) : nullptr;
    if (slot != nullptr && (*slot & SLOT_FRAME) == frame.v >> FRAME_SHIFT) {
        *slot |= SLOT_DIRTY;
    }
    spin_unlock(&vmo->lock);
}

void vmo_dirty_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    spin_lock(&vmo->lock);
    const uint64_t stop = min_u64(*first + LOOK_STEP_PAGES, vmo->page_count);
    while (*first < stop && !is_dirty(vmo, *first)) {
        (*first)++;
    }
    *end = *first;
    while (*end < vmo->page_count && *end - *first < DIRTY_RUN_PAGES && is_dirty(vmo, *end)) {
        (*end)++;
    }
    spin_unlock(&vmo->lock);
}

void vmo_clean_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    spin_lock(&vmo->lock);
    const uint64_t stop = min_u64(min_u64(*first + DIRTY_RUN_PAGES, *end), vmo->page_count);
    if (*first < stop) {
        mappings_write_protect(vmo, *first, stop);
    }
    for (uint64_t page = *first; page < stop; page++) {
        uint32_t *slot = slot_find(vmo, page);
        if (slot != nullptr) {
            *slot &= ~SLOT_DIRTY;
        }
    }
    *first = stop > *first && stop < vmo->page_count ? stop : *end;
    spin_unlock(&vmo->lock);
}
