// Intrusive red-black tree: ordered, every operation O(log n), no allocation.
//
// The owner embeds a struct rb_node and supplies the order. Equal elements are allowed and keep
// their order of insertion. The smallest element is cached, because run queues and timer queues ask
// for it far more often than for anything else. The owner decides about lifetime and locking.
#pragma once

#include "base/container.h"

struct rb_node {
    struct rb_node *parent; // nullptr for the root
    struct rb_node *left;
    struct rb_node *right;
    bool red;
};

struct rb_tree {
    struct rb_node *root;
    struct rb_node *first; // the leftmost node, nullptr when empty
};

// Strict order of two elements: true when `a` comes before `b`.
typedef bool rb_less_fn(const struct rb_node *a, const struct rb_node *b);

// Where the element lies as seen from the key: negative when the key comes before the node, zero
// when they are equal, positive when the key comes after it.
typedef int rb_compare_fn(const void *key, const struct rb_node *node);

static inline void rb_init(struct rb_tree *tree) {
    tree->root = nullptr;
    tree->first = nullptr;
}

static inline bool rb_empty(const struct rb_tree *tree) {
    return tree->root == nullptr;
}

// Smallest element, nullptr when empty. Constant time.
static inline struct rb_node *rb_first(const struct rb_tree *tree) {
    return tree->first;
}

// Largest element, nullptr when empty.
struct rb_node *rb_last(const struct rb_tree *tree);

// Neighbours in order, nullptr at the ends.
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

// Inserts a node that is in no tree, after all elements equal to it.
void rb_insert(struct rb_tree *tree, struct rb_node *node, rb_less_fn *less);

// Removes a node that is in this tree.
void rb_remove(struct rb_tree *tree, struct rb_node *node);

// First element equal to the key, nullptr when there is none.
struct rb_node *rb_find(const struct rb_tree *tree, const void *key, rb_compare_fn *compare);

// First element that does not come before the key, nullptr when all do.
struct rb_node *rb_lower_bound(const struct rb_tree *tree, const void *key, rb_compare_fn *compare);

// Last element that does not come after the key, nullptr when all do: "which range holds this address?"
struct rb_node *rb_floor(const struct rb_tree *tree, const void *key, rb_compare_fn *compare);

// Invariant checker: order, links, colours, equal black height, cached first. Linear; recursion
// no deeper than the tree is high.
bool rb_check(const struct rb_tree *tree, rb_less_fn *less);

#define RB_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
