// resource: the root authority over the machine. There is one object of it; init gets the first handle.
#pragma once

#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

struct resource {
    struct object object;
};

extern struct slab_cache resource_cache;
bool resource_destroy_step(struct object *object);

// NO_MEMORY. The caller gets one reference.
status_t resource_create(struct account *account, struct object **out);
