// The registry's table: names, what stands behind them, and what was resolved by whom, so that it can be taken back.
//
// Pure; handles are only numbers here. Fixed in size, so that what clients do cannot make it grow: names come from the supervisor
// alone, and whoever may resolve a name makes one link by it, however often it is resolved.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/badge/badge.h"

constexpr size_t REGISTRY_NAMES_MAX = 64;
constexpr size_t REGISTRY_LINKS_MAX = 384;
constexpr size_t REGISTRY_PLACES = 512; // a power of two, more than there are links: looking for one ends soon

struct registry_name {
    char name[NAME_BYTES]; // empty: unused
    uint64_t interface_id;
    uint64_t generation; // rises whenever something is put under the name
    handle_t endpoint;
    bool given_up; // nobody receives there until it is started again
};

// What a holder was given under a name.
struct registry_link {
    uint64_t holder; // 0: unused
    uint64_t epoch;  // of the policy's decision; one of another epoch is to be asked for again
    handle_t parent; // what the holder has is derived from it
    uint16_t name;   // index
    uint8_t actions; // what the holder may do, as the policy says
};

struct registry_table {
    struct registry_name names[REGISTRY_NAMES_MAX];
    size_t link_count;
    struct registry_link links[REGISTRY_PLACES]; // by hash; the next place is tried when one is taken
};

// The name, null when nothing stands under it.
struct registry_name *registry_find(struct registry_table *table, const char *name);

// The same, made if need be, with nothing under it yet; null when there is no room.
struct registry_name *registry_find_or_add(struct registry_table *table, const char *name);

uint16_t registry_index(const struct registry_table *table, const struct registry_name *name);

// What the holder was given under the name; null when that is nothing.
struct registry_link *registry_link_find(struct registry_table *table, uint64_t holder, uint16_t name);

// A new one, of which there is none yet, with nothing in it. Null when there is no room.
struct registry_link *registry_link_add(struct registry_table *table, uint64_t holder, uint16_t name);

// Forgets it; others change their places. Whoever goes over all places looks at this one again.
void registry_link_remove(struct registry_table *table, struct registry_link *link);
