#include "kernel/object/vspace.h"

#include "abi/gen/methods.h"
#include "base/align.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/panic.h"

SLAB_CACHE(vspace_cache, struct vspace);

struct mapping {
    struct rb_node node;
    uint64_t start, end; // page-aligned, start < end
    uint64_t offset;     // of `start` in the VMO, page-aligned
    struct vmo *vmo;     // referenced
    uint8_t prot, max_prot;
};
static SLAB_CACHE(mapping_cache, struct mapping);

constexpr uint64_t GAP_BYTES = PAGE_BYTES; // between mappings that the kernel places
constexpr uint32_t AROUND_PAGES = 16;      // what one fault may enter of pages that are there already
constexpr uint32_t DESTROY_STEP_MAPPINGS = 32;
constexpr uint32_t LOOK_AT_MAPPINGS = 1024;
constexpr uint32_t PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXECUTE;

// ---- The tree ----

static struct mapping *mapping_of(struct rb_node *node) {
    return node == nullptr ? nullptr : CONTAINER_OF(node, struct mapping, node);
}

static bool mapping_less(const struct rb_node *a, const struct rb_node *b) {
    return CONTAINER_OF(a, const struct mapping, node)->start <
           CONTAINER_OF(b, const struct mapping, node)->start;
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

// Takes a mapping out and drops what it holds. The page tables are the caller's business.
static void mapping_drop(struct vspace *vspace, struct mapping *mapping) REQUIRES(vspace->lock) {
    rb_remove(&vspace->mappings, &mapping->node);
    vspace->mapping_count--;
    vspace->mapped_bytes -= mapping->end - mapping->start;
    if (vspace->last_hit == mapping) {
        vspace->last_hit = nullptr;
    }
    object_put(&mapping->vmo->object);
    mapping_free(vspace, mapping);
}

// Cuts a mapping in two at `address`, which lies inside it. `upper` is memory for the second part.
static void mapping_split(struct vspace *vspace, struct mapping *mapping, uint64_t address,
                          struct mapping *upper) REQUIRES(vspace->lock) {
    upper->start = address;
    upper->end = mapping->end;
    upper->offset = mapping->offset + (address - mapping->start);
    upper->vmo = mapping->vmo;
    upper->prot = mapping->prot;
    upper->max_prot = mapping->max_prot;
    object_get(&upper->vmo->object);
    vspace->mapped_bytes -= mapping->end - address;
    mapping->end = address;
    mapping_link(vspace, upper);
}

// ---- Creation and destruction ----

status_t vspace_create(struct account *account, struct vspace **out) {
    struct object *object;
    TRY(object_create(OBJECT_VSPACE, account, &object));
    struct vspace *vspace = vspace_of(object);
    spin_lock(&vspace->lock);
    rb_init(&vspace->mappings);
    vspace->lowest_gap = USER_LOWEST;
    spin_unlock(&vspace->lock);
    status_t status = arch_space_init(&vspace->space, account);
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
    spin_lock(&vspace->lock);
    while (budget > 0 && !rb_empty(&vspace->mappings)) {
        mapping_drop(vspace, mapping_of(rb_first(&vspace->mappings)));
        budget--;
    }
    spin_unlock(&vspace->lock);
    if (budget == 0) {
        return false;
    }
    // Without a root there never were tables: its creation failed.
    return vspace->space.root.v == 0 || arch_space_destroy_step(&vspace->space, object->account);
}

// ---- Map, unmap, protect ----

static bool prot_valid(uint32_t prot) {
    return (prot & ~PROT_ALL) == 0 && (prot == 0 || (prot & PROT_READ));
}

static bool write_and_execute(uint32_t prot) {
    return (prot & PROT_WRITE) && (prot & PROT_EXECUTE);
}

// Whether [address, address + len) is a non-empty, page-aligned range of user addresses.
static bool range_valid(uint64_t address, uint64_t len_bytes) {
    return is_aligned(address | len_bytes, PAGE_BYTES) && len_bytes != 0 && address >= USER_LOWEST &&
           address < USER_END && len_bytes <= USER_END - address;
}

// The lowest place with a gap on both sides. False when there is none.
static bool place_find(struct vspace *vspace, uint64_t len_bytes, uint64_t *out) REQUIRES(vspace->lock) {
    uint64_t place = vspace->lowest_gap;
    bool lowest = true; // nothing was skipped that a smaller mapping could use
    struct mapping *mapping = mapping_at_or_after(vspace, place - GAP_BYTES);
    for (; mapping != nullptr; mapping = mapping_next(mapping)) {
        if (mapping->start >= place + GAP_BYTES) {
            uint64_t room = mapping->start - GAP_BYTES - place;
            if (room >= len_bytes) {
                break;
            }
            lowest = lowest && room == 0;
        }
        place = mapping->end + GAP_BYTES;
        if (lowest) {
            vspace->lowest_gap = place;
        }
    }
    if (place >= USER_END || len_bytes > USER_END - place) {
        return false;
    }
    *out = place;
    return true;
}

// Checks all that can be checked without the vspace.
static status_t map_check(struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes, uint64_t address,
                          uint32_t prot, uint32_t max_prot) {
    uint64_t size = vmo_len_bytes(vmo);
    if (!is_aligned(offset_bytes | len_bytes, PAGE_BYTES) || len_bytes == 0 || offset_bytes > size ||
        len_bytes > size - offset_bytes || !prot_valid(prot) || prot == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if (address != 0 && !range_valid(address, len_bytes)) {
        return STATUS_BAD_ARGUMENT;
    }
    return write_and_execute(prot) || (prot & ~max_prot) ? STATUS_NOT_ALLOWED : STATUS_OK;
}

// Where the new mapping goes.
static status_t map_place(struct vspace *vspace, uint64_t len_bytes, uint64_t *address)
    REQUIRES(vspace->lock) {
    if (vspace->mapping_count >= VSPACE_MAX_MAPPINGS) {
        return STATUS_NO_MEMORY;
    }
    if (*address == 0) {
        return place_find(vspace, len_bytes, address) ? STATUS_OK : STATUS_IN_USE;
    }
    struct mapping *after = mapping_at_or_after(vspace, *address);
    return after != nullptr && after->start < *address + len_bytes ? STATUS_IN_USE : STATUS_OK;
}

status_t vspace_map(struct vspace *vspace, struct vmo *vmo, uint64_t offset_bytes, uint64_t len_bytes,
                    uint64_t *address, uint32_t prot, uint32_t max_prot) {
    TRY(map_check(vmo, offset_bytes, len_bytes, *address, prot, max_prot));
    struct mapping *mapping;
    TRY(mapping_alloc(vspace, &mapping));
    uint64_t start = *address;
    spin_lock(&vspace->lock);
    status_t status = map_place(vspace, len_bytes, &start);
    if (status_ok(status)) {
        mapping->start = start;
        mapping->end = start + len_bytes;
        mapping->offset = offset_bytes;
        mapping->vmo = vmo;
        mapping->prot = (uint8_t)prot;
        mapping->max_prot = (uint8_t)max_prot;
        object_get(&vmo->object);
        mapping_link(vspace, mapping);
    }
    spin_unlock(&vspace->lock);
    if (!status_ok(status)) {
        mapping_free(vspace, mapping);
        return status;
    }
    *address = start;
    return STATUS_OK;
}

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
    struct mapping *cuts[2];
    TRY(cuts_alloc(vspace, first->start < start && first->prot != same,
                   last != nullptr && last->start < end && last->end > end && last->prot != same, cuts));
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

// ---- Unmapping and protecting, in steps ----

// What one step may do: page table entries changed, mappings visited.
constexpr uint32_t STEP_ENTRIES = 2048;
constexpr uint32_t STEP_UNMAP_MAPPINGS = 128;
constexpr uint32_t STEP_PROTECT_MAPPINGS = 1024;
constexpr uint32_t PROT_NO_SUCH = 0xff; // no mapping has it

// Moves the lower end of a mapping up. Its place in the tree stays the same.
static void mapping_trim(struct vspace *vspace, struct mapping *mapping, uint64_t start) REQUIRES(vspace->lock) {
    vspace->mapped_bytes -= start - mapping->start;
    mapping->offset += start - mapping->start;
    mapping->start = start;
}

// Unmaps from *start on; on return *start is how far it got.
static status_t unmap_step(struct vspace *vspace, uint64_t *start, uint64_t end) REQUIRES(vspace->lock) {
    uint32_t entries = STEP_ENTRIES;
    struct mapping *mapping;
    TRY(cut_out(vspace, *start, end, PROT_NO_SUCH, &mapping));
    if (mapping != nullptr && *start < vspace->lowest_gap) {
        vspace->lowest_gap = *start;
    }
    for (uint32_t i = 0; mapping != nullptr && mapping->start < end; i++) {
        // The tables first: a frame must not be freed, with its VMO, while it can still be reached.
        const uint64_t reached = arch_space_unmap(&vspace->space, mapping->start, mapping->end, &entries);
        *start = reached;
        if (reached < mapping->end) {
            mapping_trim(vspace, mapping, reached);
            return STATUS_OK;
        }
        struct mapping *next = mapping_next(mapping);
        mapping_drop(vspace, mapping);
        mapping = next;
        if (entries == 0 || i == STEP_UNMAP_MAPPINGS) {
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

// Whether the range is wholly mapped, and may all be changed to `prot`.
static status_t protect_check(struct vspace *vspace, uint64_t start, uint64_t end, uint32_t prot)
    REQUIRES(vspace->lock) {
    struct mapping *mapping = mapping_at_or_after(vspace, start);
    for (uint64_t reached = start; reached < end; mapping = mapping_next(mapping)) {
        if (mapping == nullptr || mapping->start > reached) {
            return STATUS_NOT_FOUND;
        }
        if (prot & ~mapping->max_prot) {
            return STATUS_NOT_ALLOWED;
        }
        reached = mapping->end;
    }
    return STATUS_OK;
}

// Protects from *start on; on return *start is how far it got. A mapping has its new protection as soon as the step
// reaches it; the page tables follow.
static status_t protect_step(struct vspace *vspace, uint64_t *start, uint64_t end, uint32_t prot)
    REQUIRES(vspace->lock) {
    uint32_t entries = STEP_ENTRIES;
    struct mapping *mapping;
    TRY(protect_check(vspace, *start, end, prot));
    TRY(cut_out(vspace, *start, end, prot, &mapping));
    for (uint32_t i = 0; i < STEP_PROTECT_MAPPINGS && entries > 0 && *start < end; i++) {
        mapping->prot = (uint8_t)prot;
        const uint64_t stop = mapping->end < end ? mapping->end : end;
        *start = prot == 0 ? arch_space_unmap(&vspace->space, *start, stop, &entries)
                           : arch_space_protect(&vspace->space, *start, stop, prot, &entries);
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

status_t vspace_protect(struct vspace *vspace, uint64_t address, uint64_t len_bytes, uint32_t prot) {
    do {
        TRY(vspace_protect_some(vspace, &address, &len_bytes, prot));
    } while (len_bytes != 0);
    return STATUS_OK;
}

// ---- Faults ----

// Enters the committed neighbours of a page in its aligned window of AROUND_PAGES, as far as the mapping
// goes.
static void fault_around(struct mapping *mapping, struct arch_leaf *leaf, uint64_t page) {
    uint64_t window = align_down(page, AROUND_PAGES * PAGE_BYTES);
    uint64_t start = window > mapping->start ? window : mapping->start;
    uint64_t end =
        window + AROUND_PAGES * PAGE_BYTES < mapping->end ? window + AROUND_PAGES * PAGE_BYTES : mapping->end;
    paddr_t frames[AROUND_PAGES];
    uint32_t count = (uint32_t)((end - start) / PAGE_BYTES);
    vmo_peek_range(mapping->vmo, (mapping->offset + (start - mapping->start)) / PAGE_BYTES, count, frames);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = start + i * PAGE_BYTES;
        if (frames[i].v != 0 && !arch_leaf_present(leaf, address)) {
            arch_leaf_set(leaf, address, frames[i], mapping->prot);
        }
    }
}

static status_t fault_locked(struct vspace *vspace, uint64_t page, uint32_t access) REQUIRES(vspace->lock) {
    struct mapping *mapping = vspace->last_hit;
    if (mapping == nullptr || page - mapping->start >= mapping->end - mapping->start) {
        mapping = mapping_at_or_after(vspace, page);
        if (mapping == nullptr || mapping->start > page) {
            return STATUS_NOT_FOUND;
        }
        vspace->last_hit = mapping;
    }
    if (mapping->prot == 0 || (access & ~mapping->prot)) {
        return STATUS_NOT_ALLOWED;
    }
    struct arch_leaf *leaf;
    TRY(arch_leaf_make(&vspace->space, vspace->object.account, page, &leaf));
    paddr_t frame;
    bool fresh;
    TRY(vmo_commit(mapping->vmo, (mapping->offset + (page - mapping->start)) / PAGE_BYTES, &frame, &fresh));
    if (arch_leaf_present(leaf, page)) {
        // Another processor was faster, or this one remembers an older entry.
        arch_tlb_flush_page(page);
    }
    arch_leaf_set(leaf, page, frame, mapping->prot);
    // A page that was there already came from elsewhere, and its neighbours likely with it. Around a fresh
    // one there is rarely anything to find.
    if (!fresh) {
        fault_around(mapping, leaf, page);
    }
    return STATUS_OK;
}

status_t vspace_fault(struct vspace *vspace, uint64_t address, uint32_t access) {
    spin_lock(&vspace->lock);
    status_t status = fault_locked(vspace, align_down(address, PAGE_BYTES), access);
    spin_unlock(&vspace->lock);
    return status;
}

status_t vspace_fault_locked(struct vspace *vspace, uint64_t page, uint32_t access) {
    return fault_locked(vspace, page, access);
}

bool vspace_find(struct vspace *vspace, uint64_t address, uint32_t access, struct vmo **vmo, uint64_t *offset_bytes) {
    struct mapping *mapping = vspace->last_hit;
    if (mapping == nullptr || address - mapping->start >= mapping->end - mapping->start) {
        mapping = mapping_at_or_after(vspace, address);
    }
    if (mapping == nullptr || mapping->start > address || mapping->prot == 0 || (access & ~mapping->prot) != 0) {
        return false;
    }
    vspace->last_hit = mapping;
    *vmo = mapping->vmo;
    *offset_bytes = mapping->offset + (address - mapping->start);
    return true;
}

bool vspace_has_vmo(struct vspace *vspace, uint64_t koid) {
    bool found = false;
    uint32_t looked_at = 0;
    spin_lock(&vspace->lock);
    for (struct rb_node *node = rb_first(&vspace->mappings); node != nullptr && !found; node = rb_next(node)) {
        found = mapping_of(node)->vmo->object.koid.v == koid;
        if (++looked_at == LOOK_AT_MAPPINGS) {
            break;
        }
    }
    spin_unlock(&vspace->lock);
    return found;
}

// ---- Methods ----

status_t method_vspace_map(struct invocation *invocation) {
    struct capability vmo;
    uint64_t offset = invocation->words[1], len = invocation->words[2], address = invocation->words[3];
    uint64_t prot = invocation->words[4];
    TRY(handle_read_as(invocation->caller->process, invocation->words[0], OBJECT_VMO, RIGHT_MAP, &vmo));
    if (prot & ~(uint64_t)PROT_ALL) {
        return STATUS_BAD_ARGUMENT;
    }
    uint32_t rights = capability_rights(&vmo).v;
    uint32_t max_prot = (rights & RIGHT_READ_BIT ? PROT_READ : 0) |
                        (rights & RIGHT_WRITE_BIT ? PROT_WRITE : 0) |
                        (rights & RIGHT_EXECUTE_BIT ? PROT_EXECUTE : 0);
    if (prot & ~(uint64_t)max_prot) {
        return STATUS_NO_RIGHT;
    }
    TRY(vspace_map(vspace_of(invocation->object), vmo_of(vmo.object), offset, len, &address, (uint32_t)prot,
                   max_prot));
    invocation->words[0] = address;
    return STATUS_OK;
}

// Ranges as they are left in the words are what the next step begins with.
status_t method_vspace_unmap(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    TRY(vspace_unmap_some(vspace_of(invocation->object), &words[0], &words[1]));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_protect(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    if (words[2] > PROT_ALL) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vspace_protect_some(vspace_of(invocation->object), &words[0], &words[1], (uint32_t)words[2]));
    invocation->again = words[1] != 0;
    return STATUS_OK;
}

status_t method_vspace_info(struct invocation *invocation) {
    struct vspace *vspace = vspace_of(invocation->object);
    spin_lock(&vspace->lock);
    invocation->words[0] = vspace->mapping_count;
    invocation->words[1] = vspace->mapped_bytes;
    invocation->words[2] = vspace->space.table_bytes;
    spin_unlock(&vspace->lock);
    return STATUS_OK;
}

// ---- Invariants ----

static bool check_locked(struct vspace *vspace) REQUIRES(vspace->lock) {
    uint64_t count = 0, bytes = 0, reached = 0;
    for (struct rb_node *node = rb_first(&vspace->mappings); node != nullptr; node = rb_next(node)) {
        const struct mapping *mapping = mapping_of(node);
        if (mapping->start < reached || !range_valid(mapping->start, mapping->end - mapping->start) ||
            mapping->offset + (mapping->end - mapping->start) > vmo_len_bytes(mapping->vmo) ||
            !prot_valid(mapping->prot) || write_and_execute(mapping->prot) ||
            (mapping->prot & ~mapping->max_prot)) {
            return false;
        }
        count++;
        bytes += mapping->end - mapping->start;
        reached = mapping->end;
    }
    return count == vspace->mapping_count && bytes == vspace->mapped_bytes &&
           rb_check(&vspace->mappings, mapping_less);
}

bool vspace_check(struct vspace *vspace) {
    spin_lock(&vspace->lock);
    bool good = check_locked(vspace);
    spin_unlock(&vspace->lock);
    return good;
}
