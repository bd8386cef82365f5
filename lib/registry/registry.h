// The registry's table: names, what stands behind them, and who may ask for which.
//
// Pure; handles are only numbers here. Fixed in size, so that what clients do cannot make it grow: names
// and holders come from the supervisor alone. Both kinds of entry may come in any order.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "idl/registry.capnp.h"
#include "lib/badge/badge.h"

constexpr size_t REGISTRY_NAMES_MAX = 64; // one bit each in an allowance
constexpr size_t REGISTRY_HOLDERS_MAX = 256;

struct registry_name {
    char name[NAME_BYTES]; // empty: unused
    uint64_t interface_id;
    handle_t endpoint; // 0: known only as somebody's allowance, not registered yet
};

struct registry_holder {
    uint64_t holder;  // 0: unused
    uint64_t allowed; // bit i: names[i]
};

struct registry_table {
    struct registry_name names[REGISTRY_NAMES_MAX];
    struct registry_holder holders[REGISTRY_HOLDERS_MAX];
};

// Registers `endpoint` under the name; *old is what it replaces (0: nothing), the caller's to close. False: there is no room for
// another name, nothing changed.
[[nodiscard]] bool registry_put(struct registry_table *table, const char *name, uint64_t interface_id, handle_t endpoint,
                                handle_t *old);

// Replaces what the holder (not 0, and not one that controls) may resolve; `count` 0 forgets it. False: no room, nothing but new
// names changed.
[[nodiscard]] bool registry_permit(struct registry_table *table, uint64_t holder, const char (*names)[NAME_BYTES],
                                   size_t count);

// What stands behind the name for this badge (control: everything); *out is set for `found` and `wrongInterface`. A name that is
// allowed but not registered is `noSuchName`; one that is not allowed is `notAllowed` whether it exists or not.
enum registry_outcome registry_look_up(const struct registry_table *table, uint64_t badge, const char *name,
                                       uint64_t interface_id, const struct registry_name **out);

// Registered names that this badge may resolve, sorted, from number `first` on; at most `max` go into `out`. Returns how many
// there are in all.
size_t registry_list_names(const struct registry_table *table, uint64_t badge, size_t first,
                           const struct registry_name *out[], size_t max, size_t *count);
