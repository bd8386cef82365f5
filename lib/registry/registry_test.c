#include "lib/registry/registry.h"

#include <stdio.h>

#include "base/test.h"

static struct registry_table table;

TEST(names_have_their_places) {
    table = (struct registry_table){};
    CHECK(registry_find(&table, "log") == nullptr);
    CHECK(registry_find(&table, "") == nullptr);
    struct registry_name *log = registry_find_or_add(&table, "log");
    REQUIRE(log != nullptr);
    CHECK(registry_find(&table, "log") == log);
    CHECK(registry_find_or_add(&table, "log") == log);
    CHECK(registry_find(&table, "lo") == nullptr && registry_find(&table, "logs") == nullptr);
    CHECK(registry_find_or_add(&table, "") == nullptr);
    CHECK(registry_find_or_add(&table, "a-name-that-is-24-bytes-") == nullptr);
    for (size_t i = 1; i < REGISTRY_NAMES_MAX; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "n%zu", i);
        struct registry_name *entry = registry_find_or_add(&table, name);
        REQUIRE(entry != nullptr);
        CHECK_EQ(registry_index(&table, entry), i);
    }
    CHECK(registry_find_or_add(&table, "one-more") == nullptr);
    CHECK(registry_find_or_add(&table, "log") == log);
}

// Against a list of what must be there, through many adds and removes.
TEST(links_are_found_whatever_was_removed) {
    static struct {
        uint64_t holder;
        uint16_t name;
    } model[REGISTRY_LINKS_MAX];
    size_t count = 0;
    uint64_t random = 0x9e37'79b9'7f4a'7c15;
    table = (struct registry_table){};
    for (size_t round = 0; round < 50'000; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const uint64_t holder = 1 + random % 40;
        const uint16_t name = random >> 16 & 31;
        size_t at = 0;
        while (at < count && (model[at].holder != holder || model[at].name != name)) {
            at++;
        }
        struct registry_link *link = registry_link_find(&table, holder, name);
        REQUIRE((link != nullptr) == (at < count));
        if (link != nullptr && (random >> 40 & 3) != 0) {
            CHECK_EQ(link->parent.v, holder << 8 | name);
            registry_link_remove(&table, link);
            model[at] = model[--count];
        } else if (link == nullptr) {
            link = registry_link_add(&table, holder, name);
            REQUIRE((link != nullptr) == (count < REGISTRY_LINKS_MAX));
            if (link != nullptr) {
                link->parent.v = (uint32_t)(holder << 8 | name);
                model[count].holder = holder;
                model[count++].name = name;
            }
        }
        CHECK_EQ(table.link_count, count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct registry_link *link = registry_link_find(&table, model[i].holder, model[i].name);
        REQUIRE(link != nullptr);
        CHECK_EQ(link->parent.v, model[i].holder << 8 | model[i].name);
    }
}

TEST(there_are_so_many_links) {
    table = (struct registry_table){};
    CHECK(registry_link_add(&table, 0, 1) == nullptr); // nobody
    for (uint64_t holder = 1; holder <= REGISTRY_LINKS_MAX; holder++) {
        CHECK(registry_link_add(&table, holder, 0) != nullptr);
    }
    CHECK(registry_link_add(&table, REGISTRY_LINKS_MAX + 1, 0) == nullptr);
    CHECK(registry_link_find(&table, REGISTRY_LINKS_MAX + 1, 0) == nullptr);
    // Whoever removes while going over all of them meets each.
    size_t met = 0;
    for (size_t i = 0; i < REGISTRY_PLACES;) {
        if (table.links[i].holder == 0) {
            i++;
        } else {
            registry_link_remove(&table, &table.links[i]);
            met++;
        }
    }
    CHECK_EQ(met, REGISTRY_LINKS_MAX);
    CHECK_EQ(table.link_count, 0);
}
