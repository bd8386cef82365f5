// Parts of the manifest reader that see each other. Internal to lib/manifest.
#pragma once

#include "lib/manifest/manifest.h"

constexpr uint32_t CHECK_NO_INDEX = UINT32_MAX;

// What is being looked at, from the outside in; what is not yet known is null, or has no index. At most one of grant, resolve,
// rule and operation has one.
struct check {
    const struct manifest *manifest;
    struct manifest_error *error;
    const struct manifest_unit *unit;
    uint32_t grant;     // of the unit
    uint32_t resolve;   // of the unit
    uint32_t rule;
    uint32_t operation;
    const char *member; // of the grant, the unit or the system
    uint32_t index;     // in that member
};

// Names what the next check is about.
struct check *check_at(struct check *check, const char *member, uint32_t index);

// Fills in the error, and is false, to be returned.
[[gnu::format(printf, 2, 3)]] bool check_fail(struct check *check, const char *format, ...);

// A name: a lower-case letter, then lower-case letters, digits, `-` and `_`.
bool check_name(struct check *check, struct capnp_text text, const char *what);

// Memory in KiB: whole pages, from `min` to `max` bytes.
bool check_kib(struct check *check, uint64_t kib, uint64_t min, uint64_t max);

// That some service provides this.
bool check_provided(struct check *check, const char *name);

// One grant, apart from what else is granted.
bool check_grant(struct check *check, struct manifest_grant grant);

// The whole manifest. What it cannot be read without is checked already.
bool check_system(struct check *check);

// What units may find by name, what rules there are about it, and which operations. The units and their grants are checked already.
bool check_authority(struct check *check);

// The modes and times of a service.
bool check_supervision(struct check *check, const struct manifest_unit *unit);

// What follows from services that need each other: none waits for itself, and each runs where those do that need it.
bool check_dependencies(struct check *check);

// Whether a service provides this.
bool unit_provides(const struct manifest_unit *unit, const char *name);
