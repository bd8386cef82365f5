// What the shell can call by name: what it was granted, and what the registry has for it.
#pragma once

#include "abi/bootstrap.h"
#include "abi/types.h"
#include "lib/badge/badge.h"
#include "lib/reflect/reflect.h"

struct target {
    char name[NAME_BYTES]; // as it was granted, or registered
    const struct capnp_schema *interface;
    handle_t handle; // 0: not before target_open
    bool owned;
};

typedef void target_fn(void *context, const struct target *target);

// Calls the function for each.
void each_target(target_fn *function, void *context);

// The one of this name; or, of a service's name, the first of what it provides that can be called. False: none.
bool target_find(const char *name, struct target *out);

// Gets the handle, if there is none yet.
status_t target_open(struct target *target);
void target_close(struct target *target);

// Whether what was granted may be passed where an interface is wanted (null: any): what is not known to be another one may.
bool cap_may_be(const struct bootstrap_cap *cap, const struct capnp_schema *wanted);

// Number `index` of the interfaces that extend this one: a handle may be one of those, which only its service knows.
// nullptr behind the last.
const struct capnp_schema *interface_extension(const struct capnp_schema *interface, uint32_t index);

// A method of the interface, of one that it extends, or of one that extends it.
bool interface_find_method(const struct capnp_schema *interface, struct capnp_text name, struct reflect_method *out);
