#include "kernel/object/vmo.h"

#include "abi/gen/methods.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/ipc/invoke.h"
#include "kernel/mm/copy.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/resource.h"
#include "kernel/panic.h"

SLAB_CACHE(vmo_cache, struct vmo);

// The radix tree of a larger VMO. A frame number of 0 is a page not committed, a null child a subtree
// without any.
constexpr unsigned NODE_BITS = 6;
constexpr uint32_t NODE_WAYS = 1u << NODE_BITS;
constexpr uint64_t NODE_MASK = NODE_WAYS - 1;

struct radix_leaf {
    uint32_t frames[NODE_WAYS];
};
struct radix_node {
    void *children[NODE_WAYS]; // radix_node, or radix_leaf below height 1
};

constexpr uint32_t DESTROY_STEP_PIECES = 32; // pages and nodes

// What `read` sees of a page that was never touched.
static const uint8_t zero_page[PAGE_BYTES];

static uint64_t all_committed_pages; // atomic

static paddr_t frame_address(uint32_t frame) {
    return (paddr_t){(uint64_t)frame << FRAME_SHIFT};
}

static bool is_inline(const struct vmo *vmo) {
    return vmo->page_count <= VMO_INLINE_PAGES;
}

// ---- Creation and destruction ----

static status_t create(struct account *account, uint64_t len_bytes, struct vmo **out) {
    if (len_bytes == 0 || len_bytes > VMO_MAX_BYTES) {
        return STATUS_BAD_ARGUMENT;
    }
    struct object *object;
    TRY(object_create(OBJECT_VMO, account, &object));
    struct vmo *vmo = vmo_of(object);
    spin_init(&vmo->lock, LOCK_VMO);
    vmo->page_count = align_up(len_bytes, PAGE_BYTES) >> FRAME_SHIFT;
    *out = vmo;
    return STATUS_OK;
}

status_t vmo_create(struct account *account, uint64_t len_bytes, struct vmo **out) {
    struct vmo *vmo;
    TRY(create(account, len_bytes, &vmo));
    vmo->kind = VMO_ANONYMOUS;
    while (vmo->page_count > 1ull << NODE_BITS * (vmo->height + 1u)) {
        vmo->height++;
    }
    *out = vmo;
    return STATUS_OK;
}

