// The zones that a boot package has: a message (ZoneFiles of idl/time.capnp) that ports/tzdata makes.
#pragma once

#include "idl/time.capnp.h"
#include "lib/time/zone.h"

struct zones {
    struct capnp_segment segment;
    struct capnp_message message;
    struct time_zone_files files;
    uint32_t count;
};

// Reads a message of one segment in canonical form, in a frame, and perhaps zeros behind it: 8-byte aligned, kept as long as *out, which
// stays where it is. False: it is none.
[[nodiscard]] bool zones_open(const void *bytes, size_t len_bytes, struct zones *out);

struct capnp_text zones_name(const struct zones *zones, uint32_t index);

// The first whose name is not below `prefix`.
uint32_t zones_first(const struct zones *zones, struct capnp_text prefix);

// Opens the zone of this name; "UTC" there is always. False: there is none, or its file is no good.
[[nodiscard]] bool zones_find(const struct zones *zones, struct capnp_text name, struct zone *out);
