#include "base/list.h"

#include "base/test.h"

struct item {
    int value;
    struct list_node link;
};

static int value_of(const struct list_node *node) {
    return LIST_ENTRY(node, struct item, link)->value;
}

TEST(list_is_empty_at_first) {
    struct list list = LIST_INIT(list);
    CHECK(list_empty(&list));
    CHECK(list_first(&list) == nullptr);
    CHECK(list_last(&list) == nullptr);
    CHECK(list_pop_front(&list) == nullptr);
    CHECK(list_pop_back(&list) == nullptr);
    CHECK(list_check(&list, 1));
}

TEST(list_keeps_order_from_both_ends) {
    struct list list;
    struct item items[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};
    list_init(&list);
    list_push_back(&list, &items[1].link);
    list_push_back(&list, &items[2].link);
    list_push_front(&list, &items[0].link);
    list_insert_after(&items[2].link, &items[3].link);
    int expected = 0;
    LIST_FOR_EACH(node, &list) {
        CHECK_EQ(value_of(node), expected);
        expected++;
    }
    CHECK_EQ(expected, 4);
    CHECK_EQ(list_count(&list), 4);
    CHECK_EQ(value_of(list_pop_front(&list)), 0);
    CHECK_EQ(value_of(list_pop_back(&list)), 3);
    CHECK_EQ(value_of(list_next(&list, &items[1].link)), 2);
    CHECK(list_next(&list, &items[2].link) == nullptr);
    CHECK(list_check(&list, 8));
}

TEST(list_remove_twice_is_harmless) {
    struct list list = LIST_INIT(list);
    struct item a = {.value = 1};
    list_node_init(&a.link);
    CHECK(!list_linked(&a.link));
    list_push_back(&list, &a.link);
    CHECK(list_linked(&a.link));
    list_remove(&a.link);
    list_remove(&a.link);
    CHECK(!list_linked(&a.link));
    CHECK(list_empty(&list));
}

TEST(list_safe_walk_survives_removal) {
    struct list list = LIST_INIT(list);
    struct item items[6];
    for (int i = 0; i < 6; i++) {
        items[i].value = i;
        list_push_back(&list, &items[i].link);
    }
    LIST_FOR_EACH_SAFE(node, &list) {
        if (value_of(node) % 2 == 0) {
            list_remove(node);
        }
    }
    CHECK_EQ(list_count(&list), 3);
    CHECK_EQ(value_of(list_first(&list)), 1);
    CHECK_EQ(value_of(list_last(&list)), 5);
}

TEST(list_splice_moves_everything) {
    struct list a = LIST_INIT(a);
    struct list b = LIST_INIT(b);
    struct item items[4];
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        list_push_back(i < 2 ? &a : &b, &items[i].link);
    }
    list_splice_back(&a, &b);
    CHECK(list_empty(&b));
    CHECK_EQ(list_count(&a), 4);
    CHECK_EQ(value_of(list_last(&a)), 3);
    CHECK(list_check(&a, 8));
    list_splice_back(&a, &b);
    CHECK_EQ(list_count(&a), 4);
}

TEST(list_check_sees_a_broken_chain) {
    struct list list = LIST_INIT(list);
    struct item a;
    struct item b;
    list_push_back(&list, &a.link);
    list_push_back(&list, &b.link);
    b.link.prev = &list.head;
    CHECK(!list_check(&list, 8));
}