status_t vmo_create_physical(struct account *account, paddr_t base, uint64_t len_bytes, struct vmo **out) {
    if (!is_aligned(base.v, PAGE_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct vmo *vmo;
    TRY(create(account, len_bytes, &vmo));
    vmo->kind = VMO_PHYSICAL;
    vmo->base = base;
    *out = vmo;
    return STATUS_OK;
}

// What a step of destruction may still free, and what it has freed.
struct destroy_step {
    uint32_t budget;
    uint64_t pages, node_bytes;
};

// Frees frames while the budget lasts; true when none is left.
static bool frames_free(uint32_t frames[], uint32_t count, struct destroy_step *step) {
    for (uint32_t i = 0; i < count; i++) {
        if (frames[i] == 0) {
            continue;
        }
        if (step->budget == 0) {
            return false;
        }
        step->budget--;
        step->pages++;
        frame_free(frame_address(frames[i]), 0);
        frames[i] = 0;
    }
    return true;
}

static bool node_free(void *node, size_t bytes, struct destroy_step *step) {
    if (step->budget == 0) {
        return false;
    }
    step->budget--;
    step->node_bytes += kalloc_charge(bytes);
    kfree(node, bytes);
    return true;
}

// Takes a subtree apart while the budget lasts; true when it is gone. A node need not have a page below it
// (slot_make). Recursion is as deep as the tree is high: at most 6.
static bool subtree_free(void *root, unsigned height, struct destroy_step *step) {
    if (height == 0) {
        struct radix_leaf *leaf = root;
        return frames_free(leaf->frames, NODE_WAYS, step) && node_free(leaf, sizeof(*leaf), step);
    }
    struct radix_node *node = root;
    for (uint32_t i = 0; i < NODE_WAYS; i++) {
        if (node->children[i] == nullptr) {
            continue;
        }
        if (!subtree_free(node->children[i], height - 1, step)) {
            return false;
        }
        node->children[i] = nullptr;
    }
    return node_free(node, sizeof(*node), step);
}

bool vmo_destroy_step(struct object *object) {
    struct vmo *vmo = vmo_of(object);
    if (vmo->kind == VMO_PHYSICAL) {
        if (vmo->device) {
            resource_give_back(vmo);
        }
        return true;
    }
    struct destroy_step step = {.budget = DESTROY_STEP_PIECES};
    bool done = true;
    spin_lock(&vmo->lock);
    if (is_inline(vmo)) {
        done = frames_free(vmo->inline_frames, VMO_INLINE_PAGES, &step);
    } else if (vmo->root != nullptr) {
        done = subtree_free(vmo->root, vmo->height, &step);
        if (done) {
            vmo->root = nullptr;
        }
    }
    vmo->committed_pages -= step.pages;
    ASSERT(!done || vmo->committed_pages == 0);
    spin_unlock(&vmo->lock);
    __atomic_fetch_sub(&all_committed_pages, step.pages, __ATOMIC_RELAXED);
    account_uncharge(object->account, step.pages * PAGE_BYTES + step.node_bytes);
    return done;
}

// ---- Pages ----

// Where a page's frame number is kept; null when its part of the tree does not exist.
static uint32_t *slot_find(struct vmo *vmo, uint64_t page_index) REQUIRES(vmo->lock) {
    if (is_inline(vmo)) {
        return &vmo->inline_frames[page_index];
    }
    void *node = vmo->root;
    for (unsigned height = vmo->height; node != nullptr && height > 0; height--) {
        node = ((struct radix_node *)node)->children[page_index >> NODE_BITS * height & NODE_MASK];
    }
    return node == nullptr ? nullptr : &((struct radix_leaf *)node)->frames[page_index & NODE_MASK];
}

static status_t node_alloc(struct vmo *vmo, size_t bytes, void **out) {
    TRY(account_charge(vmo->object.account, kalloc_charge(bytes)));
    void *node = kalloc(bytes);
    if (node == nullptr) {
        account_uncharge(vmo->object.account, kalloc_charge(bytes));
        return STATUS_NO_MEMORY;
    }
    *out = node;
    return STATUS_OK;
}

// The same, and grows the tree where it has to. Nodes made before a failure stay, empty and charged.
static status_t slot_make(struct vmo *vmo, uint64_t page_index, uint32_t **out) REQUIRES(vmo->lock) {
    void **link = &vmo->root;
    for (unsigned height = vmo->height;; height--) {
        if (*link == nullptr) {
            TRY(node_alloc(vmo, height > 0 ? sizeof(struct radix_node) : sizeof(struct radix_leaf), link));
        }
        if (height == 0) {
            *out = &((struct radix_leaf *)*link)->frames[page_index & NODE_MASK];
            return STATUS_OK;
        }
        link = &((struct radix_node *)*link)->children[page_index >> NODE_BITS * height & NODE_MASK];
    }
}

static status_t page_commit(struct vmo *vmo, uint32_t *slot) REQUIRES(vmo->lock) {
    paddr_t frame;
    TRY(account_charge(vmo->object.account, PAGE_BYTES));
    status_t status = frame_alloc(0, &frame);
    if (!status_ok(status)) {
        account_uncharge(vmo->object.account, PAGE_BYTES);
        return status;
    }
    memset(phys_to_virt(frame), 0, PAGE_BYTES);
    *slot = (uint32_t)(frame.v >> FRAME_SHIFT);
    vmo->committed_pages++;
    __atomic_fetch_add(&all_committed_pages, 1, __ATOMIC_RELAXED);
    return STATUS_OK;
}

status_t vmo_commit(struct vmo *vmo, uint64_t page_index, paddr_t *out, bool *fresh) {
    ASSERT(page_index < vmo->page_count);
    bool committed = false;
    if (vmo->kind == VMO_PHYSICAL) {
        *out = (paddr_t){vmo->base.v + page_index * PAGE_BYTES};
    } else {
        status_t status = STATUS_OK;
        spin_lock(&vmo->lock);
        uint32_t *slot = slot_find(vmo, page_index);
        if (slot == nullptr) {
            status = slot_make(vmo, page_index, &slot);
        }
        if (status_ok(status) && *slot == 0) {
            status = page_commit(vmo, slot);
            committed = true;
        }
        if (status_ok(status)) {
            *out = frame_address(*slot);
        }
        spin_unlock(&vmo->lock);
        TRY(status);
    }
    if (fresh != nullptr) {
        *fresh = committed;
    }
    return STATUS_OK;
}

void vmo_peek_range(struct vmo *vmo, uint64_t first_page, uint32_t count, paddr_t out[]) {
    ASSERT(first_page < vmo->page_count && count <= vmo->page_count - first_page);
    if (vmo->kind == VMO_PHYSICAL) {
        for (uint32_t i = 0; i < count; i++) {
            out[i] = (paddr_t){vmo->base.v + (first_page + i) * PAGE_BYTES};
        }
        return;
    }
    spin_lock(&vmo->lock);
    uint32_t *slot = nullptr;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = first_page + i;
        // Slots of one leaf, or of an inline VMO, lie side by side.
        slot = i == 0 || (page & NODE_MASK) == 0 ? slot_find(vmo, page)
               : slot == nullptr                 ? nullptr
                                                 : slot + 1;
        out[i] = slot == nullptr ? (paddr_t){0} : frame_address(*slot);
    }
    spin_unlock(&vmo->lock);
}

bool vmo_peek(struct vmo *vmo, uint64_t page_index, paddr_t *out) {
    paddr_t frame;
    vmo_peek_range(vmo, page_index, 1, &frame);
    if (frame.v == 0 && vmo->kind == VMO_ANONYMOUS) {
        return false;
    }
    *out = frame;
    return true;
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

// ---- Methods ----

status_t method_vmo_info(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    invocation->words[0] = vmo_len_bytes(vmo);
    invocation->words[1] = vmo_committed_bytes(vmo);
    return STATUS_OK;
}

// Moves one piece that lies in one page. No lock is held over a user copy: it may fault, and commit a page of
// this very VMO. The frame stays, because the invocation keeps the VMO.
static status_t copy_piece(struct vmo *vmo, uint64_t offset, uaddr_t user, size_t len, bool write) {
    paddr_t frame;
    uint64_t page_index = offset / PAGE_BYTES;
    size_t in_page = offset % PAGE_BYTES;
    if (write) {
        TRY(vmo_commit(vmo, page_index, &frame, nullptr));
        return copy_in((char *)phys_to_virt(frame) + in_page, user, len);
    }
    if (!vmo_peek(vmo, page_index, &frame)) {
        return copy_out(user, zero_page, len);
    }
    return copy_out(user, (const char *)phys_to_virt(frame) + in_page, len);
}

// What was done before an error counts: the error is returned only when nothing was.
static status_t copy_method(struct invocation *invocation, bool write) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t offset = invocation->words[0];
    uint64_t user = invocation->words[1];
    uint64_t len = invocation->words[2];
    uint64_t size = vmo_len_bytes(vmo);
    if (vmo->device) {
        return STATUS_UNSUPPORTED; // the kernel has no translation for it
    }
    if (len > VMO_COPY_BYTES || offset > size || len > size - offset) {
        return STATUS_BAD_ARGUMENT;
    }
    uint64_t done = 0;
    while (done < len) {
        uint64_t piece = PAGE_BYTES - (offset + done) % PAGE_BYTES;
        if (piece > len - done) {
            piece = len - done;
        }
        status_t status = copy_piece(vmo, offset + done, (uaddr_t){user + done}, piece, write);
        if (!status_ok(status)) {
            if (done == 0) {
                return status;
            }
            break;
        }
        done += piece;
    }
    invocation->words[0] = done;
    return STATUS_OK;
}

status_t method_vmo_read(struct invocation *invocation) {
    return copy_method(invocation, false);
}

status_t method_vmo_write(struct invocation *invocation) {
    return copy_method(invocation, true);
}
