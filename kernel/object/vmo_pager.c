// Pages from user space: who is asked for one, how it gets in, and what the pager learns of writes.
//
// The messages are kernel/ipc/fault.c's. All that the pager does takes MANAGE, which clients of the memory do not have.
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/mapping.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vmo_pages.h"
#include "kernel/mm/frame.h"
#include "kernel/percpu.h"

constexpr uint32_t STEP_PAGES = VMO_NODE_WAYS; // supplied or cleaned in one step, and the longest dirty run
constexpr uint64_t LOOK_STEP_PAGES = 1024;

status_t vmo_create_paged(struct account *account, uint64_t len_bytes, struct endpoint *pager, uint64_t badge,
                          uint64_t key, struct vmo **out) {
    TRY(vmo_create_with(account, len_bytes, VMO_ANONYMOUS, VMO_RESIZABLE | VMO_MARKED | VMO_PAGED | VMO_TRACKED, out));
    object_get(&pager->object);
    (*out)->pager = pager;
    (*out)->pager_badge = badge;
    (*out)->pager_key = key;
    return STATUS_OK;
}

status_t vmo_create_child(struct account *account, uint64_t len_bytes, struct vmo *from, uint64_t first,
                          struct vmo **out) {
    if (!vmo_has(from, VMO_PAGED)) {
        return vmo_create(account, len_bytes, out);
    }
    TRY(vmo_create_with(account, len_bytes, VMO_ANONYMOUS, VMO_MARKED | VMO_PAGED, out));
    const bool direct = vmo_has(from, VMO_TRACKED);
    struct vmo *origin = direct ? from : from->origin;
    object_get(&origin->object);
    (*out)->origin = origin;
    (*out)->origin_first = first + (direct ? 0 : from->origin_first);
    return STATUS_OK;
}

// ---- Asking ----

struct endpoint *vmo_pager(struct vmo *vmo) {
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

[[gnu::noinline]] status_t vmo_fetch(struct vmo *vmo, uint64_t page_index) {
    struct percpu *cpu = this_cpu();
    const bool direct = vmo_has(vmo, VMO_TRACKED);
    struct vmo *origin = direct ? vmo : vmo->origin;
    uint64_t first = page_index + (direct ? 0 : vmo->origin_first), end = first + 1;
    paddr_t frame;
    if (!direct && vmo_peek(origin, first, &frame)) {
        return vmo_clone_some(origin, &first, &end, vmo, page_index);
    }
    if (first >= vmo_len_bytes(origin) / PAGE_BYTES) {
        return STATUS_NOT_FOUND;
    }
    cpu->absent_vmo = origin;
    cpu->absent_page = first;
    return STATUS_TIMED_OUT;
}

// ---- Supply ----

// Takes pages out: entries[i] is what was there, marks and all, 0 for nothing. BAD_ARGUMENT while a device has them.
static status_t take_out(struct vmo *from, uint64_t first, uint32_t count, uint32_t entries[]) {
    uint64_t taken = 0;
    spin_lock(&from->lock);
    if (from->pin_count > 0) {
        spin_unlock(&from->lock);
        return STATUS_BAD_ARGUMENT;
    }
    mappings_change(from, first, first + count, true);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *slot = first + i < from->page_count ? slot_find(from, first + i) : nullptr;
        entries[i] = slot == nullptr ? 0 : *slot;
        if (entries[i] != 0) {
            *slot = 0;
            taken++;
        }
    }
    vmo_pages_counted(from, -taken);
    spin_unlock(&from->lock);
    account_uncharge(from->object.account, taken << FRAME_SHIFT);
    return STATUS_OK;
}

status_t vmo_supply_some(struct vmo *into, uint64_t *first, uint64_t *end, struct vmo *from, uint64_t *from_first) {
    uint32_t entries[STEP_PAGES];
    const uint32_t count = (uint32_t)min_u64(*end - *first, STEP_PAGES);
    __atomic_fetch_add(&into->supplies, 1, __ATOMIC_RELAXED);
    TRY(take_out(from, *from_first, count, entries));
    TRY(slots_take_in(into, *first, entries, count, true));
    *first += count;
    *from_first += count;
    return STATUS_OK;
}

// ---- Writing back ----

static bool is_dirty(struct vmo *vmo, uint64_t page_index) REQUIRES(vmo->lock) {
    const uint32_t *slot = slot_find(vmo, page_index);
    return slot != nullptr && (*slot & SLOT_DIRTY) != 0;
}

void vmo_dirty_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    spin_lock(&vmo->lock);
    const uint64_t stop = min_u64(*first + LOOK_STEP_PAGES, vmo->page_count);
    while (*first < stop && !is_dirty(vmo, *first)) {
        (*first)++;
    }
    *end = *first;
    while (*end < vmo->page_count && *end - *first < STEP_PAGES && is_dirty(vmo, *end)) {
        (*end)++;
    }
    spin_unlock(&vmo->lock);
}

status_t vmo_clean_some(struct vmo *vmo, uint64_t *first, uint64_t *end) {
    spin_lock(&vmo->lock);
    const uint64_t stop = min_u64(*first + STEP_PAGES, *end);
    mappings_change(vmo, *first, stop, false);
    for (; *first < stop; (*first)++) {
        uint32_t *slot = *first < vmo->page_count ? slot_find(vmo, *first) : nullptr;
        if (slot != nullptr) {
            *slot &= ~SLOT_DIRTY;
        }
    }
    spin_unlock(&vmo->lock);
    return STATUS_OK;
}
