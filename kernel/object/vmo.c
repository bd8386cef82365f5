#include "kernel/object/vmo.h"

#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/mapping.h"
#include "kernel/object/page_table.h"
#include "kernel/object/resource.h"
#include "kernel/object/vmo_pages.h"
#include "kernel/panic.h"

SLAB_CACHE(vmo_cache, struct vmo);

static uint64_t all_committed_pages; // atomic

static paddr_t slot_frame(uint32_t slot) {
    return (paddr_t){(uint64_t)(slot & SLOT_FRAME) << FRAME_SHIFT};
}

static uint32_t slot_of(paddr_t frame) {
    return (uint32_t)(frame.v >> FRAME_SHIFT);
}

// ---- Creation and destruction ----

status_t vmo_create_with(struct account *account, uint64_t len_bytes, enum vmo_kind kind, uint32_t flags,
                         struct vmo **out) {
    if (len_bytes == 0 || len_bytes > VMO_MAX_BYTES) {
        return STATUS_BAD_ARGUMENT;
    }
    struct object *object;
    TRY(object_create(OBJECT_VMO, account, &object));
    struct vmo *vmo = vmo_of(object);
    spin_init(&vmo->lock, LOCK_VMO);
    vmo->object.withheld = (flags & VMO_TRACKED) != 0 ? 0 : RIGHT_MANAGE_BIT; // the pager's methods
    vmo->kind = kind;
    vmo->flags = (uint8_t)flags;
    vmo->page_count = align_up(len_bytes, PAGE_BYTES) >> FRAME_SHIFT;
    vmo->inlined = kind == VMO_ANONYMOUS && (flags & (VMO_RESIZABLE | VMO_PAGED)) == 0 && vmo->page_count <= VMO_INLINE_PAGES;
    spin_lock(&vmo->lock);
    list_init(&vmo->mappings);
    status_t status = vmo->inlined || kind == VMO_PHYSICAL ? STATUS_OK : slots_reach(vmo, vmo->page_count);
    spin_unlock(&vmo->lock);
    *out = vmo;
    return status; // of an empty tree: it cannot fail
}

status_t vmo_create(struct account *account, uint64_t len_bytes, struct vmo **out) {
    return vmo_create_with(account, len_bytes, VMO_ANONYMOUS, 0, out);
}

status_t vmo_create_resizable(struct account *account, uint64_t len_bytes, struct vmo **out) {
    return vmo_create_with(account, len_bytes, VMO_ANONYMOUS, VMO_RESIZABLE, out);
}

