#include "lib/registry/registry.h"

#include <stdio.h>

#include "base/test.h"

static struct registry registry;

static enum wire_status put(const char *name, uint64_t interface_id, uint32_t handle, uint32_t *old) {
    handle_t replaced = {};
    enum wire_status status = registry_put(&registry, name, interface_id, (handle_t){handle}, &replaced);
    *old = replaced.v;
    return status;
}

static enum wire_status look_up(uint64_t badge, const char *name, uint64_t interface_id) {
    const struct registry_name *entry = nullptr;
    return registry_look_up(&registry, badge, name, interface_id, &entry);
}

TEST(resolving_needs_name_permission_and_interface) {
    registry = (struct registry){};
    uint32_t old;
    const char names[2][WIRE_NAME_BYTES] = {"log", "later"};
    CHECK_EQ(put("log", 7, 100, &old), WIRE_OK);
    CHECK_EQ(put("secret", 8, 101, &old), WIRE_OK);
    CHECK_EQ(registry_permit(&registry, 5, names, 2), WIRE_OK);
    CHECK_EQ(look_up(5, "log", 7), WIRE_OK);
    CHECK_EQ(look_up(5, "log", 0), WIRE_OK);
    CHECK_EQ(look_up(5, "log", 9), WIRE_WRONG_INTERFACE);
    CHECK_EQ(look_up(5, "later", 0), WIRE_NOT_FOUND);
    CHECK_EQ(look_up(5, "secret", 0), WIRE_NOT_ALLOWED);
    CHECK_EQ(look_up(5, "no-such", 0), WIRE_NOT_ALLOWED);
    CHECK_EQ(look_up(5, "", 0), WIRE_NOT_ALLOWED);
    CHECK_EQ(look_up(6, "log", 0), WIRE_NOT_ALLOWED);
    CHECK_EQ(look_up(0, "log", 0), WIRE_NOT_ALLOWED);
    CHECK_EQ(look_up(WIRE_BADGE_SUPERVISOR, "secret", 0), WIRE_OK);
    CHECK_EQ(look_up(WIRE_BADGE_SUPERVISOR, "no-such", 0), WIRE_NOT_FOUND);
    CHECK_EQ(registry_permit(&registry, 5, nullptr, 0), WIRE_OK);
    CHECK_EQ(look_up(5, "log", 0), WIRE_NOT_ALLOWED);
}

TEST(registering_again_replaces) {
    registry = (struct registry){};
    uint32_t old;
    CHECK_EQ(put("log", 7, 100, &old), WIRE_OK);
    CHECK_EQ(old, 0);
    CHECK_EQ(put("log", 9, 200, &old), WIRE_OK);
    CHECK_EQ(old, 100);
    CHECK_EQ(look_up(WIRE_BADGE_CONTROL, "log", 9), WIRE_OK);
}

TEST(bounds_are_kept) {
    registry = (struct registry){};
    uint32_t old;
    char name[WIRE_NAME_BYTES];
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        CHECK_EQ(put(name, 1, (uint32_t)i + 1, &old), WIRE_OK);
    }
    CHECK_EQ(put("more", 1, 999, &old), WIRE_BUSY);
    const char names[1][WIRE_NAME_BYTES] = {"n63"};
    for (uint64_t holder = 1; holder <= REGISTRY_HOLDERS_MAX; holder++) {
        CHECK_EQ(registry_permit(&registry, holder, names, 1), WIRE_OK);
    }
    CHECK_EQ(registry_permit(&registry, 1000, names, 1), WIRE_BUSY);
    CHECK_EQ(registry_permit(&registry, 0, names, 1), WIRE_BAD_REQUEST);
    CHECK_EQ(registry_permit(&registry, WIRE_BADGE_CONTROL, names, 1), WIRE_BAD_REQUEST);
    CHECK_EQ(registry_permit(&registry, 3, nullptr, 0), WIRE_OK);
    CHECK_EQ(registry_permit(&registry, 1000, names, 1), WIRE_OK);
    CHECK_EQ(look_up(1000, "n63", 1), WIRE_OK);
    CHECK_EQ(look_up(1000, "n62", 1), WIRE_NOT_ALLOWED);
}

TEST(lists_are_sorted_and_show_only_what_is_allowed) {
    registry = (struct registry){};
    uint32_t old;
    CHECK_EQ(put("c", 3, 1, &old), WIRE_OK);
    CHECK_EQ(put("a", 1, 2, &old), WIRE_OK);
    CHECK_EQ(put("b", 2, 3, &old), WIRE_OK);
    const char names[3][WIRE_NAME_BYTES] = {"c", "unregistered", "a"};
    CHECK_EQ(registry_permit(&registry, 4, names, 3), WIRE_OK);
    struct registry_entry entries[4];
    size_t count;
    CHECK_EQ(registry_list_names(&registry, WIRE_BADGE_CONTROL, 0, entries, 4, &count), 3);
    CHECK_EQ(count, 3);
    CHECK_STR_EQ(entries[0].name, "a");
    CHECK_STR_EQ(entries[1].name, "b");
    CHECK_STR_EQ(entries[2].name, "c");
    CHECK_EQ(registry_list_names(&registry, 4, 1, entries, 4, &count), 2);
    CHECK_EQ(count, 1);
    CHECK_STR_EQ(entries[0].name, "c");
    CHECK_EQ(registry_list_names(&registry, 9, 0, entries, 4, &count), 0);
    CHECK_EQ(count, 0);
}
