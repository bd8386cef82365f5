// The schemas of all contracts, for tools that describe and call by name (lib/reflect). The table is generated from the list of
// contracts in idl/meson.build.
#pragma once

#include "lib/capnp/schema.h"

// For each contract all its types, then nullptr; and a nullptr behind the last.
extern const struct capnp_schema *const *const idl_schemas[];

// A type of any contract; nullptr when there is none of this id.
const struct capnp_schema *idl_schema_by_id(uint64_t id);

// The interface of this name among those of idl/interfaces.h: "log". nullptr when there is none.
const struct capnp_schema *idl_schema_by_name(const char *name);