status_t vmo_create_physical(struct account *account, paddr_t base, uint64_t len_bytes, struct vmo **out) {
    if (!is_aligned(base.v, PAGE_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct vmo *vmo;
    TRY(vmo_create_with(account, len_bytes, VMO_PHYSICAL, VMO_PINNED | VMO_LARGE, &vmo));
    vmo->base = base;
    *out = vmo;
    return STATUS_OK;
}

status_t vmo_create_contiguous(struct account *account, uint64_t len_bytes, struct vmo **out) {
    if (len_bytes > VMO_CONTIGUOUS_MAX_BYTES) {
        return STATUS_BAD_ARGUMENT;
    }
    struct vmo *vmo;
    TRY(vmo_create_with(account, len_bytes, VMO_ANONYMOUS, VMO_PINNED | VMO_LARGE, &vmo));
    spin_lock(&vmo->lock);
    status_t status = slots_commit_block(vmo, 0, vmo->page_count);
    spin_unlock(&vmo->lock);
    if (!status_ok(status)) {
        object_put(&vmo->object);
        return status;
    }
    *out = vmo;
    return STATUS_OK;
}

bool vmo_destroy_step(struct object *object) {
    struct vmo *vmo = vmo_of(object);
    if (vmo->kind == VMO_PHYSICAL) {
        if (vmo->device) {
            resource_give_back(vmo);
        }
        return true;
    }
    uint64_t end = vmo->page_count;
    spin_lock(&vmo->lock);
    slots_trim(vmo, 0, &end, false);
    ASSERT(end != 0 || vmo->committed_pages == 0);
    spin_unlock(&vmo->lock);
    if (end == 0 && vmo_has(vmo, VMO_TRACKED)) {
        vmo_detach_pager(vmo);
    } else if (end == 0 && vmo_has(vmo, VMO_PAGED)) {
        object_put(&vmo->origin->object);
    }
    return end == 0;
}

// ---- Pages ----

// The mark that a slot needs for mappings to write to its page.
static uint32_t written_mark(const struct vmo *vmo) {
    return vmo_has(vmo, VMO_TRACKED) ? SLOT_DIRTY : 0;
}

static bool slot_writable(uint32_t slot, uint32_t written) {
    return (slot & (SLOT_SHARED | written)) == written;
}

void vmo_pages_counted(struct vmo *vmo, uint64_t more) {
    vmo->committed_pages += more;
    __atomic_fetch_add(&all_committed_pages, more, __ATOMIC_RELAXED);
}

status_t slot_commit(struct vmo *vmo, uint32_t *slot) {
    const paddr_t frame = account_frame(vmo->object.account);
    if (frame.v == 0) {
        return STATUS_NO_MEMORY;
    }
    *slot = slot_of(frame);
    vmo_pages_counted(vmo, 1);
    return STATUS_OK;
}

status_t slots_commit_block(struct vmo *vmo, uint64_t first, uint64_t count) {
    const unsigned order = frame_order_for(count * PAGE_BYTES);
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t *slot = slot_make(vmo, first + i);
        if (slot == nullptr || *slot != 0) {
            return slot == nullptr ? STATUS_NO_MEMORY : STATUS_IN_USE;
        }
    }
    paddr_t block;
    TRY(account_charge(vmo->object.account, count * PAGE_BYTES));
    status_t status = frame_alloc(order, &block);
    if (!status_ok(status)) {
        account_uncharge(vmo->object.account, count * PAGE_BYTES);
        return status;
    }
    memset(phys_to_virt(block), 0, count * PAGE_BYTES);
    frame_split(block, order);
    for (uint64_t i = 0; i < count; i++) {
        *slot_find(vmo, first + i) = slot_of(block) + (uint32_t)i;
    }
    for (uint64_t i = count; i < 1ull << order; i++) {
        frame_free((paddr_t){block.v + i * PAGE_BYTES}, 0);
    }
    vmo_pages_counted(vmo, count);
    return STATUS_OK;
}

// What a page needs before it is written to. Not inlined, here and in mapping.c: what the shortest fault does not need
// costs it nothing.
[[gnu::noinline]] static status_t page_make_own(struct vmo *vmo, uint64_t page_index, uint32_t *slot) REQUIRES(vmo->lock) {
    const paddr_t shared = slot_frame(*slot);
    if ((*slot & SLOT_SHARED) != 0 && frame_is_shared(shared)) {
        paddr_t own;
        TRY(frame_alloc(0, &own)); // what is shared is charged for already
        memcpy(phys_to_virt(own), phys_to_virt(shared), PAGE_BYTES);
        mappings_change(vmo, page_index, page_index + 1, true);
        *slot = slot_of(own);
        frame_release(shared);
    }
    *slot = (*slot & ~SLOT_SHARED) | written_mark(vmo);
    return STATUS_OK;
}

struct vmo_page vmo_page_get(struct vmo *vmo, uint64_t page_index, bool write) {
    if (page_index >= vmo->page_count) {
        return (struct vmo_page){.status = STATUS_NOT_FOUND};
    }
    if (vmo->kind == VMO_PHYSICAL) {
        return (struct vmo_page){{vmo->base.v + page_index * PAGE_BYTES}, .writable = true};
    }
    const uint32_t written = written_mark(vmo);
    uint32_t *slot = slot_make(vmo, page_index);
    status_t status = slot == nullptr ? STATUS_NO_MEMORY : STATUS_OK;
    bool fresh = false;
    if (slot != nullptr && *slot == 0) {
        status = vmo_has(vmo, VMO_PAGED) ? STATUS_TIMED_OUT : slot_commit(vmo, slot);
        fresh = true;
    } else if (slot != nullptr && write && !slot_writable(*slot, written)) {
        status = page_make_own(vmo, page_index, slot);
    }
    if (!status_ok(status)) {
        return (struct vmo_page){.status = status};
    }
    return (struct vmo_page){slot_frame(*slot), STATUS_OK, slot_writable(*slot, written), fresh};
}

uint32_t vmo_page_run(struct vmo *vmo, uint64_t first_page, uint32_t count, struct vmo_page out[]) {
    const uint32_t written = written_mark(vmo);
    const uint64_t there = first_page < vmo->page_count ? min_u64(vmo->page_count - first_page, count) : 0;
    const uint32_t *slot = nullptr;
    uint32_t i = 0;
    for (; i < there; i++) {
        const uint64_t page = first_page + i;
        if (vmo->kind == VMO_PHYSICAL) {
            out[i] = (struct vmo_page){{vmo->base.v + page * PAGE_BYTES}, .writable = true};
            continue;
        }
        slot = i == 0 || (page & VMO_NODE_MASK) == 0 ? slot_find(vmo, page) : slot + 1;
        if (slot == nullptr || *slot == 0) {
            break;
        }
        out[i] = (struct vmo_page){slot_frame(*slot), .writable = slot_writable(*slot, written)};
    }
    return i;
}

bool vmo_large_page(struct vmo *vmo, uint64_t page_index, struct vmo_page *out) {
    const uint64_t first = align_down(page_index, LARGE_PAGES);
    if (!vmo_has(vmo, VMO_LARGE) || first + LARGE_PAGES > vmo->page_count) {
        return false;
    }
    struct vmo_page found;
    if (vmo_page_run(vmo, first, 1, &found) == 0 || !is_aligned(found.frame.v, LARGE_PAGES * PAGE_BYTES) || !found.writable) {
        return false;
    }
    for (uint64_t i = 1; vmo->kind == VMO_ANONYMOUS && i < LARGE_PAGES; i++) {
        const uint32_t *slot = slot_find(vmo, first + i);
        if (slot == nullptr || *slot != slot_of(found.frame) + i) {
            return false;
        }
    }
    *out = found;
    return true;
}

status_t vmo_commit(struct vmo *vmo, uint64_t page_index, paddr_t *out, bool *fresh) {
    spin_lock(&vmo->lock);
    const struct vmo_page page = vmo_page_get(vmo, page_index, true);
    spin_unlock(&vmo->lock);
    TRY(page.status);
    *out = page.frame;
    if (fresh != nullptr) {
        *fresh = page.fresh;
    }
    return STATUS_OK;
}

bool vmo_peek(struct vmo *vmo, uint64_t page_index, paddr_t *out) {
    struct vmo_page page;
    spin_lock(&vmo->lock);
    const bool there = vmo_page_run(vmo, page_index, 1, &page) != 0;
    spin_unlock(&vmo->lock);
    if (there) {
        *out = page.frame;
    }
    return there;
}

status_t vmo_pin(struct vmo *vmo, bool write) {
    if (vmo->device || vmo_has(vmo, VMO_PAGED)) { // whether a device has written to a page, no pager could know
        return STATUS_UNSUPPORTED;
    }
    spin_lock(&vmo->lock);
    const bool allowed = vmo->executable_count == 0 && !(write && vmo_has(vmo, VMO_SEALED));
    vmo->pin_count += allowed;
    vmo->writable_count += allowed && write;
    spin_unlock(&vmo->lock);
    return allowed ? STATUS_OK : STATUS_NOT_ALLOWED;
}

void vmo_unpin(struct vmo *vmo, bool write) {
    spin_lock(&vmo->lock);
    vmo->pin_count--;
    vmo->writable_count -= write;
    spin_unlock(&vmo->lock);
}

status_t vmo_page_hold(struct vmo *vmo, uint64_t page_index, bool write, paddr_t *out) {
    struct vmo_page page = {};
    spin_lock(&vmo->lock);
    if (page_index >= vmo->page_count) {
        page.status = STATUS_BAD_ARGUMENT; // cut off since the range was checked
    } else if (write && (vmo_has(vmo, VMO_SEALED) || vmo->executable_count > 0)) {
        page.status = STATUS_NOT_ALLOWED;
    } else if (write) {
        page = vmo_page_get(vmo, page_index, true);
    } else if (vmo_page_run(vmo, page_index, 1, &page) == 0 && vmo_has(vmo, VMO_PAGED)) {
        page.status = STATUS_TIMED_OUT;
    }
    if (status_ok(page.status) && page.frame.v != 0 && vmo->kind != VMO_PHYSICAL) {
        page.status = frame_share(page.frame, FRAME_SHARES_MAX) ? STATUS_OK : STATUS_NO_MEMORY;
    }
    vmo->writable_count += write && status_ok(page.status);
    spin_unlock(&vmo->lock);
    *out = page.frame;
    return page.status;
}

void vmo_page_drop(struct vmo *vmo, uint64_t page_index, bool write, paddr_t frame) {
    if (write) {
        spin_lock(&vmo->lock);
        vmo->writable_count--;
        const bool tracked = vmo_has(vmo, VMO_TRACKED) && page_index < vmo->page_count;
        uint32_t *slot = tracked ? slot_find(vmo, page_index) : nullptr;
        if (slot != nullptr && (*slot & SLOT_FRAME) == slot_of(frame)) {
            *slot |= SLOT_DIRTY; // the pager may have made it clean meanwhile
        }
        spin_unlock(&vmo->lock);
    }
    if (frame.v != 0 && vmo->kind != VMO_PHYSICAL) {
        frame_release(frame);
    }
}

static void flag_set(struct vmo *vmo, uint8_t flag) REQUIRES(vmo->lock) {
    __atomic_fetch_or(&vmo->flags, flag, __ATOMIC_RELAXED);
}

status_t vmo_seal(struct vmo *vmo) {
    spin_lock(&vmo->lock);
    status_t status = vmo->writable_count == 0 ? STATUS_OK : STATUS_IN_USE;
    if (status_ok(status)) {
        flag_set(vmo, VMO_SEALED);
    }
    spin_unlock(&vmo->lock);
    return status;
}

uint64_t vmo_committed_bytes(struct vmo *vmo) {
    if (vmo->kind == VMO_PHYSICAL) {
        return vmo_len_bytes(vmo);
    }
    spin_lock(&vmo->lock);
    uint64_t pages = vmo->committed_pages;
    spin_unlock(&vmo->lock);
    return pages * PAGE_BYTES;
}

uint64_t vmo_all_committed_bytes(void) {
    return __atomic_load_n(&all_committed_pages, __ATOMIC_RELAXED) * PAGE_BYTES;
}
