// Whole objects from one message into another, or to another place of the same: with everything in them, also what
// this program's schema does not know (spec: copying needs no schema). Capabilities are copied, not moved. What is
// malformed in the source becomes null, and both messages keep the error. A value must not hold the place that it is
// copied to (it would grow while it is copied, until a limit or the memory ends it).
// As deep as pointers are nested, at most CAPNP_NESTING unless the source's limit was changed, these functions call
// themselves: some 20 KiB of stack at worst.
#pragma once

#include "lib/capnp/build.h"

void capnp_set_pointer(struct capnp_pointer_builder p, struct capnp_pointer value);
void capnp_set_struct(struct capnp_pointer_builder p, struct capnp_struct value);
void capnp_set_list(struct capnp_pointer_builder p, struct capnp_list value);

// The form in which things are copied by canonical.c: what can be left out is. A capability is refused (NOT_CANONICAL).
void capnp_copy_canonical(struct capnp_pointer_builder p, struct capnp_struct value);
