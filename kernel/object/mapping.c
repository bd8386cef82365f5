#include "kernel/object/mapping.h"

#include "abi/message.h"
#include "base/align.h"
#include "kernel/object/page_table.h"
#include "kernel/object/vspace.h"

constexpr uint32_t AROUND_PAGES = 16; // what is entered at once of pages that are there already

// The addresses at which a mapping shows pages [first, end); false when it shows none of them.
static bool shown(const struct mapping *mapping, uint64_t first, uint64_t end, uint64_t *start, uint64_t *stop) {
    const uint64_t low = mapping->offset / PAGE_BYTES;
    const uint64_t high = low + (mapping->end - mapping->start) / PAGE_BYTES;
    if (first >= high || end <= low) {
        return false;
    }
    *start = mapping->start + ((first > low ? first : low) - low) * PAGE_BYTES;
    *stop = mapping->start + ((end < high ? end : high) - low) * PAGE_BYTES;
    return true;
}

// ---- Protection ----

// Whether another mapping of the VMO allows `prot` for a page that this one shows in [from, to).
static bool allowed_elsewhere(struct vmo *vmo, const struct mapping *mapping, uint64_t from, uint64_t to, uint32_t prot)
    REQUIRES(vmo->lock) {
    const uint64_t first = mapping_page(mapping, from), end = mapping_page(mapping, to);
    for (struct list_node *node = vmo->mappings.head.next; node != &vmo->mappings.head; node = node->next) {
        const struct mapping *other = CONTAINER_OF(node, struct mapping, vmo_link);
        uint64_t start, stop;
        if (other != mapping && (other->prot & prot) != 0 && shown(other, first, end, &start, &stop)) {
            return true;
        }
    }
    return false;
}

// Whether the mapping may have this protection in [from, to): nothing is writable in one place and executable in
// another. A VMO whose mappings are not limited in number is not searched: there any conflict counts.
static status_t prot_check(struct vmo *vmo, const struct mapping *mapping, uint64_t from, uint64_t to, uint32_t prot)
    REQUIRES(vmo->lock) {
    if (((prot & PROT_WRITE) != 0 && vmo_has(vmo, VMO_SEALED)) || ((prot & PROT_EXECUTE) != 0 && vmo->pin_count > 0)) {
        return STATUS_NOT_ALLOWED;
    }
    const uint32_t against = (prot & PROT_WRITE) != 0 && vmo->executable_count > 0   ? PROT_EXECUTE
                             : (prot & PROT_EXECUTE) != 0 && vmo->writable_count > 0 ? PROT_WRITE
                                                                                     : 0;
    return against != 0 && (vmo->mapping_count > VMO_MAX_MAPPINGS || allowed_elsewhere(vmo, mapping, from, to, against))
               ? STATUS_NOT_ALLOWED
               : STATUS_OK;
}

static void prot_count(struct vmo *vmo, uint32_t prot, uint32_t more) REQUIRES(vmo->lock) {
    vmo->writable_count += (prot & PROT_WRITE) != 0 ? more : 0;
    vmo->executable_count += (prot & PROT_EXECUTE) != 0 ? more : 0;
}

status_t mapping_may_protect(struct mapping *mapping, uint64_t start, uint64_t end, uint32_t prot) {
    struct vmo *vmo = mapping->vmo;
    spin_lock(&vmo->lock);
    status_t status = prot_check(vmo, mapping, start, end, prot);
    spin_unlock(&vmo->lock);
    return status;
}

status_t mapping_protect(struct mapping *mapping, uint64_t *start, uint64_t end, uint32_t prot, uint32_t *budget) {
    struct vmo *vmo = mapping->vmo;
    struct page_tables *space = &mapping->vspace->space;
    spin_lock(&vmo->lock);
    status_t status = prot_check(vmo, mapping, *start, end, prot);
    if (status_ok(status)) {
        prot_count(vmo, mapping->prot, -1u);
        prot_count(vmo, prot, 1);
        mapping->prot = (uint8_t)prot;
        // Where pages may have to be copied before they are written, they become writable one by one.
        const bool anew = prot == 0 || ((prot & PROT_WRITE) != 0 && vmo_has(vmo, VMO_MARKED));
        *start =
            anew ? page_tables_unmap(space, *start, end, budget) : page_tables_protect(space, *start, end, prot, budget);
    }
    spin_unlock(&vmo->lock);
    return status;
}

