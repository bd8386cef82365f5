#include "kernel/object/derivation.h"

#include "kernel/object/handle.h"

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
}

// Puts the siblings `first` to `last` where `slot` is.
static void replace(const struct handle_slot *slot, struct handle_slot *first, struct handle_slot *last) {
    struct handle_slot *left = slot_from_ref(slot->prev), *right = slot_from_ref(slot->next);
    first->prev = slot->prev;
    last->next = slot->next;
    if (left != nullptr) {
        *(begins_at(left, slot) ? &left->first_child : &left->next) = slot_ref(first);
    }
    if (right != nullptr) {
        *(ends_at(right, slot) ? &right->last_child : &right->prev) = slot_ref(last);
    }
}

// Closes the gap that a slot without children leaves.
static void close_gap(const struct handle_slot *slot) {
    struct handle_slot *left = slot_from_ref(slot->prev), *right = slot_from_ref(slot->next);
    const bool only_child = left == right; // the parent is on both sides, or nothing
    if (left != nullptr && begins_at(left, slot)) {
        left->first_child = only_child ? (slot_ref_t){} : slot->next;
    } else if (left != nullptr) {
        left->next = slot->next;
    }
    if (right != nullptr && ends_at(right, slot)) {
        right->last_child = only_child ? (slot_ref_t){} : slot->prev;
    } else if (right != nullptr) {
        right->prev = slot->prev;
    }
}

void derivation_remove(struct handle_slot *slot) {
    if (slot->first_child.v != 0) {
        replace(slot, slot_from_ref(slot->first_child), slot_from_ref(slot->last_child));
    } else {
        close_gap(slot);
    }
    slot->first_child = slot->last_child = slot->next = slot->prev = (slot_ref_t){};
}

void derivation_replace(struct handle_slot *slot, struct handle_slot *heir) {
    replace(slot, heir, heir);
    heir->first_child = slot->first_child;
    heir->last_child = slot->last_child;
    if (slot->first_child.v != 0) {
        slot_from_ref(slot->first_child)->prev = slot_ref(heir);
        slot_from_ref(slot->last_child)->next = slot_ref(heir);
    }
    slot->first_child = slot->last_child = slot->next = slot->prev = (slot_ref_t){};
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
