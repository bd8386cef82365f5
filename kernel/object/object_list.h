// All objects of a type, by koid, which is the order of their creation: for who looks at all of them, a few at a time.
// The list holds no references.
#pragma once

#include "base/rbtree.h"
#include "kernel/lock.h"
#include "kernel/object/object.h"

struct object_list {
    struct spinlock lock;
    struct rb_tree tree GUARDED_BY(lock);
};
#define OBJECT_LIST {.lock = SPINLOCK(LOCK_OBJECT_LIST)}

struct object_link {
    struct rb_node node;
    struct object *object;
};

void object_list_add(struct object_list *list, struct object *object, struct object_link *link);
// Of an object that is being taken apart; it need not be in the list.
void object_list_remove(struct object_list *list, struct object_link *link);

// A reference to the first object with a koid above `koid`; null at the end.
struct object *object_list_after(struct object_list *list, uint64_t koid);

// A reference to the object with this koid; null when it is not in the list.
struct object *object_list_find(struct object_list *list, uint64_t koid);
