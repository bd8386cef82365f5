// The schema that generated code brings along, for tools that decode and call by name.
#pragma once

#include <stdint.h>

// One struct, group, enum or interface. `words` is a message of one segment in canonical form whose root is the type's
// `Node` (/capnp/schema.capnp): capnp_constant(schema->words).
struct capnp_schema {
    uint64_t id;
    const char *name; // for people: "log.capnp:Record"
    const uint64_t *words;
    uint32_t word_count;
    const struct capnp_schema *const *needs; // the types that this one refers to, then nullptr; nullptr: none
};
