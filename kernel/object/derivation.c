#include "kernel/object/derivation.h"

#include "kernel/debug/invariants.h"
#include "kernel/object/handle.h"
#include "kernel/panic.h"

static bool same(slot_ref_t ref, const struct handle_slot *slot) {
    return ref.v == slot_ref(slot).v;
}

// Whether what is to the left or to the right of a slot is its parent, not a sibling.
static bool begins_at(const struct handle_slot *left, const struct handle_slot *slot) {
    return same(left->first_child, slot);
}

static bool ends_at(const struct handle_slot *right, const struct handle_slot *slot) {
    return same(right->last_child, slot);
}

void derivation_add(struct handle_slot *parent, struct handle_slot *child) {
    struct handle_slot *next = slot_from_ref(parent->first_child);
    child->prev = slot_ref(parent);
    if (next != nullptr) {
        child->next = parent->first_child;
        next->prev = slot_ref(child);
    } else {
        child->next = slot_ref(parent);
        parent->last_child = slot_ref(child);
    }
    parent->first_child = slot_ref(child);
    DEBUG_ASSERT(derivation_check(parent) && derivation_check(child));
}

// Makes what lies to the left and to the right of a slot, siblings or the parent, refer to others in its place.
static void link_around(const struct handle_slot *slot, slot_ref_t from_left, slot_ref_t from_right) {
    struct handle_slot *left = slot_from_ref(slot->prev), *right = slot_from_ref(slot->next);
    if (left != nullptr) {
        *(begins_at(left, slot) ? &left->first_child : &left->next) = from_left;
    }
    if (right != nullptr) {
        *(ends_at(right, slot) ? &right->last_child : &right->prev) = from_right;
    }
}

static void forget_links(struct handle_slot *slot) {
    slot->first_child = slot->last_child = slot->next = slot->prev = (slot_ref_t){};
}

void derivation_remove(struct handle_slot *slot) {
    DEBUG_ASSERT(derivation_check(slot));
    if (slot->first_child.v != 0) {
        slot_from_ref(slot->first_child)->prev = slot->prev;
        slot_from_ref(slot->last_child)->next = slot->next;
        link_around(slot, slot->first_child, slot->last_child);
    } else if (slot->prev.v == slot->next.v) { // an only child, with the parent on both sides, or nothing
        link_around(slot, (slot_ref_t){}, (slot_ref_t){});
    } else {
        link_around(slot, slot->next, slot->prev);
    }
    forget_links(slot);
}

void derivation_replace(struct handle_slot *slot, struct handle_slot *heir) {
    if ((slot->first_child.v | slot->prev.v | slot->next.v) == 0) {
        return; // it came from nothing, and nothing from it
    }
    const slot_ref_t ref = slot_ref(heir);
    heir->prev = slot->prev;
    heir->next = slot->next;
    heir->first_child = slot->first_child;
    heir->last_child = slot->last_child;
    link_around(slot, ref, ref);
    if (slot->first_child.v != 0) {
        slot_from_ref(slot->first_child)->prev = ref;
        slot_from_ref(slot->last_child)->next = ref;
    }
    forget_links(slot);
    DEBUG_ASSERT(derivation_check(heir));
}

struct handle_slot *derivation_parent(const struct handle_slot *slot, uint32_t *steps) {
    const struct handle_slot *before = slot, *after = slot;
    for (; *steps > 0; --*steps) {
        struct handle_slot *left = slot_from_ref(before->prev), *right = slot_from_ref(after->next);
        if (left == nullptr || right == nullptr) {
            return nullptr;
        }
        if (begins_at(left, before)) {
            return left;
        }
        if (ends_at(right, after)) {
            return right;
        }
        before = left;
        after = right;
    }
    return nullptr;
}
