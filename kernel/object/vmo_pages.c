#include "kernel/object/vmo_pages.h"

#include "base/mem.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/mapping.h"

struct radix_leaf {
    uint32_t slots[VMO_NODE_WAYS];
};
struct radix_node {
    void *children[VMO_NODE_WAYS]; // radix_node, or radix_leaf below height 1
};

constexpr uint32_t TRIM_STEP_PIECES = 32; // nodes looked at and pages freed; a leaf is finished once begun

// How many pages a tree of this height holds.
static uint64_t reach(unsigned height) {
    return 1ull << VMO_NODE_BITS * (height + 1u);
}

// ---- Finding and making ----

// A node at this height of the tree; false: NO_MEMORY.
[[gnu::noinline]] static bool node_make(struct vmo *vmo, void **link, unsigned height) {
    const size_t bytes = height > 0 ? sizeof(struct radix_node) : sizeof(struct radix_leaf);
    return (*link = account_alloc(vmo->object.account, bytes)) != nullptr;
}

static void node_free(struct vmo *vmo, void **link, size_t bytes) {
    account_free(vmo->object.account, *link, bytes);
    *link = nullptr;
}

static inline uint32_t *slot_at(struct vmo *vmo, uint64_t page_index, bool make) REQUIRES(vmo->lock) {
    if (vmo->inlined) {
        return &vmo->inline_frames[page_index];
    }
    void **link = &vmo->root;
    for (unsigned shift = VMO_NODE_BITS * vmo->height; *link != nullptr || (make && node_make(vmo, link, shift));
         shift -= VMO_NODE_BITS) {
        if (shift == 0) {
            return &((struct radix_leaf *)*link)->slots[page_index & VMO_NODE_MASK];
        }
        link = &((struct radix_node *)*link)->children[page_index >> shift & VMO_NODE_MASK];
    }
    return nullptr;
}

uint32_t *slot_find(struct vmo *vmo, uint64_t page_index) {
    return slot_at(vmo, page_index, false);
}

uint32_t *slot_make(struct vmo *vmo, uint64_t page_index) {
    return slot_at(vmo, page_index, true);
}

status_t slots_reach(struct vmo *vmo, uint64_t page_count) {
    while (reach(vmo->height) < page_count) {
        if (vmo->root != nullptr) {
            void *above;
            if (!node_make(vmo, &above, 1)) {
                return STATUS_NO_MEMORY;
            }
            ((struct radix_node *)above)->children[0] = vmo->root;
            vmo->root = above;
        }
        vmo->height++;
    }
    return STATUS_OK;
}

// ---- Taking away ----

struct trim {
    uint64_t first, end; // what is to go; `end` moves down
    uint32_t budget;
    bool keep_dirty;
    uint64_t pages; // gone
};

// Empties the slots of pages base .. base + count as far as they are in the range.
static void slots_empty(struct vmo *vmo, uint32_t slots[], uint64_t base, uint32_t count, struct trim *trim)
    REQUIRES(vmo->lock) {
    const uint64_t first = trim->first > base ? trim->first : base;
    const uint64_t end = min_u64(base + count, trim->end);
    mappings_change(vmo, first, end, true);
    for (uint64_t page = first; page < end; page++) {
        const uint32_t slot = slots[page - base];
        if (slot == 0 || (trim->keep_dirty && (slot & SLOT_DIRTY) != 0)) {
            continue;
        }
        slots[page - base] = 0;
        frame_release((paddr_t){(uint64_t)(slot & SLOT_FRAME) << FRAME_SHIFT});
        trim->pages++;
        trim->budget -= trim->budget > 0;
    }
    trim->end = first;
}

static bool none(const void *bytes, size_t count) {
    const uint64_t *words = bytes;
    for (size_t i = 0; i < count / sizeof(uint64_t); i++) {
        if (words[i] != 0) {
            return false;
        }
    }
    return true;
}

// Takes the range out of a subtree, and the nodes that nothing is left in; false when the budget is used up. Recursion
// is as deep as the tree is high: at most 6.
static bool subtree_trim(struct vmo *vmo, void **link, unsigned height, uint64_t base, struct trim *trim)
    REQUIRES(vmo->lock) {
    if (*link == nullptr || base >= trim->end) {
        return true;
    }
    if (trim->budget == 0) {
        return false;
    }
    trim->budget--;
    if (height == 0) {
        struct radix_leaf *leaf = *link;
        slots_empty(vmo, leaf->slots, base, VMO_NODE_WAYS, trim);
        if (none(leaf, sizeof(*leaf))) {
            node_free(vmo, link, sizeof(*leaf));
        }
        return true;
    }
    struct radix_node *node = *link;
    const uint64_t child_pages = reach(height - 1);
    for (uint32_t i = VMO_NODE_WAYS; i-- > 0 && base + (i + 1) * child_pages > trim->first;) {
        if (!subtree_trim(vmo, &node->children[i], height - 1, base + i * child_pages, trim)) {
            trim->end = min_u64(trim->end, base + (i + 1) * child_pages);
            return false;
        }
    }
    if (none(node, sizeof(*node))) {
        node_free(vmo, link, sizeof(*node));
    }
    return true;
}

void slots_trim(struct vmo *vmo, uint64_t first, uint64_t *end, bool keep_dirty) {
    struct trim trim = {.first = first, .end = *end, .budget = TRIM_STEP_PIECES, .keep_dirty = keep_dirty};
    bool done = true;
    if (vmo->inlined) {
        slots_empty(vmo, vmo->inline_frames, 0, VMO_INLINE_PAGES, &trim);
    } else {
        done = subtree_trim(vmo, &vmo->root, vmo->height, 0, &trim);
    }
    *end = done ? first : trim.end;
    vmo_pages_counted(vmo, -trim.pages);
    account_uncharge(vmo->object.account, trim.pages << FRAME_SHIFT);
}
