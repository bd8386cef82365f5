// The registry's table: names, what stands behind them, and who may ask for which.
//
// Pure; handles are only numbers here. Fixed in size, so that what clients do cannot make it grow: names
// and holders come from the supervisor alone. Both kinds of entry may come in any order.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/wire/registry.h"

constexpr size_t REGISTRY_NAMES_MAX = 64; // one bit each in an allowance
constexpr size_t REGISTRY_HOLDERS_MAX = 256;

struct registry_name {
    char name[WIRE_NAME_BYTES]; // empty: unused
    uint64_t interface_id;
    handle_t endpoint; // 0: known only as somebody's allowance, not registered yet
};

struct registry_holder {
    uint64_t holder;  // 0: unused
    uint64_t allowed; // bit i: names[i]
};

struct registry {
    struct registry_name names[REGISTRY_NAMES_MAX];
    struct registry_holder holders[REGISTRY_HOLDERS_MAX];
};

// Registers `endpoint` under the name; *old is what it replaces (0: nothing), the caller's to close.
// WIRE_BUSY: no room for another name, nothing changed.
enum wire_status registry_put(struct registry *registry, const char *name, uint64_t interface_id,
                              handle_t endpoint, handle_t *old);

// Replaces what the holder may resolve; `count` 0 forgets it. WIRE_BUSY: no room, nothing but new names
// changed.
enum wire_status registry_permit(struct registry *registry, uint64_t holder,
                                 const char (*names)[WIRE_NAME_BYTES], size_t count);

// What stands behind the name for this badge (control: everything). WIRE_NOT_ALLOWED, WIRE_NOT_FOUND,
// WIRE_WRONG_INTERFACE. A name that is allowed but not registered is NOT_FOUND; one that is not allowed is
// NOT_ALLOWED whether it exists or not.
enum wire_status registry_look_up(const struct registry *registry, uint64_t badge, const char *name,
                                  uint64_t interface_id, const struct registry_name **out);

// Registered names that this badge may resolve, sorted, from `index` on; at most `max` go into `out`.
// Returns how many there are in all.
size_t registry_list_names(const struct registry *registry, uint64_t badge, size_t index,
                           struct registry_entry *out, size_t max, size_t *count);
