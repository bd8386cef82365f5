#include "base/rbtree.h"

#include <stdint.h>

#include "base/test.h"

struct item {
    uint32_t key;
    uint32_t serial;
    struct rb_node link;
};

static bool less(const struct rb_node *a, const struct rb_node *b) {
    return RB_ENTRY(a, struct item, link)->key < RB_ENTRY(b, struct item, link)->key;
}

static int compare(const void *key, const struct rb_node *node) {
    uint32_t wanted = *(const uint32_t *)key;
    uint32_t here = RB_ENTRY(node, struct item, link)->key;
    return wanted < here ? -1 : wanted > here;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

TEST(rbtree_empty) {
    struct rb_tree tree;
    uint32_t key = 1;
    rb_init(&tree);
    CHECK(rb_empty(&tree));
    CHECK(rb_first(&tree) == nullptr);
    CHECK(rb_last(&tree) == nullptr);
    CHECK(rb_find(&tree, &key, compare) == nullptr);
    CHECK(rb_check(&tree, less));
}

TEST(rbtree_holds_its_invariants_under_random_work) {
    enum { COUNT = 400 };
    static struct item items[COUNT];
    static bool inside[COUNT];
    struct rb_tree tree;
    uint32_t random = 7;
    uint32_t size = 0;
    rb_init(&tree);
    for (uint32_t step = 0; step < 20'000; step++) {
        uint32_t i = next_random(&random) % COUNT;
        if (inside[i]) {
            rb_remove(&tree, &items[i].link);
            size--;
        } else {
            items[i].key = next_random(&random) % 100;
            rb_insert(&tree, &items[i].link, less);
            size++;
        }
        inside[i] = !inside[i];
        if (step % 16 == 0) {
            REQUIRE(rb_check(&tree, less));
        }
    }
    uint32_t counted = 0;
    for (struct rb_node *node = rb_first(&tree); node != nullptr; node = rb_next(node)) {
        counted++;
    }
    CHECK_EQ(counted, size);
    counted = 0;
    for (struct rb_node *node = rb_last(&tree); node != nullptr; node = rb_prev(node)) {
        counted++;
    }
    CHECK_EQ(counted, size);
    while (!rb_empty(&tree)) {
        rb_remove(&tree, rb_first(&tree));
        REQUIRE(rb_check(&tree, less));
    }
}

TEST(rbtree_every_removal_order_of_small_trees) {
    enum { COUNT = 7 };
    for (uint32_t mask = 0; mask < 1u << (COUNT * 2); mask += 13) {
        struct item items[COUNT];
        struct rb_tree tree;
        rb_init(&tree);
        for (uint32_t i = 0; i < COUNT; i++) {
            items[i].key = (mask >> (i * 2)) & 3;
            rb_insert(&tree, &items[i].link, less);
            REQUIRE(rb_check(&tree, less));
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            rb_remove(&tree, &items[(i * 3 + mask) % COUNT].link);
            REQUIRE(rb_check(&tree, less));
        }
        CHECK(rb_empty(&tree));
    }
}

TEST(rbtree_equal_keys_keep_their_order) {
    struct item items[5];
    struct rb_tree tree;
    uint32_t key = 4;
    rb_init(&tree);
    for (uint32_t i = 0; i < 5; i++) {
        items[i].key = 4;
        items[i].serial = i;
        rb_insert(&tree, &items[i].link, less);
    }
    uint32_t serial = 0;
    for (struct rb_node *node = rb_find(&tree, &key, compare); node != nullptr; node = rb_next(node)) {
        CHECK_EQ(RB_ENTRY(node, struct item, link)->serial, serial);
        serial++;
    }
    CHECK_EQ(serial, 5);
}

TEST(rbtree_bounds) {
    struct item items[3] = {{.key = 10}, {.key = 20}, {.key = 30}};
    struct rb_tree tree;
    rb_init(&tree);
    for (int i = 0; i < 3; i++) {
        rb_insert(&tree, &items[i].link, less);
    }
    uint32_t key = 20;
    CHECK(rb_lower_bound(&tree, &key, compare) == &items[1].link);
    CHECK(rb_floor(&tree, &key, compare) == &items[1].link);
    CHECK(rb_find(&tree, &key, compare) == &items[1].link);
    key = 25;
    CHECK(rb_lower_bound(&tree, &key, compare) == &items[2].link);
    CHECK(rb_floor(&tree, &key, compare) == &items[1].link);
    CHECK(rb_find(&tree, &key, compare) == nullptr);
    key = 31;
    CHECK(rb_lower_bound(&tree, &key, compare) == nullptr);
    key = 9;
    CHECK(rb_floor(&tree, &key, compare) == nullptr);
}

TEST(rbtree_check_sees_damage) {
    struct item items[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    struct rb_tree tree;
    rb_init(&tree);
    for (int i = 0; i < 3; i++) {
        rb_insert(&tree, &items[i].link, less);
    }
    items[0].key = 9;
    CHECK(!rb_check(&tree, less));
    items[0].key = 1;
    items[1].link.red = true;
    CHECK(!rb_check(&tree, less));
}
