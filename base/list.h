// Intrusive doubly linked list.
//
// The node lives inside the structure that is listed, so linking allocates nothing and cannot fail.
// A list is circular through its head; a node that is on no list points at itself, which makes
// "is it linked?" answerable and a second list_remove harmless. The list owns nothing: whoever
// embeds the node decides how long it lives, and which lock guards the list.
#pragma once

#include "base/container.h"

struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

struct list {
    struct list_node head; // head.next is the first node, head.prev the last
};

// A static or local list, initialised in place: struct list l = LIST_INIT(l);
#define LIST_INIT(name) {.head = {.next = &(name).head, .prev = &(name).head}}

static inline void list_init(struct list *list) {
    list->head.next = &list->head;
    list->head.prev = &list->head;
}

// Every node must pass through here before list_linked or list_remove is asked about it.
static inline void list_node_init(struct list_node *node) {
    node->next = node;
    node->prev = node;
}

static inline bool list_empty(const struct list *list) {
    return list->head.next == &list->head;
}

// Whether the node is on some list.
static inline bool list_linked(const struct list_node *node) {
    return node->next != node;
}

// Puts `node`, which is on no list, right after `position` (a node or a list's head).
static inline void list_insert_after(struct list_node *position, struct list_node *node) {
    node->prev = position;
    node->next = position->next;
    position->next->prev = node;
    position->next = node;
}

static inline void list_insert_before(struct list_node *position, struct list_node *node) {
    list_insert_after(position->prev, node);
}

static inline void list_push_front(struct list *list, struct list_node *node) {
    list_insert_after(&list->head, node);
}

static inline void list_push_back(struct list *list, struct list_node *node) {
    list_insert_after(list->head.prev, node);
}

// Takes the node off its list; does nothing to a node that is on none.
static inline void list_remove(struct list_node *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_node_init(node);
}

// First and last node, nullptr when the list is empty.
static inline struct list_node *list_first(const struct list *list) {
    return list_empty(list) ? nullptr : list->head.next;
}

static inline struct list_node *list_last(const struct list *list) {
    return list_empty(list) ? nullptr : list->head.prev;
}

// The node after `node`, nullptr at the end.
static inline struct list_node *list_next(const struct list *list, const struct list_node *node) {
    return node->next == &list->head ? nullptr : node->next;
}

static inline struct list_node *list_pop_front(struct list *list) {
    struct list_node *node = list_first(list);
    if (node != nullptr) {
        list_remove(node);
    }
    return node;
}

static inline struct list_node *list_pop_back(struct list *list) {
    struct list_node *node = list_last(list);
    if (node != nullptr) {
        list_remove(node);
    }
    return node;
}

// Moves all nodes of `from` to the end of `to`; `from` is left empty.
static inline void list_splice_back(struct list *to, struct list *from) {
    if (list_empty(from)) {
        return;
    }
    struct list_node *first = from->head.next;
    struct list_node *last = from->head.prev;
    first->prev = to->head.prev;
    to->head.prev->next = first;
    last->next = &to->head;
    to->head.prev = last;
    list_init(from);
}

// Linear in the length: for checkers and reports, not for a hot path.
static inline size_t list_count(const struct list *list) {
    size_t count = 0;
    for (const struct list_node *node = list->head.next; node != &list->head; node = node->next) {
        count++;
    }
    return count;
}

// Both directions agree and the chain closes; `limit` bounds the walk over a corrupt list.
static inline bool list_check(const struct list *list, size_t limit) {
    const struct list_node *node = &list->head;
    do {
        if (node->next == nullptr || node->next->prev != node || limit-- == 0) {
            return false;
        }
        node = node->next;
    } while (node != &list->head);
    return true;
}

// for-loop headers over the nodes. The body of LIST_FOR_EACH must not remove `node`; that of
// LIST_FOR_EACH_SAFE may remove `node`, but not the one after it.
#define LIST_FOR_EACH(node, list) \
    for (struct list_node *node = (list)->head.next; node != &(list)->head; node = node->next)
#define LIST_FOR_EACH_SAFE(node, list) \
    for (struct list_node *node = (list)->head.next, *node##_next = node->next; node != &(list)->head; \
         node = node##_next, node##_next = node->next)

// The structure around a node: LIST_ENTRY(node, struct thread, run_link).
#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
