// Red-black tree after Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", ch. 13.
//
// Invariants: the root is black; a red node has no red child; every path from the root to a missing
// child passes the same number of black nodes; missing children count as black.
#include "base/rbtree.h"

static bool is_red(const struct rb_node *node) {
    return node != nullptr && node->red;
}

static struct rb_node *leftmost(struct rb_node *node) {
    while (node->left != nullptr) {
        node = node->left;
    }
    return node;
}

static struct rb_node *rightmost(struct rb_node *node) {
    while (node->right != nullptr) {
        node = node->right;
    }
    return node;
}

struct rb_node *rb_last(const struct rb_tree *tree) {
    return tree->root == nullptr ? nullptr : rightmost(tree->root);
}

struct rb_node *rb_next(const struct rb_node *node) {
    if (node->right != nullptr) {
        return leftmost(node->right);
    }
    while (node->parent != nullptr && node == node->parent->right) {
        node = node->parent;
    }
    return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node) {
    if (node->left != nullptr) {
        return rightmost(node->left);
    }
    while (node->parent != nullptr && node == node->parent->left) {
        node = node->parent;
    }
    return node->parent;
}

// Puts `child` (may be null) where `node` hangs.
static void replace(struct rb_tree *tree, struct rb_node *node, struct rb_node *child) {
    struct rb_node *parent = node->parent;
    if (parent == nullptr) {
        tree->root = child;
    } else if (parent->left == node) {
        parent->left = child;
    } else {
        parent->right = child;
    }
    if (child != nullptr) {
        child->parent = parent;
    }
}

static void rotate_left(struct rb_tree *tree, struct rb_node *node) {
    struct rb_node *up = node->right;
    node->right = up->left;
    if (up->left != nullptr) {
        up->left->parent = node;
    }
    replace(tree, node, up);
    up->left = node;
    node->parent = up;
}

static void rotate_right(struct rb_tree *tree, struct rb_node *node) {
    struct rb_node *up = node->left;
    node->left = up->right;
    if (up->right != nullptr) {
        up->right->parent = node;
    }
    replace(tree, node, up);
    up->right = node;
    node->parent = up;
}

// After hanging in a red node: moves a red-red pair up until it can be resolved by rotation.
static void fix_insert(struct rb_tree *tree, struct rb_node *node) {
    while (is_red(node->parent)) {
        struct rb_node *parent = node->parent;
        struct rb_node *grandparent = parent->parent; // exists: a red node is never the root
        bool parent_is_left = parent == grandparent->left;
        struct rb_node *uncle = parent_is_left ? grandparent->right : grandparent->left;
        if (is_red(uncle)) {
            parent->red = false;
            uncle->red = false;
            grandparent->red = true;
            node = grandparent;
        } else if (parent_is_left) {
            if (node == parent->right) {
                rotate_left(tree, parent);
                parent = node;
            }
            parent->red = false;
            grandparent->red = true;
            rotate_right(tree, grandparent);
            break;
        } else {
            if (node == parent->left) {
                rotate_right(tree, parent);
                parent = node;
            }
            parent->red = false;
            grandparent->red = true;
            rotate_left(tree, grandparent);
            break;
        }
    }
    tree->root->red = false;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, rb_less_fn *less) {
    struct rb_node *parent = nullptr;
    struct rb_node **link = &tree->root;
    bool is_first = true;
    while (*link != nullptr) {
        parent = *link;
        if (less(node, parent)) {
            link = &parent->left;
        } else {
            link = &parent->right;
            is_first = false;
        }
    }
    node->parent = parent;
    node->left = nullptr;
    node->right = nullptr;
    node->red = true;
    *link = node;
    if (is_first) {
        tree->first = node;
    }
    fix_insert(tree, node);
}

