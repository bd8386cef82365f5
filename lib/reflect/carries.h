// Which capabilities a struct of parameters or results can have in it: in a field, a group, a list or a struct inside.
#pragma once

#include "lib/reflect/reflect.h"

constexpr uint64_t REFLECT_ANYTHING = 0; // in place of an interface

// Says of each field for capabilities of which interface they are, some perhaps more than once; REFLECT_ANYTHING also of what this program
// does not know well enough. null: no results, so nothing.
typedef void reflect_carried_fn(void *context, uint64_t interface_id);
void reflect_carried(const struct capnp_schema *schema, reflect_carried_fn *each, void *context);