// ---- The VMO's list ----

// Whether the number of mappings is bounded. Physical and sealed VMOs never lose a page.
static bool is_bounded(const struct vmo *vmo) {
    return vmo->kind != VMO_PHYSICAL && !vmo_has(vmo, VMO_SEALED);
}

static void attach(struct mapping *mapping, struct vmo *vmo) REQUIRES(vmo->lock) {
    mapping->vmo = vmo;
    list_push_front(&vmo->mappings, &mapping->vmo_link);
    vmo->mapping_count++;
    prot_count(vmo, mapping->prot, 1);
    object_get(&vmo->object);
}

static void detach(struct mapping *mapping, struct vmo *vmo) REQUIRES(vmo->lock) {
    list_remove(&mapping->vmo_link);
    vmo->mapping_count--;
    prot_count(vmo, mapping->prot, -1u);
}

bool mapping_may_split(const struct mapping *mapping) NO_THREAD_SAFETY_ANALYSIS {
    const struct vmo *vmo = mapping->vmo;
    return vmo == nullptr || !is_bounded(vmo) || vmo->mapping_count < VMO_MAX_MAPPINGS;
}

void mapping_split_shown(struct mapping *mapping, struct mapping *upper, uint64_t address) {
    struct vmo *vmo = mapping->vmo;
    spin_lock(&vmo->lock);
    upper->offset = mapping->offset + (address - mapping->start);
    mapping->end = address;
    attach(upper, vmo);
    spin_unlock(&vmo->lock);
}

void mapping_detach(struct mapping *mapping, uint32_t *budget) {
    struct vmo *vmo = mapping->vmo;
    spin_lock(&vmo->lock);
    const uint64_t reached = page_tables_unmap(&mapping->vspace->space, mapping->start, mapping->end, budget);
    mapping->offset += reached - mapping->start;
    mapping->start = reached;
    const bool done = reached == mapping->end;
    if (done) {
        detach(mapping, vmo);
    }
    spin_unlock(&vmo->lock);
    if (done) {
        object_put(&vmo->object);
    }
}

void mapping_abandon(struct mapping *mapping) {
    struct vmo *vmo = mapping->vmo;
    if (vmo != nullptr) {
        spin_lock(&vmo->lock);
        detach(mapping, vmo);
        spin_unlock(&vmo->lock);
        object_put(&vmo->object);
    }
}

void mappings_change(struct vmo *vmo, uint64_t first, uint64_t end, bool clear) {
    if (!clear && vmo->writable_count == 0) {
        return;
    }
    for (struct list_node *node = vmo->mappings.head.next; node != &vmo->mappings.head; node = node->next) {
        const struct mapping *mapping = CONTAINER_OF(node, struct mapping, vmo_link);
        uint64_t start, stop;
        uint32_t budget = UINT32_MAX;
        const uint32_t prot = clear ? 0 : mapping->prot & ~PROT_WRITE;
        if (shown(mapping, first, end, &start, &stop) && (clear || prot != mapping->prot)) {
            (void)page_tables_protect(&mapping->vspace->space, start, stop, prot, &budget);
        }
    }
}

bool mapped_in(struct vmo *vmo, const struct vspace *vspace) {
    constexpr uint32_t LOOK_AT = 1024;
    struct list_node *node = vmo->mappings.head.next;
    for (uint32_t i = 0; i < LOOK_AT && node != &vmo->mappings.head; i++, node = node->next) {
        if (CONTAINER_OF(node, struct mapping, vmo_link)->vspace == vspace) {
            return true;
        }
    }
    return false;
}

// ---- Entering pages ----

static uint32_t page_prot(const struct mapping *mapping, struct vmo_page page) {
    return page.writable ? mapping->prot : mapping->prot & ~PROT_WRITE;
}

