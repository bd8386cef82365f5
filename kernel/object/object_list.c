#include "kernel/object/object_list.h"

static uint64_t koid_of(const struct rb_node *node) {
    return RB_ENTRY(node, struct object_link, node)->object->koid.v;
}

static bool is_older(const struct rb_node *a, const struct rb_node *b) {
    return koid_of(a) < koid_of(b);
}

// Nothing is at the key: what has this very koid lies before it.
static int is_after(const void *key, const struct rb_node *node) {
    return koid_of(node) > *(const uint64_t *)key ? -1 : 1;
}

void object_list_add(struct object_list *list, struct object *object, struct object_link *link) {
    link->object = object;
    spin_lock(&list->lock);
    rb_insert(&list->tree, &link->node, is_older);
    spin_unlock(&list->lock);
}

void object_list_remove(struct object_list *list, struct object_link *link) {
    spin_lock(&list->lock);
    if (link->object != nullptr) {
        rb_remove(&list->tree, &link->node);
    }
    spin_unlock(&list->lock);
}

struct object *object_list_after(struct object_list *list, uint64_t koid) {
    struct object *found = nullptr;
    spin_lock(&list->lock);
    for (struct rb_node *node = rb_lower_bound(&list->tree, &koid, is_after); node != nullptr && found == nullptr;
         node = rb_next(node)) {
        struct object *object = RB_ENTRY(node, struct object_link, node)->object;
        found = object_try_get(object) ? object : nullptr;
    }
    spin_unlock(&list->lock);
    return found;
}

struct object *object_list_find(struct object_list *list, uint64_t koid) {
    struct object *object = koid == 0 ? nullptr : object_list_after(list, koid - 1);
    if (object != nullptr && object->koid.v != koid) {
        object_put(object);
        return nullptr;
    }
    return object;
}