// One side of `parent`, the one where `node` (may be null) hangs, is one black node short.
static void fix_remove(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent) {
    while (node != tree->root && !is_red(node)) {
        bool node_is_left = node == parent->left;
        struct rb_node *sibling = node_is_left ? parent->right : parent->left;
        if (is_red(sibling)) {
            sibling->red = false;
            parent->red = true;
            if (node_is_left) {
                rotate_left(tree, parent);
                sibling = parent->right;
            } else {
                rotate_right(tree, parent);
                sibling = parent->left;
            }
        }
        if (!is_red(sibling->left) && !is_red(sibling->right)) {
            sibling->red = true;
            node = parent;
            parent = node->parent;
            continue;
        }
        if (node_is_left) {
            if (!is_red(sibling->right)) {
                sibling->left->red = false;
                sibling->red = true;
                rotate_right(tree, sibling);
                sibling = parent->right;
            }
            sibling->red = parent->red;
            parent->red = false;
            sibling->right->red = false;
            rotate_left(tree, parent);
        } else {
            if (!is_red(sibling->left)) {
                sibling->right->red = false;
                sibling->red = true;
                rotate_left(tree, sibling);
                sibling = parent->left;
            }
            sibling->red = parent->red;
            parent->red = false;
            sibling->left->red = false;
            rotate_right(tree, parent);
        }
        node = tree->root;
    }
    if (node != nullptr) {
        node->red = false;
    }
}

void rb_remove(struct rb_tree *tree, struct rb_node *node) {
    if (tree->root == node && node->left == nullptr && node->right == nullptr) { // the only one
        tree->root = tree->first = nullptr;
        return;
    }
    if (tree->first == node) {
        tree->first = rb_next(node);
    }
    struct rb_node *child;  // what moves into the hole
    struct rb_node *parent; // the parent of the hole
    bool removed_black;
    if (node->left == nullptr || node->right == nullptr) {
        child = node->left != nullptr ? node->left : node->right;
        parent = node->parent;
        removed_black = !node->red;
        replace(tree, node, child);
    } else {
        // Two children: the successor takes the node's place and colour; the hole is where it was.
        struct rb_node *successor = leftmost(node->right);
        removed_black = !successor->red;
        child = successor->right;
        if (successor->parent == node) {
            parent = successor;
        } else {
            parent = successor->parent;
            replace(tree, successor, child);
            successor->right = node->right;
            successor->right->parent = successor;
        }
        replace(tree, node, successor);
        successor->left = node->left;
        successor->left->parent = successor;
        successor->red = node->red;
    }
    if (removed_black) {
        fix_remove(tree, child, parent);
    }
    node->parent = nullptr;
    node->left = nullptr;
    node->right = nullptr;
}

struct rb_node *rb_lower_bound(const struct rb_tree *tree, const void *key, rb_compare_fn *compare) {
    struct rb_node *best = nullptr;
    struct rb_node *node = tree->root;
    while (node != nullptr) {
        if (compare(key, node) <= 0) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct rb_node *rb_floor(const struct rb_tree *tree, const void *key, rb_compare_fn *compare) {
    struct rb_node *best = nullptr;
    struct rb_node *node = tree->root;
    while (node != nullptr) {
        if (compare(key, node) >= 0) {
            best = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return best;
}

struct rb_node *rb_find(const struct rb_tree *tree, const void *key, rb_compare_fn *compare) {
    struct rb_node *node = rb_lower_bound(tree, key, compare);
    return node != nullptr && compare(key, node) == 0 ? node : nullptr;
}

// Black height of the subtree, -1 when an invariant does not hold in it.
static int checked_height(const struct rb_node *node, const struct rb_node *parent, rb_less_fn *less) {
    if (node == nullptr) {
        return 0;
    }
    if (node->parent != parent || (node->red && is_red(parent))) {
        return -1;
    }
    if ((node->left != nullptr && less(node, node->left)) ||
        (node->right != nullptr && less(node->right, node))) {
        return -1;
    }
    int left = checked_height(node->left, node, less);
    int right = checked_height(node->right, node, less);
    if (left < 0 || left != right) {
        return -1;
    }
    return left + (node->red ? 0 : 1);
}

bool rb_check(const struct rb_tree *tree, rb_less_fn *less) {
    if (tree->root == nullptr) {
        return tree->first == nullptr;
    }
    if (tree->root->red || checked_height(tree->root, nullptr, less) < 0) {
        return false;
    }
    const struct rb_node *previous = leftmost(tree->root);
    if (tree->first != previous) {
        return false;
    }
    for (const struct rb_node *node = rb_next(previous); node != nullptr; node = rb_next(node)) {
        if (less(node, previous)) {
            return false;
        }
        previous = node;
    }
    return true;
}
