// Whether a struct of parameters or results can have capabilities in it: in a field, a group, a list or a struct inside.
#pragma once

#include "lib/reflect/reflect.h"

// Also true of what this program does not know well enough to say no. null: no results, so false.
bool reflect_carries(const struct capnp_schema *schema);