// Enters what is there from the first page at or after `start` that is not entered, up to one that is not there or the
// end of the aligned window of AROUND_PAGES, as far as the mapping goes; all of it is in the leaf.
[[gnu::noinline]] static void enter_around(struct vmo *vmo, const struct mapping *mapping, struct leaf_table *leaf, uint64_t start)
    REQUIRES(vmo->lock) {
    const uint64_t window_end = align_down(start, AROUND_PAGES * PAGE_BYTES) + AROUND_PAGES * PAGE_BYTES;
    const uint64_t end = window_end < mapping->end ? window_end : mapping->end;
    start = start > mapping->start ? start : mapping->start;
    while (start < end && leaf_present(leaf, start)) { // who goes through pages in order has those before
        start += PAGE_BYTES;
    }
    struct vmo_page pages[AROUND_PAGES];
    const uint32_t count = vmo_page_run(vmo, mapping_page(mapping, start), (uint32_t)((end - start) / PAGE_BYTES), pages);
    for (uint32_t i = 0; i < count; i++, start += PAGE_BYTES) {
        if (!leaf_present(leaf, start)) {
            leaf_set(leaf, start, pages[i].frame, page_prot(mapping, pages[i]));
        }
    }
}

status_t mapping_attach(struct mapping *mapping, struct vmo *vmo) {
    spin_lock(&vmo->lock);
    status_t status = prot_check(vmo, mapping, mapping->start, mapping->end, mapping->prot);
    if (vmo->mapping_count >= VMO_MAX_MAPPINGS && is_bounded(vmo)) {
        status = STATUS_NO_MEMORY;
    }
    if (status_ok(status)) {
        attach(mapping, vmo);
        struct leaf_table *leaf = leaf_last(&mapping->vspace->space, mapping->start);
        if (leaf != nullptr && vmo->committed_pages != 0) {
            enter_around(vmo, mapping, leaf, mapping->start);
        }
    }
    spin_unlock(&vmo->lock);
    return status;
}

// Enters a large page, if the mapping and the VMO have all of it and no table is there yet.
[[gnu::noinline]] static bool enter_large(struct vmo *vmo, const struct mapping *mapping, uint64_t page, uint32_t access)
    REQUIRES(vmo->lock) {
    const uint64_t start = align_down(page, LEAF_BYTES);
    struct vmo_page found;
    if (start < mapping->start || mapping->end - start < LEAF_BYTES ||
        !is_aligned(mapping_page(mapping, start), LARGE_PAGES) ||
        !vmo_large_page(vmo, mapping_page(mapping, start), &found) || ((access & PROT_WRITE) != 0 && !found.writable)) {
        return false;
    }
    struct vspace *vspace = mapping->vspace;
    return large_set(&vspace->space, vspace->object.account, start, found.frame, page_prot(mapping, found));
}

static status_t enter(struct vmo *vmo, const struct mapping *mapping, uint64_t page, uint32_t access)
    REQUIRES(vmo->lock) {
    struct vspace *vspace = mapping->vspace;
    if (vmo_has(vmo, VMO_LARGE) && enter_large(vmo, mapping, page, access)) {
        return STATUS_OK;
    }
    struct leaf_table *leaf = leaf_make(&vspace->space, vspace->object.account, page);
    if (leaf == nullptr) {
        return STATUS_NO_MEMORY;
    }
    struct vmo_page found;
    [[clang::always_inline]] found = vmo_page_get(vmo, mapping_page(mapping, page), (access & PROT_WRITE) != 0);
    TRY(found.status);
    const bool old = leaf_present(leaf, page);
    leaf_set(leaf, page, found.frame, page_prot(mapping, found));
    if (old) {
        arch_tlb_flush_page(page); // it was not writable, or another processor was faster
    }
    // A page that was there already came from elsewhere, and its neighbours likely with it. Around a fresh
    // one there is rarely anything to find.
    if (!found.fresh) {
        enter_around(vmo, mapping, leaf, align_down(page, AROUND_PAGES * PAGE_BYTES));
    }
    return STATUS_OK;
}

status_t mapping_fault(struct mapping *mapping, uint64_t page, uint32_t access) {
    struct vmo *vmo = mapping->vmo;
    spin_lock(&vmo->lock);
    status_t status = enter(vmo, mapping, page, access);
    spin_unlock(&vmo->lock);
    // A page that has been fetched is entered when it is touched again.
    return status_is(status, STATUS_TIMED_OUT) ? vmo_fetch(vmo, mapping_page(mapping, page)) : status;
}
