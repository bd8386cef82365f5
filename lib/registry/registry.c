#include "lib/registry/registry.h"

#include "base/str.h"

static_assert((REGISTRY_PLACES & (REGISTRY_PLACES - 1)) == 0 && REGISTRY_LINKS_MAX < REGISTRY_PLACES);

// ---- Names ----

struct registry_name *registry_find(struct registry_table *table, const char *name) {
    for (size_t i = 0; name[0] != '\0' && i < REGISTRY_NAMES_MAX; i++) {
        const char *other = table->names[i].name;
        if (other[0] == name[0] && strncmp(other, name, NAME_BYTES) == 0) {
            return &table->names[i];
        }
    }
    return nullptr;
}

struct registry_name *registry_find_or_add(struct registry_table *table, const char *name) {
    struct registry_name *found = registry_find(table, name);
    for (size_t i = 0; found == nullptr && i < REGISTRY_NAMES_MAX; i++) {
        struct registry_name *entry = &table->names[i];
        if (entry->name[0] == '\0') {
            return name_put(entry->name, name, strlen(name)) ? entry : nullptr;
        }
    }
    return found;
}

uint16_t registry_index(const struct registry_table *table, const struct registry_name *name) {
    return (uint16_t)(name - table->names);
}

// ---- Links ----

static size_t next(size_t place) {
    return (place + 1) % REGISTRY_PLACES;
}

// Where to begin to look.
static size_t home(uint64_t holder, uint16_t name) {
    const uint64_t mixed = (holder << 6 ^ name) * 0x9e37'79b9'7f4a'7c15;
    return (size_t)(mixed >> 32) % REGISTRY_PLACES;
}

struct registry_link *registry_link_find(struct registry_table *table, uint64_t holder, uint16_t name) {
    for (size_t i = home(holder, name); table->links[i].holder != 0; i = next(i)) {
        if (table->links[i].holder == holder && table->links[i].name == name) {
            return &table->links[i];
        }
    }
    return nullptr;
}

struct registry_link *registry_link_add(struct registry_table *table, uint64_t holder, uint16_t name) {
    if (table->link_count == REGISTRY_LINKS_MAX || holder == 0) {
        return nullptr;
    }
    size_t place = home(holder, name);
    while (table->links[place].holder != 0) {
        place = next(place);
    }
    table->link_count++;
    table->links[place] = (struct registry_link){.holder = holder, .name = name};
    return &table->links[place];
}

// Whether `place` lies on the way from `from` to before `to`, around the end.
static bool lies_between(size_t from, size_t place, size_t to) {
    return from <= to ? from <= place && place < to : from <= place || place < to;
}

void registry_link_remove(struct registry_table *table, struct registry_link *link) {
    size_t hole = (size_t)(link - table->links);
    // What would no longer be found, because its way from home led over the hole, takes that place.
    for (size_t i = next(hole); table->links[i].holder != 0; i = next(i)) {
        if (lies_between(home(table->links[i].holder, table->links[i].name), hole, i)) {
            table->links[hole] = table->links[i];
            hole = i;
        }
    }
    table->links[hole] = (struct registry_link){};
    table->link_count--;
}
