#include "lib/registry/registry.h"

#include <stdio.h>

#include "base/test.h"

static struct registry_table table;

static bool put(const char *name, uint64_t interface_id, uint32_t handle, uint32_t *old) {
    handle_t replaced = {};
    const bool done = registry_put(&table, name, interface_id, (handle_t){handle}, &replaced);
    *old = replaced.v;
    return done;
}

static enum registry_outcome look_up(uint64_t badge, const char *name, uint64_t interface_id) {
    const struct registry_name *entry = nullptr;
    return registry_look_up(&table, badge, name, interface_id, &entry);
}

TEST(resolving_needs_name_permission_and_interface) {
    table = (struct registry_table){};
    uint32_t old;
    const char names[2][NAME_BYTES] = {"log", "later"};
    CHECK(put("log", 7, 100, &old));
    CHECK(put("secret", 8, 101, &old));
    CHECK(registry_permit(&table, 5, names, 2));
    CHECK_EQ(look_up(5, "log", 7), REGISTRY_OUTCOME_FOUND);
    CHECK_EQ(look_up(5, "log", 0), REGISTRY_OUTCOME_FOUND);
    CHECK_EQ(look_up(5, "log", 9), REGISTRY_OUTCOME_WRONG_INTERFACE);
    CHECK_EQ(look_up(5, "later", 0), REGISTRY_OUTCOME_NO_SUCH_NAME);
    CHECK_EQ(look_up(5, "secret", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(look_up(5, "no-such", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(look_up(5, "", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(look_up(6, "log", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(look_up(0, "log", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(look_up(BADGE_SUPERVISOR, "secret", 0), REGISTRY_OUTCOME_FOUND);
    CHECK_EQ(look_up(BADGE_SUPERVISOR, "no-such", 0), REGISTRY_OUTCOME_NO_SUCH_NAME);
    CHECK(registry_permit(&table, 5, nullptr, 0));
    CHECK_EQ(look_up(5, "log", 0), REGISTRY_OUTCOME_NOT_ALLOWED);
}

TEST(registering_again_replaces) {
    table = (struct registry_table){};
    uint32_t old;
    CHECK(put("log", 7, 100, &old));
    CHECK_EQ(old, 0);
    CHECK(put("log", 9, 200, &old));
    CHECK_EQ(old, 100);
    CHECK_EQ(look_up(BADGE_CONTROL, "log", 9), REGISTRY_OUTCOME_FOUND);
}

TEST(bounds_are_kept) {
    table = (struct registry_table){};
    uint32_t old;
    char name[NAME_BYTES];
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        CHECK(put(name, 1, (uint32_t)i + 1, &old));
    }
    CHECK(!put("more", 1, 999, &old));
    const char names[1][NAME_BYTES] = {"n63"};
    for (uint64_t holder = 1; holder <= REGISTRY_HOLDERS_MAX; holder++) {
        CHECK(registry_permit(&table, holder, names, 1));
    }
    CHECK(!registry_permit(&table, 1000, names, 1));
    CHECK(registry_permit(&table, 3, nullptr, 0));
    CHECK(registry_permit(&table, 1000, names, 1));
    CHECK_EQ(look_up(1000, "n63", 1), REGISTRY_OUTCOME_FOUND);
    CHECK_EQ(look_up(1000, "n62", 1), REGISTRY_OUTCOME_NOT_ALLOWED);
}

TEST(lists_are_sorted_and_show_only_what_is_allowed) {
    table = (struct registry_table){};
    uint32_t old;
    CHECK(put("c", 3, 1, &old));
    CHECK(put("a", 1, 2, &old));
    CHECK(put("b", 2, 3, &old));
    const char names[3][NAME_BYTES] = {"c", "unregistered", "a"};
    CHECK(registry_permit(&table, 4, names, 3));
    const struct registry_name *entries[4];
    size_t count;
    CHECK_EQ(registry_list_names(&table, BADGE_CONTROL, 0, entries, 4, &count), 3);
    CHECK_EQ(count, 3);
    CHECK_STR_EQ(entries[0]->name, "a");
    CHECK_STR_EQ(entries[1]->name, "b");
    CHECK_STR_EQ(entries[2]->name, "c");
    CHECK_EQ(registry_list_names(&table, 4, 1, entries, 4, &count), 2);
    CHECK_EQ(count, 1);
    CHECK_STR_EQ(entries[0]->name, "c");
    CHECK_EQ(registry_list_names(&table, 9, 0, entries, 4, &count), 0);
    CHECK_EQ(count, 0);
}
