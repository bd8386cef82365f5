#include "kernel/object/vspace.h"

#include "base/align.h"
#include "kernel/object/account.h"
#include "kernel/object/mapping.h"
#include "kernel/object/vmo.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"

SLAB_CACHE(vspace_cache, struct vspace);

static SLAB_CACHE(mapping_cache, struct mapping);

constexpr uint64_t GAP_BYTES = PAGE_BYTES; // between mappings that the kernel places
constexpr uint32_t DESTROY_STEP_MAPPINGS = 32;
constexpr uint32_t PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXECUTE;

// ---- The tree ----

static struct mapping *mapping_of(struct rb_node *node) {
    return node == nullptr ? nullptr : CONTAINER_OF(node, struct mapping, node);
}

static bool mapping_less(const struct rb_node *a, const struct rb_node *b) {
    return CONTAINER_OF(a, const struct mapping, node)->start < CONTAINER_OF(b, const struct mapping, node)->start;
}

// The first mapping that ends behind `address`: the one that holds it, else the next one, else null.
static struct mapping *mapping_at_or_after(struct vspace *vspace, uint64_t address) REQUIRES(vspace->lock) {
    struct mapping *found = nullptr;
    struct rb_node *node = vspace->mappings.root;
    while (node != nullptr) {
        struct mapping *mapping = mapping_of(node);
        if (mapping->end > address) {
            found = mapping;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

static struct mapping *mapping_next(struct mapping *mapping) {
    return mapping_of(rb_next(&mapping->node));
}

static status_t mapping_alloc(struct vspace *vspace, struct mapping **out) {
    TRY(account_charge(vspace->object.account, slab_charge(&mapping_cache)));
    struct mapping *mapping = slab_alloc(&mapping_cache);
    if (mapping == nullptr) {
        account_uncharge(vspace->object.account, slab_charge(&mapping_cache));
        return STATUS_NO_MEMORY;
    }
    mapping->vspace = vspace;
    *out = mapping;
    return STATUS_OK;
}

// Only the memory; null is allowed.
static void mapping_free(struct vspace *vspace, struct mapping *mapping) {
    if (mapping != nullptr) {
        slab_free(&mapping_cache, mapping);
        account_uncharge(vspace->object.account, slab_charge(&mapping_cache));
    }
}

static void mapping_link(struct vspace *vspace, struct mapping *mapping) REQUIRES(vspace->lock) {
    rb_insert(&vspace->mappings, &mapping->node, mapping_less);
    vspace->mapping_count++;
    vspace->mapped_bytes += mapping->end - mapping->start;
}

// Takes out a mapping that shows nothing (any more).
static void mapping_drop(struct vspace *vspace, struct mapping *mapping) REQUIRES(vspace->lock) {
    rb_remove(&vspace->mappings, &mapping->node);
    vspace->mapping_count--;
    vspace->mapped_bytes -= mapping->end - mapping->start;
    if (vspace->last_hit == mapping) {
        vspace->last_hit = nullptr;
    }
    mapping_free(vspace, mapping);
}

// Unmaps a mapping from its start on; false when the budget did not last. The page tables come first: a frame must not
// be freed, with its VMO, while it can still be reached.
static bool mapping_empty(struct vspace *vspace, struct mapping *mapping, uint32_t *budget) REQUIRES(vspace->lock) {
    if (mapping->vmo == nullptr) {
        return true;
    }
    const uint64_t start = mapping->start;
    mapping_detach(mapping, budget); // moves the lower end: its place in the tree stays the same
    vspace->mapped_bytes -= mapping->start - start;
    return mapping->start == mapping->end;
}

// Cuts a mapping in two at `address`, which lies inside it. `upper` is memory for the second part.
static void mapping_split(struct vspace *vspace, struct mapping *mapping, uint64_t address, struct mapping *upper)
    REQUIRES(vspace->lock) {
    upper->start = address;
    upper->end = mapping->end;
    upper->prot = mapping->prot;
    upper->max_prot = mapping->max_prot;
    upper->kind = mapping->kind;
    vspace->mapped_bytes -= mapping->end - address;
    if (mapping->vmo != nullptr) {
        mapping_split_shown(mapping, upper, address);
    } else {
        mapping->end = address;
    }
    mapping_link(vspace, upper);
}

// ---- The mapping unmapped last ----
//
// Memory that is passed around is mapped, used and unmapped, again and again. So the last mapping that was unmapped
// whole, if the kernel had chosen its place, stays in the tree, empty and paid for, for the next one of its length;
// whatever else is done with the vspace takes it out first.

static void last_drop(struct vspace *vspace) REQUIRES(vspace->lock) {
    if (vspace->last_unmapped != nullptr) {
        rb_remove(&vspace->mappings, &vspace->last_unmapped->node);
        mapping_free(vspace, vspace->last_unmapped);
        vspace->last_unmapped = nullptr;
    }
}

// Keeps a mapping that was emptied; `start` is where it began.
static void last_keep(struct vspace *vspace, struct mapping *mapping, uint64_t start) REQUIRES(vspace->lock) {
    last_drop(vspace);
    mapping->start = start;
    mapping->vmo = nullptr;
    mapping->prot = 0;
    mapping->kind = MAPPING_LAST;
    vspace->last_unmapped = mapping;
    vspace->last_hit = nullptr;
    vspace->mapping_count--;
}

// That mapping, for the kernel to choose its place again; null when there is none of this length.
static struct mapping *last_take(struct vspace *vspace, uint64_t len_bytes) REQUIRES(vspace->lock) {
    struct mapping *mapping = vspace->last_unmapped;
    if (mapping == nullptr || mapping->end - mapping->start != len_bytes) {
        return nullptr;
    }
    vspace->last_unmapped = nullptr;
    vspace->mapping_count++;
    vspace->mapped_bytes += len_bytes;
    mapping->kind = MAPPING_VMO;
    return mapping;
}

// ---- Creation and destruction ----

status_t vspace_create(struct account *account, struct vspace **out) {
    struct object *object;
    TRY(object_create(OBJECT_VSPACE, account, &object));
    struct vspace *vspace = vspace_of(object);
    spin_init(&vspace->lock, LOCK_VSPACE);
    spin_lock(&vspace->lock);
    rb_init(&vspace->mappings);
    vspace->lowest_gap = USER_LOWEST;
    spin_unlock(&vspace->lock);
    status_t status = page_tables_init(&vspace->space, account);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    *out = vspace;
    return STATUS_OK;
}

bool vspace_destroy_step(struct object *object) {
    struct vspace *vspace = vspace_of(object);
    uint32_t budget = DESTROY_STEP_MAPPINGS;
    if (vspace->space.root.v == 0) {
        return true; // its creation failed
    }
    spin_lock(&vspace->lock);
    last_drop(vspace);
    while (budget > 0 && !rb_empty(&vspace->mappings)) {
        struct mapping *mapping = mapping_of(rb_first(&vspace->mappings));
        mapping_abandon(mapping);
        mapping_drop(vspace, mapping);
        budget--;
    }
    spin_unlock(&vspace->lock);
    return budget != 0 && page_tables_destroy_step(&vspace->space, object->account);
}

// ---- Ranges ----

static bool prot_valid(uint32_t prot) {
    return (prot & ~PROT_ALL) == 0 && (prot == 0 || (prot & PROT_READ));
}

static bool write_and_execute(uint32_t prot) {
    return (prot & PROT_WRITE) && (prot & PROT_EXECUTE);
}

// Whether [address, address + len) is a non-empty, page-aligned range of user addresses.
static bool range_valid(uint64_t address, uint64_t len_bytes) {
    return is_aligned(address | len_bytes, PAGE_BYTES) && len_bytes != 0 && address >= USER_LOWEST &&
           address < arch_user_end() && len_bytes <= arch_user_end() - address;
}

// ---- Cutting ----

constexpr uint32_t PROT_NO_SUCH = 0xff; // no mapping has it

// Memory for the cuts at both ends of a range; null where none is needed. On failure nothing is held.
static status_t cuts_alloc(struct vspace *vspace, bool below, bool above, struct mapping *cuts[2])
    REQUIRES(vspace->lock) {
    cuts[0] = cuts[1] = nullptr;
    if ((uint32_t)below + (uint32_t)above > VSPACE_MAX_MAPPINGS - vspace->mapping_count) {
        return STATUS_NO_MEMORY;
    }
    if (below) {
        TRY(mapping_alloc(vspace, &cuts[0]));
    }
    if (above) {
        status_t status = mapping_alloc(vspace, &cuts[1]);
        if (!status_ok(status)) {
            mapping_free(vspace, cuts[0]);
            return status;
        }
    }
    return STATUS_OK;
}

// Cuts so that no mapping crosses either end of the range, except one that has the protection `same` already.
// *out is the first mapping inside, or null.
static status_t cut_out(struct vspace *vspace, uint64_t start, uint64_t end, uint32_t same, struct mapping **out)
    REQUIRES(vspace->lock) {
    struct mapping *first = mapping_at_or_after(vspace, start);
    *out = nullptr;
    if (first == nullptr || first->start >= end) {
        return STATUS_OK;
    }
    struct mapping *last = mapping_at_or_after(vspace, end - PAGE_BYTES);
    const bool below = first->start < start && first->prot != same;
    const bool above = last != nullptr && last->start < end && last->end > end && last->prot != same;
    if ((below && !mapping_may_split(first)) || (above && !mapping_may_split(last))) {
        return STATUS_NO_MEMORY;
    }
    struct mapping *cuts[2];
    TRY(cuts_alloc(vspace, below, above, cuts));
    if (cuts[1] != nullptr) {
        mapping_split(vspace, last, end, cuts[1]);
    }
    if (cuts[0] != nullptr) {
        mapping_split(vspace, first, start, cuts[0]);
        first = cuts[0];
    }
    *out = first;
    return STATUS_OK;
}

// ---- Mapping ----

// The lowest place with a gap on both sides, aligned. False when there is none.
static bool place_find(struct vspace *vspace, uint64_t len_bytes, uint64_t alignment, uint64_t *out)
    REQUIRES(vspace->lock) {
    uint64_t place = align_up(vspace->lowest_gap, alignment);
    bool lowest = place == vspace->lowest_gap; // nothing was skipped that a smaller mapping could use
    struct mapping *mapping = mapping_at_or_after(vspace, place - GAP_BYTES);
    for (; mapping != nullptr; mapping = mapping_next(mapping)) {
        if (mapping->start >= place + GAP_BYTES) {
            uint64_t room = mapping->start - GAP_BYTES - place;
            if (room >= len_bytes) {
                break;
            }
            lowest = lowest && room == 0;
        }
        place = align_up(mapping->end + GAP_BYTES, alignment);
        lowest = lowest && place == mapping->end + GAP_BYTES;
        if (lowest) {
            vspace->lowest_gap = place;
        }
    }
    if (place >= arch_user_end() || len_bytes > arch_user_end() - place) {
        return false;
    }
    *out = place;
    return true;
}

// Checks all that can be checked without the vspace.
static status_t map_check(struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes, uint64_t address, uint32_t prot,
                          uint32_t max_prot) {
    uint64_t size = vmo_len_bytes(vmo);
    const bool in_reserved = (prot & MAP_RESERVED) != 0;
    prot &= ~MAP_RESERVED;
    if (!is_aligned(offset_bytes | len_bytes, PAGE_BYTES) || len_bytes == 0 || offset_bytes > size ||
        len_bytes > size - offset_bytes || !prot_valid(prot) || prot == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if ((address != 0 || in_reserved) && !range_valid(address, len_bytes)) {
        return STATUS_BAD_ARGUMENT;
    }
    return write_and_execute(prot) || (prot & ~max_prot) ? STATUS_NOT_ALLOWED : STATUS_OK;
}

// A mapping at the address, or where the kernel chooses, that shows nothing yet.
static status_t mapping_place(struct vspace *vspace, uint64_t address, uint64_t len_bytes, uint64_t alignment,
                              struct mapping **out) REQUIRES(vspace->lock) {
    last_drop(vspace);
    if (vspace->mapping_count >= VSPACE_MAX_MAPPINGS) {
        return STATUS_NO_MEMORY;
    }
    const bool chosen = address == 0;
    if (chosen) {
        if (!place_find(vspace, len_bytes, alignment, &address)) {
            return STATUS_IN_USE;
        }
    } else {
        struct mapping *after = mapping_at_or_after(vspace, address);
        if (after != nullptr && after->start < address + len_bytes) {
            return STATUS_IN_USE;
        }
    }
    TRY(mapping_alloc(vspace, out));
    (*out)->start = address;
    (*out)->end = address + len_bytes;
    (*out)->chosen = chosen;
    mapping_link(vspace, *out);
    return STATUS_OK;
}

// The same where a range was reserved.
static status_t mapping_from_reserved(struct vspace *vspace, uint64_t address, uint64_t len_bytes, struct mapping **out)
    REQUIRES(vspace->lock) {
    const uint64_t end = address + len_bytes;
    last_drop(vspace);
    struct mapping *mapping = mapping_at_or_after(vspace, address);
    if (mapping == nullptr || mapping->start > address || mapping->end < end) {
        return STATUS_NOT_FOUND;
    }
    if (mapping->kind != MAPPING_RESERVED) {
        return STATUS_IN_USE;
    }
    TRY(cut_out(vspace, address, end, PROT_NO_SUCH, out));
    (*out)->kind = MAPPING_VMO;
    return STATUS_OK;
}

static status_t map_locked(struct vspace *vspace, struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes,
                           uint64_t *address, uint32_t prot, uint32_t max_prot) REQUIRES(vspace->lock) {
    const bool in_reserved = (prot & MAP_RESERVED) != 0;
    const bool large = len_bytes >= LEAF_BYTES && is_aligned(offset_bytes, LEAF_BYTES);
    struct mapping *mapping = *address == 0 ? last_take(vspace, len_bytes) : nullptr;
    if (in_reserved) {
        TRY(mapping_from_reserved(vspace, *address, len_bytes, &mapping));
    } else if (mapping == nullptr) {
        TRY(mapping_place(vspace, *address, len_bytes, large ? LEAF_BYTES : PAGE_BYTES, &mapping));
    }
    mapping->offset = offset_bytes;
    mapping->prot = (uint8_t)(prot & PROT_ALL);
    mapping->max_prot = (uint8_t)max_prot;
    status_t status = mapping_attach(mapping, vmo);
    if (status_ok(status)) {
        *address = mapping->start;
        vspace->last_hit = mapping;
    } else if (in_reserved) {
        mapping->kind = MAPPING_RESERVED;
        mapping->prot = mapping->max_prot = 0;
    } else {
        mapping_drop(vspace, mapping);
    }
    return status;
}

status_t vspace_map(struct vspace *vspace, struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes,
                    uint64_t *address, uint32_t prot, uint32_t max_prot) {
    TRY(map_check(vmo, offset_bytes, len_bytes, *address, prot, max_prot));
    spin_lock(&vspace->lock);
    status_t status = map_locked(vspace, vmo, offset_bytes, len_bytes, address, prot, max_prot);
    spin_unlock(&vspace->lock);
    return status;
}

status_t vspace_reserve(struct vspace *vspace, uint64_t len_bytes, uint64_t *address, bool guard) {
    if (!is_aligned(len_bytes, PAGE_BYTES) || len_bytes == 0 || (*address != 0 && !range_valid(*address, len_bytes))) {
        return STATUS_BAD_ARGUMENT;
    }
    struct mapping *mapping;
    spin_lock(&vspace->lock);
    status_t status = mapping_place(vspace, *address, len_bytes, PAGE_BYTES, &mapping);
    if (status_ok(status)) {
        *address = mapping->start;
        mapping->kind = guard ? MAPPING_GUARD : MAPPING_RESERVED;
        mapping->chosen = false;
    }
    spin_unlock(&vspace->lock);
    return status;
}

// ---- Unmapping and protecting, in steps ----

// What one step may do: page table entries changed, mappings visited.
constexpr uint32_t STEP_ENTRIES = 2048;
constexpr uint32_t STEP_MAPPINGS = 128;

// The whole of the mapping that was touched last, as it is the rule; *start is how far it got.
static void unmap_last_hit(struct vspace *vspace, struct mapping *mapping, uint64_t *start) REQUIRES(vspace->lock) {
    uint32_t entries = STEP_ENTRIES;
    const uint64_t whole = mapping->start;
    if (whole < vspace->lowest_gap) {
        vspace->lowest_gap = whole;
    }
    if (mapping_empty(vspace, mapping, &entries)) {
        last_keep(vspace, mapping, whole);
        *start = mapping->end;
    } else {
        *start = mapping->start;
    }
}

// Unmaps from *start on; on return *start is how far it got.
static status_t unmap_step(struct vspace *vspace, uint64_t *start, uint64_t end) REQUIRES(vspace->lock) {
    uint32_t entries = STEP_ENTRIES;
    struct mapping *mapping = vspace->last_hit;
    if (mapping != nullptr && mapping->chosen && mapping->start == *start && mapping->end == end) {
        unmap_last_hit(vspace, mapping, start);
        return STATUS_OK;
    }
    last_drop(vspace);
    TRY(cut_out(vspace, *start, end, PROT_NO_SUCH, &mapping));
    if (mapping != nullptr && *start < vspace->lowest_gap) {
        vspace->lowest_gap = *start;
    }
    for (uint32_t i = 0; mapping != nullptr && mapping->start < end; i++) {
        if (!mapping_empty(vspace, mapping, &entries)) {
            *start = mapping->start;
            return STATUS_OK;
        }
        struct mapping *next = mapping_next(mapping);
        *start = mapping->end;
        mapping_drop(vspace, mapping);
        mapping = next;
        if (entries == 0 || i == STEP_MAPPINGS) {
            return STATUS_OK;
        }
    }
    *start = end;
    return STATUS_OK;
}

status_t vspace_unmap_some(struct vspace *vspace, uint64_t *address, uint64_t *len_bytes) {
    if (!range_valid(*address, *len_bytes)) {
        return STATUS_BAD_ARGUMENT;
    }
    const uint64_t end = *address + *len_bytes;
    spin_lock(&vspace->lock);
    status_t status = unmap_step(vspace, address, end);
    spin_unlock(&vspace->lock);
    *len_bytes = end - *address;
    return status;
}

status_t vspace_unmap(struct vspace *vspace, uint64_t address, uint64_t len_bytes) {
    do {
        TRY(vspace_unmap_some(vspace, &address, &len_bytes));
    } while (len_bytes != 0);
    return STATUS_OK;
}

// Whether the range, or as much of it as one step visits, is wholly mapped and may be changed to `prot`. *end is then
// how far the step goes.
static status_t protect_check(struct vspace *vspace, uint64_t start, uint64_t *end, uint32_t prot)
    REQUIRES(vspace->lock) {
    struct mapping *mapping = mapping_at_or_after(vspace, start);
    uint64_t reached = start;
    for (uint32_t i = 0; reached < *end && i < STEP_MAPPINGS; i++, mapping = mapping_next(mapping)) {
        if (mapping == nullptr || mapping->start > reached) {
            return STATUS_NOT_FOUND;
        }
        if (prot & ~mapping->max_prot) {
            return STATUS_NOT_ALLOWED;
        }
        const uint64_t stop = mapping->end < *end ? mapping->end : *end;
        if (mapping->vmo != nullptr) {
            TRY(mapping_may_protect(mapping, reached, stop, prot));
        }
        reached = stop;
    }
    *end = reached;
    return STATUS_OK;
}

// Protects from *start on; on return *start is how far it got. A mapping has its new protection as soon as the step
// reaches it; the page tables follow.
static status_t protect_step(struct vspace *vspace, uint64_t *start, uint64_t end, uint32_t prot)
    REQUIRES(vspace->lock) {
    uint32_t entries = STEP_ENTRIES;
    struct mapping *mapping;
    last_drop(vspace);
    TRY(protect_check(vspace, *start, &end, prot));
    TRY(cut_out(vspace, *start, end, prot, &mapping));
    while (entries > 0 && *start < end) {
        const uint64_t stop = mapping->end < end ? mapping->end : end;
        if (mapping->vmo == nullptr) {
            *start = stop;
        } else {
            TRY(mapping_protect(mapping, start, stop, prot, &entries));
        }
        mapping = mapping_next(mapping);
    }
    return STATUS_OK;
}

status_t vspace_protect_some(struct vspace *vspace, uint64_t *address, uint64_t *len_bytes, uint32_t prot) {
    if (!range_valid(*address, *len_bytes) || !prot_valid(prot)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (write_and_execute(prot)) {
        return STATUS_NOT_ALLOWED;
    }
    const uint64_t end = *address + *len_bytes;
    spin_lock(&vspace->lock);
    status_t status = protect_step(vspace, address, end, prot);
    spin_unlock(&vspace->lock);
    *len_bytes = end - *address;
    return status;
}

// ---- Faults ----

status_t vspace_find(struct vspace *vspace, uint64_t address, uint32_t access, struct mapping **out) {
    struct mapping *mapping = vspace->last_hit;
    if (mapping == nullptr || address - mapping->start >= mapping->end - mapping->start) {
        mapping = mapping_at_or_after(vspace, address);
        if (mapping == nullptr || mapping->start > address || mapping->kind == MAPPING_LAST) {
            return STATUS_NOT_FOUND;
        }
        vspace->last_hit = mapping;
    }
    if (mapping->prot == 0 || (access & ~mapping->prot)) {
        return STATUS_NOT_ALLOWED;
    }
    *out = mapping;
    return STATUS_OK;
}

static inline status_t fault(struct vspace *vspace, uint64_t address, uint32_t access) {
    struct mapping *mapping;
    spin_lock(&vspace->lock);
    status_t status = vspace_find(vspace, address, access, &mapping);
    if (status_ok(status)) {
        status = mapping_fault(mapping, align_down(address, PAGE_BYTES), access);
    }
    spin_unlock(&vspace->lock);
    return status;
}

TRACE_APART static status_t fault_traced(struct vspace *vspace, uint64_t address, uint32_t access) {
    trace_write(TRACE_FAULT_IN, current_thread(), address);
    const status_t status = fault(vspace, address, access);
    trace_write(TRACE_FAULT_OUT, current_thread(), status.code);
    return status;
}

status_t vspace_fault(struct vspace *vspace, uint64_t address, uint32_t access) {
    return trace_on(TRACE_FAULT) ? fault_traced(vspace, address, access) : fault(vspace, address, access);
}
