// inspector: the right to look at the whole system. It changes nothing and grants nothing.
#pragma once

#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

struct inspector {
    struct object object;
};

extern struct slab_cache inspector_cache;
bool inspector_destroy_step(struct object *object);

// NO_MEMORY. The caller gets one reference.
status_t inspector_create(struct account *account, struct object **out);

// Facts of the boot that inspector.system reports, in bytes. Once, at boot.
void inspector_set_memory(uint64_t ram, uint64_t kernel_image, uint64_t package);
