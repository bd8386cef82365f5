// What a generated copier (copier.py) defines.
#pragma once

#include "lib/capnp/build.h"

void copy_message(struct capnp_message *from, struct capnp_builder *to);
uint64_t root_type_id(void);
